"""Changes of volume between the last two complete months: a sentence and its table."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.report import links, text
from pipeline.report.layout.table import Cell, Details, TableColumn, join_words, number, table
from pipeline.report.query import Answer, Report, Row
from pipeline.report.text import SMALL_SAMPLE


def sentence(stages: Sequence[Row]) -> str:
    """Return the changes of arrivals: significant ones with numbers, the other stages by name."""
    if not stages or stages[0].previous_month is None:
        return "Arrivals: there are no two complete months to compare yet."
    parts = []
    significant = [stage for stage in stages if stage.is_enough and not stage.is_noise]
    not_significant = [stage.label for stage in stages if stage.is_enough and stage.is_noise]
    few = [stage.label for stage in stages if not stage.is_enough]
    if significant:
        parts.append("clear changes at " + join_words([_moved(stage) for stage in significant]))
    if not_significant:
        parts.append(f"no clear change at {join_words(not_significant)}")
    if few:
        parts.append(f"too few to say at {join_words(few)}")
    months = f"{text.month(stages[0].latest_month)} against {text.month(stages[0].previous_month)}"
    return f"Arrivals in {months}: {'; '.join(parts)}."


def _moved(stage: Row) -> str:
    change = stage.change or 0
    then, now = text.count(stage.previous_arrivals), text.count(stage.latest_arrivals)
    return f"{stage.label}, {'up' if change > 0 else 'down'} {text.count(abs(change))} ({then} → {now})"


def stages(report: Report, answer: Answer) -> Details:
    """Return the table behind the sentence, with the time in stage of stays that ended."""
    first = answer.rows[0]
    then = text.month(first.previous_month) if first.previous_month else "month before"
    now = text.month(first.latest_month) if first.latest_month else "last month"
    ended = "of the stays that ended in the month"
    changed = table(
        answer.rows,
        (
            TableColumn("Stage", "", lambda row: Cell(row.label, link=links.stage_page(row.stage)), "text"),
            number(f"Arrivals, {then}", "previous_arrivals"),
            number(f"Arrivals, {now}", "latest_arrivals"),
            TableColumn("Change", "", _change),
            TableColumn(
                f"Median time, {then}",
                "previous_median_days",
                lambda row: _median(row.previous_median_days, row.previous_ended),
                hint=ended,
            ),
            TableColumn(
                f"Median time, {now}",
                "latest_median_days",
                lambda row: _median(row.latest_median_days, row.latest_ended),
                hint=ended,
            ),
            TableColumn(
                "Overdue now", "overdue", lambda row: Cell(text.count(row.overdue), "" if row.overdue else "none")
            ),
        ),
        caption="Path stages, the last complete month against the month before",
        source=report.source(
            answer,
            unit="cycles; stays; leads overdue",
            basis="arrivals in the month; stays that ended in the month, by their counts: medians are not tested",
            denominator="none: counts and medians",
        ),
        notes=(
            "No clear change: chance explains the difference, (n₁ − n₀)² ≤ 1.96² · (n₁ + n₀). "
            f"Nothing is said of fewer than {SMALL_SAMPLE} arrivals in both months together.",
        ),
        key="volume-change",
    )
    return Details("Arrivals and time in stage", changed, note=f"{now} against {then}" if first.previous_month else "")


def _change(row: Row) -> Cell:
    if row.change is None:
        return Cell(text.DASH, "none")
    if not row.is_enough:
        return Cell(text.DASH, "small-n", "too few to say")
    sign = "+" if row.change > 0 else ""
    return Cell(f"{sign}{text.count(row.change)}", note="no clear change" if row.is_noise else "clear change")


def _median(days: float | None, ended: int) -> Cell:
    if days is None:
        return Cell(text.DASH, "none")
    return Cell(text.days(days), "small-n" if ended < SMALL_SAMPLE else "", f"of {text.count(ended)}")
