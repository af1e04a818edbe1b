"""Which account a lead has (docs/RULES.md A2), one lead and one account at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.waterfall.definition import Waterfall

from .history import History, present, record, surviving_account

TWO_PART_SUFFIXES = ("co.uk", "github.io")
MAILBOXES = {"gmail.com": "free_mail", "yahoo.fr": "free_mail", "mailinator.com": "disposable"}
"""All that the made-up leads use; nobody else's domains go through this oracle."""

WORDS = (
    "input",
    "email_domain",
    "website",
    "ambiguous",
    "unknown_domain",
    "never_match",
    "disposable",
    "free_mail",
    "no_domain",
    "not_tried",
)


def registered(text: str | None) -> str | None:
    """The domain that somebody registered: one label more than the suffix; None when there are not that many."""
    if present(text) is None:
        return None
    host = str(text).strip().lower().split("://")[-1].split("/")[0].removesuffix(".")
    labels = host.split(".")
    suffix = 2 if ".".join(labels[-2:]) in TWO_PART_SUFFIXES else 1
    if len(labels) <= suffix or all(label.isdecimal() for label in labels):
        return None
    return ".".join(labels[-suffix - 1 :])


def kind(waterfall: Waterfall, domain: str) -> str:
    """Whether the domain is a company's, or why it leads nowhere."""
    return "never_match" if domain in waterfall.never_match else MAILBOXES.get(domain, "business")


def domain_of_account(waterfall: Waterfall, history: History, account_id: str) -> str | None:
    """The one domain of an account: of its domain column, else of its website."""
    for column in ("domain", "website"):
        domain = registered(history.accounts[account_id].get(column))
        if domain is not None and kind(waterfall, domain) == "business":
            return domain
    return None


def found(waterfall: Waterfall, history: History, lead_id: str) -> tuple[str | None, str]:
    """The account of the surviving lead, and how it came to it or why not, in the words of quality.account_matching."""
    lead = record(history, lead_id)
    given = present(lead.get("account_id"))
    if given is not None:
        return surviving_account(history, given), "input"
    texts = [present(row.get(column)) for row in history.accounts.values() for column in ("domain", "website")]
    if not waterfall.match_domains or not any(texts):
        return None, "not_tried"
    address = lead.get("email") or ""
    why = []
    for way, text in (
        ("email_domain", address.split("@")[-1] if "@" in address else None),
        ("website", lead.get("website")),
    ):
        domain = registered(text)
        if domain is None:
            continue
        delivered = [each for each in history.accounts if domain_of_account(waterfall, history, each) == domain]
        accounts = {surviving_account(history, each) for each in delivered}
        if len(accounts) == 1:
            return accounts.pop(), way
        business = "ambiguous" if accounts else "unknown_domain"
        why.append(business if kind(waterfall, domain) == "business" else kind(waterfall, domain))
    return None, min(why, key=WORDS.index, default="no_domain")


def account_of(waterfall: Waterfall, history: History, lead_id: str) -> str | None:
    """The account of the surviving lead, given or found."""
    return found(waterfall, history, lead_id)[0]


def account_matching(waterfall: Waterfall, history: History, lead_ids: Iterable[str]) -> list[dict[str, Any]]:
    """Per outcome the leads (those in scope with a history) and their share."""
    outcomes = [found(waterfall, history, lead_id)[1] for lead_id in set(lead_ids)]
    return [
        {
            "outcome_no": WORDS.index(outcome) + 1,
            "outcome": outcome,
            "has_account": outcome in WORDS[:3],
            "leads": outcomes.count(outcome),
            "share": outcomes.count(outcome) / len(outcomes),
        }
        for outcome in set(outcomes)
    ]
