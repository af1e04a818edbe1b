"""Read the tables of a web page, which some CRMs export as .xls, as rows of text."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from pipeline.config.configuration import Input
from pipeline.ingest.files import encodings, scan
from pipeline.ingest.files.scan import FileScan
from pipeline.ingest.readers import grids
from pipeline.ingest.readers.grids import Grid
from pipeline.ingest.readers.headers import refuse_too_many_columns
from pipeline.ingest.refusal import FileRefusedError

SUFFIXES = (".xls", ".html", ".htm")

MAX_PAGE_BYTES = 200_000_000
MAX_TABLES = 20
"""Tables of a page that are tried."""

_MAX_SPAN = 1_000
_MAX_NESTED_TABLES = 50
_MAX_MARKUP = 10_000_000
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_META = re.compile(rb"""<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_EXCEL_XML = b"urn:schemas-microsoft-com:office:spreadsheet"


def is_page(file_scan: FileScan) -> bool:
    """Whether a file begins like a web page. Raises FileRefusedError for an XML spreadsheet of Excel 2003."""
    start = _start(file_scan)
    if _EXCEL_XML in start:
        raise FileRefusedError("it is an XML spreadsheet of Excel 2003", "save it as .xlsx, or export it as CSV")
    return start.lstrip().startswith(b"<")


def _start(file_scan: FileScan) -> bytes:
    start = next(scan.chunks(file_scan.path, file_scan.compression), b"")[:4_000]
    return start.replace(b"\0", b"").removeprefix(codecs.BOM_UTF16_LE).removeprefix(codecs.BOM_UTF16_BE)


def grid_of(file_scan: FileScan, input_: Input) -> Grid:
    """Return the first table whose header binds, or else the first table.

    Raises FileRefusedError if the page has no table or is too large.
    """
    if file_scan.content_size > MAX_PAGE_BYTES:
        raise FileRefusedError(f"the web page has more than {MAX_PAGE_BYTES // 1_000_000} MB", "export it as CSV")
    encoding = _encoding(file_scan, input_)
    first = None
    tables = max((table + 1 for table, _ in _rows(file_scan, encoding)), default=0)
    for number in range(min(tables, MAX_TABLES)):
        grid = _grid(file_scan, encoding, number)
        try:
            grids.header_of(grid, input_)
        except FileRefusedError:
            first = first or grid
            continue
        return grid
    if first is None:
        raise FileRefusedError(
            "it is a web page without a table, probably a login page", "download the export again while logged in"
        )
    return first


def _grid(file_scan: FileScan, encoding: str, number: int) -> Grid:
    def rows() -> Iterator[list[str]]:
        return (row for table, row in _rows(file_scan, encoding) if table == number)

    return Grid(rows, "the table" if number == 0 else f"table {number + 1}")


def _encoding(file_scan: FileScan, input_: Input) -> str:
    """Return the encoding by the byte order mark, the META tag, or the input; else UTF-8, or Windows-1252 if it is not UTF-8."""
    start = next(scan.chunks(file_scan.path, file_scan.compression), b"")[:4_000]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    named = _META.search(start)
    if named is not None:
        meta = encodings.text_encoding(named[1].decode("ascii"))
        # Browsers read these encodings as Windows-1252, so pages are written that way.
        if meta in ("iso8859-1", "ascii"):
            return "cp1252"
        if meta and not (meta.startswith("utf-16") or (meta == "utf-8" and not file_scan.is_utf8)):
            return meta
    if input_.encoding not in ("utf-8", encodings.AUTO):
        return input_.encoding
    if not file_scan.is_utf8 and input_.encoding != encodings.AUTO:
        encodings.refuse_undeclared(file_scan)
    return "utf-8" if file_scan.is_utf8 else "cp1252"


