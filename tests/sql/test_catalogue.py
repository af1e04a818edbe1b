"""The database explains itself, and every model is one SELECT that can be pasted and run."""

from __future__ import annotations

import json
import re
from typing import Any

import duckdb
import pytest

from pipeline.database.connection import create_table, identifier
from pipeline.settings import shipped
from pipeline.transform.graph import in_order
from pipeline.transform.macros import create_formulas
from pipeline.transform.project import Model, TableName, discover
from tests import runs
from tests.sample import Sample
from tests.sql import made_up
from tests.sql.harness import built, records

PUBLISHED = "('waterfall', 'clean', 'journey', 'marts', 'quality', 'report')"
MODELS = discover(shipped("sql")).models
NAMES = [str(model.table) for model in MODELS]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """Schemas raw and waterfall alone, without any model."""
    waterfall = made_up.waterfall(tmp_path_factory.mktemp("short"), dimensions=("owner", "lead_source"))
    return built(waterfall, made_up.AS_OF, made_up.history(60, seed=6), tables=())


@pytest.fixture(scope="module")
def pasted(given: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A bare DuckDB with the same two schemas and the formulas, and every model of sql/ pasted into it as it is."""
    bare = duckdb.connect()
    tables = given.execute("select table_schema, table_name from information_schema.tables").fetchall()
    for schema, table in tables:
        columns = [(name, kind) for name, kind, *_ in given.execute(f"describe {schema}.{table}").fetchall()]
        create_table(bare, f"{schema}.{table}", columns, given.execute(f"from {schema}.{table}").fetchall())
    known = frozenset(TableName(schema, table) for schema, table in tables)
    create_formulas(bare, (model.sql for model in MODELS))
    for model in in_order(MODELS, known):
        bare.execute(f"create schema if not exists {model.table.schema}")
        bare.execute(f"create {model.header.materialised} {model.table} as\n{model.path.read_text('utf-8')}")
    return bare


def test_every_table_and_column_of_the_published_file_has_a_comment(quarter: Sample) -> None:
    """Nobody has to guess what a table or a column means."""
    silent = runs.ask(
        quarter.output,
        f"""
        select schema_name || '.' || table_name as name from duckdb_tables()
        where schema_name in {PUBLISHED} and comment is null
        union all
        select schema_name || '.' || view_name from duckdb_views()
        where schema_name in {PUBLISHED} and comment is null
        union all
        select schema_name || '.' || table_name || '.' || column_name from duckdb_columns()
        where schema_name in {PUBLISHED} and comment is null
        """,
    )
    assert [] == [row["name"] for row in silent]


def test_the_published_file_has_every_model_and_nothing_raw(quarter: Sample) -> None:
    """Each model is a table or view of the file; schema raw is gone."""
    found = runs.ask(
        quarter.output,
        "select schema_name || '.' || table_name as name from duckdb_tables() union all"
        " select schema_name || '.' || view_name from duckdb_views() where not internal",
    )
    names = {row["name"] for row in found}
    assert set() == set(NAMES) - names
    assert [] == [name for name in names if name.startswith("raw.")]


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_line_one_says_what_a_row_is(model: Model) -> None:
    """A reader of the file, and of the catalogue, learns the grain first; and it is a sentence."""
    first = model.path.read_text("utf-8").splitlines()[0]
    assert ("-- One row", ".") == (first[:10], first[-1])


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_header_speaks_of_columns_that_exist(pasted: duckdb.DuckDBPyConnection, model: Model) -> None:
    """A comment on a column that the model doesn't have would be lost without a word."""
    header = model.header
    named = {
        *header.key,
        *header.not_null,
        *(name for name, _ in header.columns),
        *(name for name, _ in header.accepted),
    }
    columns = {row["column_name"] for row in records(pasted, f"describe {model.table}")}
    assert set() == named - columns


def test_every_model_runs_pasted(given: duckdb.DuckDBPyConnection, pasted: duckdb.DuckDBPyConnection) -> None:
    """A bare DuckDB, the tables of raw and waterfall and the formulas are enough: no parameter, no setting."""
    made = {
        row["name"] for row in records(pasted, "select schema_name || '.' || table_name as name from duckdb_tables()")
    }
    views = records(pasted, "select schema_name || '.' || view_name as name from duckdb_views() where not internal")
    assert set(NAMES) <= made | {row["name"] for row in views}
    assert [(60,)] == pasted.execute("select count(*) from clean.leads").fetchall()


def test_no_published_number_is_infinite_or_nan(pasted: duckdb.DuckDBPyConnection) -> None:
    """A share of nobody is null; DuckDB's x / 0 would be infinite."""
    doubles = records(
        pasted,
        "select schema_name || '.' || table_name as name, column_name from duckdb_columns()"
        f" where data_type = 'DOUBLE' and schema_name in {PUBLISHED}",
    )
    odd = [
        f"{row['name']}.{row['column_name']}"
        for row in doubles
        if pasted.execute(
            f"select count(*) from {row['name']} where not isfinite({identifier(row['column_name'])})"
        ).fetchall() != [(0,)]
    ]  # fmt: skip
    assert ([], True) == (odd, len(doubles) > 10)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_whole_division_is_by_a_number_that_is_not_zero(model: Model) -> None:
    """`//` by nothing is an error in some engines and null in others: only constants stand behind it."""
    code = re.sub(r"--.*", "", model.sql)
    assert [] == re.findall(r"//(?!\s*[1-9])[^\n]*", code)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_no_model_takes_a_parameter(model: Model) -> None:
    """What varies is in a table (parameters are rows), so that a file can be pasted."""
    with duckdb.connect() as parser:
        row = parser.execute("select json_serialize_sql(?)", [model.sql]).fetchone()
    assert row is not None
    assert set() == {"PARAMETER", "VALUE_PARAMETER"} & kinds(json.loads(row[0]))


def kinds(node: Any) -> set[str]:
    """Every kind of node in a parsed statement."""
    if isinstance(node, list):
        return {kind for child in node for kind in kinds(child)}
    if not isinstance(node, dict):
        return set()
    return {kind for child in node.values() for kind in kinds(child)} | {str(node.get("type")), str(node.get("class"))}
