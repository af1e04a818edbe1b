"""Implied dates (E9): agreed with the oracle, in no other number, and nowhere unless asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import oracle
import pytest
from hypothesis import HealthCheck, given, settings
from oracle import case_files, strategies
from oracle.implied import implied_comparison
from oracle.journey import travel

from tests.sql import made_up
from tests.sql.harness import built, checked, records
from tests.sql.test_oracle_agrees import same

KEY = ("from_stage", "to_stage", "basis")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, duckdb.DuckDBPyConnection]:
    """A year of 120 made-up leads, without and with `implied`."""
    waterfall = made_up.waterfall(tmp_path_factory.mktemp("short"), dimensions=("owner",))
    rows = made_up.history(120, seed=9)
    return {asked: built(replace(waterfall, implied=asked), made_up.AS_OF, rows) for asked in (False, True)}


def test_comparison_agrees_with_the_oracle() -> None:
    """On random histories both sides of every pair have the counts and intervals of loops over E9, K1 and K3."""
    compared = 0

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=strategies.cases())
    def agree(case: tuple[Any, oracle.History]) -> None:
        nonlocal compared
        waterfall, history = replace(case[0], implied=True), case[1]
        expected = implied_comparison(waterfall, travel(waterfall, history))
        raw = case_files.raw_rows(waterfall, history)
        connection = built(
            waterfall,
            history.as_of,
            raw,
            inputs=history.inputs,
            input_settings=history.input_settings,
            entry_columns=history.entry_columns,
            tables=("report.implied_comparison",),
        )
        columns = ", ".join(expected[0]) if expected else "*"
        actual = {_key(row): row for row in records(connection, f"select {columns} from report.implied_comparison")}
        assert {_key(row) for row in expected} == set(actual)
        assert [] == [
            (_key(row), column)
            for row in expected
            for column in row
            if not same(row[column], actual[_key(row)][column])
        ]
        connection.close()
        compared += len(actual)

    agree()
    assert compared > 15


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column] for column in KEY)


def test_no_other_number_moves(both: dict[bool, duckdb.DuckDBPyConnection]) -> None:
    """Every table but the two of the comparison, and the switch itself, is row for row the same with it and without."""
    own = ("journey.implied_arrivals", "report.implied_comparison", "waterfall.run")
    names = [
        row["name"]
        for row in records(
            both[True],
            "select schema_name || '.' || table_name as name from duckdb_tables()"
            " where schema_name in ('waterfall', 'clean', 'journey', 'marts', 'stored', 'quality', 'report') order by name",
        )
        if row["name"] not in own
    ]
    moved = [name for name in names if _content(both[False], name) != _content(both[True], name)]
    assert [] == moved
    assert "stored.conversion" in names


def _content(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"select count(*), bit_xor(hash(rows)) from {table} as rows").fetchall()


def test_implied_dates_are_only_there_when_asked_for(both: dict[bool, duckdb.DuckDBPyConnection]) -> None:
    """Without the switch both tables are empty; with it the comparison has something to say about SAL."""
    for name in ("journey.implied_arrivals", "report.implied_comparison"):
        assert [{"rows": 0}] == records(both[False], f"select count(*) as rows from {name}")
    (change,) = records(
        both[True],
        "select rate_change from report.implied_comparison"
        " where basis = 'with_implied' and from_stage = 'mql' and to_stage = 'sal'",
    )
    assert change["rate_change"] > 0


def test_an_implied_stage_has_neither_an_arrival_nor_a_stay(both: dict[bool, duckdb.DuckDBPyConnection]) -> None:
    """No lead has the implied stage in its cycle, and each implied date is that of an arrival above it."""
    found = records(
        both[True],
        """
        select
            count(*) as implied,
            count(*) filter (where there.lead_id is not null) as was_there,
            count(*) filter (where above.lead_id is null) as without_cause,
            count(implied.days_in_stage) as days
        from journey.implied_arrivals as implied
        left join journey.arrivals as there
            on there.lead_id = implied.lead_id and there.cycle_no = implied.cycle_no and there.stage = implied.stage
        left join journey.arrivals as above
            on above.lead_id = implied.lead_id and above.cycle_no = implied.cycle_no and above.stage = implied.implied_by
            and above.arrived_at = implied.implied_at
        """,
    )[0]
    assert found["implied"] > 20
    assert {"was_there": 0, "without_cause": 0, "days": 0} == {
        name: n for name, n in found.items() if name != "implied"
    }


@pytest.mark.parametrize("basis", ["observed", "with_implied"])
def test_a_comparison_that_counts_otherwise_is_not_published(basis: str, tmp_path: Path) -> None:
    """A cycle too many on the observed side, or too few on the other, breaks the check that stops the run."""
    waterfall = replace(made_up.waterfall(tmp_path), implied=True)
    tables = ("report.implied_comparison", "marts.conversion")
    connection = built(waterfall, made_up.AS_OF, made_up.history(20, seed=4), tables=tables)
    sign = "+" if basis == "observed" else "-"
    connection.execute(
        f"update report.implied_comparison set entered = entered {sign} 99, still_open = still_open {sign} 99"
        f" where basis = '{basis}'"
    )
    broken = [each.name for each in checked(connection) if not each.holds]
    connection.close()
    assert ["report.implied_comparison"] == broken
