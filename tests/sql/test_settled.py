"""The settled estimate (K6) where there is enough history for it to mean something, its past, and its arithmetic."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import fmean, stdev
from typing import Any

import duckdb
import oracle
import pytest
from oracle import case_files, settled
from oracle.curve import Wait, steps_of
from oracle.cuts import Dimensions
from oracle.journey import travel
from oracle.settling import by_unit_and_pair, settle_days

from tests.sql import made_up
from tests.sql.harness import built, checked, model, records
from tests.sql.test_oracle_agrees import difference
from tests.sql.test_statistics import wilson

ESTIMATES = ("marts.settled_estimates", "report.settled_record")
TABLES = ("marts.settled_estimates", "quality.settled_backtest")
END_OF_AUGUST = datetime(2025, 9, 1, 3, 59, 59, tzinfo=UTC)  # on the clock of New York
NOW = "select * exclude (as_of_no, as_of_at, as_of_date, converted_by_now, open_by_now, is_final_now) from marts.settled_estimates"


def waterfall(folder: Path, zone: str = "America/New_York") -> made_up.Waterfall:
    """That of the worked cases on another clock."""
    return replace(made_up.waterfall(folder, windows=()), timezone=zone)


def history(leads: int, seed: int) -> made_up.Rows:
    """Made-up leads, each lost thirty days after its last move, but every fiftieth left to wait for ever."""
    rows = made_up.history(leads, seed)
    last = {row["lead_id"]: row for row in sorted(rows["stage_entries"], key=lambda row: row["entered_at"])}
    ends = [
        {**row, "stage": "lost", "entered_at": row["entered_at"] + timedelta(days=30), "row_number": 100_000 + number}
        for number, row in enumerate(last.values())
        if number % 50
    ]
    return {**rows, "stage_entries": [*rows["stage_entries"], *ends]}


def until(as_of: datetime, rows: made_up.Rows) -> made_up.Rows:
    """The history as it was then."""
    known = [row for row in rows["stage_entries"] if row["entered_at"] <= as_of.replace(tzinfo=None)]
    return {**rows, "stage_entries": known}


def as_history(rows: made_up.Rows, as_of: datetime) -> oracle.History:
    """Made-up rows as the oracle takes them."""
    entries = tuple(
        oracle.Entry(
            **{name: row[name] for name in ("input", "load_no", "row_number", "lead_id", "stage", "owner")},
            entered_at=row["entered_at"].replace(tzinfo=UTC),
        )
        for row in rows["stage_entries"]
    )
    return oracle.History(as_of, entries, ("crm",), frozenset({"owner"}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settled")


@pytest.fixture(scope="module")
def whole(folder: Path) -> duckdb.DuckDBPyConnection:
    """A year of four hundred leads, to its end."""
    return built(waterfall(folder), made_up.AS_OF, history(400, seed=3), tables=(*TABLES, "report.settled_record"))


@pytest.mark.parametrize(("seed", "zone"), [(1, "America/New_York"), (2, "Asia/Kolkata"), (3, "UTC")])
def test_loops_give_the_same(folder: Path, seed: int, zone: str) -> None:
    """A year of two hundred leads has estimates and a past by the hundred, and the oracle has the same."""
    definition = waterfall(folder, zone)
    given = as_history(history(200, seed), made_up.AS_OF)
    journey = travel(definition, given)
    dimensions = Dimensions(definition, given, journey)
    settling = by_unit_and_pair(settle_days(definition, journey, dimensions, given.as_of))
    estimates = settled.settled_estimates(definition, journey, dimensions, given.as_of, settling)
    expected = dict(zip(TABLES, (estimates, settled.settled_backtest(estimates)), strict=True))
    connection = built(definition, given.as_of, case_files.raw_rows(definition, given), inputs=("crm",), tables=TABLES)
    actual = {table: records(connection, f"from {table}") for table in TABLES}
    assert {table: [] for table in TABLES} == {
        table: difference(oracle.KEYS[table], rows, [{name: row[name] for name in rows[0]} for row in actual[table]])
        for table, rows in expected.items()
    }
    assert [] == [outcome for outcome in checked(connection) if not outcome.holds]
    interesting = [row for row in estimates if row["estimate"] and row["converted"] / row["entered"] < row["estimate"]]
    assert (True, True) == (len(interesting) > 40, len(expected["quality.settled_backtest"]) > 10)


def test_the_past_is_what_a_run_of_then_would_have_said(folder: Path, whole: duckdb.DuckDBPyConnection) -> None:
    """The estimates for the end of August are those of a run pinned to it that never saw September."""
    then = built(waterfall(folder), END_OF_AUGUST, until(END_OF_AUGUST, history(400, seed=3)), tables=ESTIMATES)
    order = "order by from_stage, to_stage, cohort_start nulls first"
    expected = records(then, f"{NOW} where as_of_no = 0 {order}")
    actual = records(whole, f"{NOW} where as_of_date = date '2025-08-31' {order}")
    assert len(expected) > 5
    assert expected == actual


def test_an_estimate_lies_between_what_is_known_and_what_is_possible(whole: duckdb.DuckDBPyConnection) -> None:
    """So does its interval, in whole cycles."""
    rows = records(whole, "from marts.settled_estimates where estimate is not null")
    bounds = [
        (
            row["converted"],
            *(row[name] * row["entered"] for name in ("low", "estimate", "high")),
            row["converted"] + row["still_open"],
        )
        for row in rows
    ]
    tight = 1e-9
    assert len(rows) > 100
    assert [] == [each for each in bounds if any(a > b + tight for a, b in pairwise(each))]
    assert [] == [each for each in bounds for bound in (each[1], each[3]) if abs(bound - round(bound)) > tight]


def test_the_total_adds_the_cohorts(whole: duckdb.DuckDBPyConnection) -> None:
    """The headline's estimate is the sum of the months', settled ones with what they are; never a mean of rates."""
    rows = records(
        whole,
        """
        select grain, sum(estimate * entered - converted) as to_come, sum(still_open) as still_open
        from marts.settled_estimates where as_of_no = 4 and from_stage = 'mql' and to_stage = 'sal' group by grain
        """,
    )
    by_grain = {row["grain"]: row for row in rows}
    assert by_grain["all"]["to_come"] > 2
    assert math.isclose(by_grain["month"]["to_come"], by_grain["all"]["to_come"], rel_tol=1e-9)
    assert by_grain["month"]["still_open"] == by_grain["all"]["still_open"] > 0


def test_what_is_settled_needs_no_estimate(folder: Path) -> None:
    """Nobody open, no row; and nobody who ever converted, no estimate."""
    day = datetime(2025, 6, 2, 9)
    moves = [("A", "mql", 0), ("A", "sal", 1), ("A", "lost", 2), ("B", "mql", 0), ("B", "lost", 2)]
    settled_now = built(waterfall(folder), made_up.AS_OF, {"stage_entries": entries(day, moves)}, tables=ESTIMATES)
    waiting = built(waterfall(folder), made_up.AS_OF, {"stage_entries": entries(day, moves[3:4])}, tables=ESTIMATES)
    assert [] == records(settled_now, "from marts.settled_estimates where as_of_no = 0")
    pair = "where as_of_no = 0 and grain = 'month' and to_stage = 'sal'"
    (row,) = records(waiting, f"from marts.settled_estimates {pair}")
    assert (1, 1, None, None, None) == tuple(row[name] for name in ("entered", "still_open", "estimate", "low", "high"))
    record = "select estimates, held_share, is_too_narrow from report.settled_record where headline_no = 1"
    assert [{"estimates": 0, "held_share": None, "is_too_narrow": None}] == records(waiting, record)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", datetime(2023, 9, 30, 23, 59, 59)),
        ("Asia/Kathmandu", datetime(2023, 9, 30, 18, 14, 59)),
        # On 1 October 2023 the clock of Asunción had no midnight: from 23:59:59 it went to one.
        ("America/Asuncion", datetime(2023, 10, 1, 3, 59, 59)),
    ],
)
def test_a_month_ends_with_its_last_second(folder: Path, zone: str, expected: datetime) -> None:
    """On the clock of the waterfall, also where midnight does not exist."""
    rows = {"stage_entries": entries(datetime(2023, 9, 5, 9), [("A", "mql", 0)])}
    connection = built(waterfall(folder, zone), datetime(2023, 10, 20, tzinfo=UTC), rows, tables=ESTIMATES)
    found = records(connection, "select distinct as_of_at, as_of_date from marts.settled_estimates where as_of_no = 1")
    assert [{"as_of_at": expected, "as_of_date": date(2023, 9, 30)}] == found


def test_no_more_than_twelve_ends_of_a_month(folder: Path) -> None:
    """The past has a floor, so a long history costs no more runs of it."""
    rows = {"stage_entries": entries(datetime(2020, 1, 5, 9), [("A", "mql", 0)])}
    connection = built(waterfall(folder), made_up.AS_OF, rows, tables=ESTIMATES)
    found = records(
        connection, "select count(distinct as_of_no) as n, min(as_of_date) as d from marts.settled_estimates"
    )
    assert [{"n": 13, "d": date(2024, 12, 31)}] == found


def entries(start: datetime, moves: list[tuple[str, str, int]]) -> list[dict[str, Any]]:
    """(lead, stage, days after start) as rows."""
    return [
        {
            "input": "crm", "load_no": 1, "row_number": number, "lead_id": lead, "stage": stage,
            "entered_at": start + timedelta(days=days),
        }
        for number, (lead, stage, days) in enumerate(moves, 1)
    ]  # fmt: skip


def drawn(random: Random, units: int) -> list[Wait]:
    """Units with three exponential clocks, in days: to convert (mean 10), to be lost (mean 20), to be looked at (to 30)."""
    waits = []
    for _ in range(units):
        clocks = [
            (random.expovariate(1 / 10), "converted"),
            (random.expovariate(1 / 20), "lost"),
            (random.random() * 30, "open"),
        ]
        days, fate = min(clocks)
        waits.append(Wait(None, timedelta(days=days), fate))  # type: ignore[arg-type]
    return waits


def test_the_error_of_a_chance_is_that_of_repetition() -> None:
    """Over 300 invented companies the chance of who waited five days varies as much as its standard error says."""
    random = Random(5)
    chances = [settled.chance_after(timedelta(days=5), steps_of(drawn(random, 100))) for _ in range(300)]
    assert math.isclose(fmean(each.error for each in chances), stdev(each.value for each in chances), rel_tol=0.1)
    # Two of three clocks that ring first are to convert; a few past day 30 are not seen to.
    assert math.isclose(fmean(each.value for each in chances), 2 / 3, abs_tol=0.05)


def test_an_interval_holds_about_as_often_as_it_says() -> None:
    """Where cohorts are alike: of 300 cohorts of twenty open for two days the 95 % interval holds at least 93 %, not all."""
    random = Random(6)
    held = 0
    for _ in range(300):
        steps = steps_of(drawn(random, 80))
        still_open = settled.Known(
            Wait(None, timedelta(days=2), "open"), Wait(None, timedelta(), "open"), date(2026, 1, 1)
        )  # type: ignore[arg-type]
        row = settled.measures([still_open] * 20, steps)
        came = sum(random.random() < 2 / 3 for _ in range(20))
        held += row["low"] <= came / 20 <= row["high"]
    assert (True, True) == (held / 300 >= 0.93, held < 300)


def test_the_record_counts_the_past(whole: duckdb.DuckDBPyConnection) -> None:
    """Held, fewer and more, by pair, with Wilson's interval; too narrow when even its upper bound is below 95 %."""
    past = records(whole, "from quality.settled_backtest")
    found = records(whole, "from report.settled_record order by headline_no")
    assert 2 == len(found)
    for row in found:
        own = [each for each in past if each["headline_no"] == row["headline_no"]]
        held = sum(each["low"] <= each["came"] <= each["high"] for each in own)
        low, high = wilson(held, len(own))
        below = sum(each["came"] < each["low"] for each in own)
        assert (len(own), held, below) == (row["estimates"], row["held"], row["below"])
        assert math.isclose(low, row["held_low"])
        assert math.isclose(high, row["held_high"])
        assert math.isclose(fmean(each["came"] - each["estimate"] for each in own), row["mean_miss"], abs_tol=1e-9)


def test_too_narrow_is_more_than_bad_luck(whole: duckdb.DuckDBPyConnection) -> None:
    """16 of 18 may be chance, their interval reaches 95 %; 15 of 18 are too few."""
    sql = model("report.settled_record").sql
    found = []
    for missed in (2, 3):
        whole.execute("begin")
        whole.execute("delete from quality.settled_backtest")
        whole.execute(
            "insert into quality.settled_backtest by name select 1 as headline_no, 'mql' as from_stage, 'sal' as to_stage,"
            f" date '2025-01-31' as as_of_date, 0 as estimate, 0 as low, 0 as high, i >= {missed} as is_inside,"
            f" if(i < {missed}, 0.1, 0) as came from range(18) as cohorts(i)"
        )
        found += [row["is_too_narrow"] for row in records(whole, sql) if row["headline_no"] == 1]
        whole.execute("rollback")
    assert [False, True] == found
