"""Curves and medians against lifelines, Wilson's interval against scipy: other people's code, other people's arithmetic."""

from __future__ import annotations

import math
import warnings
from datetime import timedelta
from random import Random
from typing import Any

import duckdb
import pytest

from tests.sql import made_up
from tests.sql.harness import built, records
from tests.sql.test_statistics import COUNTS, shipped_intervals

TABLES = ("marts.conversion_curve", "marts.conversion", "marts.open_time_in_stage")
FATES = {"open": 0, "sal": 1, "sql": 2, "lost": 2}
"""What ended the wait at MQL for SAL, and its number: 0 censored, 1 converted, 2 a competing event."""
DAY = 86_400
Waits = dict[str, list[tuple[int, str]]]


def waits_without_ties() -> Waits:
    """Per lead source some waits in seconds, no two with the same completed days, and how each ended.

    None ends on day 0: lifelines counts no event at a duration of 0.
    """
    random = Random(11)
    found: Waits = {}
    for number, size in enumerate((2, 3, 5, 8, 13, 40, 90)):
        seconds = [day * DAY + random.randrange(DAY) for day in random.sample(range(1, 120), size)]
        found[f"source {number}"] = [(each, random.choice(("open", "sal", "sal", "sql", "lost"))) for each in seconds]
    found["all convert"] = [(90_000, "sal"), (200_000, "sal"), (300_000, "sal")]
    found["nobody converts"] = [(90_000, "lost"), (200_000, "open"), (300_000, "lost")]
    return found


def odd_waits() -> Waits:
    """Waits where a formula divides by nobody."""
    return {
        "one converted": [(3_600, "sal")],
        "one lost": [(3_600, "lost")],
        "one open": [(3_600, "open")],
        "all open": [(3_600, "open"), (7_200, "open")],
        "all at once": [(86_400, "sal"), (86_400, "sal"), (86_400, "lost")],
        "all convert at once": [(86_400, "sal"), (86_400, "sal")],
        "same instant as A": [(0, "sal"), (0, "sal"), (50, "open")],
        "event and as-of at once": [(86_400, "open"), (86_400, "sal")],
        "around the windows": [
            (DAY * 6 + 1, "sal"),
            (DAY * 7, "sal"),
            (DAY * 7 + 1, "sal"),
            (DAY * 30 + 3_600, "sal"),
            (DAY * 40, "lost"),
        ],
        "three years": [(86_400 * 1_100, "sal"), (86_400 * 2, "lost"), (86_400 * 3, "sal")],
    }


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """A database in which the cycles of each source wait at MQL exactly so long."""
    as_of = made_up.AS_OF.replace(tzinfo=None)
    entries: list[dict[str, Any]] = []
    leads: list[dict[str, Any]] = []
    for source, waits in (waits_without_ties() | odd_waits()).items():
        for seconds, fate in waits:
            lead_id = f"L{len(leads):04}"
            leads.append(
                {"input": "l", "load_no": 2, "row_number": len(leads), "lead_id": lead_id, "lead_source": source}
            )
            start = as_of - timedelta(seconds=seconds + (0 if fate == "open" else 7_000))
            moves = [("mql", start), *([] if fate == "open" else [(fate, start + timedelta(seconds=seconds))])]
            for stage, moment in moves:
                where = {"input": "crm", "load_no": 1, "row_number": len(entries)}
                entries.append(where | {"lead_id": lead_id, "stage": stage, "entered_at": moment})
    waterfall = made_up.waterfall(tmp_path_factory.mktemp("short"), dimensions=("lead_source",), windows=(7, 30))
    return built(waterfall, made_up.AS_OF, {"stage_entries": entries, "leads": leads}, tables=TABLES)


def curve(connection: duckdb.DuckDBPyConnection, source: str, unit: str = "cycle") -> list[dict[str, Any]]:
    """The rows of one source's curve from MQL to SAL."""
    return records(
        connection,
        "select day, at_risk, converted_share, low, high, lost_share from marts.conversion_curve"
        f" where unit = '{unit}' and dimension_value = '{source}' and from_stage = 'mql' and to_stage = 'sal'"
        " order by day",
    )


