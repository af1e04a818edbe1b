"""SLA: stays that met the limit of their stage, by month and by owner (T5)."""

from __future__ import annotations

from typing import Any

from pipeline.database.connection import quoted
from pipeline.report import answers, text
from pipeline.report.layout.bars import Part, bars
from pipeline.report.layout.table import Cell, Details, TableColumn, more_rows, number, table, word
from pipeline.report.owners.open_leads import MAX_OWNERS_SHOWN, alert
from pipeline.report.query import Report, Row
from pipeline.report.text import SMALL_SAMPLE

OWNER_NOTE = (
    "The counts are of stays, by the owner when the lead came. The last two columns count open leads by the owner now. An owner "
    "who takes over an overdue lead must work it, but did not miss the limit."
)
COUNTS = (
    number("Met", "met"),
    number("Breached", "breached", hint="left too late"),
    number("Open, within", "open_within"),
    TableColumn("Open, overdue", "open_overdue", lambda row: alert(row.open_overdue)),
)
MET_SHARE_HINT = "met / (met + breached + open, overdue)"


def sla_section(report: Report) -> dict[str, Any]:
    """Return the SLA results of all stages with an SLA, in the order of the waterfall."""
    answer = answers.sla(report)
    rows = answer.rows
    late = sum(_late(row) for row in rows)
    decided = late + sum(row.met for row in rows)
    largest = max((row.met + _late(row) + row.open_within for row in rows), default=0)
    return {
        "sentence": (
            f"Of {text.plural(decided, 'decided stay')} in stages with a limit, {text.count(late)} left too late or are overdue."
            if rows
            else "The configuration gives no stage a limit."
        ),
        "stages": table(
            rows,
            (
                word("Stage", "stage_label"),
                TableColumn("Limit", "", lambda row: Cell(row.sla_text, note=f"{row.sla_clock} clock")),
                *COUNTS,
                number("Met share", "met_share", text.rate, hint=MET_SHARE_HINT),
                bars("All stays", _parts, largest),
            ),
            caption="Stays against the limit of their stage, all history",
            source=report.source(answer),
            key="limits",
        ),
        "months": tuple(by_month(report, row) for row in rows),
        "owners": tuple(by_owner(report, row) for row in rows),
        "note": OWNER_NOTE,
    }


def _late(row: Row) -> int:
    return int(row.breached + row.open_overdue)


def _parts(row: Row) -> list[Part]:
    return [
        ("converted", row.met, f"met: {text.count(row.met)}"),
        ("overdue", _late(row), f"breached or overdue: {text.count(_late(row))}"),
        ("open", row.open_within, f"open, within: {text.count(row.open_within)}"),
    ]


def by_month(report: Report, stage: Row) -> Details:
    """Return the stays of a stage by month of entry. `stage` is its row over all history."""
    answer = report.rows(
        "report.stage_sla",
        "met",
        where=f"stage = {quoted(stage.stage)} and month_start is not null",
        order="month_start",
    )
    months = table(
        answer.rows,
        (
            TableColumn("Month", "", lambda row: report.period(row.month_start, row.is_partial), "text"),
            *COUNTS,
            number("Met share", "met_share", text.rate, hint=MET_SHARE_HINT),
        ),
        caption=f"{stage.stage_label}: stays by month of entry",
        source=report.source(answer),
        key=f"limit-months-{stage.stage_no}",
    )
    return Details(stage.stage_label, months, note="month by month")


def by_owner(report: Report, stage: Row) -> Details:
    """Return the stays of a stage by owner at entry, and what each owner has now. `stage` is its row over all history."""
    answer = report.rows("report.sla_by_owner", "met", where=f"stage = {quoted(stage.stage)}", order="owner_no")
    owners = table(
        answer.rows[:MAX_OWNERS_SHOWN],
        (
            word("Owner", "owner"),
            *COUNTS,
            TableColumn(
                "Met share", "met_share", lambda row: Cell(text.rate(row.met_share), _tone(row)), hint=MET_SHARE_HINT
            ),
            TableColumn(
                "95% interval", "met_low", lambda row: Cell(text.interval(row.met_low, row.met_high), _tone(row))
            ),
            number("Has now, within", "now_within"),
            TableColumn("Has now, overdue", "now_overdue", lambda row: alert(row.now_overdue)),
        ),
        caption=f"{stage.stage_label}: stays by owner at entry, and what each owner has now; limit {stage.sla_text}, "
        f"{stage.sla_clock} clock",
        source=report.source(answer),
        notes=(
            f"Grey: fewer than {SMALL_SAMPLE} decided stays. Most overdue now first, then by name; the place is no grade.",
            *more_rows(len(answer.rows) - MAX_OWNERS_SHOWN, "owner"),
        ),
        key=f"limit-owners-{stage.stage_no}",
    )
    late = sum(row.now_overdue for row in answer.rows)
    note = f"by owner; {text.plural(late, 'open lead')} past the limit of {stage.sla_text}, {stage.sla_clock} clock"
    return Details(stage.stage_label, owners, is_open=late > 0, note=note)


def _tone(row: Row) -> str:
    return "small-n" if row.decided < SMALL_SAMPLE else ""
