"""Questions that several pages ask. Each runs once per report."""

from __future__ import annotations

from pipeline.database.connection import quoted
from pipeline.report.query import Answer, Report, Row


def headline(report: Report) -> Answer:
    """Return the headline pairs in every window."""
    return report.rows("report.headline", "entered", order="headline_no, window_days nulls first")


def headline_pairs(report: Report) -> tuple[Row, ...]:
    """Return the headline pairs without a window, in the order of the configuration."""
    return tuple(row for row in headline(report).rows if row.window_days is None)


def headline_windows(report: Report) -> dict[int, Row]:
    """Return headline_no → the pair within its headline window."""
    return {row.headline_no: row for row in headline(report).rows if row.is_headline_window}


def headline_changes(report: Report) -> Answer:
    """Return the headline rates against earlier months."""
    return report.rows("report.headline_change", "entered", order="headline_no, base")


def actions(report: Report) -> Answer:
    """Return the rules that fired, the most urgent first."""
    return report.rows("report.actions", "units", order="action_no")


def month_findings(report: Report) -> Answer:
    """Return the months that stand out in the trends of headline pairs, and runs of months in one direction."""
    return report.rows("report.month_findings", "entered", order="headline_no, month_start, finding")


def stages(report: Report) -> tuple[Row, ...]:
    """Return the stages in the order of the configuration."""
    return report.rows("waterfall.stages", "stage_no", order="stage_no").rows


def pairs(report: Report) -> tuple[Row, ...]:
    """Return the pairs that the report shows."""
    return report.rows("report.pairs_shown", "shown_no", order="shown_no").rows


def cohorts(report: Report, pair: Row) -> Answer:
    """Return the monthly cohorts of a pair in every window."""
    return report.rows(
        "report.conversion_months",
        "entered",
        where=f"{of_pair(pair)}\n    and is_trend",
        order="month_start, window_days nulls first",
    )


def of_pair(pair: Row) -> str:
    """Return the condition on the rows of a pair."""
    return f"from_stage = {quoted(pair.from_stage)} and to_stage = {quoted(pair.to_stage)}"


def totals(report: Report) -> Answer:
    """Return all cohorts of each pair together, and the final ones together, in every window."""
    return report.rows(
        "report.conversion_summary",
        "entered",
        where=f"dimension = {quoted(report.filter.dimension)} and cohorts in ('all', 'mature')",
        order="shown_no, window_days nulls first, cohorts",
    )


def outcomes(report: Report, headline_no: int) -> Answer:
    """Return what became of the units of a headline pair."""
    return report.rows("report.headline_gap", "units", where=f"headline_no = {headline_no}", order="fate_no")


def events(report: Report) -> tuple[Row, ...]:
    """Return the days that explain a trend, in order."""
    return report.rows("waterfall.events", "event_date", order="event_date, label").rows


def expected_rate_record(report: Report) -> Answer:
    """Return how past estimates of each headline pair compare with the outcome."""
    return report.rows("report.settled_record", "estimates", order="headline_no")


def dimensions(report: Report) -> tuple[str, ...]:
    """Return the dimensions by which pages slice; none in a report of one value, because marts have no pairs of them."""
    fetched = report.fetch("select dimension from waterfall.dimensions where position > 0 order by position")
    return tuple(name for (name,) in fetched) if report.is_all else ()


def dimension_coverage(report: Report) -> Answer:
    """Return how often the value of each dimension is known."""
    return report.rows("report.dimension_coverage", "stays", order="position")


def dimension_sources(report: Report) -> dict[str, str]:
    """Return dimension → as of when its value is, in words."""
    return {
        row.dimension: DIMENSION_SOURCES.get(row.source, "as configured") for row in dimension_coverage(report).rows
    }


def stage_flow(report: Report) -> Answer:
    """Return the balance of every stage over all history."""
    return report.rows("report.stage_flow", "closing", where="month_start is null", order="stage_no")


def stage_months(report: Report, stage: str) -> Answer:
    """Return the balance of a stage by month."""
    return report.rows(
        "report.stage_flow",
        "closing",
        where=f"stage = {quoted(stage)} and month_start is not null",
        order="month_start",
    )


def lead_balance(report: Report) -> Answer:
    """Return the balance of all leads by month, all history first."""
    return report.rows("report.lead_balance", "closing", order="month_start nulls first")


def sla(report: Report) -> Answer:
    """Return the stays of each stage with an SLA, over all history."""
    return report.rows("report.stage_sla", "met", where="month_start is null", order="stage_no")


def history_coverage(report: Report) -> Answer:
    """Return where the history of each input begins."""
    return report.rows("quality.history_coverage", "leads", order="input")


DIMENSION_SOURCES = {
    "entry": "as it was at the entry that starts the measure",
    "lead": "the lead’s current value: history does not give it",
    "account": "the account’s current value: history does not give it",
    "cycle": "a fact of the cycle",
    "stage": "the team of the stage",
}
