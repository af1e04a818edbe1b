"""Accounts by current stage, and the accounts with most leads."""

from __future__ import annotations

from pipeline.report import links, text
from pipeline.report.figures import Figures
from pipeline.report.layout import charts
from pipeline.report.layout.table import (
    BarChart,
    BarRow,
    Cell,
    Column,
    Details,
    FootnoteBuilder,
    LegendItem,
    Table,
    TableRow,
    texts,
)
from pipeline.report.stage.rows import AccountsByStage


def accounts_by_stage(figures: Figures, footnotes: FootnoteBuilder) -> BarChart:
    """Return accounts by the highest-ranked path stage of any of their leads."""
    result = figures.stays.by_stage
    largest = max((row.accounts for row in result.rows), default=0)
    return BarChart(
        title="Accounts by the stage in which they stand now",
        rows=tuple(
            BarRow(
                row.label,
                charts.stacked_bar(
                    [("through" if row.stage else "open", row.accounts, text.plural(row.accounts, "account"))],
                    largest,
                    f"{row.label}: {text.count(row.accounts)} of {text.plural(row.all_accounts, 'account')}",
                    height=16,
                ),
                text.plural(row.accounts, "account"),
                (_share(row.accounts, row.all_accounts),),
                link=links.stage_page(row.stage) if row.stage else "",
            )
            for row in result.rows
        ),
        legend=(
            LegendItem("through", "the furthest of its leads is here now"),
            LegendItem("open", "none of its leads is on the path now"),
        ),
        source=footnotes.source(
            result,
            unit="accounts",
            basis="the highest-ranked path stage that any of its leads is in at as-of; a lead on hold is in none",
            denominator="accounts with a lead that has history",
        ),
        details=Details(
            "Numbers behind the bars",
            _by_stage_table(result.rows),
        ),
        key="ways accounts-now",
    )


def _by_stage_table(rows: tuple[AccountsByStage, ...]) -> Table:
    return Table(
        caption="Accounts by the stage in which they stand now",
        columns=(Column("Stage", "text"), Column("Accounts"), Column("Share"), Column("Their leads")),
        rows=tuple(
            TableRow(
                texts(
                    row.label,
                    text.count(row.accounts),
                    text.rate(row.accounts / row.all_accounts if row.all_accounts else None),
                    text.count(row.leads),
                )
            )
            for row in rows
        ),
        key="accounts-now",
    )


def _share(accounts: int, whole: int) -> str:
    return f"{text.rate(accounts / whole if whole else None)} of {text.count(whole)}"


def largest_accounts(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    """Return the accounts with most leads and their current stage."""
    result = figures.stays.largest
    more = sum(row.accounts for row in figures.stays.by_stage.rows) - len(result.rows)
    return Table(
        caption="Accounts with most leads",
        columns=(
            Column("Account", "text"),
            Column("Leads"),
            Column("On the path or on hold", hint="leads that are there now"),
            Column("Stands at", "text"),
            Column("Furthest ever", "text"),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(row.account_name or row.account_id, note=row.account_id if row.account_name else ""),
                    *texts(text.count(row.leads), text.count(row.leads_open)),
                    Cell(row.stage_label or text.DASH, "" if row.stage_label else "quiet"),
                    Cell(row.furthest_label or text.DASH),
                )
            )
            for row in result.rows
        ),
        source=footnotes.source(
            result,
            unit="accounts",
            basis="leads with history; of equals the account that was numbered first",
            denominator="none: these are counts",
        ),
        notes=(f"and {text.plural(more, 'more account')}; the query lists them all.",) if more > 0 else (),
        key="largest-accounts",
    )
