"""Spans, cycles and arrivals of one lead, from its entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pipeline.waterfall.definition import Stage, Waterfall

from .entries import Placed, is_between
from .history import Entry, present


def rank(stage: Stage) -> int:
    """The rank of a path stage."""
    assert stage.rank is not None
    return stage.rank


@dataclass(frozen=True)
class Span:
    """One stay. `came_by` is the exit kind of the span before, `new`, or `restored` after a deletion."""

    lead_id: str
    span_no: int
    cycle_no: int
    stage: Stage
    entered_at: datetime
    exited_at: datetime | None
    came_by: str
    exit_kind: str
    skipped: bool
    next_stage: str | None
    entry: Entry


@dataclass(frozen=True)
class Cycle:
    """One run along the path. `ended_at` is None while the outcome is `open`."""

    lead_id: str
    cycle_no: int
    entry_stage: Stage
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    furthest_stage: Stage
    qualified_by: str


@dataclass(frozen=True)
class Arrival:
    """The first span of a cycle in a stage, or in any member of a group; `mark` is the key of either."""

    lead_id: str
    cycle_no: int
    mark: str
    span: Span

    @property
    def at(self) -> datetime:
        return self.span.entered_at


def spans_of(rows: list[Placed], deleted_at: datetime | None) -> list[Span]:
    """The spans of one lead from its kept rows in order."""
    spans: list[Span] = []
    cycle_no = 0
    last_outside_hold: Stage | None = None
    came_by = "new"
    for position, row in enumerate(rows):
        if row.into.kind == "path" and opens_a_cycle(row.into, last_outside_hold):
            cycle_no += 1
        if row.into.kind != "hold":
            last_outside_hold = row.into

        following = rows[position + 1] if position + 1 < len(rows) else None
        is_deleted = is_between(deleted_at, row, following)
        if is_deleted:
            exited_at, exit_kind, following, last_outside_hold = deleted_at, "deleted", None, None
        elif following is not None:
            exited_at, exit_kind = following.at, how_it_left(row.into, following.into)
        else:
            exited_at, exit_kind = None, "open"
        spans.append(
            Span(
                lead_id=row.lead_id,
                span_no=position + 1,
                cycle_no=cycle_no,
                stage=row.into,
                entered_at=row.at,
                exited_at=exited_at,
                came_by=came_by,
                exit_kind=exit_kind,
                # Ranks are dense: a step of more than one leaves a rank out.
                skipped=exit_kind == "advanced" and following is not None and rank(following.into) - rank(row.into) > 1,
                next_stage=following.into.key if following is not None else None,
                entry=row.entry,
            )
        )
        came_by = "restored" if is_deleted else exit_kind
    return spans


def opens_a_cycle(stage: Stage, last_outside_hold: Stage | None) -> bool:
    """C1 and C2 for an entry into a path stage."""
    if last_outside_hold is None or last_outside_hold.kind != "path":
        return True
    return rank(stage) < rank(last_outside_hold)


def how_it_left(stage: Stage, following: Stage) -> str:
    """S2."""
    if following.kind != "path":
        return {"hold": "held", "detour": "detoured", "exit": "exited"}[following.kind]
    if stage.kind != "path":
        return "returned"
    if rank(following) > rank(stage):
        return "advanced"
    return "sideways" if rank(following) == rank(stage) else "regressed"


def top_rank(waterfall: Waterfall) -> int:
    return max(stage.rank for stage in waterfall.stages if stage.rank is not None)


def cycles_of(waterfall: Waterfall, spans: list[Span]) -> list[Cycle]:
    """The cycles of one lead; cycle 0 is none."""
    by_cycle = defaultdict(list)
    for span in spans:
        if span.cycle_no > 0:
            by_cycle[span.cycle_no].append(span)
    cycles = []
    for cycle_no, own in by_cycle.items():
        on_path = [span for span in own if span.stage.kind == "path"]
        following = by_cycle.get(cycle_no + 1)
        outcome, ended_at = how_it_ended(waterfall, own, following[0].entered_at if following else None)
        qualifying = [span for span in on_path if span.stage.qualifies]
        cycles.append(
            Cycle(
                lead_id=own[0].lead_id,
                cycle_no=cycle_no,
                entry_stage=on_path[0].stage,
                started_at=on_path[0].entered_at,
                ended_at=ended_at,
                outcome=outcome,
                furthest_stage=highest(on_path),
                qualified_by=(present(highest(qualifying).team) or "(none)") if qualifying else "direct",
            )
        )
    return cycles


def highest(spans: list[Span]) -> Stage:
    """The stage of the highest rank; of parallel ones the first entered (max keeps the first)."""
    return max(spans, key=lambda span: rank(span.stage)).stage


def how_it_ended(waterfall: Waterfall, own: list[Span], next_start: datetime | None) -> tuple[str, datetime | None]:
    """C5: outcome and the moment the cycle stopped being open."""
    for span in own:
        if span.stage.rank == top_rank(waterfall):
            return "completed", span.entered_at
    for span in own:
        if span.stage.kind == "detour":
            return "detoured", span.entered_at
        if span.stage.kind == "exit":
            return "exited", span.entered_at
        if span.exit_kind == "deleted":
            return "deleted", span.exited_at
    if next_start is not None:
        return "regressed", next_start
    return "open", None


def arrivals_of(waterfall: Waterfall, spans: Iterable[Span]) -> list[Arrival]:
    """C4: the first span of each lead and cycle in each stage and in each group."""
    first: dict[tuple[str, int, str], Arrival] = {}
    for span in spans:
        marks = [span.stage.key] + [group.key for group in waterfall.groups if span.stage.key in group.stages]
        for mark in marks:
            first.setdefault((span.lead_id, span.cycle_no, mark), Arrival(span.lead_id, span.cycle_no, mark, span))
    return [first[key] for key in sorted(first)]
