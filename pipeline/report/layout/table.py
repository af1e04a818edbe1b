"""Values that templates print. Text is already formatted and geometry computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report import text
from pipeline.report.layout.charts import Drawing
from pipeline.report.query import Row, Source


@dataclass(frozen=True)
class Cell:
    """A table cell. `tone` is a CSS class, `note` and `second_note` are smaller lines below the text.

    `link` is a page with details.
    """

    text: str
    tone: str = ""
    note: str = ""
    drawing: Drawing | None = None
    second_note: str = ""
    link: str = ""


@dataclass(frozen=True)
class TableRow:
    """Cells in the order of the columns. The first cell is the row heading."""

    cells: tuple[Cell, ...]
    tone: str = ""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table: its heading, the column of the rows that it shows, and how a row becomes its cell.

    `field` is empty if a cell combines several columns. `kind` (text, number or chart) sets the alignment, `hint` is the tooltip.
    """

    heading: str
    field: str
    cell: Callable[[Row], Cell | str]
    kind: str = "number"
    hint: str = ""
    link: str = ""


@dataclass(frozen=True)
class Table:
    """A table as printed. `source` is None if the figure around it has a footnote."""

    caption: str
    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...]
    source: Source | None = None
    notes: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True)
class LegendItem:
    """An entry of a legend or of a list of counts."""

    tone: str
    label: str
    value: str = ""
    note: str = ""


@dataclass(frozen=True)
class Details:
    """A table in a <details> element, closed unless `is_open`."""

    title: str
    table: Table
    is_open: bool = False
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A table with one sentence above it and the legend of its bars. `key` is a CSS class."""

    key: str
    table: Table
    legend: tuple[LegendItem, ...]
    sentence: str = ""


@dataclass(frozen=True)
class BarRow:
    """A row of a bar chart. The label is HTML, so that long names wrap."""

    label: str
    drawing: Drawing
    value: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class BarChart:
    """Rows of bars with a title, legend and axis."""

    title: str
    rows: tuple[BarRow, ...]
    legend: tuple[LegendItem, ...]
    source: Source
    axis: Drawing | None = None
    note: str = ""
    key: str = ""


@dataclass(frozen=True)
class Notice:
    """A message above the numbers."""

    tone: str
    text: str


def number(heading: str, field: str, words: Callable[[Any], str] = text.count, hint: str = "") -> TableColumn:
    """Return a column of numbers: counts, or what `words` makes of a value."""
    return TableColumn(heading, field, lambda row: words(getattr(row, field)), hint=hint)


def word(heading: str, field: str, words: Callable[[Any], str] | None = None, tone: str = "") -> TableColumn:
    """Return a column of texts: the values, or what `words` makes of them; a dash for a missing value."""

    def cell(row: Row) -> Cell:
        value = getattr(row, field)
        return Cell(words(value) if words else text.DASH if value is None else value, tone)

    return TableColumn(heading, field, cell, "text")


def table(
    rows: Iterable[Row],
    columns: Sequence[TableColumn],
    *,
    caption: str,
    key: str = "",
    source: Source | None = None,
    notes: tuple[str, ...] = (),
    tone: Callable[[Row], str] = lambda _: "",
    total: TableRow | None = None,
) -> Table:
    """Return a table with a line per row, and `total` as its last line. `tone` gives the CSS class of a line."""
    lines = tuple(TableRow(tuple(_as_cell(column.cell(row)) for column in columns), tone(row)) for row in rows)
    return Table(
        caption=caption,
        columns=tuple(columns),
        rows=(*lines, total) if total else lines,
        source=source,
        notes=notes,
        key=key,
    )


def _as_cell(value: Cell | str) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)


def more_rows(count: int, what: str = "") -> tuple[str, ...]:
    """Return the note of a list that shows its first rows only; empty if it shows all."""
    if count <= 0:
        return ()
    return (
        f"and {text.plural(count, f'more {what}') if what else f'{text.count(count)} more'}; the query lists them all.",
    )


def texts(*values: str, tone: str = "") -> tuple[Cell, ...]:
    """Return cells with text only."""
    return tuple(Cell(value, tone) for value in values)


def balanced(is_balanced: bool) -> Cell:
    """Return a check mark if the row adds up, else a cross."""
    return Cell("✓", "good", "") if is_balanced else Cell("✗ does not add up", "bad")


def join_words(words: Sequence[str]) -> str:
    """Return `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
