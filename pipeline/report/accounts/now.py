"""Accounts by current stage, and the accounts with most leads."""

from __future__ import annotations

from pipeline.report import links, text
from pipeline.report.layout.bars import Part, bars
from pipeline.report.layout.table import Cell, Table, TableColumn, more_rows, number, table, word
from pipeline.report.query import Report, Row

MAX_ACCOUNTS_SHOWN = 20
"""Accounts listed. The printed query lists all of them."""


def accounts_by_stage(report: Report) -> Table:
    """Return accounts by the highest-ranked path stage of any of their leads."""
    answer = report.rows("report.accounts_by_stage", "accounts", order="place")
    largest = max((row.accounts for row in answer.rows), default=0)

    def bar(row: Row) -> list[Part]:
        return [("through" if row.stage else "open", row.accounts, text.plural(row.accounts, "account"))]

    return table(
        answer.rows,
        (
            TableColumn(
                "Stage", "", lambda row: Cell(row.label, link=links.stage_page(row.stage) if row.stage else ""), "text"
            ),
            number("Accounts", "accounts"),
            bars("Accounts", bar, largest),
            TableColumn("Share", "", _share),
            number("Their leads", "leads"),
        ),
        caption="Accounts by the stage in which they stand now",
        source=report.source(answer),
        key="accounts-now",
    )


def _share(row: Row) -> str:
    return text.rate(row.accounts / row.all_accounts if row.all_accounts else None)


def largest_accounts(report: Report, accounts: int) -> Table:
    """Return the accounts with most leads and their current stage. `accounts` is the number of all accounts."""
    answer = report.rows("report.account_standing", "leads", order="account_place", max_rows=MAX_ACCOUNTS_SHOWN)
    return table(
        answer.rows,
        (
            TableColumn("Account", "", _account, "text"),
            number("Leads", "leads"),
            number("On the path or on hold", "leads_open", hint="leads that are there now"),
            TableColumn("Stands at", "", _stands_at, "text"),
            word("Furthest ever", "furthest_label"),
        ),
        caption="Accounts with most leads",
        source=report.source(answer),
        notes=more_rows(accounts - len(answer.rows), "account"),
        key="largest-accounts",
    )


def _account(row: Row) -> Cell:
    return Cell(row.account_name or row.account_id, note=row.account_id if row.account_name else "")


def _stands_at(row: Row) -> Cell:
    return Cell(row.stage_label or text.DASH, "" if row.stage_label else "quiet")
