"""Leads per account: the ratio by stage, how deep accounts are, and the ratio over months."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report import charts
from pipeline.report import format as text
from pipeline.report.figures import Figures
from pipeline.report.rows import Depth
from pipeline.report.values import (
    Cell,
    Column,
    Mark,
    Reader,
    Source,
    Strip,
    StripChart,
    Table,
    TableRow,
    columns,
    texts,
)

DEPTHS = (
    ("depth-1", "1 lead", "depth_1"),
    ("depth-2", "2", "depth_2"),
    ("depth-3", "3–4", "depth_3_4"),
    ("depth-5", "5 or more", "depth_5_plus"),
)


@dataclass(frozen=True)
class Accounts:
    """The section of leads per account; `charts` is empty when no lead names an account."""

    sentence: str
    charts: tuple[StripChart, ...]
    source: Source
    table: Table
    months: Table | None


def accounts(figures: Figures, reader: Reader) -> Accounts:
    """Leads per account by stage, how deep accounts are, and the ratio over months."""
    reached = [row for row in figures.depth.rows if row.basis == "reached"]
    current = {row.stage: row for row in figures.depth.rows if row.basis == "current"}
    total = figures.overview.rows[0]
    known = total.leads - total.leads_without_account
    sentence = (
        f"{text.count(known)} of {text.plural(total.leads, 'lead')} belong to {text.plural(total.accounts, 'account')}; "
        f"{text.count(total.leads_without_account)} have no account and stay outside every ratio."
    )
    source = reader.source(
        figures.depth,
        unit="leads and accounts",
        basis="ever reached by as-of, or in the stage at as-of",
        denominator="ratio: distinct accounts of the leads with one",
    )
    table = _depth_table(figures)
    if not any(row.accounts for row in reached):
        return Accounts(
            "No lead names an account, so there is no ratio to show." if total.leads else sentence,
            (),
            source,
            table,
            None,
        )
    return Accounts(
        sentence,
        (_ratio_chart(reached, current), _depth_chart(reached)),
        source,
        table,
        _ratio_months(figures, reader),
    )


def _ratio_chart(reached: list[Depth], current: dict[str, Depth]) -> StripChart:
    end = charts.ceiling_of([row.ratio for row in (*reached, *current.values())], 5.6)
    marks = tuple(
        charts.Line(round(100 * mark / end, 2), 0, round(100 * mark / end, 2), 24, "reference") for mark in (1, 5)
    )
    strips = []
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
        says = f"{row.stage_label}: {text.ratio(row.ratio)} leads per account among those that reached it"
        notes = (f"there now {text.ratio(now.ratio)}",) if now is not None else ("a group",)
        strips.append(
            Strip(
                row.stage_label,
                charts.Drawing(24, says, lines=(charts.Line(0, 12, 100, 12, "grid"), *marks), dots=tuple(dots)),
                text.ratio(row.ratio),
                notes,
            )
        )
    ticks = tuple(charts.Label(round(100 * mark / end, 2), 12, f"{mark}:1", "middle", "scale") for mark in (1, 5))
    return StripChart(
        title="Leads per account",
        strips=tuple(strips),
        legend=(
            Mark("dot-rate", "leads that ever reached the stage"),
            Mark("dot-open", "leads in it now"),
            Mark("reference", "1:1 and 5:1 for reference"),
        ),
        axis=charts.Drawing(18, "scale of leads per account, with 1:1 and 5:1", labels=ticks),
        key="ratio",
    )


def _depth_chart(reached: list[Depth]) -> StripChart:
    strips = []
    for row in reached:
        parts = [
            (tone, getattr(row, name), f"{label}: {text.plural(getattr(row, name), 'account')}")
            for tone, label, name in DEPTHS
        ]
        says = f"{row.stage_label}, accounts by number of leads that reached it: " + "; ".join(
            title for _, _, title in parts
        )
        strips.append(
            Strip(row.stage_label, charts.stacked_bar(parts, row.accounts, says), text.plural(row.accounts, "account"))
        )
    return StripChart(
        title="How many leads an account has that reached the stage",
        strips=tuple(strips),
        legend=tuple(Mark(tone, label) for tone, label, _ in DEPTHS),
        key="depth",
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
            for row in figures.depth.rows
        ),
        key="depth",
    )


def _ratio_months(figures: Figures, reader: Reader) -> Table:
    cells = {(row.month_start, row.stage): row for row in figures.depth_months.rows}
    stages = [(row.stage, row.stage_label) for row in figures.depth.rows if row.basis == "reached"]
    months = sorted(
        {(row.month_start, row.is_partial) for row in figures.depth_months.rows if row.month_start}, reverse=True
    )
    return Table(
        caption="Leads per account at each month’s end, among those that had reached the stage by then",
        columns=columns("Month", *(label for _, label in stages)),
        rows=tuple(
            TableRow(
                (
                    Cell(text.period(month, is_partial)),
                    *(
                        Cell(
                            text.ratio(row.ratio),
                            "" if row.accounts else "none",
                            f"{text.count(row.leads_with_account)} / {text.count(row.accounts)}",
                        )
                        for stage, _ in stages
                        for row in (cells[month, stage],)
                    ),
                )
            )
            for month, is_partial in months
        ),
        source=reader.source(
            figures.depth_months,
            unit="leads and accounts",
            basis="reached by the month’s end; later leads change nothing earlier",
            denominator="distinct accounts (after the slash)",
        ),
        key="ratio-months",
    )
