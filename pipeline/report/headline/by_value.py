"""The headline rate of each value of a dimension, beside its rate in the months before."""

from __future__ import annotations

from pipeline.report import answers, text
from pipeline.report.layout.dots import rate_axis, rate_dots
from pipeline.report.layout.table import BarChart, BarRow, LegendItem
from pipeline.report.layout.trend_line import Axis, axis_of
from pipeline.report.query import Answer, Report, Row

MIN_VALUES_ON_INDEX = 3
MAX_CHARTS_ON_INDEX = 2


def _rates(report: Report, headline_no: int) -> Answer:
    return report.rows(
        "report.value_rates", "entered", where=f"headline_no = {headline_no}", order="dimension_no, value_no"
    )


def index_charts(report: Report) -> tuple[BarChart, ...]:
    """Return the first dimensions with at least three values, of the first headline pair that has any."""
    for pair in answers.headline_pairs(report):
        answer = _rates(report, pair.headline_no)
        wide = [
            dimension
            for dimension in dict.fromkeys(row.dimension for row in answer.rows)
            if sum(row.dimension == dimension and row.entered > 0 for row in answer.rows) >= MIN_VALUES_ON_INDEX
        ]
        if wide:
            return tuple(_chart(report, pair, answer, dimension) for dimension in wide[:MAX_CHARTS_ON_INDEX])
    return ()


def pair_charts(report: Report, pair: Row) -> tuple[BarChart, ...]:
    """Return every dimension of a headline pair, in the order of the configuration."""
    answer = _rates(report, pair.headline_no)
    return tuple(
        _chart(report, pair, answer, dimension) for dimension in dict.fromkeys(row.dimension for row in answer.rows)
    )


def _chart(report: Report, pair: Row, answer: Answer, dimension: str) -> BarChart:
    rows = sorted(
        (row for row in answer.rows if row.dimension == dimension and row.entered > 0),
        key=lambda row: (row.change is None, -(row.change or 0), row.value_no),
    )
    first = rows[0]
    axis = axis_of(
        [share for row in rows for share in (row.rate_low, row.rate_high, row.base_rate) if share is not None]
    )
    months = report.month_range(first.first_month, first.last_month)
    return BarChart(
        title=f"By {report.dimension(dimension)}",
        rows=tuple(_row(row, axis) for row in rows),
        legend=(
            LegendItem("dot-rate", months),
            LegendItem("band", "95% interval"),
            *(
                (LegendItem("dot-base", "as many months before"),)
                if any(row.base_rate is not None for row in rows)
                else ()
            ),
        ),
        source=report.source(answer),
        axis=rate_axis(axis),
        note=f"{pair.from_label} → {pair.to_label} within {first.window_days} days. "
        + ("This is not a ranking of people: look at the intervals." if dimension == "owner" else ""),
        key="values",
    )


def _row(row: Row, axis: Axis) -> BarRow:
    label = row.dimension_value if row.dimension_value is not None else text.other_values(row.values_inside)
    counts = f"{text.count(row.converted)} of {text.count(row.entered)}"
    change = ""
    if row.direction == "few":
        change = " · too few to compare"
    elif row.change is not None:
        change = f" · {text.points(row.change)}" + ("" if row.direction == "same" else f", {row.direction}")
    return BarRow(
        label=label,
        drawing=rate_dots(
            row.rate,
            row.rate_low,
            row.rate_high,
            row.base_rate,
            axis,
            f"{label}: {text.rate(row.rate)}, 95% interval {text.interval(row.rate_low, row.rate_high)}",
        ),
        value=text.percent(row.rate, row.entered),
        notes=(f"{counts}{change}",),
    )
