"""The parts of the documents that are generated: cog prints what these functions return.

Commands come from the command line itself, tables from the headers of the models; the types of their columns from an
in-memory build of tests/cases/quarter.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parent.parent

if TYPE_CHECKING:
    import duckdb

SCHEMAS = {
    "marts": "The numbers. Every mart has the total (`dimension` and `dimension_value` are `all`) and a cut by each dimension.",
    "journey": "What the leads did. `*_narrow` and the other tables of numbers are there for speed; the views put words back.",
    "clean": "What counts, after merges, duplicates and repeats.",
    "quality": "What was wrong with the inputs, and what became of every row.",
    "waterfall": "The definition of this run: stages, pairs, periods, as-of. Every model may join it.",
    "report": "What the report shows, table by table. Made for its pages; it may change with them.",
}


def command_help() -> str:
    """Every command with its help, as the command line prints it at 100 columns."""
    from click.testing import CliRunner

    from pipeline.cli import cli

    sections = []
    for name in ("", *sorted(cli.commands)):
        call = [name, "--help"] if name else ["--help"]
        text = CliRunner().invoke(cli, call, prog_name="funnel", terminal_width=100).output
        sections.append(f"## {f'funnel {name}'.strip()}\n\n```text\n{text.rstrip()}\n```\n")
    return "\n".join(sections)


def catalogue() -> str:
    """Every published table with its columns, their types and what they mean."""
    from pipeline.transform.project import LAYERS

    connection = _quarter()
    rows = connection.execute(
        "select table_schema, table_name, column_name, data_type from information_schema.columns "
        "where table_catalog = current_database() and table_schema <> 'raw' and not ends_with(table_schema, '_kept') "
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
    """Which schema reads which, and a line for each model: its folder, its name and what one of its rows is."""
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
    """Every macro that the file stores, with its arguments and an example; table macros first."""
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
    """The questions that ship, each with its query."""
    from pipeline.explore import query

    return "\n".join(
        f"## {query.question_text(text)}\n\n`funnel questions {name}`\n\n```sql\n{text.partition(chr(10))[2]}\n```\n"
        for name, text in ((name, query.question(name)) for name in query.questions())
    )


def presets() -> str:
    """The waterfalls that ship, a line each."""
    from pipeline.config import presets as shipped

    lines = []
    for name in shipped.names():
        preset = shipped.load(name)
        lines.append(f"| `{name}` | {' '.join(f'{preset.title}. {preset.summary}'.split())} |")
    return "\n".join(["| preset | |", "|---|---|", *lines])


def input_formats() -> str:
    """The formats that ship, a line each."""
    from pipeline.config import formats

    lines = []
    for name in formats.names():
        each = formats.load(name)
        lines.append(f"| `{name}` | {' '.join(f'{each.title}. {each.summary}'.split())} |")
    return "\n".join(["| format | |", "|---|---|", *lines])


def input_columns() -> str:
    """The columns that each input table may bring, the required ones bold."""
    from pipeline.ingest.rows.columns import CONTRACTS

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
    """The comments that a published file carries, by schema, table and column (None: the table itself)."""
    asked = (
        "select schema_name, table_name, null, comment from duckdb_tables() union all "
        "select schema_name, view_name, null, comment from duckdb_views() union all "
        "select schema_name, table_name, column_name, comment from duckdb_columns()"
    )
    return {
        (schema, table, column): comment
        for schema, table, column, comment in connection.execute(asked).fetchall()
        if comment
    }


def _quarter() -> duckdb.DuckDBPyConnection:
    """Every model over the quarter, in memory, with its comments."""
    sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]  # cog takes it back after each file
    from oracle.case_files import raw_rows, read_case

    from pipeline.settings import shipped
    from pipeline.transform.build import column_dictionary, comment
    from tests import nights
    from tests.sql import harness

    waterfall, history = read_case(nights.QUARTER, as_of=nights.QUARTER_AS_OF)
    connection = harness.built(waterfall, history.as_of, raw_rows(waterfall, history), inputs=history.inputs)
    dictionary = column_dictionary(shipped("sql"))
    comment(connection, harness.project().models, dictionary)  # the harness builds without the shared columns' words
    return connection
