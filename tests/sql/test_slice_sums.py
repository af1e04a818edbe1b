"""Cuts that no longer add up to their total, or a to-do list that lacks a lead, stop the run."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from pipeline.transform.build import stored_table
from tests.sql import made_up
from tests.sql.harness import built, checked, project

COUNTS = {
    "conversion": ("entered", "converted", "passed_over", "lost", "still_open"),
    "stage_arrivals": ("through", "over", "entered_after"),
    "stage_flow": ("opening", "ins", "outs", "closing"),
    "time_in_stage": ("completed",),
    "open_time_in_stage": ("still_open",),
    "lead_to_account": ("leads", "leads_with_account"),
}
every_count = pytest.mark.parametrize(
    ("mart", "count"), [(mart, count) for mart, counts in COUNTS.items() for count in counts]
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every mart of fifty made-up leads, sliced by three dimensions."""
    waterfall = made_up.waterfall(tmp_path_factory.mktemp("slices"), dimensions=("origin", "lead_source", "owner"))
    connection = built(waterfall, made_up.AS_OF, made_up.history(50, seed=7), tables=("marts.*", "journey.*"))
    yield connection
    connection.close()


def broken(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The names of the *.check.sql of the marts that do not hold."""
    return {
        outcome.name
        for outcome in checked(connection, "marts")
        if not outcome.holds and (outcome.name.endswith("_slices") or outcome.name == "marts.open_leads")
    }


def after(connection: duckdb.DuckDBPyConnection, change: str) -> set[str]:
    """What is broken once `change` is made; the change is taken back."""
    connection.execute("begin")
    try:
        connection.execute(change)
        return broken(connection)
    finally:
        connection.execute("rollback")


def rows_of(mart: str) -> str:
    """The table in which the rows of a mart are stored."""
    (model,) = [model for model in project().models if str(model.table) == f"marts.{mart}"]
    return str(stored_table(model))


def one_slice(mart: str, count: str) -> str:
    """The condition that finds one row of a slice which counts something."""
    return (
        f"rowid = (select min(rowid) from {rows_of(mart)} where dimension = 'lead_source' and {count} > 0"
        " and dimension_value = 'webinar')"
    )


def test_slices_of_a_good_run_add_up(whole: duckdb.DuckDBPyConnection) -> None:
    """Nothing is broken in tables as the models made them (docs/RULES.md section 9)."""
    assert set() == broken(whole)


@every_count
def test_one_too_many_in_a_slice_is_found(whole: duckdb.DuckDBPyConnection, mart: str, count: str) -> None:
    """A count that is one too high in one slice breaks the check of its mart."""
    found = after(whole, f"update {rows_of(mart)} set {count} = {count} + 1 where {one_slice(mart, count)}")
    assert {f"marts.{mart}_slices"} == found - {"marts.open_leads"}


@pytest.mark.parametrize("mart", COUNTS)
def test_a_missing_slice_is_found(whole: duckdb.DuckDBPyConnection, mart: str) -> None:
    """A dimension that has lost all its rows of one key is missed, though there is no sum to compare."""
    lost = f"delete from {rows_of(mart)} where dimension = 'lead_source'"
    assert {f"marts.{mart}_slices"} == after(whole, lost)


def test_a_lead_missing_from_the_to_do_list_is_found(whole: duckdb.DuckDBPyConnection) -> None:
    """Without one of the open leads the list is shorter than the count of open stays."""
    lost = "delete from marts.open_leads where lead_id = (select min(lead_id) from marts.open_leads)"
    assert {"marts.open_leads"} == after(whole, lost)
