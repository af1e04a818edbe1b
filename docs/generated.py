"""Generated parts of the documents. cog prints what these functions return.

Commands come from the command line, tables from the headers of the models, column types from an in-memory build of
tests/cases/quarter.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parent.parent

if TYPE_CHECKING:
    import duckdb

SCHEMAS = {
    "marts": "The measures. Every mart has the total (`dimension` and `dimension_value` are `all`) and slices by each dimension.",
    "journey": "Events of the leads. `*_facts` tables have integer keys, for speed; the views add the names.",
    "clean": "The rows that count, after merges, duplicates and repeats.",
    "quality": "Row accounting, and findings in the inputs.",
    "waterfall": "The definition of this run: stages, pairs, periods, as-of. Every model may join it.",
    "report": "The tables of the report pages. They may change with the pages.",
}


def command_help() -> str:
    """Return every command with its help at 100 columns."""
    from click.testing import CliRunner

    from pipeline.cli import cli

    sections = []
    for name in ("", *sorted(cli.commands)):
        call = [name, "--help"] if name else ["--help"]
        text = CliRunner().invoke(cli, call, prog_name="funnel", terminal_width=100).output
        sections.append(f"## {f'funnel {name}'.strip()}\n\n```text\n{text.rstrip()}\n```\n")
    return "\n".join(sections)


def catalogue() -> str:
    """Return every published table with its columns, types and comments."""
    from pipeline.transform.project import LAYERS

    connection = _quarter()
    rows = connection.execute(
        "select table_schema, table_name, column_name, data_type from information_schema.columns "
        "where table_catalog = current_database() and table_schema not in ('raw', 'stored') "
        "order by table_schema, table_name, ordinal_position"
    ).fetchall()
    columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, column, kind in rows:
        columns.setdefault((schema, table), []).append((column, kind))
    assert {schema for schema, _ in columns} <= set(LAYERS) - {"raw"}
    comments = _comments(connection)
    parts = []
    for schema, about in SCHEMAS.items():
        parts.append(f"## {schema}\n\n{about}\n")
        for (of_schema, table), described in columns.items():
            if of_schema == schema:
                parts.append(_table(schema, table, described, comments))
    return "\n".join(parts)


def models() -> str:
    """Return which schema reads which, and one line per model."""
    from pipeline.settings import shipped
    from pipeline.transform.project import LAYERS, discover

    folder = shipped("sql")
    found = discover(folder).models
    lines = ["| schema | reads |", "|---|---|"]
    for layer in LAYERS[1:]:
        read = {table.schema for model in found if model.table.schema == layer for table in model.reads}
        lines.append(f"| {layer} | {', '.join(each for each in LAYERS if each in read) or 'nothing'} |")
    places = {model.path.parent: LAYERS.index(model.table.schema) for model in found}
    for place in sorted(places, key=lambda place: (places[place], place)):
        lines += ["", f"## {place.relative_to(folder)}", "", "| model | one row is |", "|---|---|"]
        lines += [f"| {each.table} | {each.header.row_is} |" for each in found if each.path.parent == place]
    return "\n".join(lines)


def macros() -> str:
    """Return every stored macro with its arguments and an example, table macros first."""
    from pipeline.settings import shipped
    from pipeline.transform.macros import discover_macros

    parts = []
    for macro in sorted(discover_macros(shipped("sql")), key=lambda macro: (macro.is_value, macro.name)):
        lines = [f"### {macro.call}", "", macro.sentence, ""]
        lines += [
            f"- `{each.name}`{'' if each.default is None else f' (default {each.default})'}: {each.text}"
            for each in macro.arguments
        ]
        parts.append("\n".join([*lines, *([""] if macro.arguments else []), "```sql", macro.example, "```", ""]))
    return "\n".join(parts)


def questions() -> str:
    """Return the shipped questions with their queries."""
    from pipeline.explore import query

    return "\n".join(
        f"## {query.question_text(text)}\n\n`funnel questions {name}`\n\n```sql\n{text.partition(chr(10))[2]}\n```\n"
        for name, text in ((name, query.question(name)) for name in query.questions())
    )


def presets() -> str:
    """Return the shipped waterfalls, one line each."""
    from pipeline.config import presets as shipped

    lines = []
    for name in shipped.names():
        preset = shipped.load(name)
        lines.append(f"| `{name}` | {' '.join(f'{preset.title}. {preset.summary}'.split())} |")
    return "\n".join(["| preset | |", "|---|---|", *lines])


def input_formats() -> str:
    """Return the shipped formats, one line each."""
    from pipeline.config import formats

    lines = []
    for name in formats.names():
        each = formats.load(name)
        lines.append(f"| `{name}` | {' '.join(f'{each.title}. {each.summary}'.split())} |")
    return "\n".join(["| format | |", "|---|---|", *lines])


def input_columns() -> str:
    """Return the columns of each input table. Required columns are bold."""
    from pipeline.config.input_tables import CONTRACTS

    lines = ["| table | columns |", "|---|---|"]
    for table, contract in CONTRACTS.items():
        names = [f"**{column.name}**" if column.is_required else column.name for column in contract.columns]
        lines.append(f"| {table} | {', '.join(names)} |")
    return "\n".join(lines)


def _table(
    schema: str, table: str, columns: list[tuple[str, str]], comments: dict[tuple[str, str, str | None], str]
) -> str:
    lines = [
        f"### {schema}.{table}",
        "",
        comments.get((schema, table, None), ""),
        "",
        "| column | type | |",
        "|---|---|---|",
    ]
    for column, kind in columns:
        text = comments.get((schema, table, column), "").replace("|", "\\|")
        lines.append(f"| {column} | {kind.lower()} | {text} |")
    return "\n".join(lines) + "\n"


def _comments(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str | None], str]:
    """Return the comments of a published file by schema, table and column (None for the table)."""
    query = (
        "select schema_name, table_name, null, comment from duckdb_tables() union all "
        "select schema_name, view_name, null, comment from duckdb_views() union all "
        "select schema_name, table_name, column_name, comment from duckdb_columns()"
    )
    return {
        (schema, table, column): comment
        for schema, table, column, comment in connection.execute(query).fetchall()
        if comment
    }


def _quarter() -> duckdb.DuckDBPyConnection:
    """Return an in-memory build of all models over the quarter, with comments."""
    sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]  # cog restores sys.path after each file
    from oracle.case_files import raw_rows, read_case

    from pipeline.settings import shipped
    from pipeline.transform.build import column_dictionary, comment
    from tests import runs
    from tests.sql import harness

    waterfall, history = read_case(runs.QUARTER, as_of=runs.QUARTER_AS_OF)
    raw = raw_rows(waterfall, history)
    connection = harness.built(waterfall, history.as_of, raw, inputs=history.inputs, comments=True)
    dictionary = column_dictionary(shipped("sql"))
    comment(connection, harness.project().models, dictionary)  # the harness builds without these comments
    return connection
