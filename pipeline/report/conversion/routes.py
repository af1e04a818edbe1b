"""Conversion by route past qualification, sources of origins, and qualifying teams."""

from __future__ import annotations

from pipeline.report import answers, text
from pipeline.report.conversion.cohorts import COUNTS, STILL_OPEN, title
from pipeline.report.layout.table import Cell, Table, TableColumn, number, table, word
from pipeline.report.query import Report, Row
from pipeline.report.text import SMALL_SAMPLE

ORIGINS = {
    "rule": "a rule of [[origins]]",
    "default": "origin_default",
    "input": "as the input says",
    "nobody": "nobody says",
}


def qualifying(report: Report) -> str:
    """Return the labels of the stages that qualify, such as `MQL or TQL`."""
    labels = [stage.label for stage in answers.stages(report) if stage.qualifies]
    return f"{', '.join(labels[:-1])} or {labels[-1]}" if len(labels) > 1 else "".join(labels)


def conversion_by_route(report: Report) -> Table | None:
    """Return conversion by the route past qualification; None without a stage that qualifies."""
    via = qualifying(report)
    answer = report.rows("report.conversion_by_route", "entered", order="shown_no, route_no")
    if not answer.rows:
        return None
    names = {"all": "all", "qualified": f"via {via}", "direct": "direct"}
    return table(
        answer.rows,
        (
            TableColumn("Pair", "", title, "text"),
            word("Route", "route", names.__getitem__),
            *COUNTS,
            STILL_OPEN,
            TableColumn("Rate, all cohorts", "rate", rate_so_far),
            TableColumn("Rate, final months", "mature_rate", _final_rate),
            TableColumn(
                "95% interval", "mature_low", lambda row: Cell(text.interval(row.mature_low, row.mature_high), "quiet")
            ),
        ),
        caption=f"Conversion after {via}: all, via {via}, direct",
        tone=lambda row: "total" if row.route == "all" else "",
        source=report.source(answer),
        notes=(
            f"via {via}: the cycle was there before it arrived at the first stage of the pair. direct: it was not. "
            "all = via + direct, the counts of every other table of this section.",
            "Hatched: some cycles are still open, so the rate can only rise; compare the final months.",
            f"Grey: fewer than {SMALL_SAMPLE} cycles.",
        ),
        key="routes",
    )


def rate_so_far(row: Row) -> Cell:
    """Return the rate of all cohorts together, which can rise while a unit is open."""
    tone = "immature" if row.still_open else "small-n" if 0 < row.entered < SMALL_SAMPLE else ""
    return Cell(text.rate(row.rate), tone, f"{text.count(row.still_open)} open" if row.still_open else "")


def _final_rate(row: Row) -> Cell:
    if row.mature_entered == 0:
        return Cell(text.DASH, "none")
    return Cell(
        text.rate(row.mature_rate),
        "small-n" if row.mature_entered < SMALL_SAMPLE else "",
        f"{text.count(row.mature_converted)} of {text.count(row.mature_entered)}",
    )


def origins(report: Report) -> Table:
    """Return who says the origin of a lead."""
    answer = report.rows("report.origin_sources", "leads", order="source_no")
    return table(
        answer.rows,
        (word("Source", "source", ORIGINS.__getitem__), number("Leads", "leads"), number("Share", "share", text.rate)),
        caption="Origin: who says it",
        source=report.source(answer),
        key="origins",
    )


def qualifications(report: Report) -> Table | None:
    """Return how many cycles each team qualified; None without such a team."""
    answer = report.rows("report.qualifications", "cycles", order="qualifier_no")
    if not answer.rows:
        return None
    return table(
        answer.rows,
        (word("Team", "qualified_by"), number("Cycles", "cycles"), number("Share", "share", text.rate)),
        caption="Qualified by: which team made the cycles ready",
        source=report.source(answer),
        key="qualifications",
    )
