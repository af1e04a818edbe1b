"""A model that is too large for the memory is built in partitions, and has the same rows as when it is built at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import ModelError
from pipeline.transform import partitions
from pipeline.transform.build import create, stored_table
from pipeline.transform.header import PartitionRule
from pipeline.transform.partitions import Range
from pipeline.transform.project import Model, TableName
from tests.sql import made_up
from tests.sql.harness import built, project

MODELS = {model.table: model for model in project().models}
PARTITIONED = tuple(model for model in project().models if model.header.partition_rules)
DATABASES = "select database_name from duckdb_databases() where not internal order by all"


@contextmanager
def marts(folder: Path, leads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of made-up leads, some of them of one account."""
    waterfall = made_up.waterfall(folder, dimensions=("origin", "lead_source"))
    connection = built(waterfall, made_up.AS_OF, made_up.history(leads, seed=11), tables=("marts.*",))
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of two hundred leads."""
    with marts(tmp_path_factory.mktemp("partitions"), leads=200) as connection:
        yield connection


@pytest.fixture(scope="module")
def few_leads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of thirty leads, for partitions of one lead each."""
    with marts(tmp_path_factory.mktemp("few_leads"), leads=30) as connection:
        yield connection


def test_models_that_need_much_memory_are_partitioned() -> None:
    """Quantiles can't spill to disk. Windows and joins over a whole history are slow when they do."""
    assert [
        "clean.entries_facts",
        "clean.entry_rows",
        "journey.arrivals_facts",
        "journey.cycles_facts",
        "journey.spans_facts",
        "journey.unit_outcomes",
        "marts.conversion",
        "marts.lead_to_account",
        "marts.time_in_stage",
    ] == sorted(str(each.table) for each in PARTITIONED)


@pytest.mark.parametrize("model", PARTITIONED, ids=lambda model: str(model.table))
@pytest.mark.parametrize(("database", "share"), [("few_leads", 1e-9), ("connection", 2e-5)])
def test_partitions_have_the_rows_of_the_whole(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, model: Model, database: str, share: float
) -> None:
    """With one value per partition and with several: every row is there once, and the views of partitions are gone."""
    connection: duckdb.DuckDBPyConnection = request.getfixturevalue(database)
    table = stored_table(model)
    connection.execute(f"create or replace table at_once as from {table}")
    before = connection.execute(DATABASES).fetchall()
    monkeypatch.setattr(partitions, "MAX_PARTITION_SHARE", share)
    assert 3 < len(partitions.plan_partitions(connection, model.header.partition_rules))
    rows = create(connection, model, MODELS)
    assert (rows,) == connection.execute(f"select count(*) from {table}").fetchone()
    for one, other in (("at_once", table), (table, "at_once")):
        assert [] == connection.execute(f"from {one} except all from {other}").fetchall()
    assert before == connection.execute(DATABASES).fetchall()


def test_every_integer_is_in_exactly_one_partition() -> None:
    """A value that the counted table lacks belongs to a partition, too; with two rules, a partition has rows of one kind."""
    connection = duckdb.connect()
    connection.execute("create table main.t as select unnest([5, 9, 9, 70]) as n")
    connection.execute("create table main.nothing as select 1 as m limit 0")
    connection.execute("set memory_limit = '1GB'")
    of_n, of_m = (PartitionRule("n", "count(*)", "main.t", 10**9), PartitionRule("m", "count(*)", "main.nothing", 1))
    ranges = (Range("n", None, 5, 1), Range("n", 6, 9, 2), Range("n", 10, None, 1))
    assert partitions.plan_partitions(connection, (of_n,)) == tuple((each,) for each in ranges)
    no_n, no_m = Range("n", 1, 0), Range("m", 1, 0)
    assert partitions.plan_partitions(connection, (of_n, of_m)) == (
        *((each, no_m) for each in ranges),
        (Range("m", None, None), no_n),
    )


def test_a_bucket_with_too_many_rows_is_divided() -> None:
    """Numbers of cycles, leads and accounts lie far apart, so that a first division puts all cycles into one bucket."""
    connection = duckdb.connect()
    connection.execute("create table main.t as select unnest([1, 2, 3, 1000000000000000]) as n")
    connection.execute("set memory_limit = '1GB'")
    partitioned = partitions.plan_partitions(connection, (PartitionRule("n", "count(*)", "main.t", 3 * 10**8),))
    assert [1, 1, 1, 1] == [each.rows for (each,) in partitioned]


@pytest.mark.parametrize(
    ("columns", "condition"),
    [
        (("lead_no", "stage_no"), "lead_no >= 3 and lead_no <= 7 and stage_no >= 1 and stage_no <= 0"),
        (("stage_no",), "stage_no >= 1 and stage_no <= 0"),
        (("milestone_no",), None),
    ],
)
def test_a_partition_limits_tables_that_have_its_columns(columns: tuple[str, ...], condition: str | None) -> None:
    """Other tables are whole."""
    partition = (Range("lead_no", 3, 7), Range("stage_no", 1, 0))
    assert condition == partitions.condition_of(partition, TableName("clean", "anything"), columns)


def test_a_larger_share_of_memory_makes_fewer_partitions(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that fits into memory has none."""
    counts = []
    for share in (1e-9, 1e-5, 1e-4, 1):
        monkeypatch.setattr(partitions, "MAX_PARTITION_SHARE", share)
        counts.append(
            [len(partitions.plan_partitions(connection, model.header.partition_rules)) for model in PARTITIONED]
        )
    assert counts == sorted(counts, reverse=True)
    assert {0} == set(counts[-1])


def test_an_error_in_a_partition_leaves_no_database(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the next model would read only some rows."""
    before = connection.execute(DATABASES).fetchall()
    monkeypatch.setattr(partitions, "MAX_PARTITION_SHARE", 1e-9)
    model = MODELS[TableName("journey", "arrivals_facts")]
    broken = Model(
        model.table, model.path, f"select error('broken') as x from ({model.sql})", model.header, model.reads
    )
    with pytest.raises(ModelError, match=r"journey\.arrivals_facts failed"):
        create(connection, broken, MODELS)
    assert before == connection.execute(DATABASES).fetchall()
    assert 0 < len(connection.execute("select 1 from waterfall.stages").fetchall())
