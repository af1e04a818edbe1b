"""Intervals, medians and percentiles, against their definitions in exact arithmetic."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from pipeline.transform.definition.tables import Z_95
from pipeline.transform.macros import create_formulas
from tests.sql import made_up
from tests.sql.harness import built, model, records

COUNTS = [
    (0, 1), (1, 1), (1, 2), (0, 10), (1, 10), (10, 10), (3, 7), (11585, 23171),
    (15_000, 30_000), (1, 30_000), (29_999, 30_000), (0, 30_000), (30_000, 30_000),
    (1_000_000_000, 2_000_000_000), (1, 2_000_000_000), (1_999_999_999, 2_000_000_000),
]  # fmt: skip
MADE_UP_COUNTS = """
with run as (
    select cast('2026-01-01' as timestamp) as as_of
),

settle_days as (
    select 'lead' as unit, 1 as pair_no, cast(null as integer) as settle_days
),

pairs as (
    select 1 as pair_no, 'a' as from_stage, 'b' as to_stage
),

slices as (
    select 1 as slice_no, 'all' as dimension, 'all' as dimension_value
),

windows as (
    select 1 as window_no, cast(null as integer) as window_days
),

counted as (
    select
        'lead' as unit, 'all' as grain, cast(null as date) as cohort_start, 1 as slice_no, 1 as pair_no,
        1 as window_no, entered, converted, 0 as passed_over, entered - converted as lost,
        0 as still_open, null as age_days, 0 as us_total, null as us_median, null as us_p90
    from (select unnest($1::bigint[]) as converted, unnest($2::bigint[]) as entered)
)
"""


def wilson(converted: int, entered: int) -> tuple[float, float]:
    """The two shares p at which the observed one lies exactly z standard errors off: roots of a quadratic, in 60 digits."""
    with localcontext() as context:
        context.prec = 60
        n, observed, zz = Decimal(entered), Decimal(converted) / Decimal(entered), Decimal(Z_95) ** 2
        # (observed − p)² = z² · p · (1 − p) / n
        a, b, c = 1 + zz / n, -(2 * observed + zz / n), observed * observed
        root = (b * b - 4 * a * c).sqrt()
        return float((-b - root) / (2 * a)), float((-b + root) / (2 * a))


def shipped_intervals(counts: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """The last step of marts.conversion, on made-up counts."""
    sql = model("marts.conversion").sql
    _, _, last_step = sql.rpartition("\n)\n\nselect\n")
    with duckdb.connect() as connection:
        create_formulas(connection, (sql,))
        query = f"{MADE_UP_COUNTS}\nselect\n{last_step}"
        held = connection.execute(query, [[k for k, _ in counts], [n for _, n in counts]])
        names = [column[0] for column in held.description or []]
        return [dict(zip(names, row, strict=True)) for row in held.fetchall()]


class TestWilson:
    @pytest.mark.parametrize(("converted", "entered"), COUNTS)
    def test_bounds_are_those_of_wilson(self, converted: int, entered: int) -> None:
        """From one unit to two billion, both bounds are Wilson's to twelve digits, and exactly 0 and 1 at the ends (K4)."""
        (row,) = shipped_intervals([(converted, entered)])
        low, high = wilson(converted, entered)
        assert converted / entered == row["rate"]
        assert math.isclose(low, row["rate_low"], rel_tol=0, abs_tol=1e-12)
        assert math.isclose(high, row["rate_high"], rel_tol=0, abs_tol=1e-12)
        assert (converted == 0, converted == entered) == (row["rate_low"] == 0, row["rate_high"] == 1)

    def test_known_values(self) -> None:
        """The interval of 1 in 10 is the one printed in the literature (Newcombe 1998): 0.0179 to 0.4042."""
        (row,) = shipped_intervals([(1, 10)])
        assert (0.0179, 0.4042) == (round(row["rate_low"], 4), round(row["rate_high"], 4))

    def test_the_published_table_has_them(self, tmp_path: Path) -> None:
        """Every row of the built table carries the interval of its own two counts."""
        rows = made_up.history(120, seed=4)
        connection = built(made_up.waterfall(tmp_path), made_up.AS_OF, rows, tables=("marts.conversion",))
        rows = records(connection, "select distinct converted, entered, rate_low, rate_high from marts.conversion")
        wrong = [
            row
            for row in rows
            if not all(
                math.isclose(bound, row[name], rel_tol=0, abs_tol=1e-12)
                for bound, name in zip(wilson(row["converted"], row["entered"]), ("rate_low", "rate_high"), strict=True)
            )
        ]
        assert ([], True) == (wrong, len(rows) > 20)


# ---- durations

SOURCES = 40
DURATIONS = ("marts.open_time_in_stage", "marts.time_in_stage", "marts.conversion")


