"""A second opinion: every published number computed again from docs/RULES.md with loops, lists and dicts, and no SQL.

`numbers(waterfall, history)` gives the rows of each table; `strategies` makes up histories on which the SQL must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from pipeline.waterfall.definition import Waterfall

from .accounts import account_arrivals, account_stages
from .addresses import shared_addresses
from .conversion import conversion, headline_conversion
from .curve import conversion_curve
from .cuts import GRAINS, Dimensions
from .durations import Row, open_leads, open_time_in_stage, time_in_stage
from .entries import row_accounting
from .history import Deletion, Entry, History, Merge, MergeLoopError, present
from .implied import implied_arrivals
from .journey import Journey, travel
from .matching import account_matching
from .personas import persona_coverage
from .quality import stage_dates
from .reconciliation import stage_reconciliation
from .routes import conversion_by_route
from .rules import leads, scope
from .settled import settled_backtest, settled_estimates
from .settling import Settling, by_unit_and_pair, settle_days
from .sla import sla
from .sources import pairs_of_inputs
from .volume import lead_to_account, stage_arrivals, stage_flow
from .wide import cycles_wide, leads_wide

__all__ = ["GRAINS", "KEYS", "Deletion", "Entry", "History", "Merge", "MergeLoopError", "Row", "numbers"]

_CUT = ("dimension", "dimension_value")
KEYS: dict[str, tuple[str, ...]] = {
    "quality.row_accounting": ("input",),
    "quality.scope": ("rule_no",),
    "quality.account_matching": ("outcome",),
    "clean.leads": ("lead_id",),
    "journey.stage_spans": ("lead_id", "span_no"),
    "journey.cycles": ("lead_id", "cycle_no"),
    "journey.arrivals": ("lead_id", "cycle_no", "stage"),
    "journey.implied_arrivals": ("lead_id", "cycle_no", "stage"),
    "marts.conversion": ("unit", "grain", "cohort_start", *_CUT, "from_stage", "to_stage", "window_days"),
    "marts.headline_conversion": ("unit", "cohort_start", *_CUT, "from_stage", "to_stage"),
    "marts.settle_days": ("unit", "from_stage", "to_stage"),
    "marts.conversion_curve": ("unit", *_CUT, "from_stage", "to_stage", "day"),
    "marts.conversion_by_route": ("grain", "cohort_start", "route", "from_stage", "to_stage"),
    "marts.stage_arrivals": ("grain", "period_start", *_CUT, "from_stage", "to_stage"),
    "marts.stage_flow": ("grain", "period_start", *_CUT, "stage"),
    "marts.time_in_stage": ("grain", "period_start", *_CUT, "stage", "next_stage"),
    "marts.open_time_in_stage": (*_CUT, "stage"),
    "marts.lead_to_account": ("grain", "period_start", "basis", *_CUT, "stage"),
    "marts.account_stages": ("account_id",),
    "marts.account_arrivals": ("account_id", "stage"),
    "marts.persona_coverage": ("basis", "stage", "persona"),
    "marts.open_leads": ("lead_id",),
    "marts.sla": ("grain", "period_start", *_CUT, "stage"),
    "marts.leads_wide": ("lead_id",),
    "marts.cycles_wide": ("lead_id", "cycle_no"),
    "quality.stage_dates": ("finding", "stage"),
    "quality.stage_reconciliation": ("lead_id",),
    "quality.recorded_also": ("input", "kept_input"),
    "quality.shared_addresses": ("lead_id",),
    "marts.settled_estimates": ("as_of_no", "from_stage", "to_stage", "grain", "cohort_start"),
    "quality.settled_backtest": ("from_stage", "to_stage", "as_of_date", "cohort_start"),
}
"""The key of each table; rows are sorted by it, null first."""


def numbers(
    waterfall: Waterfall, history: History, *, tables: Iterable[str] = (), grains: tuple[str, ...] = GRAINS
) -> dict[str, list[Row]]:
    """The rows of each table, columns named as in docs/RULES.md section 10. Times are naive UTC, as in DuckDB.

    `tables` limits the work to some tables of `KEYS`, `grains` to some grains of long histories; without `day`
    there are no curves and no estimates from them. Raises MergeLoopError.
    """
    journey = travel(waterfall, history)
    dimensions = Dimensions(waterfall, history, journey)
    as_of = history.as_of

    @cache
    def settled() -> list[Row]:
        return settle_days(waterfall, journey, dimensions, as_of)

    @cache
    def settling() -> Settling:
        return by_unit_and_pair(settled())

    @cache
    def estimates() -> list[Row]:
        return settled_estimates(waterfall, journey, dimensions, as_of, settling()) if "day" in grains else []

    rows_of: dict[str, Callable[[], list[Row]]] = {
        "quality.row_accounting": lambda: _accounting(history, journey),
        "quality.scope": lambda: scope(waterfall, history, journey.placed),
        "quality.account_matching": lambda: account_matching(
            waterfall, history, (span.lead_id for span in journey.spans)
        ),
        "clean.leads": lambda: leads(waterfall, history, journey.placed),
        "journey.stage_spans": lambda: _spans(journey),
        "journey.cycles": lambda: _cycles(journey),
        "journey.arrivals": lambda: _arrivals(journey),
        "journey.implied_arrivals": lambda: implied_arrivals(waterfall, journey),
        "marts.conversion": lambda: conversion(waterfall, journey, dimensions, grains, as_of, settling()),
        "marts.headline_conversion": lambda: headline_conversion(waterfall, journey, dimensions, as_of),
        "marts.settle_days": settled,
        "marts.conversion_curve": lambda: (
            conversion_curve(waterfall, journey, dimensions, as_of) if "day" in grains else []
        ),
        "marts.conversion_by_route": lambda: conversion_by_route(waterfall, journey, dimensions, as_of, settling()),
        "marts.stage_arrivals": lambda: stage_arrivals(waterfall, journey, dimensions, grains),
        "marts.stage_flow": lambda: stage_flow(waterfall, journey, dimensions, grains, as_of),
        "marts.time_in_stage": lambda: time_in_stage(waterfall, journey, dimensions, grains),
        "marts.open_time_in_stage": lambda: open_time_in_stage(waterfall, journey, dimensions, as_of),
        "marts.lead_to_account": lambda: lead_to_account(waterfall, journey, dimensions, grains, as_of),
        "marts.account_stages": lambda: account_stages(waterfall, history, journey, dimensions),
        "marts.account_arrivals": lambda: account_arrivals(waterfall, journey, dimensions),
        "marts.persona_coverage": lambda: persona_coverage(waterfall, history, journey, dimensions),
        "marts.open_leads": lambda: open_leads(waterfall, history, journey, dimensions),
        "marts.sla": lambda: sla(waterfall, journey, dimensions, grains, as_of),
        "marts.leads_wide": lambda: leads_wide(waterfall, history, journey, dimensions),
        "marts.cycles_wide": lambda: cycles_wide(journey, dimensions, as_of),
        "quality.stage_dates": lambda: stage_dates(waterfall, history, journey),
        "quality.stage_reconciliation": lambda: stage_reconciliation(waterfall, history, journey),
        "quality.recorded_also": lambda: pairs_of_inputs(journey.placed),
        "quality.shared_addresses": lambda: shared_addresses(history, journey),
        "marts.settled_estimates": estimates,
        "quality.settled_backtest": lambda: settled_backtest(estimates()),
    }
    wanted = frozenset(tables) or KEYS.keys()
    return {name: _in_order(rows(), KEYS[name]) for name, rows in rows_of.items() if name in wanted}


def _in_order(rows: list[Row], key: tuple[str, ...]) -> list[Row]:
    def by_key(row: Row) -> tuple[Any, ...]:
        return tuple((row[column] is not None, row[column]) for column in key)

    return sorted(rows, key=by_key)


def _accounting(history: History, journey: Journey) -> list[Row]:
    return [
        {
            "input": name,
            "rows_read": counts.total(),
            "filtered": 0,
            "rejected": counts["rejected"],
            "redelivered": counts["redelivered"],
            "after_as_of": counts["after_as_of"],
            "out_of_scope": counts["out_of_scope"],
            "duplicates": counts["duplicate"],
            "repeats": counts["repeat"],
            "kept": counts["kept"],
        }
        for name, counts in row_accounting(history, journey.placed).items()
    ]


def _spans(journey: Journey) -> list[Row]:
    return [
        {
            "lead_id": span.lead_id,
            "span_no": span.span_no,
            "cycle_no": span.cycle_no,
            "stage": span.stage.key,
            "entered_at": span.entered_at.replace(tzinfo=None),
            "exited_at": span.exited_at.replace(tzinfo=None) if span.exited_at is not None else None,
            "exit_kind": span.exit_kind,
            "skipped": span.skipped,
            "next_stage": span.next_stage,
            "owner": present(span.entry.owner),
        }
        for span in journey.spans
    ]


def _arrivals(journey: Journey) -> list[Row]:
    return [
        {
            "lead_id": arrival.lead_id,
            "cycle_no": arrival.cycle_no,
            "stage": arrival.mark,
            "arrived_at": arrival.at.replace(tzinfo=None),
        }
        for arrival in journey.arrivals
    ]


def _cycles(journey: Journey) -> list[Row]:
    return [
        {
            "lead_id": cycle.lead_id,
            "cycle_no": cycle.cycle_no,
            "entry_stage": cycle.entry_stage.key,
            "started_at": cycle.started_at.replace(tzinfo=None),
            "ended_at": cycle.ended_at.replace(tzinfo=None) if cycle.ended_at is not None else None,
            "outcome": cycle.outcome,
            "furthest_stage": cycle.furthest_stage.key,
            "qualified_by": cycle.qualified_by,
        }
        for cycle in journey.cycles
    ]
