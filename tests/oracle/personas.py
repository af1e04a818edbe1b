"""Which people are known at accounts (A5): one account, one mark and one persona at a time."""

from __future__ import annotations

from datetime import datetime

from pipeline.waterfall.definition import Waterfall

from .accounts import highest, where_it_counts
from .cuts import NOTHING, Dimensions, path_marks
from .durations import Row
from .history import History, present, record
from .journey import Journey
from .rules import holds


def persona(waterfall: Waterfall, history: History, lead_id: str) -> str:
    """The first rule's that matches, else the delivered one, else (none)."""
    lead = record(history, lead_id)
    for rule in waterfall.personas:
        if holds(rule.where, lead):
            return rule.persona
    return present(lead.get("persona")) or NOTHING


def persona_coverage(waterfall: Waterfall, history: History, journey: Journey, dimensions: Dimensions) -> list[Row]:
    """marts.persona_coverage: every mark and every persona that anybody with an account is, or that a rule names."""
    people: dict[str, dict[str, datetime]] = {}
    for span in journey.spans:
        account_id = dimensions.account_of(span.lead_id)
        if account_id is not None:
            known_at = people.setdefault(account_id, {})
            known_at[span.lead_id] = min(span.entered_at, known_at.get(span.lead_id, span.entered_at))
    plays = {lead_id: persona(waterfall, history, lead_id) for own in people.values() for lead_id in own}
    names = {NOTHING, *plays.values(), *(rule.persona for rule in waterfall.personas)}

    there: dict[tuple[str, str], dict[str, datetime]] = {}
    for mark in path_marks(waterfall):
        there["arrived", mark.key] = {}
    for stage in waterfall.stages:
        if stage.kind == "path":
            there["current", stage.key] = {}
    for account_id, own in people.items():
        for arrival in journey.arrivals:
            if arrival.lead_id in own and ("arrived", arrival.mark) in there:
                when = there["arrived", arrival.mark]
                when[account_id] = min(arrival.at, when.get(account_id, arrival.at))
        now = [span for span in journey.spans if span.lead_id in own and span.exited_at is None]
        stands = highest(waterfall, [where_it_counts(span, journey) for span in now])
        if stands is not None:
            there["current", stands.key][account_id] = history.as_of

    rows = []
    for (basis, mark_key), accounts in there.items():
        for name in names:
            known = [
                account_id
                for account_id, moment in accounts.items()
                for lead_id, known_at in people[account_id].items()
                if plays[lead_id] == name and known_at <= moment
            ]
            rows.append(
                {
                    "basis": basis,
                    "stage": mark_key,
                    "persona": name,
                    "accounts": len(accounts),
                    "accounts_with": len(set(known)),
                    "leads": len(known),
                    "share": len(set(known)) / len(accounts) if accounts else None,
                }
            )
    return rows
