"""One row per lead, and one per cycle, with the first arrival at each stage and group."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pipeline.waterfall.definition import Waterfall

from .cuts import Dimensions
from .durations import Row, days_between, last_known_owners, open_leads
from .entries import deletions
from .history import History, present, record
from .journey import Journey
from .rules import leads
from .spans import Arrival, Span, rank


def leads_wide(waterfall: Waterfall, history: History, journey: Journey, dimensions: Dimensions) -> list[Row]:
    """marts.leads_wide."""
    owners = last_known_owners(history, journey)
    waiting = {row["lead_id"]: row for row in open_leads(waterfall, history, journey, dimensions)}
    gone = deletions(history)
    rows = []
    for lead in leads(waterfall, history, journey.placed):
        lead_id = lead["lead_id"]
        if not lead["is_in_scope"]:
            continue
        spans = [span for span in journey.spans if span.lead_id == lead_id]
        cycles = [cycle for cycle in journey.cycles if cycle.lead_id == lead_id]
        last = spans[-1] if spans else None
        present_span = last if last is not None and last.exited_at is None else None
        # Of parallel stages, the first in the definition.
        furthest = max((cycle.furthest_stage for cycle in cycles), key=lambda stage: (
            rank(stage), -[each.key for each in waterfall.stages].index(stage.key)), default=None)  # fmt: skip
        rows.append(
            {
                "lead_id": lead_id,
                "current_stage": present_span.stage.key if present_span else None,
                "current_owner": present(record(history, lead_id).get("owner")) or owners.get(lead_id),
                "account_id": lead["account_id"],
                "origin": lead["origin"],
                "first_entered_at": _naive(spans[0].entered_at) if spans else None,
                "entered_at": _naive(present_span.entered_at) if present_span else None,
                "age_days": days_between(present_span.entered_at, history.as_of) if present_span else None,
                "sla_state": waiting[lead_id]["sla_state"] if lead_id in waiting else None,
                "overdue_hours": waiting[lead_id]["overdue_hours"] if lead_id in waiting else None,
                "furthest_stage": furthest.key if furthest else None,
                "cycles": len(cycles),
                "is_open": lead_id in waiting,
                "is_completed": any(cycle.outcome == "completed" for cycle in cycles),
                "is_deleted": last.exit_kind == "deleted" if last else gone.get(lead_id) is not None,
                "arrived_at": _firsts(each for each in journey.arrivals if each.lead_id == lead_id) or None,
                "dimension_values": _values(dimensions, last) if last else None,
            }
        )
    return rows


def cycles_wide(journey: Journey, dimensions: Dimensions, as_of: datetime) -> list[Row]:
    """marts.cycles_wide."""
    rows = []
    for cycle in journey.cycles:
        key = (cycle.lead_id, cycle.cycle_no)
        first = next(
            span for span in journey.spans if (span.lead_id, span.cycle_no) == key and span.stage.kind == "path"
        )
        rows.append(
            {
                "lead_id": cycle.lead_id,
                "cycle_no": cycle.cycle_no,
                "started_at": _naive(cycle.started_at),
                "ended_at": _naive(cycle.ended_at) if cycle.ended_at is not None else None,
                "days": days_between(cycle.started_at, cycle.ended_at or as_of),
                "outcome": cycle.outcome,
                "entry_stage": cycle.entry_stage.key,
                "furthest_stage": cycle.furthest_stage.key,
                "qualified_by": cycle.qualified_by,
                "owner": present(first.entry.owner),
                "account_id": dimensions.account_of(cycle.lead_id),
                "is_open": cycle.outcome == "open",
                "arrived_at": _firsts(each for each in journey.arrivals if (each.lead_id, each.cycle_no) == key),
                "dimension_values": _values(dimensions, first),
            }
        )
    return rows


def _firsts(arrivals: Iterable[Arrival]) -> dict[str, datetime]:
    firsts: dict[str, datetime] = {}
    for arrival in arrivals:
        at = _naive(arrival.at)
        firsts[arrival.mark] = min(at, firsts.get(arrival.mark, at))
    return firsts


def _values(dimensions: Dimensions, span: Span) -> dict[str, str] | None:
    return {name: dimensions.value(name, span) for name in dimensions.names if name not in ("all", "owner")} or None


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)
