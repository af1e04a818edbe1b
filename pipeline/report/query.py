"""Questions of a report to its database: rows as values, together with the query that a reader can repeat."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property
from typing import Any, TypeAlias

from pipeline.database.connection import quoted
from pipeline.privacy.masking import QueryConnection
from pipeline.report import text, units
from pipeline.report.links import data_link

Row: TypeAlias = Any
"""A row of a table: each column is an attribute. sql/ and docs/tables.md say what the columns are."""
LABEL_SUFFIXES = ("label", "definition")


@dataclass(frozen=True)
class ReportFilter:
    """waterfall.reports. `dimension` and `dimension_value` are `all` in the report of all leads."""

    report: str
    title: str
    dimension: str
    dimension_value: str

    @property
    def is_all(self) -> bool:
        """Whether this is the report of all leads."""
        return self.report == "all"

    @property
    def condition(self) -> str:
        """The condition on the rows of this report in every table of schema `report`."""
        return f"report = {quoted(self.report)}"


@dataclass(frozen=True)
class Answer:
    """Rows, their query and table, and the column that lets a reader check the query."""

    rows: tuple[Row, ...]
    sql: str
    table: str
    control: str

    @property
    def control_value(self) -> int | None:
        """The value of the control column in the first row; None without rows."""
        return getattr(self.rows[0], self.control) if self.rows else None


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
class Footnotes:
    """Words that depend on a report as a whole: its as-of, how its tables count, and the months before the history is complete."""

    as_of: str
    before_coverage: frozenset[date] = frozenset()
    dimension_labels: Mapping[str, str] = field(default_factory=dict)
    how_counted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Table → unit, basis and denominator of its numbers."""

    def dimension(self, name: str) -> str:
        """Return the name of a dimension on pages: its label."""
        return self.dimension_labels[name]

    def month(self, value: date | None) -> str:
        """Return the month of a cohort, marked if it begins before the history is complete: `Mar 2024†`."""
        return text.month(value) + self.sign(value)

    def month_range(self, first: date | None, last: date | None) -> str:
        """Return `Sep–Nov 2025`, `Nov 2025–Jan 2026` or one month; both ends are marked like `month`."""
        if first is None or last is None or first == last:
            return self.month(last)
        start = text.month_name(first) if first.year == last.year else text.month(first)
        return f"{start}{self.sign(first)}–{self.month(last)}"

    def period(self, value: date | None, is_partial: bool) -> str:
        """Return `month`, also marked if as-of is before its end."""
        return text.period(value, is_partial) + self.sign(value)

    def short_period(self, value: date, is_partial: bool) -> str:
        """Return `period` for the axis of a chart."""
        return text.short_period(value, is_partial) + self.sign(value)

    def sign(self, value: date | None) -> str:
        """Return the mark of a month before the history is complete; empty for other months."""
        return text.BEFORE_COVERAGE_SIGN if value in self.before_coverage else ""

    def source(self, answer: Answer, also: str = "") -> Source:
        """Return the footnote of a figure that shows `answer`. `also` is what the basis is besides, in this figure only."""
        unit, basis, denominator = self.how_counted[answer.table]
        value = answer.control_value
        return Source(
            reading=(
                ("Unit", unit),
                ("Basis", f"{basis}; {also}" if also else basis),
                ("As of", self.as_of),
                ("Denominator", denominator),
            ),
            table=answer.table,
            sql=answer.sql,
            control=_control(answer, value),
            control_column=answer.control,
            control_value="" if value is None else str(value),
            link=data_link(answer.table),
        )


def _control(answer: Answer, value: int | None) -> str:
    if not answer.rows:
        return "It gives no rows: there is nothing to count."
    if value is None:
        return f"The first row has no {answer.control}."
    return f"The first row says {answer.control} = {text.count(value)}."


@dataclass(frozen=True, kw_only=True)
class Report(Footnotes):
    """One report of a database. Pages ask it for their rows, and each query runs once."""

    connection: QueryConnection
    filter: ReportFilter

    @property
    def is_all(self) -> bool:
        """Whether this is the report of all leads."""
        return self.filter.is_all

    @cached_property
    def overview(self) -> Row:
        """The totals of the report: report.overview."""
        return self.rows("report.overview", "leads").rows[0]

    def rows(
        self, table: str, control: str, *, where: str = "", order: str = "", max_rows: int | None = None
    ) -> Answer:
        """Return the rows of a table; of a table of schema `report` only those of this report.

        `where` has no `or` outside parentheses. `max_rows` limits the rows returned, not the query that the page prints.
        """
        lines = [f"from {table}"]
        conditions = [self.filter.condition] if table.startswith("report.") else []
        conditions += [where] if where else []
        if conditions:
            lines.append("where " + "\n    and ".join(conditions))
        if order:
            lines.append(f"order by {order}")
        return Answer(self._rows("\n".join(lines), max_rows), "\n".join(lines), table, control)

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of any query."""
        return self.connection.execute(sql).fetchall()

    @cached_property
    def _asked(self) -> dict[tuple[str, int | None], tuple[Row, ...]]:
        return {}

    def _rows(self, sql: str, max_rows: int | None) -> tuple[Row, ...]:
        if (sql, max_rows) not in self._asked:
            result = self.connection.execute(sql)
            columns = tuple(column[0] for column in result.description)
            fetched = result.fetchmany(max_rows) if max_rows else result.fetchall()
            self._asked[sql, max_rows] = tuple(_as_rows(columns, fetched))
        return self._asked[sql, max_rows]


def read_reports(connection: QueryConnection) -> tuple[ReportFilter, ...]:
    """Return the reports of a database, starting with the report of all leads."""
    fetched = connection.execute(
        "select report, title, dimension, dimension_value from waterfall.reports order by report_no"
    ).fetchall()
    return tuple(ReportFilter(*values) for values in fetched)


def read_report(connection: QueryConnection, key: str = "all") -> Report:
    """Return the report with this key. Raises StopIteration when there is no such report, duckdb.Error without its tables."""
    chosen = next(each for each in read_reports(connection) if each.report == key)
    ((as_of, timezone, unit),) = connection.execute(
        f"select as_of_local, timezone, unit from report.overview where {chosen.condition}"
    ).fetchall()
    months = connection.execute(
        "select period_start from quality.period_coverage where grain = 'month' and is_before_coverage"
    ).fetchall()
    labels = connection.execute("select dimension, label from waterfall.dimensions").fetchall()
    how_counted = connection.execute(
        "select table_name, unit, basis, denominator from waterfall.how_counted"
    ).fetchall()
    return Report(
        as_of=f"{text.moment(as_of)} {timezone}",
        before_coverage=frozenset(month for (month,) in months),
        dimension_labels={name: text.isolated(label) for name, label in labels},
        how_counted={table: tuple(units.in_words(fact, unit) for fact in facts) for table, *facts in how_counted},
        connection=connection,
        filter=chosen,
    )


@cache
def row_class(columns: tuple[str, ...]) -> Any:
    """Return the class of rows with these columns."""
    return namedtuple("Row", columns)  # the columns are known only here


def _as_rows(columns: tuple[str, ...], fetched: list[tuple[Any, ...]]) -> Iterator[Row]:
    """Yield rows. Labels and definitions are isolated, because sentences quote them."""
    make = row_class(columns)
    labels = [place for place, column in enumerate(columns) if column.endswith(LABEL_SUFFIXES)]
    for values in fetched:
        cells = list(values)
        for place in labels:
            if isinstance(cells[place], str):
                cells[place] = text.isolated(cells[place])
        yield make(*cells)
