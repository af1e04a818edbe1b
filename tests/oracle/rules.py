"""Who counts, and under which origin (docs/RULES.md E8 and section 9), one lead and one rule at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.waterfall.definition import Condition, Waterfall

from .history import History, account_record, present, record, survivors
from .matching import WORDS, account_of, found

if TYPE_CHECKING:
    from .journey import Placed


def holds(condition: Condition, columns: Mapping[str, str | None]) -> bool:
    """Whether the condition is true of these columns."""
    value = present(columns.get(condition.column))
    if condition.ask == "is_null":
        answer = value is None
    elif condition.ask == "one_of":
        answer = value is not None and value in condition.values
    else:
        answer = value is not None and re.search(condition.values[0], value) is not None
    return not answer if condition.is_negated else answer


def scope_rule(waterfall: Waterfall, history: History, lead_id: str) -> str | None:
    """The name of the first rule that puts the surviving lead out of scope, or None."""
    account_id = account_of(waterfall, history, lead_id)
    lead = {**record(history, lead_id), "account_id": account_id}
    for rule in waterfall.scope:
        if rule.table == "leads" and holds(rule.where, lead):
            return rule.name
        account = account_record(history, account_id)
        if rule.table == "accounts" and account_id is not None and holds(rule.where, account):
            return rule.name
    return None


def origin(waterfall: Waterfall, history: History, lead_id: str) -> tuple[str | None, str | None]:
    """The origin of the surviving lead, and whether a rule, the default or the input says so."""
    lead = {**record(history, lead_id), "account_id": account_of(waterfall, history, lead_id)}
    for rule in waterfall.origins:
        if holds(rule.where, lead):
            return rule.origin, "rule"
    if waterfall.origin_default is not None:
        return waterfall.origin_default, "default"
    given = present(lead.get("origin"))
    return given, "input" if given is not None else None


def leads(waterfall: Waterfall, history: History, placed: Iterable[Placed]) -> list[dict[str, Any]]:
    """Every lead that was ever delivered, after merges."""
    survivor = survivors(history)
    known = {row.lead_id for row in placed if row.disposition != "rejected"}
    known |= {survivor.get(lead_id, lead_id) for lead_id in history.leads} | set(survivor.values())
    rows = []
    for lead_id in known:
        rule = scope_rule(waterfall, history, lead_id)
        name, source = origin(waterfall, history, lead_id)
        account_id, outcome = found(waterfall, history, lead_id)
        rows.append(
            {
                "lead_id": lead_id,
                "account_id": account_id,
                "account_match": outcome if outcome in WORDS[:3] else None,
                "input_account_id": present(record(history, lead_id).get("account_id")),
                "origin": name,
                "origin_source": source,
                "is_in_scope": rule is None,
                "scope_rule": rule,
            }
        )
    return rows


def scope(waterfall: Waterfall, history: History, placed: list[Placed] | tuple[Placed, ...]) -> list[dict[str, Any]]:
    """Per rule the leads that it keeps out, and their rows of history."""
    out = {row["lead_id"]: row["scope_rule"] for row in leads(waterfall, history, placed)}
    return [
        {
            "rule_no": number,
            "rule": rule.name,
            "reason": rule.reason,
            "leads": sum(1 for name in out.values() if name == rule.name),
            "entries": sum(1 for row in placed if row.disposition == "out_of_scope" and out[row.lead_id] == rule.name),
        }
        for number, rule in enumerate(waterfall.scope, 1)
    ]
