"""Account depth along the path, and leads per account by month."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.report import text
from pipeline.report.layout.bars import Part, bars
from pipeline.report.layout.table import Cell, Figure, LegendItem, Table, TableColumn, join_words, number, table
from pipeline.report.query import Report, Row

DEPTHS = (
    ("depth-1", "1 lead", "depth_1"),
    ("depth-2", "2", "depth_2"),
    ("depth-3", "3–4", "depth_3_4"),
    ("depth-5", "5 or more", "depth_5_plus"),
)
DEPTH_LEGEND = tuple(LegendItem(tone, label) for tone, label, _ in DEPTHS)


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


def depth_parts(row: Row) -> list[Part]:
    """Return the shares of accounts by their number of leads."""
    return [
        (tone, getattr(row, name) / (row.accounts or 1), f"{label}: {text.plural(getattr(row, name), 'account')}")
        for tone, label, name in DEPTHS
    ]


def depth_path(report: Report) -> Figure:
    """Return accounts by the number of their leads known at arrival at each stage."""
    answer = report.rows("report.account_depth_path", "accounts", order="milestone_no")
    return Figure(
        "depth-path",
        table(
            answer.rows,
            (
                stage_or_group(),
                number("Accounts", "accounts"),
                number("Median", "median_depth", text.number),
                *depth_columns(),
                bars("Accounts by their leads", depth_parts, 1),
                number(
                    "Median, arrived by now",
                    "median_reached",
                    text.number,
                    hint="leads of the account that arrived at the stage by as-of",
                ),
            ),
            caption="Accounts by the number of leads known when they arrived",
            source=report.source(answer),
            key="depth-path",
        ),
        DEPTH_LEGEND,
        _medians(answer.rows),
    )


def _medians(rows: Sequence[Row]) -> str:
    """Return the median of each stage in words: `1 at MCL and MEL; 2 at SQL`."""
    stages: dict[str, list[str]] = {}
    for row in rows:
        if row.accounts and not row.is_group:
            stages.setdefault(text.number(row.median_depth), []).append(row.stage_label)
    words = "; ".join(f"{median} at {join_words(labels)}" for median, labels in stages.items())
    return f"Median of the leads known when the account arrived: {words}." if words else ""


def ratio_months(report: Report, reached: Sequence[Row]) -> Table:
    """Return leads per account at the end of each month, one column per stage of `reached`."""
    answer = report.rows(
        "report.account_depth",
        "leads",
        where="basis = 'reached' and month_start is not null",
        order="month_start, milestone_no",
    )
    cells = {(row.month_start, row.stage): row for row in answer.rows}

    def column(stage: str, label: str) -> TableColumn:
        return TableColumn(label, "", lambda month: _ratio_cell(cells[month[0], stage]))

    return table(
        sorted({(row.month_start, row.is_partial) for row in answer.rows}, reverse=True),
        (
            TableColumn("Month", "", lambda month: text.period(*month), "text"),
            *(column(row.stage, row.stage_label) for row in reached),
        ),
        caption="Leads per account at each month’s end, among those that had reached the stage by then",
        source=report.source(answer),
        key="ratio-months",
    )


def _ratio_cell(row: Row) -> Cell:
    counts = f"{text.count(row.leads_with_account)} / {text.count(row.accounts)}"
    return Cell(text.ratio(row.ratio), "" if row.accounts else "none", counts)
