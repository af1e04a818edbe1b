"""Mix of the cohorts: the share of each dimension value by month."""

from __future__ import annotations

from datetime import date

from pipeline.report import text, units
from pipeline.report.conversion.cohorts import DIMENSION_SOURCES
from pipeline.report.layout.columns import ColumnChart, Part, Stack, share_scale, stacked_columns
from pipeline.report.layout.table import Cell, Column, Details, FootnoteBuilder, LegendItem, Table, TableRow
from pipeline.report.pair.rows import MixMonth
from pipeline.report.query import QueryResult
from pipeline.report.rows import PairShown


def mixes(
    pair: PairShown, results: tuple[QueryResult[MixMonth], ...], sources: dict[str, str], footnotes: FootnoteBuilder
) -> tuple[ColumnChart, ...]:
    """Return one chart per dimension that has values."""
    return tuple(_mix(pair, result, sources, footnotes) for result in results if result.rows)


def _mix(
    pair: PairShown, result: QueryResult[MixMonth], sources: dict[str, str], footnotes: FootnoteBuilder
) -> ColumnChart:
    dimension = result.rows[0].dimension
    values = {row.value_no: row for row in result.rows}
    months = sorted({(row.month_start, row.is_partial, row.cohort) for row in result.rows})
    cells = {(row.month_start, row.value_no): row for row in result.rows}
    stacks = [
        Stack(
            footnotes.short_period(month, is_partial),
            tuple(Part(_tone(number), cells[month, number].share or 0.0) for number in values),
        )
        for month, is_partial, _ in months
    ]
    totals = {number: sum(row.entered for row in result.rows if row.value_no == number) for number in values}
    total = sum(totals.values())
    first = values[min(values)]
    alt_text = (
        f"{dimension} of those that entered {pair.from_label}: most often {_name(first)}, "
        f"{text.count(totals[first.value_no])} of {text.count(total)}"
    )
    known = DIMENSION_SOURCES.get(sources.get(dimension, ""), "as configured")
    return ColumnChart(
        key=f"mix-{dimension}",
        title=f"by {dimension}",
        sentence="",
        drawing=stacked_columns(stacks, 1.0, share_scale(1.0), alt_text, height=150),
        legend=tuple(
            LegendItem(_tone(number), _name(row), text.rate(totals[number] / total)) for number, row in values.items()
        ),
        source=footnotes.source(
            result,
            unit=units.plural(pair.unit),
            basis=f"cohorts by month of arrival at {pair.from_label}; {dimension}: {known}",
            denominator=f"{units.plural(pair.unit)} that arrived at {pair.from_label} in the month",
        ),
        details=Details("Numbers behind the columns", _table(pair, dimension, values, months, cells, footnotes)),
    )


def _tone(number: int) -> str:
    """Return the CSS class of a value. There are eight colours and one for all other values."""
    return f"mix-{number}"


def _name(row: MixMonth) -> str:
    return row.dimension_value if row.dimension_value is not None else text.plural(row.values_inside, "other value")


def _table(
    pair: PairShown,
    dimension: str,
    values: dict[int, MixMonth],
    months: list[tuple[date, bool, int]],
    cells: dict[tuple[date, int], MixMonth],
    footnotes: FootnoteBuilder,
) -> Table:
    return Table(
        caption=f"{units.plural(pair.unit).capitalize()} that entered {pair.from_label} by {dimension}",
        columns=(Column("Month", "text"), Column("Entered"), *(Column(_name(row)) for row in values.values())),
        rows=tuple(
            TableRow(
                (
                    Cell(footnotes.period(month, is_partial)),
                    Cell(text.count(cohort)),
                    *(_cell(cells[month, number]) for number in values),
                )
            )
            for month, is_partial, cohort in reversed(months)
        ),
        key=f"mix-{pair.headline_no}-{dimension}",
    )


def _cell(row: MixMonth) -> Cell:
    return Cell(text.count(row.entered), note=text.rate(row.share) if row.entered else "")
