"""How long leads stay: completed spans, open ones, and who waits now (docs/RULES.md 6)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from datetime import date, datetime
from typing import Any

from pipeline.waterfall.definition import Waterfall

from .cuts import Dimensions, local_date, period_start
from .entries import order_in_lead
from .history import History, present, record
from .journey import Journey
from .sla import stand
from .spans import Span

Row = dict[str, Any]


def days_between(start: datetime, end: datetime) -> float:
    """Elapsed days of 86,400 s."""
    return (end - start).total_seconds() / 86_400


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def quantile(values: list[float], share: float) -> float | None:
    """Linear interpolation between the two nearest values; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def censored_median(ended: list[float], still_running: list[float]) -> float | None:
    """Kaplan-Meier: the smallest t at which at most half survive; None when more than half still do at the end.

    A span that is censored at t was still there when another ended at t.
    """
    everybody = sorted(ended + still_running)
    surviving = 1.0
    for moment, ending in sorted(Counter(ended).items()):
        at_risk = len(everybody) - bisect_left(everybody, moment)
        surviving *= 1 - ending / at_risk
        # Rounded, so that a product that is one half but for its last bit counts as one half.
        if round(surviving, 12) <= 0.5:
            return moment
    return None


def time_in_stage(waterfall: Waterfall, journey: Journey, dimensions: Dimensions, grains: tuple[str, ...]) -> list[Row]:
    """marts.time_in_stage."""
    stays: dict[tuple[str, date | None, str, str, str, str], list[float]] = defaultdict(list)
    if "all" in grains:
        for stage in waterfall.stages:
            stays["all", None, "all", "all", stage.key, "all"] = []
    for span in journey.spans:
        if span.exited_at is None or (span.lead_id, span.span_no) in journey.interrupted:
            continue
        days, exit_day = days_between(span.entered_at, span.exited_at), local_date(waterfall, span.exited_at)
        for grain in grains:
            period = period_start(waterfall, grain, exit_day)
            for dimension in dimensions.names:
                value = dimensions.value(dimension, span)
                for next_stage in ("all", span.next_stage or "(deleted)"):
                    stays[grain, period, dimension, value, span.stage.key, next_stage].append(days)
    return [
        {
            "grain": grain,
            "period_start": period,
            "dimension": dimension,
            "dimension_value": value,
            "stage": stage,
            "next_stage": next_stage,
            "completed": len(days),
            "mean_days": mean(days),
            "median_days": quantile(days, 0.5),
            "p90_days": quantile(days, 0.9),
        }
        for (grain, period, dimension, value, stage, next_stage), days in stays.items()
    ]


def open_time_in_stage(waterfall: Waterfall, journey: Journey, dimensions: Dimensions, as_of: datetime) -> list[Row]:
    """marts.open_time_in_stage: ages of those that wait, and the median over all spans with these censored."""
    spans_at: dict[tuple[str, str, str], list[Span]] = {("all", "all", stage.key): [] for stage in waterfall.stages}
    for span in journey.spans:
        if (span.lead_id, span.span_no) in journey.interrupted:
            continue
        for dimension in dimensions.names:
            spans_at.setdefault((dimension, dimensions.value(dimension, span), span.stage.key), []).append(span)
    rows = []
    for (dimension, value, stage), spans in spans_at.items():
        ages = [days_between(span.entered_at, as_of) for span in spans if span.exited_at is None]
        ended = [days_between(span.entered_at, span.exited_at) for span in spans if span.exited_at is not None]
        rows.append(
            {
                "dimension": dimension,
                "dimension_value": value,
                "stage": stage,
                "still_open": len(ages),
                "median_age_days": quantile(ages, 0.5),
                "p90_age_days": quantile(ages, 0.9),
                "censored_median_days": censored_median(ended, ages),
            }
        )
    return rows


def last_known_owners(history: History, journey: Journey) -> dict[str, str | None]:
    """The owner in the latest row of each lead that names one, re-assertions included (E6)."""
    owners: dict[str, str | None] = {}
    said = [row for row in journey.placed if row.disposition in ("kept", "repeat")]
    for row in sorted(said, key=lambda row: order_in_lead(history, row)):
        owners[row.lead_id] = present(row.entry.owner) or owners.get(row.lead_id)
    return owners


def open_leads(waterfall: Waterfall, history: History, journey: Journey, dimensions: Dimensions) -> list[Row]:
    """marts.open_leads: who waits on the path or on hold, customers excepted (A3). A re-assertion names an owner, too (E6)."""
    last_known_owner = last_known_owners(history, journey)
    completed = {(cycle.lead_id, cycle.cycle_no) for cycle in journey.cycles if cycle.outcome == "completed"}
    rows = []
    for span in journey.spans:
        is_customer = (span.lead_id, span.cycle_no) in completed
        if span.exited_at is not None or span.stage.kind not in ("path", "hold") or is_customer:
            continue
        owner_in_crm = present(record(history, span.lead_id).get("owner"))
        standing = stand(waterfall, span, history.as_of)
        rows.append(
            {
                "lead_id": span.lead_id,
                "account_id": dimensions.account_of(span.lead_id),
                "stage": span.stage.key,
                "owner": present(span.entry.owner),
                "current_owner": owner_in_crm or last_known_owner.get(span.lead_id),
                "entered_at": span.entered_at.replace(tzinfo=None),
                "entered_date": local_date(waterfall, span.entered_at),
                "age_days": days_between(span.entered_at, history.as_of),
                "sla_state": standing.state if standing else None,
                "overdue_hours": standing.hours_over if standing and standing.state == "open_overdue" else None,
                "due_at": standing.due_at.replace(tzinfo=None) if standing else None,
            }
        )
    return rows
