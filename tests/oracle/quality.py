"""Dates that deserve a second look, found by looking at one stay after the other."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta

from pipeline.waterfall.definition import Waterfall

from .cuts import local_date
from .durations import Row
from .history import History, present
from .journey import Journey
from .rules import scope_rule
from .spans import Span

MINUTE = timedelta(minutes=1)


def stage_dates(waterfall: Waterfall, history: History, journey: Journey) -> list[Row]:
    """The rows of quality.stage_dates, without what only a file can tell (a time that the clocks skipped)."""
    entered = defaultdict(set)
    for span in journey.spans:
        entered[span.stage.key].add(span.lead_id)
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    minutes = defaultdict(set)
    for span in journey.spans:
        minutes[span.stage.key, span.entered_at.replace(second=0, microsecond=0)].add(span.lead_id)
    office = office_owners(waterfall, journey)
    for position, span in enumerate(journey.spans):
        for finding in findings_of(waterfall, history, span, office):
            found[finding, span.stage.key].append(span.lead_id)
        if len(minutes[span.stage.key, span.entered_at.replace(second=0, microsecond=0)]) >= 50:
            found["bulk_stamp", span.stage.key].append(span.lead_id)
        if (span.lead_id, span.span_no) in journey.interrupted:
            found["interrupted_by_unknown_stage", span.stage.key].append(span.lead_id)
        before = journey.spans[position - 1] if position else None
        after = journey.spans[position + 1] if position + 1 < len(journey.spans) else None
        if is_one_second(before, span) and not is_one_second(span, after):
            found["same_second", span.stage.key].append(span.lead_id)
    for row in journey.placed:
        # A lead out of scope (E8) leaves every count, this one too.
        if row.disposition == "after_as_of" and scope_rule(waterfall, history, row.lead_id) is None:
            found["future_dated", row.into.key].append(row.lead_id)
            # case_files has every row delivered at as-of.
            found["after_delivery", row.into.key].append(row.lead_id)
    return [
        {
            "finding": finding,
            "stage": stage,
            "leads": len(set(lead_ids)),
            "entries": len(lead_ids),
            "share": len(set(lead_ids)) / len(entered[stage]) if entered[stage] else None,
            "examples": sorted(set(lead_ids))[:5],
        }
        for (finding, stage), lead_ids in found.items()
    ]


def findings_of(waterfall: Waterfall, history: History, span: Span, office: set[str]) -> list[str]:
    """What one stay shows by itself."""
    found = []
    if span.skipped:
        found.append("skipped")
    if span.exit_kind == "regressed":
        found.append("regressed")
    if span.came_by == "restored":
        found.append("restored")
    if span.exit_kind == "returned" and span.stage.kind == "exit":
        found.append("reopened")
    if span.stage.kind != "path" and span.exit_kind in ("held", "detoured", "exited"):
        found.append("off_path_move")
    if present(span.entry.owner) in office and is_weekend(local_date(waterfall, span.entered_at)):
        found.append("weekend_entry")
    limit = span.stage.sla
    if limit is not None and limit.clock == "calendar" and span.next_stage is not None and span.exited_at is not None:
        left = timedelta(**{f"{limit.unit}s": limit.amount}) - (span.exited_at - span.entered_at)
        if timedelta(0) <= left <= 15 * MINUTE:
            found.append("last_minute")
    if span.stage.gate and (span.exited_at or history.as_of) - span.entered_at > MINUTE:
        found.append("gate_holding")
    return found


def office_owners(waterfall: Waterfall, journey: Journey) -> set[str]:
    """Owners with twenty entries or more on weekdays, and less than one in twenty of all at a weekend."""
    entries: Counter[str] = Counter()
    weekends: Counter[str] = Counter()
    for span in journey.spans:
        owner = present(span.entry.owner)
        if owner is not None:
            entries[owner] += 1
            weekends[owner] += is_weekend(local_date(waterfall, span.entered_at))
    return {
        owner for owner, all_of in entries.items() if all_of - weekends[owner] >= 20 and weekends[owner] / all_of < 0.05
    }


def is_weekend(day: date) -> bool:
    """Saturday or Sunday."""
    return day.isoweekday() >= 6


def is_one_second(before: Span | None, after: Span | None) -> bool:
    """Whether both are of one lead and began in the same second."""
    return (
        before is not None
        and after is not None
        and before.lead_id == after.lead_id
        and before.entered_at.replace(microsecond=0) == after.entered_at.replace(microsecond=0)
    )