def stays_by_source() -> dict[str, list[tuple[int, bool]]]:
    """Per lead source some stays at MQL: whole hours, and whether the lead has left. Many ties, none of them odd."""
    random = Random(5)
    found = {
        f"source {number:02}": [
            (random.choice((1, 2, 3, 5, 8, 13, 24, 100, 500)), random.random() < 0.6)
            for _ in range(random.randint(1, 12))
        ]
        for number in range(SOURCES)
    }
    found["half left"] = [(4, True), (4, True), (10, True), (20, False)]
    found["half left of ten"] = [(hours, True) for hours in (1, 2, 3, 4, 5)] + [(9, False)] * 5
    found["left when another was counted last"] = [(4, True), (4, False)]
    found["most wait"] = [(4, True), (10, False), (20, False)]
    found["nobody left"] = [(4, False)]
    return found


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """A database in which leads of each source have exactly these stays at MQL."""
    as_of = made_up.AS_OF.replace(tzinfo=None)
    entries: list[dict[str, Any]] = []
    leads: list[dict[str, Any]] = []
    for source, stays in stays_by_source().items():
        for hours, has_left in stays:
            lead_id = f"L{len(leads):04}"
            leads.append(
                {"input": "l", "load_no": 2, "row_number": len(leads), "lead_id": lead_id, "lead_source": source}
            )
            start = as_of - timedelta(hours=hours) - (timedelta(hours=7) if has_left else timedelta(0))
            moves = [("mql", start), *([("sal", start + timedelta(hours=hours))] if has_left else [])]
            for stage, moment in moves:
                where = {"input": "crm", "load_no": 1, "row_number": len(entries)}
                entries.append(where | {"lead_id": lead_id, "stage": stage, "entered_at": moment})
    waterfall = made_up.waterfall(tmp_path_factory.mktemp("short"), dimensions=("lead_source",))
    return built(waterfall, made_up.AS_OF, {"stage_entries": entries, "leads": leads}, tables=DURATIONS)


def percentile(values: list[int], share: Fraction) -> float | None:
    """Days on the straight line between the two hours that stand at `share` of the way through the sorted values."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = ordered[math.floor(place)]
    above = ordered[math.ceil(place)]
    return float((below + (above - below) * (place - math.floor(place))) / 24)


def kaplan_meier_median(stays: list[tuple[int, bool]]) -> float | None:
    """The first length in days at which at most half are still there, in fractions; None if it is never reached."""
    share_left = Fraction(1)
    for length in sorted({hours for hours, _ in stays}):
        at_risk = sum(hours >= length for hours, _ in stays)
        leaving = sum(hours == length and has_left for hours, has_left in stays)
        share_left *= 1 - Fraction(leaving, at_risk)
        if share_left <= Fraction(1, 2):
            return length / 24
    return None


def close(expected: list[float | None], actual: list[float | None]) -> bool:
    """Equal to fifteen digits, nulls in the same places."""
    return all(
        (one is None) == (two is None) and (one is None or two is None or math.isclose(one, two, rel_tol=1e-15))
        for one, two in zip(expected, actual, strict=True)
    )


@pytest.mark.parametrize("source", stays_by_source())
def test_censored_median_is_kaplan_meiers(measured: duckdb.DuckDBPyConnection, source: str) -> None:
    """Open stays count as lasting at least until as-of: the median is the first length with at most half still there (T2)."""
    rows = records(
        measured,
        "select still_open, median_age_days, p90_age_days, censored_median_days from marts.open_time_in_stage"
        f" where dimension_value = '{source}' and stage = 'mql'",
    )
    stays = stays_by_source()[source]
    ages = [hours for hours, has_left in stays if not has_left]
    expected = [
        float(len(ages)),
        percentile(ages, Fraction(1, 2)),
        percentile(ages, Fraction(9, 10)),
        kaplan_meier_median(stays),
    ]
    assert [True] == [close(expected, list(row.values())) for row in rows]


@pytest.mark.parametrize("source", stays_by_source())
def test_quantiles_interpolate_linearly(measured: duckdb.DuckDBPyConnection, source: str) -> None:
    """Count, mean, median and p90 of time in stage and of time to convert are those of the sorted list, by hand."""
    lengths = [hours for hours, has_left in stays_by_source()[source] if has_left]
    columns = "mean_days, median_days, p90_days"
    rows = records(
        measured,
        f"select completed, {columns} from marts.time_in_stage"
        f" where grain = 'all' and dimension_value = '{source}' and stage = 'mql' and next_stage = 'sal'"
        f" union all select converted, {columns} from marts.conversion where unit = 'cycle' and grain = 'all'"
        f" and dimension_value = '{source}' and from_stage = 'mql' and to_stage = 'sal' and window_days is null"
        " and converted > 0",
    )
    expected = [
        float(len(lengths)),
        float(Fraction(sum(lengths), 24 * len(lengths))) if lengths else None,
        percentile(lengths, Fraction(1, 2)),
        percentile(lengths, Fraction(9, 10)),
    ]
    assert [True] * (2 if lengths else 0) == [close(expected, list(row.values())) for row in rows]
