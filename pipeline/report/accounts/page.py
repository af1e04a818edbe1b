"""The page of leads and accounts: ratio by stage, depth of accounts, ratio by month, accounts now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.report import text
from pipeline.report.accounts.now import accounts_by_stage, largest_accounts
from pipeline.report.accounts.paths import (
    DEPTHS,
    REFERENCE_RATIOS,
    depth_columns,
    depth_path,
    ratio_months,
    stage_or_group,
)
from pipeline.report.accounts.personas import personas
from pipeline.report.layout import charts
from pipeline.report.layout.table import (
    BarChart,
    BarRow,
    LegendItem,
    Table,
    TableColumn,
    number,
    table,
    word,
)
from pipeline.report.query import Answer, Report, Row, Source

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


@dataclass(frozen=True)
class Accounts:
    """The section of leads per account. `charts` is empty if no lead has an account."""

    sentence: str
    charts: tuple[BarChart, ...]
    source: Source
    table: Table
    path: BarChart | None = None
    months: BarChart | None = None
    personas: tuple[Table, ...] = ()
    """Coverage by persona. Empty if no lead has a persona."""
    matching: Table | None = None
    now: BarChart | None = None
    largest: Table | None = None


@dataclass(frozen=True)
class AccountsPage:
    """Leads and accounts."""

    accounts: Accounts


def accounts_page(report: Report) -> AccountsPage:
    """Return the page of leads and accounts."""
    return AccountsPage(_accounts(report))


def _accounts(report: Report) -> Accounts:
    depth = report.rows("report.account_depth", "leads", where="month_start is null", order="basis desc, milestone_no")
    reached = [row for row in depth.rows if row.basis == "reached"]
    current = {row.stage: row for row in depth.rows if row.basis == "current"}
    # Matching counts all leads, so only their report shows it.
    matching = report.rows("quality.account_matching", "leads", order="outcome_no") if report.is_all else None
    source = report.source(
        depth,
        unit="leads and accounts",
        basis="ever reached by as-of, or in the stage at as-of",
        denominator="ratio: distinct accounts of the leads with one",
    )
    by_matching = _matching(report, matching) if matching and matching.rows else None
    sentence = _sentence(report.overview, matching.rows if matching else ())
    if not any(row.accounts for row in reached):
        no_account = "No lead names an account, so there is no ratio to show."
        return Accounts(
            no_account if report.overview.leads else sentence, (), source, _depth_table(depth), matching=by_matching
        )
    by_stage = report.rows("report.accounts_by_stage", "accounts", order="place")
    return Accounts(
        sentence,
        (_ratio_chart(reached, current), _depth_chart(reached)),
        source,
        _depth_table(depth),
        depth_path(report),
        ratio_months(report, reached),
        personas(report),
        by_matching,
        accounts_by_stage(report, by_stage),
        largest_accounts(report, sum(row.accounts for row in by_stage.rows)),
    )


def _sentence(total: Row, matched: Sequence[Row]) -> str:
    by_domain = sum(row.leads for row in matched if row.has_account and row.outcome != "input")
    by_domain_text = f" {text.plural(by_domain, 'lead')} found the account by a domain." if by_domain else ""
    return (
        f"{text.count(total.leads - total.leads_without_account)} of {text.plural(total.leads, 'lead')} belong to "
        f"{text.plural(total.accounts, 'account')}; "
        f"{text.count(total.leads_without_account)} have no account and stay outside every ratio.{by_domain_text}"
    )


def _ratio_chart(reached: Sequence[Row], current: dict[str, Row]) -> BarChart:
    end = charts.ceiling_of([row.ratio for row in (*reached, *current.values())], 5.6)
    references = [(round(100 * ratio / end, 2), f"{ratio}:1") for ratio in REFERENCE_RATIOS]
    reference_lines = tuple(charts.Line(x, 0, x, 24, "reference") for x, _ in references)
    bar_rows = []
    for row in reached:
        now = current.get(row.stage)
        dots = []
        if row.ratio is not None:
            dots.append(charts.Dot(round(100 * row.ratio / end, 2), 12, "rate", f"reached: {text.ratio(row.ratio)}"))
        if now is not None and now.ratio is not None:
            dots.append(
                charts.Dot(
                    round(100 * now.ratio / end, 2), 12, "open", f"there now: {text.ratio(now.ratio)}", "diamond"
                )
            )
        alt_text = f"{row.stage_label}: {text.ratio(row.ratio)} leads per account among those that reached it"
        notes = (f"there now {text.ratio(now.ratio)}",) if now is not None else ("a group",)
        bar_rows.append(
            BarRow(
                row.stage_label,
                charts.Drawing(
                    24, alt_text, lines=(charts.Line(0, 12, 100, 12, "grid"), *reference_lines), dots=tuple(dots)
                ),
                text.ratio(row.ratio),
                notes,
            )
        )
    ticks = tuple(charts.Label(x, 12, label, "middle", "scale") for x, label in references)
    return BarChart(
        title="Leads per account",
        rows=tuple(bar_rows),
        legend=(
            LegendItem("dot-rate", "leads that ever reached the stage"),
            LegendItem("dot-open", "leads in it now"),
            LegendItem("reference", "1:1 and 5:1 for reference"),
        ),
        axis=charts.Drawing(18, "scale of leads per account, with 1:1 and 5:1", labels=ticks),
        key="ratio",
    )


def _depth_chart(reached: Sequence[Row]) -> BarChart:
    bar_rows = []
    for row in reached:
        parts = [
            (tone, getattr(row, name), f"{label}: {text.plural(getattr(row, name), 'account')}")
            for tone, label, name in DEPTHS
        ]
        alt_text = f"{row.stage_label}, accounts by number of leads that reached it: " + "; ".join(
            title for _, _, title in parts
        )
        bar_rows.append(
            BarRow(
                row.stage_label, charts.stacked_bar(parts, row.accounts, alt_text), text.plural(row.accounts, "account")
            )
        )
    return BarChart(
        title="How many leads an account has that reached the stage",
        rows=tuple(bar_rows),
        legend=tuple(LegendItem(tone, label) for tone, label, _ in DEPTHS),
        key="depth",
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
        source=report.source(
            answer,
            unit="leads",
            basis="leads in scope with a history; e-mails, websites and accounts as last delivered",
            denominator="all these leads",
        ),
        key="account-matching",
    )


def _depth_table(depth: Answer) -> Table:
    return table(
        depth.rows,
        (
            stage_or_group(),
            word("Which leads", "basis", {"reached": "ever reached", "current": "there now"}.__getitem__),
            number("Leads", "leads"),
            number("with account", "leads_with_account"),
            number("without", "leads_without_account"),
            number("Accounts", "accounts"),
            number("Ratio", "ratio", text.ratio),
            *depth_columns(),
        ),
        caption="Leads and accounts by stage",
        key="depth",
    )
