"""Values that templates print. Text is already formatted and geometry computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipeline.report import text
from pipeline.report.layout.charts import Drawing
from pipeline.report.links import data_link
from pipeline.report.query import QueryResult


@dataclass(frozen=True)
class Source:
    """The footnote of a figure: how to read it, its table, and its query."""

    reading: tuple[tuple[str, str], ...]
    """(word, text): unit, basis, as-of, denominator."""
    table: str
    sql: str
    control: str
    """The control value of the first row in words, so that a reader can check the query."""
    control_column: str
    control_value: str
    link: str = ""
    """Link to the table as a data file."""


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
class Column:
    """A column heading. `kind` (text, number or chart) sets the alignment, `hint` is the tooltip."""

    text: str
    kind: str = "number"
    hint: str = ""
    link: str = ""


@dataclass(frozen=True)
class TableRow:
    """Cells in the order of the columns. The first cell is the row heading."""

    cells: tuple[Cell, ...]
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """A table as printed. `source` is None if the figure around it has a footnote."""

    caption: str
    columns: tuple[Column, ...]
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
    drawing: Drawing | None = None
    link: str = ""


@dataclass(frozen=True)
class BarRow:
    """A row of a bar chart. The label is HTML, so that long names wrap."""

    label: str
    drawing: Drawing
    value: str = ""
    notes: tuple[str, ...] = ()
    step: str = ""
    link: str = ""


@dataclass(frozen=True)
class BarChart:
    """Rows of bars with a title, legend, axis and table."""

    title: str
    rows: tuple[BarRow, ...]
    legend: tuple[LegendItem, ...]
    source: Source | None = None
    details: Details | None = None
    axis: Drawing | None = None
    note: str = ""
    key: str = ""


@dataclass(frozen=True)
class Notice:
    """A message above the numbers."""

    tone: str
    text: str


@dataclass(frozen=True)
class FootnoteBuilder:
    """Builds footnotes with as-of, and marks the months in `before_coverage`."""

    as_of: str
    before_coverage: frozenset[date] = frozenset()

    def month(self, value: date | None) -> str:
        """Return the month of a cohort, marked if it begins before the history is complete: `Mar 2024†`."""
        return text.month(value) + self._sign(value)

    def month_range(self, first: date | None, last: date | None) -> str:
        """Return `Sep–Nov 2025`, `Nov 2025–Jan 2026` or one month; both ends are marked like `month`."""
        if first is None or last is None or first == last:
            return self.month(last)
        start = text.month_name(first) if first.year == last.year else text.month(first)
        return f"{start}{self._sign(first)}–{self.month(last)}"

    def period(self, value: date | None, is_partial: bool) -> str:
        """Return `month`, also marked if as-of is before its end."""
        return text.period(value, is_partial) + self._sign(value)

    def short_period(self, value: date, is_partial: bool) -> str:
        """Return `period` for the axis of a chart."""
        return text.short_period(value, is_partial) + self._sign(value)

    def _sign(self, value: date | None) -> str:
        return text.BEFORE_COVERAGE_SIGN if value in self.before_coverage else ""

    def source(self, result: QueryResult[Any], *, unit: str, basis: str, denominator: str) -> Source:
        """Return the footnote of a figure that shows `result`."""
        value = result.control_value
        return Source(
            reading=(("Unit", unit), ("Basis", basis), ("As of", self.as_of), ("Denominator", denominator)),
            table=result.table,
            sql=result.sql,
            control=(
                f"The first row says {result.control} = {text.count(value)}."
                if value is not None
                else "It gives no rows: there is nothing to count."
            ),
            control_column=result.control,
            control_value="" if value is None else str(value),
            link=data_link(result.table),
        )


def texts(*values: str, tone: str = "") -> tuple[Cell, ...]:
    """Return cells with text only."""
    return tuple(Cell(value, tone) for value in values)


def columns(first: str, *numbers: str) -> tuple[Column, ...]:
    """Return a text column followed by number columns."""
    return (Column(first, "text"), *(Column(name) for name in numbers))


def balanced(is_balanced: bool) -> Cell:
    """Return a check mark if the row adds up, else a cross."""
    return Cell("✓", "good", "") if is_balanced else Cell("✗ does not add up", "bad")


def join_words(words: Sequence[str]) -> str:
    """Return `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
