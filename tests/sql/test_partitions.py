"""A model too large for the memory is built part by part, and has the rows that it has when built at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest

from pipeline.transform import partitions
from pipeline.transform.build import create, stored_table
from pipeline.transform.header import PartitionRule
from pipeline.transform.project import Model
from tests.sql import made_up
from tests.sql.harness import built, project

SPLIT = tuple(model for model in project().models if model.header.partition_rules)
VARIABLES = "select count(*) from duckdb_variables()"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of two hundred made-up leads, some of them of one account."""
    waterfall = made_up.waterfall(tmp_path_factory.mktemp("parts"), dimensions=("origin", "lead_source"))
    connection = built(waterfall, made_up.AS_OF, made_up.history(200, seed=11), tables=("marts.*",))
    yield connection
    connection.close()


def test_what_neither_spills_is_split() -> None:
    """Lists, quantiles, and the windows over a whole history."""
    assert [
        "clean.entries_narrow",
        "clean.entry_rows",
        "journey.arrivals_narrow",
        "journey.cycles_narrow",
        "journey.spans_narrow",
        "journey.unit_pairs",
        "marts.conversion",
        "marts.lead_to_account",
        "marts.time_in_stage",
    ] == sorted(str(each.table) for each in SPLIT)


@pytest.mark.parametrize("model", SPLIT, ids=lambda model: str(model.table))
@pytest.mark.parametrize("share", [1e-9, 2e-5])
def test_parts_have_the_rows_of_the_whole(
    night: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, model: Model, share: float
) -> None:
    """With as little memory as a single value takes, and with some more: each row once, and as many as are told."""
    table = stored_table(model)
    night.execute(f"create or replace table at_once as from {table}")
    monkeypatch.setattr(partitions, "MAX_PARTITION_SHARE", share)
    assert 3 < len(partitions.plan_partitions(night, model.header.partition_rules))
    rows = create(night, model)
    assert (rows,) == night.execute(f"select count(*) from {table}").fetchone()
    for one, other in (("at_once", table), (table, "at_once")):
        assert [] == night.execute(f"from {one} except all from {other}").fetchall()
    assert (0,) == night.execute(VARIABLES).fetchone()


def test_no_number_is_between_two_parts() -> None:
    """A lead without history may still have an inferred entry, and a stage that nobody reached a row of zeros."""
    connection = duckdb.connect()
    connection.execute("create table main.t as select unnest([5, 9, 9, 70]) as n, unnest(['a', 'a', 'a', 'b']) as kind")
    connection.execute("create table main.nothing as select 1 as m limit 0")
    connection.execute("set memory_limit = '1GB'")
    of_n, of_m = (
        PartitionRule("n", None, "count(*)", "main.t", 10**9),
        PartitionRule("m", None, "count(*)", "main.nothing", 1),
    )
    assert ({"last_n": 5}, {"first_n": 6, "last_n": 9}, {"first_n": 10}) == partitions.plan_partitions(
        connection, (of_n,)
    )
    assert (
        {"one_kind": "a", "last_n": 5},
        {"one_kind": "a", "first_n": 6},
        {"one_kind": "b"},
    ) == partitions.plan_partitions(connection, (replace(of_n, each="kind"),))
    no_m, no_n = {"first_m": 1, "last_m": 0}, {"first_n": 1, "last_n": 0}
    assert partitions.plan_partitions(connection, (of_n, of_m)) == (
        {"last_n": 5, **no_m},
        {"first_n": 6, "last_n": 9, **no_m},
        {"first_n": 10, **no_m},
        no_n,
    )


def test_a_larger_share_makes_fewer_parts(night: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Down to one, which has no limits."""
    counts = []
    for share in (1e-9, 1e-5, 1e-4, 1):
        monkeypatch.setattr(partitions, "MAX_PARTITION_SHARE", share)
        counts.append([len(partitions.plan_partitions(night, model.header.partition_rules)) for model in SPLIT])
    assert counts == sorted(counts, reverse=True)
    assert ({},) * len(SPLIT) == tuple(
        each for model in SPLIT for each in partitions.plan_partitions(night, model.header.partition_rules)
    )


def test_an_error_leaves_no_variable(night: duckdb.DuckDBPyConnection) -> None:
    """Or the next model would be built of a part only."""
    with pytest.raises(ZeroDivisionError), partitions.in_partition(night, {"first_lead_no": 1, "one_unit": "cycle"}):
        assert [(1, "cycle")] == night.execute(
            "select getvariable('first_lead_no'), getvariable('one_unit')"
        ).fetchall()
        raise ZeroDivisionError
    assert (0,) == night.execute(VARIABLES).fetchone()
