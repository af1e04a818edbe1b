"""The headline rate of each value of a dimension, beside its rate in the months before."""

from __future__ import annotations

from pipeline.report import text, units
from pipeline.report.figures import Figures
from pipeline.report.headline.rows import ValueRate
from pipeline.report.layout.dots import rate_axis, rate_dots
from pipeline.report.layout.table import BarChart, BarRow, FootnoteBuilder, LegendItem
from pipeline.report.layout.trend_line import Axis, axis_of
from pipeline.report.query import QueryResult

MIN_VALUES_ON_INDEX = 3
MAX_CHARTS_ON_INDEX = 2


def index_charts(figures: Figures, footnotes: FootnoteBuilder) -> tuple[BarChart, ...]:
    """Return the first dimensions with at least three values, of the first headline pair that has any."""
    for result in figures.value_rates:
        rows = result.rows
        wide = [
            dimension
            for dimension in dict.fromkeys(row.dimension for row in rows)
            if sum(row.dimension == dimension and row.entered > 0 for row in rows) >= MIN_VALUES_ON_INDEX
        ]
        if wide:
            return tuple(_chart(result, dimension, figures, footnotes) for dimension in wide[:MAX_CHARTS_ON_INDEX])
    return ()


def pair_charts(headline_no: int, figures: Figures, footnotes: FootnoteBuilder) -> tuple[BarChart, ...]:
    """Return every dimension of a headline pair, in the order of the configuration."""
    return tuple(
        _chart(result, dimension, figures, footnotes)
        for result in figures.value_rates
        for dimension in dict.fromkeys(row.dimension for row in result.rows if row.headline_no == headline_no)
    )


def _chart(result: QueryResult[ValueRate], dimension: str, figures: Figures, footnotes: FootnoteBuilder) -> BarChart:
    rows = sorted(
        (row for row in result.rows if row.dimension == dimension and row.entered > 0),
        key=lambda row: (row.change is None, -(row.change or 0), row.value_no),
    )
    first = rows[0]
    headline = next(row for row in figures.headline.rows if row.headline_no == first.headline_no)
    axis = axis_of(
        [share for row in rows for share in (row.rate_low, row.rate_high, row.base_rate) if share is not None]
    )
    months = footnotes.month_range(first.first_month, first.last_month)
    return BarChart(
        title=f"By {text.dimension(dimension)}",
        rows=tuple(_row(row, axis) for row in rows),
        legend=(
            LegendItem("dot-rate", months),
            LegendItem("band", "95 % interval"),
            *(
                (LegendItem("dot-base", "as many months before"),)
                if any(row.base_rate is not None for row in rows)
                else ()
            ),
        ),
        source=footnotes.source(
            result,
            unit=units.describe(headline.unit),
            basis=f"cohorts by the month of arrival at {headline.from_label}, within {first.window_days} days, {months}; "
            "the value at the arrival; largest rise first",
            denominator="the number after “of”",
        ),
        axis=rate_axis(axis),
        note=f"{headline.from_label} → {headline.to_label} within {first.window_days} days. "
        + ("This is not a ranking of people: look at the intervals." if dimension == "owner" else ""),
        key="values",
    )


def _row(row: ValueRate, axis: Axis) -> BarRow:
    assert row.rate is not None
    assert row.rate_low is not None
    assert row.rate_high is not None
    label = (
        row.dimension_value if row.dimension_value is not None else f"{text.plural(row.values_inside, 'other value')}"
    )
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
            f"{label}: {text.rate(row.rate)}, 95 % interval {text.interval(row.rate_low, row.rate_high)}",
        ),
        value=text.percent(row.rate, row.entered),
        notes=(f"{counts}{change}",),
    )
