"""The page of leads and accounts: ratio by stage, depth of accounts, ratio by month, accounts now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.report import text
from pipeline.report.accounts.now import accounts_by_stage, largest_accounts
from pipeline.report.accounts.paths import (
    DEPTH_LEGEND,
    depth_columns,
    depth_parts,
    depth_path,
    ratio_months,
    stage_or_group,
)
from pipeline.report.accounts.personas import personas
from pipeline.report.layout.bars import bars
from pipeline.report.layout.table import Figure, Table, TableColumn, number, table, word
from pipeline.report.query import Answer, Report, Row

MATCHING_OUTCOMES = {
    "input": "given by an input",
    "email_domain": "found by the domain of the e-mail",
    "website": "found by the domain of the website",
    "ambiguous": "the domain belongs to several accounts",
    "unknown_domain": "no account has the domain",
    "never_match": "the configuration says that the domain never matches",
    "disposable": "a disposable mailbox",
    "free_mail": "a free mailbox",
    "no_domain": "neither e-mail nor website has a domain",
    "not_tried": "not looked for: matching is off, or no account has a domain",
}
"""Outcome in quality.account_matching → text on the page."""


def accounts_page(report: Report) -> dict[str, Any]:
    """Return what the page of leads and accounts shows. Charts are missing if no lead has an account."""
    depth = report.rows("report.account_depth", "leads", where="month_start is null", order="basis desc, milestone_no")
    reached = [row for row in depth.rows if row.basis == "reached"]
    # Matching counts all leads, so only their report shows it.
    matching = report.rows("quality.account_matching", "leads", order="outcome_no") if report.is_all else None
    has_accounts = any(row.accounts for row in reached)
    accounts = report.overview.accounts
    return {
        "sentence": _sentence(report.overview, matching.rows if matching else ())
        if has_accounts or not report.overview.leads
        else "No lead names an account, so there is no ratio to show.",
        "depth": _depth(report, depth),
        "matching": _matching(report, matching) if matching and matching.rows else None,
        "months": ratio_months(report, reached) if has_accounts else None,
        "path": depth_path(report) if has_accounts else None,
        "now": accounts_by_stage(report) if has_accounts else None,
        "largest": largest_accounts(report, accounts) if has_accounts else None,
        "personas": personas(report) if has_accounts else (),
    }


def _sentence(total: Row, matched: Sequence[Row]) -> str:
    by_domain = sum(row.leads for row in matched if row.has_account and row.outcome != "input")
    by_domain_text = f" {text.plural(by_domain, 'lead')} found the account by a domain." if by_domain else ""
    return (
        f"{text.count(total.leads - total.leads_without_account)} of {text.plural(total.leads, 'lead')} belong to "
        f"{text.plural(total.accounts, 'account')}; "
        f"{text.count(total.leads_without_account)} have no account and stay outside every ratio.{by_domain_text}"
    )


def _matching(report: Report, answer: Answer) -> Table:
    """Return how leads were matched to an account, and why others were not (A2)."""
    return table(
        answer.rows,
        (
            TableColumn("Account", "", lambda row: "yes" if row.has_account else "none", "text"),
            word("How, or why not", "outcome", MATCHING_OUTCOMES.__getitem__),
            number("Leads", "leads"),
            number("Share", "share", text.rate),
        ),
        caption="How leads came to their account, or why they have none",
        source=report.source(answer),
        key="account-matching",
    )


def _depth(report: Report, depth: Answer) -> Figure:
    return Figure(
        "depth",
        table(
            depth.rows,
            (
                stage_or_group(),
                word("Which leads", "basis", {"reached": "ever reached", "current": "there now"}.__getitem__),
                number("Ratio", "ratio", text.ratio),
                number("Leads", "leads"),
                number("with account", "leads_with_account"),
                number("without", "leads_without_account"),
                number("Accounts", "accounts"),
                *depth_columns(),
                bars("Accounts by their leads", depth_parts, 1),
            ),
            caption="Leads per account by stage, and accounts by their number of leads",
            source=report.source(depth),
            key="depth",
        ),
        DEPTH_LEGEND,
    )
