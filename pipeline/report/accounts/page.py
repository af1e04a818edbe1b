"""The section of leads per account: ratio by stage, depth of accounts, ratio by month."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report import text
from pipeline.report.accounts.now import accounts_by_stage, largest_accounts
from pipeline.report.accounts.paths import DEPTHS, REFERENCE_RATIOS, depth_path, ratio_months
from pipeline.report.accounts.personas import personas
from pipeline.report.figures import Figures
from pipeline.report.layout import charts
from pipeline.report.layout.table import (
    BarChart,
    BarRow,
    Cell,
    Column,
    FootnoteBuilder,
    LegendItem,
    Source,
    Table,
    TableRow,
    texts,
)
from pipeline.report.rows import Depth

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
    path: BarChart | None
    months: BarChart | None
    personas: tuple[Table, ...]
    """Coverage by persona. Empty if no lead has a persona."""
    matching: Table | None
    now: BarChart | None = None
    largest: Table | None = None


def accounts(figures: Figures, footnotes: FootnoteBuilder) -> Accounts:
    """Return the section of leads per account."""
    reached = [row for row in figures.accounts.depth.rows if row.basis == "reached"]
    current = {row.stage: row for row in figures.accounts.depth.rows if row.basis == "current"}
    total = figures.overview.rows[0]
    known = total.leads - total.leads_without_account
    matched = figures.accounts.matching.rows if figures.report.is_all else ()  # they count all leads
    by_domain = sum(row.leads for row in matched if row.has_account and row.outcome != "input")
    by_domain_text = f" {text.plural(by_domain, 'lead')} found the account by a domain." if by_domain else ""
    sentence = (
        f"{text.count(known)} of {text.plural(total.leads, 'lead')} belong to {text.plural(total.accounts, 'account')}; "
        f"{text.count(total.leads_without_account)} have no account and stay outside every ratio.{by_domain_text}"
    )
    source = footnotes.source(
        figures.accounts.depth,
        unit="leads and accounts",
        basis="ever reached by as-of, or in the stage at as-of",
        denominator="ratio: distinct accounts of the leads with one",
    )
    table = _depth_table(figures)
    matching = _matching(figures, footnotes) if matched else None
    if not any(row.accounts for row in reached):
        return Accounts(
            "No lead names an account, so there is no ratio to show." if total.leads else sentence,
            (),
            source,
            table,
            None,
            None,
            (),
            matching,
        )
    return Accounts(
        sentence,
        (_ratio_chart(reached, current), _depth_chart(reached)),
        source,
        table,
        depth_path(figures, footnotes),
        ratio_months(figures, footnotes),
        personas(figures, footnotes),
        matching,
        accounts_by_stage(figures, footnotes),
        largest_accounts(figures, footnotes),
    )


def _ratio_chart(reached: list[Depth], current: dict[str, Depth]) -> BarChart:
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


def _depth_chart(reached: list[Depth]) -> BarChart:
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


def _matching(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    """Return how leads were matched to an account, and why others were not (A2)."""
    return Table(
        caption="How leads came to their account, or why they have none",
        columns=(Column("Account", "text"), Column("How, or why not", "text"), Column("Leads"), Column("Share")),
        rows=tuple(
            TableRow(
                (
                    Cell("yes" if row.has_account else "none"),
                    Cell(MATCHING_OUTCOMES[row.outcome]),
                    *texts(text.count(row.leads), text.rate(row.share)),
                )
            )
            for row in figures.accounts.matching.rows
        ),
        source=footnotes.source(
            figures.accounts.matching,
            unit="leads",
            basis="leads in scope with a history; e-mails, websites and accounts as last delivered",
            denominator="all these leads",
        ),
        key="account-matching",
    )


def _depth_table(figures: Figures) -> Table:
    words = {"reached": "ever reached", "current": "there now"}
    return Table(
        caption="Leads and accounts by stage",
        columns=(
            Column("Stage", "text"),
            Column("Which leads", "text"),
            *(
                Column(name)
                for name in ("Leads", "with account", "without", "Accounts", "Ratio", "1 lead", "2", "3–4", "5+")
            ),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(row.stage_label, note="group" if row.is_group else ""),
                    Cell(words[row.basis]),
                    *texts(
                        *(
                            text.count(n)
                            for n in (row.leads, row.leads_with_account, row.leads_without_account, row.accounts)
                        )
                    ),
                    Cell(text.ratio(row.ratio)),
                    *texts(*(text.count(n) for n in (row.depth_1, row.depth_2, row.depth_3_4, row.depth_5_plus))),
                )
            )
            for row in figures.accounts.depth.rows
        ),
        key="depth",
    )
