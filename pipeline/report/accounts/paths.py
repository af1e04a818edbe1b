"""Account depth along the path, and leads per account by month."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from pipeline.report import text
from pipeline.report.layout import charts
from pipeline.report.layout.table import (
    BarChart,
    BarRow,
    Cell,
    Details,
    LegendItem,
    Table,
    TableColumn,
    join_words,
    number,
    table,
)
from pipeline.report.query import Report, Row

DEPTHS = (
    ("depth-1", "1 lead", "depth_1"),
    ("depth-2", "2", "depth_2"),
    ("depth-3", "3–4", "depth_3_4"),
    ("depth-5", "5 or more", "depth_5_plus"),
)
REFERENCE_RATIOS = (1, 5)
"""Leads per account drawn as reference lines: one person, and a buying committee."""
HEIGHT = 72
SCALE_WIDTH = 9
"""Width of the scale in percent of the drawing."""


def stage_or_group() -> TableColumn:
    """Return the column of a stage that says whether it is a group."""
    return TableColumn("Stage", "", lambda row: Cell(row.stage_label, note="group" if row.is_group else ""), "text")


def depth_columns() -> tuple[TableColumn, ...]:
    """Return the columns of accounts by their number of leads."""
    return (
        number("1 lead", "depth_1"),
        number("2", "depth_2"),
        number("3–4", "depth_3_4"),
        number("5+", "depth_5_plus"),
    )


def depth_path(report: Report) -> BarChart:
    """Return accounts by the number of their leads known at arrival at each stage."""
    answer = report.rows("report.account_depth_path", "accounts", order="milestone_no")
    return BarChart(
        title="How many people were known when the account arrived",
        rows=tuple(_path_row(row) for row in answer.rows),
        legend=tuple(LegendItem(tone, label) for tone, label, _ in DEPTHS),
        source=report.source(
            answer,
            unit="accounts",
            basis="leads with any stage entry by the account’s first arrival; later leads change nothing earlier",
            denominator="accounts that ever arrived at the stage",
        ),
        details=Details(
            "Numbers behind the chart",
            table(
                answer.rows,
                (
                    stage_or_group(),
                    number("Accounts", "accounts"),
                    *depth_columns(),
                    number("Median", "median_depth", text.number),
                    number(
                        "Median, arrived by now",
                        "median_reached",
                        text.number,
                        hint="leads of the account that arrived at the stage by as-of",
                    ),
                ),
                caption="Accounts by the number of leads known when they arrived",
                key="depth-path",
            ),
        ),
        note=_medians(answer.rows),
        key="depth-path",
    )


def _path_row(row: Row) -> BarRow:
    parts = [
        (tone, getattr(row, name), f"{label}: {text.plural(getattr(row, name), 'account')}")
        for tone, label, name in DEPTHS
    ]
    alt_text = f"{row.stage_label}, accounts by leads known at arrival: " + "; ".join(title for _, _, title in parts)
    return BarRow(
        row.stage_label,
        charts.stacked_bar(parts, row.accounts, alt_text),
        f"median {text.number(row.median_depth)}",
        (text.plural(row.accounts, "account"),),
    )


def _medians(rows: Sequence[Row]) -> str:
    """Return the median of each stage in words: `1 at MCL and MEL; 2 at SQL`."""
    stages: dict[str, list[str]] = {}
    for row in rows:
        if row.accounts and not row.is_group:
            stages.setdefault(text.number(row.median_depth), []).append(row.stage_label)
    words = "; ".join(f"{median} at {join_words(labels)}" for median, labels in stages.items())
    return f"Median of the leads known when the account arrived: {words}." if words else ""


def ratio_months(report: Report, reached: Sequence[Row]) -> BarChart:
    """Return leads per account at the end of each month, one line per stage of `reached`."""
    answer = report.rows(
        "report.account_depth",
        "leads",
        where="basis = 'reached' and month_start is not null",
        order="month_start, milestone_no",
    )
    stages = [(row.stage, row.stage_label) for row in reached]
    by_stage = {stage: [row for row in answer.rows if row.stage == stage] for stage, _ in stages}
    top = charts.ceiling_of([row.ratio for row in answer.rows], 5.6)
    months = sorted({(row.month_start, row.is_partial) for row in answer.rows if row.month_start})
    return BarChart(
        title="Leads per account over the months, among those that had reached the stage by the month’s end",
        rows=tuple(
            BarRow(
                label,
                _line(by_stage[stage], label, top),
                text.ratio(by_stage[stage][-1].ratio),
                (f"{text.period(*months[0])}: {text.ratio(by_stage[stage][0].ratio)}",),
            )
            for stage, label in stages
        ),
        legend=(LegendItem("dot-rate", "month’s end"), LegendItem("reference", "1:1 and 5:1 for reference")),
        axis=_axis(months),
        source=report.source(
            answer,
            unit="leads and accounts",
            basis="reached by the month’s end; later leads change nothing earlier",
            denominator="distinct accounts (after the slash in the table)",
        ),
        details=Details("Month by month", _months_table(answer.rows, stages, months)),
        key="ratio-months",
    )


def _line(rows: Sequence[Row], label: str, top: float) -> charts.Drawing:
    """Draw one stage as a line that is broken at months without accounts."""
    step = (100 - SCALE_WIDTH) / len(rows)

    def y(ratio: float) -> float:
        return round(HEIGHT - 4 - (HEIGHT - 20) * ratio / top, 2)

    segments: list[list[str]] = [[]]
    dots = []
    for position, row in enumerate(rows):
        if row.ratio is None:
            segments.append([])
            continue
        x = round(SCALE_WIDTH + step * (position + 0.5), 2)
        segments[-1].append(f"{x} {y(row.ratio)}")
        month = text.period(row.month_start, row.is_partial)
        dots.append(charts.Dot(x, y(row.ratio), "rate", f"{month}: {text.ratio(row.ratio)}"))
    known = [row for row in rows if row.ratio is not None]
    alt_text = f"{label}, leads per account by month: " + (
        f"{text.ratio(known[0].ratio)} in {text.period(known[0].month_start, known[0].is_partial)}, "
        f"{text.ratio(known[-1].ratio)} in {text.period(known[-1].month_start, known[-1].is_partial)}"
        if known
        else "no account yet"
    )
    return charts.Drawing(
        HEIGHT,
        alt_text,
        lines=tuple(charts.Line(0, y(reference), 100, y(reference), "reference") for reference in REFERENCE_RATIOS),
        areas=tuple(charts.Area(f"M{'L'.join(segment)}", "curve") for segment in segments if len(segment) > 1),
        dots=tuple(dots),
        labels=tuple(
            charts.Label(0, y(reference) - 3, f"{reference}:1", "start", "scale") for reference in REFERENCE_RATIOS
        ),
    )


def _axis(months: Sequence[tuple[date, bool]]) -> charts.Drawing:
    """Draw about five month labels. The newest month always has one."""
    step, every = (100 - SCALE_WIDTH) / max(len(months), 1), max(1, math.ceil(len(months) / 5))
    labels = [
        charts.Label(round(SCALE_WIDTH + step * (position + 0.5), 2), 12, text.short_period(*month), "middle", "scale")
        for position, month in enumerate(months)
        if (len(months) - 1 - position) % every == 0
    ]
    return charts.Drawing(18, "months", labels=tuple(labels))


def _months_table(rows: Sequence[Row], stages: Sequence[tuple[str, str]], months: Sequence[tuple[date, bool]]) -> Table:
    cells = {(row.month_start, row.stage): row for row in rows}

    def column(stage: str, label: str) -> TableColumn:
        return TableColumn(label, "", lambda month: _ratio_cell(cells[month[0], stage]))

    return table(
        reversed(months),
        (
            TableColumn("Month", "", lambda month: text.period(*month), "text"),
            *(column(stage, label) for stage, label in stages),
        ),
        caption="Leads per account at each month’s end, among those that had reached the stage by then",
        key="ratio-months",
    )


def _ratio_cell(row: Row) -> Cell:
    counts = f"{text.count(row.leads_with_account)} / {text.count(row.accounts)}"
    return Cell(text.ratio(row.ratio), "" if row.accounts else "none", counts)
