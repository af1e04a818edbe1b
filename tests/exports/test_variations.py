"""Ten variations of each format give the same rows: other columns, orders, letters, delimiters and file kinds."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.config import formats
from pipeline.config.load import load_configuration
from pipeline.database.connection import connect
from pipeline.ingest.landing import loading
from pipeline.ingest.raw_tables import create_raw_views
from pipeline.settings import Settings
from tests.exports.export_files import EXPORTS, Export
from tests.exports.loading import CLOCK

CONFIGURATION = """\
[funnel]
name = "Variations"
preset = "mcl-mel-mql-sal-sql"

[checks]
max_rejected = 1.0

[[inputs]]
name = "crm"
format = "{format}"
path = "{path}"
{more}
[[inputs]]
name = "others"
table = "stage_entries"
path = "others.csv"
"""


ID = re.compile("(?:00[0-9A-Z]{1,3}|[0-9])")
"""The ids of these exports."""

Written = tuple[str, bytes, str]
"""The name of a file, its bytes, and lines for its `[[inputs]]` block."""


def text_of(export: Export, delimiter: str = ",", line_end: str = "\n") -> str:
    """The file as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end)
    writer.writerows([export.header, *export.rows])
    return text.getvalue()


def picked(export: Export, columns: list[int]) -> Export:
    """The export with these columns, in this order."""
    rows = tuple(tuple(row[place] for place in columns) for row in export.rows)
    return replace(export, header=tuple(export.header[place] for place in columns), rows=rows)


def shuffled(export: Export) -> Written:
    """The columns in another order."""
    places = list(range(len(export.header)))
    random.Random(7).shuffle(places)
    return "a.csv", text_of(picked(export, places)).encode(), ""


def without_optional(export: Export) -> Written:
    """Only the columns that the format needs."""
    places = [place for place, name in enumerate(export.header) if name not in export.optional]
    return "a.csv", text_of(picked(export, places)).encode(), ""


def with_more(export: Export) -> Written:
    """Additional columns at the start and at the end."""
    rows = tuple(("1", *row, "x, y", "") for row in export.rows)
    return "a.csv", text_of(replace(export, header=("Nr.", *export.header, "Note", "Größe"), rows=rows)).encode(), ""


def in_capitals(export: Export) -> Written:
    """Headers in capitals, as Data Loader writes them."""
    return "a.csv", text_of(replace(export, header=tuple(map(str.upper, export.header)))).encode(), ""


def of_excel(export: Export) -> Written:
    """Semicolons, CRLF and a byte order mark, as a spreadsheet in Europe writes CSV."""
    return "a.csv", text_of(export, ";", "\r\n").encode("utf-8-sig"), 'delimiter = ";"\n'


def in_utf16(export: Export) -> Written:
    """Tabs and UTF-16, as Excel writes "Unicode Text"."""
    return "a.txt", text_of(export, "\t", "\r\n").encode("utf-16"), 'delimiter = "\\t"\nencoding = "utf-16"\n'


def compressed(export: Export) -> Written:
    """Compressed with gzip, as a connector writes it."""
    return "a.csv.gz", gzip.compress(text_of(export).encode(), mtime=0), ""


def in_json_lines(export: Export) -> Written:
    """JSON lines; JSON in a cell stays an object."""
    records = [
        {
            name: json.loads(cell) if cell.startswith("{") else cell or None
            for name, cell in zip(export.header, row, strict=True)
        }
        for row in export.rows
    ]
    return "a.jsonl", "".join(f"{json.dumps(each)}\n" for each in records).encode(), ""


def in_a_document(export: Export) -> Written:
    """A JSON array."""
    records = [dict(zip(export.header, row, strict=True)) for row in export.rows]
    return "a.json", json.dumps(records, indent=1).encode(), ""


def in_a_page(export: Export) -> Written:
    """A web page named .xls."""
    lines = [
        "<tr>" + "".join(f"<td>{cell.replace('<', '&lt;').replace(chr(10), '<br>')}</td>" for cell in row) + "</tr>"
        for row in (export.header, *export.rows)
    ]
    return "a.xls", f"<html><body><table>{''.join(lines)}</table></body></html>".encode(), ""


