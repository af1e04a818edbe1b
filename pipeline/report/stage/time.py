"""Time in stage of ended and open stays."""

from __future__ import annotations

from pipeline.report import links, text
from pipeline.report.layout import charts
from pipeline.report.layout.table import BarChart, BarRow, Cell, Details, LegendItem, TableColumn, number, table, word
from pipeline.report.query import Report, Row

ROW_HEIGHT, COMPLETED_Y, OPEN_Y = 58, 21, 38
"""Height of the row of a stage, and positions of its two lanes, in pixels."""


DURATIONS = ("mean_days", "median_days", "p90_days", "median_age_days", "p90_age_days", "censored_median_days")


def times(report: Report) -> BarChart:
    """Return the time in stage: ended stays above, open stays below."""
    answer = report.rows("report.stage_times", "completed", order="stage_no")
    rows = answer.rows
    scale = charts.log_scale([days for row in rows for each in DURATIONS if (days := getattr(row, each)) is not None])
    return BarChart(
        title="Days in stage",
        rows=tuple(
            BarRow(
                row.label,
                _lanes(row, scale),
                f"median {text.days(row.median_days)}",
                (f"{text.plural(row.completed, 'completed stay')}", _open_words(row)),
                link=links.stage_page(row.stage),
            )
            for row in rows
        ),
        legend=(
            LegendItem("dot-rate", "median of completed stays; the bar ends at the 90th percentile"),
            LegendItem("tick-mean", "mean of completed stays"),
            LegendItem("dot-open", "median age of open stays; the bar ends at the 90th percentile"),
            LegendItem("dot-all", "median of all stays, open ones counted as still lasting"),
        ),
        source=report.source(
            answer,
            unit="stays (spans)",
            basis="all history; a day has 86,400 s; completed and open stays are never averaged together",
            denominator="completed stays; open stays; median of all: both",
        ),
        details=Details(
            "Numbers behind the chart",
            table(rows, COLUMNS, caption="Time in stage: completed stays and open stays apart", key="times"),
        ),
        axis=charts.axis(scale),
        note="The scale is logarithmic: each step to the right multiplies.",
        key="times-chart",
    )


def _lanes(row: Row, scale: charts.LogScale) -> charts.Drawing:
    lines = [charts.Line(x, 0, x, ROW_HEIGHT, "grid") for x, _ in scale.ticks()]
    rects, dots = [], []
    if row.median_days is not None and row.p90_days is not None:
        title = f"median {text.days(row.median_days)}, nine of ten left within {text.days(row.p90_days)}"
        rects.append(_reach(scale, row.median_days, row.p90_days, COMPLETED_Y, "band", title))
        dots.append(charts.Dot(scale.x(row.median_days), COMPLETED_Y, "rate", title))
    if row.mean_days is not None:
        x = scale.x(row.mean_days)
        lines.append(charts.Line(x, COMPLETED_Y - 7, x, COMPLETED_Y + 7, "mean"))
    if row.still_open and row.median_age_days is not None and row.p90_age_days is not None:
        title = (
            f"open: median age {text.days(row.median_age_days)}, nine of ten younger than {text.days(row.p90_age_days)}"
        )
        rects.append(_reach(scale, row.median_age_days, row.p90_age_days, OPEN_Y, "open-band", title))
        dots.append(charts.Dot(scale.x(row.median_age_days), OPEN_Y, "open", title, "diamond"))
    if row.censored_median_days is not None:
        title = f"median of all stays {text.days(row.censored_median_days)}"
        dots.append(charts.Dot(scale.x(row.censored_median_days), COMPLETED_Y, "all", title, "ring"))
    alt_text = (
        f"{row.label}: completed stays median {text.days(row.median_days)}, mean {text.days(row.mean_days)}, "
        f"90th percentile {text.days(row.p90_days)}; open stays median age {text.days(row.median_age_days)}; "
        f"all stays median {text.days(row.censored_median_days)}"
    )
    return charts.Drawing(ROW_HEIGHT, alt_text, tuple(rects), tuple(lines), dots=tuple(dots))


def _reach(scale: charts.LogScale, start: float, end: float, y: int, tone: str, title: str) -> charts.Rect:
    left, right = scale.x(start), scale.x(end)
    return charts.Rect(left, y - 3, round(max(right - left, 0.3), 2), 6, tone, title)


def _open_words(row: Row) -> str:
    age = f", median age {text.days(row.median_age_days)}" if row.still_open else ""
    return f"{text.count(row.still_open)} open{age}"


def _median_of_all(row: Row) -> Cell:
    is_unknown = row.censored_median_days is None and (row.completed or row.still_open)
    return Cell(text.days(row.censored_median_days), note="more than half stay" if is_unknown else "")


COLUMNS = (
    word("Stage", "label"),
    number("Completed stays", "completed"),
    number("Mean", "mean_days", text.days),
    number("Median", "median_days", text.days),
    number("90th percentile", "p90_days", text.days),
    number("Open stays", "still_open"),
    number("Median age", "median_age_days", text.days),
    number("90th percentile of age", "p90_age_days", text.days),
    TableColumn(
        "Median of all",
        "censored_median_days",
        _median_of_all,
        hint="Kaplan–Meier: open stays count as lasting at least until as-of",
    ),
)
