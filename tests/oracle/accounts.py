"""Accounts: where each stands, when it arrived where, and how many of its people were known then (A3, A4)."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from pipeline.waterfall.definition import Stage, Waterfall

from .cuts import Dimensions, path_marks
from .durations import Row
from .history import History
from .journey import Journey
from .rules import leads
from .spans import Span, rank


def account_stages(waterfall: Waterfall, history: History, journey: Journey, dimensions: Dimensions) -> list[Row]:
    """marts.account_stages: every account that a lead in scope names."""
    people: dict[str, list[str]] = defaultdict(list)
    for row in leads(waterfall, history, journey.placed):
        account_id = dimensions.account_of(row["lead_id"])
        if row["is_in_scope"] and account_id is not None:
            people[account_id].append(row["lead_id"])
    rows = []
    for account_id, lead_ids in people.items():
        own = [span for span in journey.spans if span.lead_id in lead_ids]
        now = [span for span in own if span.exited_at is None]
        counted = [where_it_counts(span, journey) for span in now]
        stage = highest(waterfall, counted)
        there = [span for span in counted if stage is not None and span.stage.key == stage.key]
        furthest = highest(waterfall, own)
        on_path = [span.entered_at for span in own if span.stage.kind == "path"]
        rows.append(
            {
                "account_id": account_id,
                "stage": stage.key if stage is not None else None,
                "rank": stage.rank if stage is not None else None,
                "stage_since": naive(min(span.entered_at for span in there)) if there else None,
                "leads_in_stage": len(there),
                "leads": len(lead_ids),
                "leads_with_history": len({span.lead_id for span in own}),
                "leads_open": sum(1 for span in now if span.stage.kind in ("path", "hold")),
                "furthest_stage": furthest.key if furthest is not None else None,
                "furthest_rank": furthest.rank if furthest is not None else None,
                "first_arrived_at": naive(min(on_path)) if on_path else None,
                "is_won": any(c.lead_id in lead_ids and c.outcome == "completed" for c in journey.cycles),
            }
        )
    return rows


def account_arrivals(waterfall: Waterfall, journey: Journey, dimensions: Dimensions) -> list[Row]:
    """marts.account_arrivals: every account and mark at which one of its leads arrived."""
    known_at: dict[str, datetime] = {}
    for span in journey.spans:
        known_at[span.lead_id] = min(span.entered_at, known_at.get(span.lead_id, span.entered_at))
    account_of = {lead_id: dimensions.account_of(lead_id) for lead_id in known_at}
    rows = []
    for account_id in {name for name in account_of.values() if name is not None}:
        people = [lead_id for lead_id in known_at if account_of[lead_id] == account_id]
        for mark in path_marks(waterfall):
            own = [each for each in journey.arrivals if each.lead_id in people and each.mark == mark.key]
            if not own:
                continue
            first = min(own, key=lambda each: (each.at, each.lead_id))
            rows.append(
                {
                    "account_id": account_id,
                    "stage": mark.key,
                    "arrived_at": naive(first.at),
                    "lead_id": first.lead_id,
                    "depth_at_entry": sum(1 for lead_id in people if known_at[lead_id] <= first.at),
                    "leads_reached": len({each.lead_id for each in own}),
                }
            )
    return rows


def where_it_counts(now: Span, journey: Journey) -> Span:
    """The open stay of a lead, or the stay on the path that its hold interrupts."""
    before = [span for span in journey.spans if span.lead_id == now.lead_id and span.span_no < now.span_no]
    while now.stage.kind == "hold" and before and before[-1].exit_kind != "deleted":
        if before[-1].stage.kind != "hold":
            return before[-1] if before[-1].stage.kind == "path" else now
        before.pop()
    return now


def highest(waterfall: Waterfall, spans: list[Span]) -> Stage | None:
    """The path stage of the highest rank among these stays; of parallel ones the first of the configuration."""
    stages = [stage for stage in waterfall.stages if stage.key in {span.stage.key for span in spans}]
    on_path = [stage for stage in stages if stage.kind == "path"]
    return max(on_path, key=rank) if on_path else None


def naive(moment: datetime) -> datetime:
    """UTC without a zone, as DuckDB gives it."""
    return moment.replace(tzinfo=None)
