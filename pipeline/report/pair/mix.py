"""Mix of the cohorts: the share of each dimension value by month."""

from __future__ import annotations

from pipeline.database.connection import quoted
from pipeline.report import answers, text, units
from pipeline.report.layout.columns import ColumnChart, Part, Stack, share_scale, stacked_columns
from pipeline.report.layout.table import Cell, Details, LegendItem, TableColumn, number, table
from pipeline.report.query import Report, Row


def mixes(report: Report, pair: Row) -> tuple[ColumnChart, ...]:
    """Return one chart per dimension that has values."""
    charts = (_mix(report, pair, dimension) for dimension in answers.dimensions(report))
    return tuple(chart for chart in charts if chart is not None)


def _mix(report: Report, pair: Row, dimension: str) -> ColumnChart | None:
    answer = report.rows(
        "report.cohort_mix",
        "entered",
        where=f"headline_no = {pair.headline_no} and dimension = {quoted(dimension)}",
        order="value_no, month_start",
    )
    if not answer.rows:
        return None
    label = report.dimension(dimension)
    values = {row.value_no: row for row in answer.rows}
    cells = {(row.month_start, row.value_no): row for row in answer.rows}
    months = sorted({(row.month_start, row.is_partial, row.cohort) for row in answer.rows})
    totals = {number: sum(row.entered for row in answer.rows if row.value_no == number) for number in values}
    total = sum(totals.values())
    first = values[min(values)]
    alt_text = (
        f"{label} of those that entered {pair.from_label}: most often {_name(first)}, "
        f"{text.count(totals[first.value_no])} of {text.count(total)}"
    )
    stacks = [
        Stack(
            report.short_period(month, is_partial),
            tuple(Part(_tone(number), cells[month, number].share or 0.0) for number in values),
        )
        for month, is_partial, _ in months
    ]

    def column(value: Row) -> TableColumn:
        return TableColumn(_name(value), "", lambda row: _cell(cells[row.month_start, value.value_no]))

    return ColumnChart(
        key=f"mix-{dimension}",
        title=f"by {label}",
        sentence="",
        drawing=stacked_columns(stacks, 1.0, share_scale(1.0), alt_text, height=150),
        legend=tuple(
            LegendItem(_tone(number), _name(row), text.rate(totals[number] / total)) for number, row in values.items()
        ),
        source=report.source(
            answer,
            unit=units.plural(pair.unit),
            basis=f"cohorts by month of arrival at {pair.from_label}; {label}: "
            f"{answers.dimension_sources(report).get(dimension, 'as configured')}",
            denominator=f"{units.plural(pair.unit)} that arrived at {pair.from_label} in the month",
        ),
        details=Details(
            "Numbers behind the columns",
            table(
                (cells[month, first.value_no] for month, _, _ in reversed(months)),
                (
                    TableColumn("Month", "", lambda row: report.period(row.month_start, row.is_partial), "text"),
                    number("Entered", "cohort"),
                    *map(column, values.values()),
                ),
                caption=f"{units.plural(pair.unit).capitalize()} that entered {pair.from_label} by {label}",
                key=f"mix-{pair.headline_no}-{dimension}",
            ),
        ),
    )


def _tone(number: int) -> str:
    """Return the CSS class of a value. There are eight colours and one for all other values."""
    return f"mix-{number}"


def _name(row: Row) -> str:
    return row.dimension_value if row.dimension_value is not None else text.other_values(row.values_inside)


def _cell(row: Row) -> Cell:
    return Cell(text.count(row.entered), note=text.rate(row.share) if row.entered else "")
