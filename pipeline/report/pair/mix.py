"""Mix of the cohorts: the share of each dimension value by month."""

from __future__ import annotations

from pipeline.database.connection import quoted
from pipeline.report import answers, text, units
from pipeline.report.layout.bars import Part, bars
from pipeline.report.layout.table import Cell, Figure, LegendItem, TableColumn, number, table
from pipeline.report.query import Report, Row


def mixes(report: Report, pair: Row) -> tuple[Figure, ...]:
    """Return one figure per dimension that has values."""
    figures = (_mix(report, pair, dimension) for dimension in answers.dimensions(report))
    return tuple(figure for figure in figures if figure is not None)


def _mix(report: Report, pair: Row, dimension: str) -> Figure | None:
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
    totals = {number: sum(row.entered for row in answer.rows if row.value_no == number) for number in values}
    many = units.plural(pair.unit)

    def column(value: Row) -> TableColumn:
        return TableColumn(_name(value), "", lambda row: _cell(cells[row.month_start, value.value_no]))

    def parts(row: Row) -> list[Part]:
        shares = {number: cells[row.month_start, number].share or 0.0 for number in values}
        return [
            (_tone(number), share, f"{_name(values[number])}: {text.rate(share)}") for number, share in shares.items()
        ]

    return Figure(
        f"mix-{dimension}",
        table(
            reversed([row for row in answer.rows if row.value_no == min(values)]),
            (
                TableColumn("Month", "", lambda row: report.period(row.month_start, row.is_partial), "text"),
                number("Entered", "cohort"),
                bars(f"By {label}", parts, 1),
                *map(column, values.values()),
            ),
            caption=f"{many.capitalize()} that entered {pair.from_label} by {label}",
            source=report.source(
                answer, also=f"{label}: {answers.dimension_sources(report).get(dimension, 'as configured')}"
            ),
            key=f"mix-{pair.headline_no}-{dimension}",
        ),
        tuple(
            LegendItem(_tone(number), _name(row), text.rate(totals[number] / sum(totals.values())))
            for number, row in values.items()
        ),
    )


def _tone(number: int) -> str:
    """Return the CSS class of a value. There are eight colours and one for all other values."""
    return f"mix-{number}"


def _name(row: Row) -> str:
    return row.dimension_value if row.dimension_value is not None else text.other_values(row.values_inside)


def _cell(row: Row) -> Cell:
    return Cell(text.count(row.entered), note=text.rate(row.share) if row.entered else "")