def _rows(file_scan: FileScan, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the table, row) for all rows of the page."""
    parser = _Tables()
    chunks = scan.chunks(file_scan.path, file_scan.compression)
    for text in codecs.iterdecode(chunks, encoding, encodings.SURROGATE_HANDLER):
        parser.feed(text)
        yield from parser.take_rows()
        if len(parser.rawdata) > _MAX_MARKUP:
            raise FileRefusedError("the web page has a tag or a comment of several megabytes", "export it as CSV")
    parser.close()
    parser.finish()
    yield from parser.take_rows()


@dataclass
class _Table:
    number: int
    row: list[str] | None = None
    cell: list[list[str]] | None = None
    """Pieces of text for each line of the open cell."""
    colspan: int = 1
    rowspan: int = 1
    spanning: dict[int, tuple[int, str]] = field(default_factory=dict)
    """By column: for how many more rows a cell above continues, and its text."""


class _Tables(HTMLParser):
    """Parser that collects the rows of a page. An open cell or row ends where the next one begins."""

    rawdata: str

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[_Table] = []
        self._count = 0
        self._rows: list[tuple[int, list[str]]] = []
        self._muted = 0

    def take_rows(self) -> list[tuple[int, list[str]]]:
        """Return the rows since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def finish(self) -> None:
        """End all open tables."""
        while self._open:
            self._end_row()
            self._open.pop()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, a row or a cell."""
        if tag == "table":
            if len(self._open) == _MAX_NESTED_TABLES:
                raise FileRefusedError("the web page has tables inside tables inside tables", "export it as CSV")
            self._open.append(_Table(self._count))
            self._count += 1
        elif tag in ("script", "style"):
            self._muted += 1
        elif not self._open:
            return
        elif tag == "tr":
            self._end_row()
            self._open[-1].row = []
        elif tag in ("td", "th"):
            self._begin_cell(dict(attrs))
        elif tag in ("br", "p", "div") and self._open[-1].cell:
            self._open[-1].cell.append([])

    def handle_endtag(self, tag: str) -> None:
        """End a table, a row or a cell."""
        if tag in ("script", "style"):
            self._muted = max(0, self._muted - 1)
        elif not self._open:
            return
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag in ("tr", "thead", "tbody", "tfoot", "table"):
            self._end_row()
            if tag == "table":
                self._open.pop()

    def handle_data(self, data: str) -> None:
        """Add text to the open cell."""
        if self._open and self._open[-1].cell is not None and not self._muted:
            self._open[-1].cell[-1].append(data)

    def _begin_cell(self, attributes: dict[str, str | None]) -> None:
        self._end_cell()
        table = self._open[-1]
        if table.row is None:
            table.row = []
        table.cell, table.colspan, table.rowspan = [[]], _span(attributes, "colspan"), _span(attributes, "rowspan")

    def _end_cell(self) -> None:
        table = self._open[-1]
        if table.cell is None or table.row is None:
            return
        self._fill(table)
        refuse_too_many_columns(table.row)
        lines = (_SPACE.sub(" ", "".join(pieces)).strip(" ") for pieces in table.cell)
        text = "\n".join(lines).strip("\n")
        for number in range(table.colspan):
            # A cell over several columns has its text in the first one; a cell over several rows has it in each row.
            value = "" if number else text
            if table.rowspan > 1:
                table.spanning[len(table.row)] = (table.rowspan - 1, value)
            table.row.append(value)
        table.cell = None

    def _end_row(self) -> None:
        self._end_cell()
        table = self._open[-1]
        if table.row is not None:
            self._fill(table)
            self._rows.append((table.number, table.row))
        table.row = None

    def _fill(self, table: _Table) -> None:
        """Append the texts of cells above that continue in this row at its next columns."""
        while table.row is not None and len(table.row) in table.spanning:
            column = len(table.row)
            rows_left, text = table.spanning.pop(column)
            if rows_left > 1:
                table.spanning[column] = (rows_left - 1, text)
            table.row.append(text)


def _span(attributes: dict[str, str | None], name: str) -> int:
    written = (attributes.get(name) or "").strip()
    return min(max(int(written), 1), _MAX_SPAN) if written.isdecimal() and len(written) < 9 else 1
