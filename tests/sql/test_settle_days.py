"""marts.settle_days and what rests on it, on histories large enough for a curve: exact fractions give the same days (K5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import oracle
import pytest
from oracle import case_files
from oracle.settling import rest, rounded

from pipeline.waterfall.definition import Waterfall
from tests.sql import made_up
from tests.sql.harness import built, records
from tests.sql.test_oracle_agrees import difference

TABLES = ("marts.settle_days", "marts.conversion", "marts.headline_conversion", "marts.conversion_by_route")
AS_OF = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def waterfall(tmp_path: Path) -> Waterfall:
    """The waterfall of the worked cases."""
    return replace(made_up.waterfall(tmp_path, windows=(30,)), unit="lead")


def history(seed: int, leads: int, usual_days: float) -> oracle.History:
    """Leads that become MQL over 200 days; two of three are accepted, after days around `usual_days`; some are lost or deleted."""
    random = Random(seed)
    entries: list[tuple[str, str, datetime]] = []
    for number in range(leads):
        at = AS_OF - timedelta(days=random.randrange(200), seconds=random.randrange(86_400))
        entries.append((f"L{number:03}", "mql", at))
        fate = random.random()
        later = at + timedelta(days=random.expovariate(1 / usual_days))
        if fate < 0.9:
            entries.append((f"L{number:03}", "sal" if fate < 0.66 else "lost" if fate < 0.8 else "sql", later))
    rows = tuple(
        oracle.Entry("crm", 1, number, lead_id, stage, at.replace(microsecond=0))
        for number, (lead_id, stage, at) in enumerate(entries, 1)
    )
    return oracle.History(as_of=AS_OF, entries=rows, inputs=("crm",))


@pytest.mark.parametrize(("seed", "leads", "usual_days"), [(1, 60, 2), (2, 160, 5), (3, 160, 20), (4, 240, 60)])
def test_fractions_give_the_same_days(waterfall: Waterfall, seed: int, leads: int, usual_days: float) -> None:
    """settle_days, and which months and routes are final by them, for every pair and unit."""
    past = history(seed, leads, usual_days)
    expected = oracle.numbers(waterfall, past, tables=TABLES, grains=("month", "all"))
    connection = built(
        waterfall,
        AS_OF,
        case_files.raw_rows(waterfall, past),
        inputs=("crm",),
        tables=TABLES,
        entry_columns=frozenset(),
    )
    for table in TABLES:
        columns = ", ".join(expected[table][0])
        where = "where grain in ('month', 'all')" if "grain" in expected[table][0] else ""
        actual = records(connection, f"select {columns} from {table} {where}")
        assert [] == difference(oracle.KEYS[table], expected[table], actual), table
    final = {row["is_mature"] for row in expected["marts.conversion"] if row["window_days"] is None}
    assert final == ({False} if leads == 60 else {True, False})


def test_below_fifty_conversions_nothing_is_final_without_a_window(waterfall: Waterfall) -> None:
    """49 have converted: settle_days is null; the fiftieth gives it a number."""
    day = timedelta(days=1)
    for converted, expected in ((49, None), (50, 7)):
        entries = []
        for number in range(60):
            entries.append((f"L{number:02}", "mql", AS_OF - 100 * day))
            if number < converted:
                entries.append((f"L{number:02}", "sal", AS_OF - 97 * day))
        rows = [
            {"input": "crm", "load_no": 1, "row_number": number, "lead_id": lead_id, "stage": stage,
             "entered_at": at.replace(tzinfo=None)}
            for number, (lead_id, stage, at) in enumerate(entries, 1)
        ]  # fmt: skip
        connection = built(waterfall, AS_OF, {"stage_entries": rows}, inputs=("crm",), tables=("marts.settle_days",))
        found = records(
            connection, "from marts.settle_days where unit = 'lead' and from_stage = 'mql' and to_stage = 'sal'"
        )
        assert [(expected, converted)] == [(row["settle_days"], row["converted"]) for row in found]


def test_the_curve_rests_where_nineteen_of_twenty_have_come() -> None:
    """Worked by hand: of 100 units 95 of those 100 that ever convert have done so by day 12; day 40 has nobody at risk but five."""
    ages = [(3, "converted")] * 60 + [(12, "converted")] * 35 + [(40, "converted")] * 5
    assert (12, 12) == rest(ages)
    assert (12, 40) == rest([*ages, *[(50, "open")] * 15])
    assert 14 == rounded(12)
    assert [7, 7, 14, 1095, 1460] == [rounded(days) for days in (0, 7, 8, 1095, 1096)]