def with_blank_lines(export: Export) -> Written:
    """Spaces around values, and blank lines at the end."""
    rows = tuple(tuple(f" {cell} " if cell and "\n" not in cell else cell for cell in row) for row in export.rows)
    return "a.csv", (text_of(replace(export, rows=rows)) + "\n\n").encode(), ""


VARIATIONS: tuple[Callable[[Export], Written], ...] = (
    shuffled,
    without_optional,
    with_more,
    in_capitals,
    of_excel,
    in_utf16,
    compressed,
    in_json_lines,
    in_a_document,
    in_a_page,
    with_blank_lines,
)
KEYS = {
    "stage_entries": "lead_id, stage, entered_at::varchar",
    "leads": "lead_id, created_at::varchar, null",
    "accounts": "account_id, name, null",
    "merges": "from_lead_id, into_lead_id, object",
    "deletions": "lead_id, deleted_at::varchar, null",
}


def loaded_rows(folder: Path, name: str, export: Export, written: Written) -> list[tuple[Any, ...]]:
    """The loaded rows of every table; no file may be refused and no row rejected."""
    file, content, more = written
    folder.mkdir()
    (folder / file).write_bytes(content)
    (folder / "others.csv").write_text("lead_id,stage,entered_at\nx,MQL,2026-01-01\n", "utf-8")
    toml = folder / "funnel.toml"
    toml.write_text(CONFIGURATION.format(format=name, path=file, more=export.more + more), "utf-8")
    configuration = load_configuration(toml, output=folder / "out")
    connection = connect(None, Settings("1GB", 1), reads_files=True)
    result = loading.load_inputs(connection, configuration, folder / "landing", clock=CLOCK, as_of=CLOCK)
    assert ((), ()) == (result.refused, result.missing)
    assert 0 == sum(load.rejected_rows for load in result.loads)
    create_raw_views(connection, configuration, folder / "landing")
    rows = [row for table, key in KEYS.items() for row in of_table(connection, table, key)]
    connection.close()
    return sorted(rows, key=repr)


def of_table(connection: duckdb.DuckDBPyConnection, table: str, key: str) -> list[tuple[Any, ...]]:
    """The rows of a table that the format gave."""
    return connection.execute(
        f"select '{table}', {key} from raw.{table} where input <> 'others' order by all"
    ).fetchall()


def test_every_format_has_an_export() -> None:
    """A new format needs an export here."""
    assert set(formats.names()) == set(EXPORTS)


@pytest.mark.parametrize("name", EXPORTS)
def test_ten_variations_of_a_format_give_the_same_rows(name: str, tmp_path: Path) -> None:
    """Each variation gives the rows of the first file, in the expected number."""
    export = EXPORTS[name]
    plain = loaded_rows(tmp_path / "plain", name, export, ("a.csv", text_of(export).encode(), ""))
    assert export.loaded == len(plain)
    for variation in VARIATIONS:
        assert (variation.__name__, plain) == (
            variation.__name__,
            loaded_rows(tmp_path / variation.__name__, name, export, variation(export)),
        )


def of_others(export: Export, number: int) -> list[tuple[str, ...]]:
    """The rows with other ids."""

    def other(name: str, cell: str) -> str:
        if cell.startswith("{"):
            return cell.replace('"item_id": 1', f'"item_id": 1{number:03}')
        if name == "activityTypeId":
            return cell
        return (
            ID.sub(lambda match: f"{match[0]}{number:03}", cell)
            if re.fullmatch(f"{ID.pattern}(;{ID.pattern})?", cell)
            else cell
        )

    return [tuple(map(other, export.header, row)) for row in export.rows]


@pytest.mark.parametrize("name", EXPORTS)
def test_a_long_file_of_a_format_gives_every_row(name: str, tmp_path: Path) -> None:
    """The file has the same rows five hundred times, each time with other ids."""
    export = EXPORTS[name]
    long = replace(export, rows=tuple(row for number in range(500) for row in of_others(export, number)))
    assert 500 * export.loaded == len(loaded_rows(tmp_path / "long", name, long, ("a.csv", text_of(long).encode(), "")))
