"""From rows to history: which rows count, whose they are, the spans, cycles and arrivals they make (docs/RULES.md 3, 4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pipeline.waterfall.definition import Waterfall

from .entries import (
    Placed,
    at_creation,
    deletions,
    first_creations,
    first_values,
    order_in_lead,
    place,
)
from .history import (
    History,
)
from .spans import Arrival, Cycle, Span, arrivals_of, cycles_of, spans_of


@dataclass(frozen=True)
class Journey:
    """All rows placed and what they add up to; spans by lead and span_no, the rest by lead and cycle_no."""

    placed: tuple[Placed, ...]
    spans: tuple[Span, ...]
    cycles: tuple[Cycle, ...]
    arrivals: tuple[Arrival, ...]
    creations: tuple[datetime, ...] = ()
    interrupted: frozenset[tuple[str, int]] = frozenset()
    """Lead and span_no of the ended stays into which a row with an unknown stage falls."""


def travel(waterfall: Waterfall, history: History) -> Journey:
    """The whole of docs/RULES.md section 3 and 4."""
    placed = place(waterfall, history)
    kept = defaultdict(list)
    for row in placed:
        if row.disposition == "kept":
            kept[row.lead_id].append(row)
    with_entries = set(kept)
    for row in (*first_values(waterfall, history, kept), *at_creation(waterfall, history, with_entries)):
        kept[row.lead_id].append(row)
    gone = deletions(history)

    spans: list[Span] = []
    cycles: list[Cycle] = []
    for lead_id in sorted(kept):
        own = spans_of(sorted(kept[lead_id], key=lambda row: order_in_lead(history, row)), gone.get(lead_id))
        spans += own
        cycles += cycles_of(waterfall, own)
    return Journey(
        tuple(placed),
        tuple(spans),
        tuple(cycles),
        tuple(arrivals_of(waterfall, spans)),
        tuple(first_creations(waterfall, history, placed)),
        frozenset(interrupted(placed, spans)),
    )


def interrupted(placed: list[Placed], spans: list[Span]) -> Iterable[tuple[str, int]]:
    """T1: the stays that ended after a row of their lead with an unknown stage, which came at their entry or later."""
    unknown = [row for row in placed if row.reason == "unknown_stage"]
    for span in spans:
        for row in unknown:
            if (
                row.lead_id == span.lead_id
                and span.exited_at is not None
                and span.entered_at <= row.at < span.exited_at
            ):
                yield span.lead_id, span.span_no


# ---- rows (E1 to E7)
