"""Conversion by cohort: the grid of months and pairs, months of each pair, slices by dimension."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.database.connection import quoted
from pipeline.report import answers, links, text, units
from pipeline.report.conversion import estimate
from pipeline.report.layout.table import Cell, Details, Table, TableColumn, TableRow, number, table, texts
from pipeline.report.query import Report, Row
from pipeline.report.text import SMALL_SAMPLE

COUNTS = (
    number("Entered", "entered"),
    number("Converted", "converted"),
    number("Passed over", "passed_over"),
    number("Lost", "lost"),
)
STILL_OPEN = number("Still open", "still_open")


def title(pair: Row) -> str:
    """Return the pair in words."""
    return f"{pair.from_label} → {pair.to_label}"


def _final(report: Report, pair: Row) -> dict[int | None, Row]:
    """Return window → the final months of a pair together."""
    return {
        row.window_days: row
        for row in answers.totals(report).rows
        if row.cohorts == "mature" and (row.from_stage, row.to_stage) == (pair.from_stage, pair.to_stage)
    }


def grid(report: Report) -> Table:
    """Return the rate of every pair by month of arrival."""
    answer = report.rows(
        "report.conversion_months",
        "entered",
        where="window_days is null and is_shown",
        order="month_start, shown_no",
    )
    many = units.plural(report.overview.unit)
    pairs = answers.pairs(report)
    cells = {(row.month_start, row.from_stage, row.to_stage): row for row in answer.rows}
    finals = [_final(report, pair).get(None) for pair in pairs]

    def column(pair: Row) -> TableColumn:
        return TableColumn(
            title(pair),
            "",
            lambda month: _grid_cell(cells.get((month[0], pair.from_stage, pair.to_stage))),
            link=links.pair_page(pair.from_stage, pair.to_stage) if pair.is_headline else "",
        )

    return table(
        sorted({(row.month_start, row.is_partial) for row in answer.rows}, reverse=True),
        (TableColumn("Month", "", lambda month: report.period(*month), "text"), *map(column, pairs)),
        caption="Conversion rate by month of arrival, window: ever",
        total=TableRow((Cell("All final months"), *map(_rate_cell, finals)), "total"),
        source=report.source(answer),
        notes=(
            f"Hatched: not final, the youngest {many} have had too little time and the rate can only rise; "
            "left out of totals and comparisons.",
            f"Grey: fewer than {SMALL_SAMPLE} {many}.",
            *((estimate.MEANING,) if report.is_all else ()),
        ),
        key="grid",
    )


def _grid_cell(row: Row | None) -> Cell:
    if row is None or row.entered == 0:
        return Cell(text.DASH, "none")
    of = f"{text.count(row.converted)} of {text.count(row.entered)}"
    if row.is_mature:
        return Cell(text.rate(row.rate), _tone(row.entered), of)
    expected = "" if row.settled_estimate is None else f"expected {estimate.estimate(row)}"
    return Cell(text.rate(row.rate), "immature", f"{of}, {text.rate(row.still_open_share)} open", second_note=expected)


def _rate_cell(row: Row | None) -> Cell:
    if row is None or row.entered == 0:
        return Cell(text.DASH, "none")
    return Cell(text.rate(row.rate), "", f"{text.count(row.converted)} of {text.count(row.entered)}")


def _tone(entered: int) -> str:
    return "small-n" if 0 < entered < SMALL_SAMPLE else ""


def months(report: Report, pair: Row) -> Details:
    """Return the months of a pair in every window, newest first, and the total of final months."""
    answer = answers.cohorts(report, pair)
    cohorts = {(row.month_start, row.window_days): row for row in answer.rows if row.is_shown}
    windows = sorted({row.window_days for row in answer.rows if row.window_days is not None})
    final = _final(report, pair)
    ever = final.get(None)

    def within(days: int) -> TableColumn:
        return TableColumn(f"Within {days} days", "", lambda row: _window_cell(cohorts.get((row.month_start, days))))

    by_month = table(
        sorted((row for row in cohorts.values() if row.window_days is None), key=_month_start, reverse=True),
        (
            TableColumn("Month", "", lambda row: report.period(row.month_start, row.is_partial), "text"),
            *COUNTS,
            TableColumn("Still open", "still_open", _still_open),
            TableColumn("Rate, ever", "rate", _rate_ever),
            TableColumn("95% interval", "rate_low", _interval),
            *(
                (TableColumn("Expected final rate", "settled_estimate", estimate.cell, hint=estimate.HINT),)
                if pair.is_headline
                else ()
            ),
            *map(within, windows),
        ),
        caption=f"{title(pair)} by month of arrival at {pair.from_label}",
        total=_total(report, pair, ever, [final.get(days) for days in windows]) if ever else None,
        source=report.source(answer, also="the query gives up to 25 months, the table the last 12"),
        key=f"pair-months-{pair.shown_no}",
    )
    summary = (
        f"{text.rate(ever.rate)} of {text.plural(ever.entered, pair.unit)} in final months"
        if ever and ever.entered
        else "nothing final yet"
    )
    return Details(title(pair), by_month, is_open=pair.headline_no == 1, note=summary)


def _month_start(row: Row) -> Row:
    return row.month_start


def _is_not_final(row: Row) -> bool:
    return bool(row.entered and not row.is_mature)


def _still_open(row: Row) -> Cell:
    return Cell(text.count(row.still_open), note=text.rate(row.still_open_share) if row.still_open else "")


def _rate_ever(row: Row) -> Cell:
    if _is_not_final(row):
        return Cell(text.rate(row.rate), "immature", "not final")
    can_reach = row.is_mature and row.still_open
    reach = f"up to {text.rate((row.converted + row.still_open) / row.entered)}" if can_reach else ""
    return Cell(text.rate(row.rate), _tone(row.entered), reach)


def _interval(row: Row) -> Cell:
    return Cell(text.DASH if _is_not_final(row) else text.interval(row.rate_low, row.rate_high), "quiet")


def _window_cell(cohort: Row | None) -> Cell:
    if cohort is None or cohort.entered == 0:
        return Cell(text.DASH, "none")
    of = f"{text.count(cohort.converted)} of {text.count(cohort.entered)}"
    if cohort.is_mature:
        return Cell(text.rate(cohort.rate), _tone(cohort.entered), of)
    young = f"{text.count(cohort.still_open)} open" if cohort.still_open else "too young"
    return Cell(text.rate(cohort.rate), "immature", f"{of}, {young}")


def _total(report: Report, pair: Row, ever: Row, within: list[Row | None]) -> TableRow:
    since = f"{text.plural(ever.months, 'month')} since {report.month(ever.first_month)}" if ever.months else "none yet"
    return TableRow(
        (
            Cell("All final months", note=since),
            *texts(
                *(
                    text.count(each)
                    for each in (ever.entered, ever.converted, ever.passed_over, ever.lost, ever.still_open)
                )
            ),
            Cell(text.rate(ever.rate)),
            Cell(text.interval(ever.rate_low, ever.rate_high), "quiet"),
            *((Cell(text.DASH, "none"),) if pair.is_headline else ()),
            *map(_rate_cell, within),
        ),
        "total",
    )


def slices(report: Report, pair: Row) -> tuple[Details, ...]:
    """Return the values of every dimension of a headline pair."""
    return tuple(
        details for dimension in answers.dimensions(report) if (details := _slice(report, pair, dimension)) is not None
    )


def _slice(report: Report, pair: Row, dimension: str) -> Details | None:
    """Return the values of a dimension; None without values."""
    answer = report.rows(
        "report.conversion_summary",
        "entered",
        where=f"{answers.of_pair(pair)}\n    and dimension = {quoted(dimension)}",
        order="cohorts, dimension_value is null, entered desc, dimension_value",
    )
    if not answer.rows:
        return None
    known = answers.dimension_sources(report).get(dimension, "as configured")
    final = {
        row.dimension_value: row
        for row in answer.rows
        if row.window_days == pair.headline_window_days and row.cohorts == "mature"
    }

    label = report.dimension(dimension)

    def n(row: Row) -> int:
        return final[row.dimension_value].entered if row.dimension_value in final else 0

    def of_final(cell: Callable[[Row], Cell], tone: str = "") -> Callable[[Row], Cell]:
        return lambda row: cell(final[row.dimension_value]) if row.dimension_value in final else Cell(text.DASH, tone)

    values = table(
        (row for row in answer.rows if row.window_days is None and row.cohorts == "all"),
        (
            TableColumn(label, "", _value, "text"),
            *COUNTS,
            STILL_OPEN,
            TableColumn(
                "n, final months", "", lambda row: Cell(text.count(n(row)), note="n small" if _tone(n(row)) else "")
            ),
            TableColumn(
                f"Within {pair.headline_window_days} days, final months",
                "",
                of_final(lambda row: Cell(text.rate(row.rate), _tone(row.entered))),
            ),
            TableColumn(
                "95% interval",
                "",
                of_final(lambda row: Cell(text.interval(row.rate_low, row.rate_high), "quiet"), "quiet"),
            ),
        ),
        caption=f"{title(pair)} by {label}, all history",
        tone=lambda row: _tone(n(row)),
        source=report.source(answer),
        notes=(f"Grey: n small, fewer than {SMALL_SAMPLE} {units.plural(pair.unit)} in final months.",),
        key=f"cut-{pair.shown_no}-{dimension}",
    )
    return Details(f"by {label}", values, note=known)


def _value(row: Row) -> Cell:
    if row.dimension_value is None:
        return Cell(text.other_values(row.values_inside), "quiet")
    return Cell(row.dimension_value)