@pytest.mark.parametrize("source", waits_without_ties())
def test_the_curve_is_that_of_lifelines(curves: duckdb.DuckDBPyConnection, source: str) -> None:
    """Share, both bounds of its interval and the share lost are Aalen and Johansen's as lifelines has them, to 1e-9."""
    from lifelines import AalenJohansenFitter

    waits = waits_without_ties()[source]
    days, fates = [seconds // DAY for seconds, _ in waits], [FATES[fate] for _, fate in waits]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = {}
        for event in (1, 2):
            fitter = AalenJohansenFitter()
            fitter.fit(days, fates, event_of_interest=event)
            bounds = fitter.confidence_interval_
            theirs[event] = [
                (float(moment), float(share), float(low), float(high))
                for (moment, share), low, high in zip(
                    fitter.cumulative_density_.iloc[:, 0].items(),
                    bounds.filter(like="lower").iloc[:, 0],
                    bounds.filter(like="upper").iloc[:, 0],
                    strict=True,
                )
            ]
    rows = curve(curves, source)
    assert max(days) + 1 == len(rows)
    for row in rows:
        now, lost = ([each for each in theirs[event] if each[0] <= row["day"]][-1] for event in (1, 2))
        assert math.isclose(now[1], row["converted_share"], abs_tol=1e-9)
        assert math.isclose(lost[1], row["lost_share"], abs_tol=1e-9)
        if 1e-12 < now[1] < 1 - 1e-12:
            # lifelines names the larger bound "lower": it subtracts on a scale that turns the order round.
            low, high = sorted(now[2:])
            assert math.isclose(low, row["low"], abs_tol=1e-9)
            assert math.isclose(high, row["high"], abs_tol=1e-9)
        else:
            assert (None, None) == (row["low"], row["high"])


@pytest.mark.parametrize("source", odd_waits())
@pytest.mark.parametrize("unit", ["cycle", "lead"])
def test_the_curve_is_a_number_where_formulas_divide_by_nobody(
    curves: duckdb.DuckDBPyConnection, source: str, unit: str
) -> None:
    """One unit, all open, all at one instant, or three years: no NaN, no infinity, and the end is the share by hand."""
    waits = odd_waits()[source]
    rows = curve(curves, source, unit)
    assert all(value is None or math.isfinite(value) for row in rows for value in row.values())
    last_day = min(max(seconds for seconds, _ in waits) // DAY, 730)
    assert list(range(last_day + 1)) == [row["day"] for row in rows]
    assert len(waits) == rows[0]["at_risk"]
    ended = [fate for seconds, fate in waits if fate != "open" and seconds // DAY <= last_day]
    assert math.isclose(ended.count("sal") / len(waits), rows[-1]["converted_share"], abs_tol=1e-15)
    assert math.isclose(ended.count("lost") / len(waits), rows[-1]["lost_share"], abs_tol=1e-15)


def test_without_open_units_the_curve_is_the_rate_within_a_window(curves: duckdb.DuckDBPyConnection) -> None:
    """Within W days is between W − 1 and W completed days, and W for waits of whole days."""
    rows = records(
        curves,
        """
        select conversion.rate, before.converted_share as day_before, curve.converted_share as last_day
        from marts.conversion as conversion
        inner join marts.conversion_curve as curve
            on curve.unit = conversion.unit
            and curve.dimension = conversion.dimension
            and curve.dimension_value = conversion.dimension_value
            and curve.from_stage = conversion.from_stage
            and curve.to_stage = conversion.to_stage
            and curve.day = conversion.window_days
        inner join marts.conversion_curve as before
            on before.unit = curve.unit
            and before.dimension_value = curve.dimension_value
            and before.from_stage = curve.from_stage
            and before.to_stage = curve.to_stage
            and before.day = curve.day - 1
        where conversion.grain = 'all'
            and conversion.unit = 'cycle'
            and conversion.from_stage = 'mql'
            and conversion.to_stage = 'sal'
            and conversion.dimension_value in ('around the windows', 'three years')
        order by conversion.dimension_value, conversion.window_days
        """,
    )
    found = [tuple(round(row[name], 9) for name in ("day_before", "rate", "last_day")) for row in rows]
    third = round(1 / 3, 9)
    assert [(0.2, 0.4, 0.6), (0.6, 0.6, 0.8), (third, third, third), (third, third, third)] == found


@pytest.mark.parametrize("source", waits_without_ties())
def test_the_censored_median_is_that_of_lifelines(curves: duckdb.DuckDBPyConnection, source: str) -> None:
    """The median stay at MQL is lifelines' Kaplan-Meier median, open stays censored, to 1e-9; null where theirs is endless."""
    from lifelines import KaplanMeierFitter

    waits = waits_without_ties()[source]
    fitter = KaplanMeierFitter()
    fitter.fit([seconds for seconds, _ in waits], [fate != "open" for _, fate in waits])
    (row,) = records(
        curves,
        "select censored_median_days from marts.open_time_in_stage"
        f" where dimension_value = '{source}' and stage = 'mql'",
    )
    theirs = float(fitter.median_survival_time_)
    if math.isinf(theirs):
        assert row["censored_median_days"] is None
    else:
        assert math.isclose(theirs / 86_400, row["censored_median_days"], rel_tol=1e-9)


@pytest.mark.parametrize(("converted", "entered"), COUNTS)
def test_wilson_is_that_of_scipy(converted: int, entered: int) -> None:
    """The shipped expression gives scipy's interval to 1e-9, from one unit to two billion: nothing overflows."""
    from scipy.stats import binomtest

    theirs = binomtest(converted, entered).proportion_ci(method="wilson")
    (row,) = shipped_intervals([(converted, entered)])
    assert math.isclose(theirs.low, row["rate_low"], abs_tol=1e-9)
    assert math.isclose(theirs.high, row["rate_high"], abs_tol=1e-9)
