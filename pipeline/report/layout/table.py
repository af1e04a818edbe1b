"""The small values a template receives: text already formatted, geometry already computed. Templates loop and print."""

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
    """The footnote of a figure: how to read it, where it comes from, and the query that repeats it."""

    reading: tuple[tuple[str, str], ...]
    """(word, text): unit, basis, as-of, denominator …"""
    table: str
    sql: str
    control: str
    """What the first row of the query says, so that a reader knows that it worked."""
    control_column: str
    control_value: str
    link: str = ""
    """Where the table can be had as a file."""


@dataclass(frozen=True)
class Cell:
    """One cell: `text` as shown; `tone` a class of the style sheet; `note` and `more` smaller lines below; perhaps a drawing.

    `link` is the page that says more.
    """

    text: str
    tone: str = ""
    note: str = ""
    drawing: Drawing | None = None
    second_note: str = ""
    link: str = ""


@dataclass(frozen=True)
class Column:
    """A column's heading. `kind` decides alignment: text, number or chart; `hint` explains the heading."""

    text: str
    kind: str = "number"
    hint: str = ""
    link: str = ""


@dataclass(frozen=True)
class TableRow:
    """Cells in the order of the columns; the first is the row's heading."""

    cells: tuple[Cell, ...]
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """A table as printed. `source` is None when a figure around it already has one."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    source: Source | None = None
    notes: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True)
class LegendItem:
    """One entry of a legend, or one segment in words."""

    tone: str
    label: str
    value: str = ""
    note: str = ""


@dataclass(frozen=True)
class Details:
    """Something behind a <details>: closed unless `is_open`."""

    title: str
    table: Table
    is_open: bool = False
    note: str = ""
    drawing: Drawing | None = None
    link: str = ""


@dataclass(frozen=True)
class BarRow:
    """One row of a chart whose labels are HTML, so that long names wrap: label, drawing, and what it says in words."""

    label: str
    drawing: Drawing
    value: str = ""
    notes: tuple[str, ...] = ()
    step: str = ""
    link: str = ""


@dataclass(frozen=True)
class BarChart:
    """Rows of strips under one title, with legend, axis and the table behind it."""

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
    """A line that a reader must see before the numbers."""

    tone: str
    text: str


@dataclass(frozen=True)
class FootnoteBuilder:
    """What every footnote repeats: as-of. `uncovered` are the months whose cohorts begin before the history is complete."""

    as_of: str
    before_coverage: frozenset[date] = frozenset()

    def month(self, value: date | None) -> str:
        """The month of a cohort, marked when it begins before the history is complete: `Mar 2024†`."""
        return text.month(value) + self._sign(value)

    def period(self, value: date | None, is_partial: bool) -> str:
        """As `month`, also marked when as-of lies inside it."""
        return text.period(value, is_partial) + self._sign(value)

    def short_period(self, value: date, is_partial: bool) -> str:
        """As `period`, for the axis of a chart."""
        return text.short_period(value, is_partial) + self._sign(value)

    def _sign(self, value: date | None) -> str:
        return text.BEFORE_COVERAGE_SIGN if value in self.before_coverage else ""

    def source(self, result: QueryResult[Any], *, unit: str, basis: str, denominator: str) -> Source:
        """The footnote of a figure drawn from `answer`."""
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
    """Plain cells."""
    return tuple(Cell(value, tone) for value in values)


def columns(first: str, *numbers: str) -> tuple[Column, ...]:
    """A text column and then number columns."""
    return (Column(first, "text"), *(Column(name) for name in numbers))


def balanced(is_balanced: bool) -> Cell:
    """The check mark of a line that adds up, or the cross of one that doesn't."""
    return Cell("✓", "good", "") if is_balanced else Cell("✗ does not add up", "bad")


def join_words(words: Sequence[str]) -> str:
    """`a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
