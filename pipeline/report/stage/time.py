"""Time in stage of ended and open stays."""

from __future__ import annotations

from pipeline.database.connection import quoted
from pipeline.report import answers, links, text
from pipeline.report.layout.bars import Part, bars
from pipeline.report.layout.table import Cell, Figure, LegendItem, TableColumn, number, table
from pipeline.report.query import Report, Row

LEGEND = (
    LegendItem("through", "median of completed stays"),
    LegendItem("band", "to the 90th percentile: nine of ten left by then"),
)


def times(report: Report, stage: str = "") -> Figure:
    """Return the time in stage against the limit; with the key of a stage, of that stage only."""
    where = f"stage = {quoted(stage)}" if stage else ""
    answer = report.rows("report.stage_times", "completed", where=where, order="stage_no")
    limits = {each.stage: each.sla_text for each in answers.stages(report)}
    return Figure(
        "times",
        table(
            answer.rows,
            (
                TableColumn("Stage", "", lambda row: Cell(row.label, link=links.stage_page(row.stage)), "text"),
                TableColumn("Limit", "", lambda row: limits[row.stage] or text.DASH),
                number("Median", "median_days", text.days),
                bars("Median and 90th percentile", _reach, max((row.p90_days or 0 for row in answer.rows), default=0)),
                number("90th percentile", "p90_days", text.days),
                number("Mean", "mean_days", text.days),
                number("Completed stays", "completed"),
                number("Open stays", "still_open"),
                number("Median age", "median_age_days", text.days),
                number("90th percentile of age", "p90_age_days", text.days),
                TableColumn(
                    "Median of all",
                    "censored_median_days",
                    _median_of_all,
                    hint="Kaplan–Meier: open stays count as lasting at least until as-of",
                ),
            ),
            caption="Time in stage: completed stays and open stays apart",
            source=report.source(answer),
            key=f"times-{answer.rows[0].stage_no}" if stage and answer.rows else "times",
        ),
        LEGEND,
    )


def _reach(row: Row) -> list[Part]:
    if row.median_days is None or row.p90_days is None:
        return []
    return [
        ("through", row.median_days, f"median {text.days(row.median_days)}"),
        ("band", row.p90_days - row.median_days, f"nine of ten left within {text.days(row.p90_days)}"),
    ]


def _median_of_all(row: Row) -> Cell:
    is_unknown = row.censored_median_days is None and (row.completed or row.still_open)
    return Cell(text.days(row.censored_median_days), note="more than half stay" if is_unknown else "")
