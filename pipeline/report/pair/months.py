"""Months of a headline pair: outcomes without conversion, and arrivals at the second stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from pipeline.report import answers, text, units
from pipeline.report.headline.outcomes import LOST_BY, LOST_TONES, outcome_name, outcome_tones
from pipeline.report.layout.bars import Part, bars
from pipeline.report.layout.table import Cell, Figure, LegendItem, TableColumn, TableRow, number, table, texts
from pipeline.report.query import Footnotes, Report, Row

STACK_ORDER = ("lost", "passed_over", "still_open")
"""Order from the left: final outcomes first, then those that can still change."""

Counts = dict[tuple[date, str, str, str | None], int]
"""(month, outcome, reason, stage label) → units."""


def losses(report: Report, row: Row, ages: Sequence[Row]) -> Figure:
    """Return the share of each cohort that has not converted, by outcome. `ages` has the months shown."""
    gaps = answers.outcomes(report, row.headline_no).rows
    outcomes = report.rows(
        "report.headline_gap_months",
        "units",
        where=f"headline_no = {row.headline_no}",
        order="month_start, fate, reason, stage",
    )
    months = [cell for cell in ages if cell.age_no == 1]
    counts: Counts = {
        (each.month_start, each.fate, each.reason, each.stage_label): each.units for each in outcomes.rows
    }
    missing = [gap for fate in STACK_ORDER for gap in gaps if gap.fate == fate]
    tones = outcome_tones(gaps)
    many = units.plural(row.unit)

    def parts(month: Row) -> list[Part]:
        sizes = [(gap, counts.get(_key(month.month_start, gap), 0)) for gap in missing]
        return [
            (tones[gap], size / month.entered, f"{outcome_name(gap, row)}: {text.count(size)}")
            for gap, size in sizes
            if month.entered
        ]

    def column(gap: Row) -> TableColumn:
        return TableColumn(
            outcome_name(gap, row), "", lambda month: text.count(counts.get(_key(month.month_start, gap), 0))
        )

    by_month = table(
        reversed(months),
        (
            TableColumn("Month", "", lambda month: report.period(month.month_start, month.is_partial), "text"),
            number("Entered", "entered"),
            bars(f"Has not gone on to {row.to_label}", parts, 1),
            *map(column, gaps),
        ),
        caption=f"What became of the {many} of each month that reached {row.from_label}",
        source=report.source(outcomes, also=f"lost by {LOST_BY[row.unit]}"),
        key=f"losses-{row.headline_no}",
    )
    totals = _totals(report, row, gaps, counts, {month.month_start for month in months})
    return Figure(
        "losses",
        replace(by_month, rows=(*by_month.rows, *totals)),
        _legend(missing, row, tones),
        _losses_sentence(row, months, missing, counts, report),
    )


def _totals(report: Report, row: Row, gaps: Sequence[Row], counts: Counts, shown: set[date]) -> list[TableRow]:
    """Return the lines of all months and, if not all are shown, of the earlier ones."""
    everyone = TableRow(
        (*texts("All months", text.count(row.entered), ""), *texts(*(text.count(gap.units) for gap in gaps))), "total"
    )
    earlier = sorted({month for month, *_ in counts if month not in shown})
    if not earlier:
        return [everyone]
    before = [sum(counts.get(_key(month, gap), 0) for month in earlier) for gap in gaps]
    since = Cell("Earlier months", note=f"since {report.month(earlier[0])}")
    return [TableRow((since, *texts(text.count(sum(before)), "", *map(text.count, before)))), everyone]


def _key(month: date, gap: Row) -> tuple[date, str, str, str | None]:
    return month, gap.fate, gap.reason, gap.stage_label


def _losses_sentence(
    row: Row, months: Sequence[Row], missing: Sequence[Row], counts: Counts, footnotes: Footnotes
) -> str:
    complete = [month for month in months if not month.is_partial] or list(months)
    entered = sum(month.entered for month in complete)
    if not entered:
        return f"Nobody has arrived at {row.from_label} in these months."

    def of(fate: str) -> int:
        return sum(
            counts.get(_key(month.month_start, gap), 0) for month in complete for gap in missing if gap.fate == fate
        )

    lost, passed, waiting = of("lost"), of("passed_over"), of("still_open")
    return (
        f"Of {text.plural(entered, row.unit)} that reached {row.from_label} {_span(complete, footnotes)}, "
        f"{text.count(lost + passed + waiting)} have not gone on to {row.to_label}: {text.count(lost)} lost, "
        f"{text.count(passed)} passed over, {text.count(waiting)} still open."
    )


def _span(months: Sequence[Row], footnotes: Footnotes) -> str:
    first, last = months[0], months[-1]
    end = footnotes.period(last.month_start, last.is_partial)
    return f"in {end}" if len(months) == 1 else f"from {footnotes.month(first.month_start)} to {end}"


def _legend(missing: Sequence[Row], row: Row, tones: dict[Row, str]) -> tuple[LegendItem, ...]:
    """Return one entry per tone, from the left of the bars. Outcomes with the same tone share an entry."""
    names: dict[str, list[str]] = {}
    for gap in missing:
        names.setdefault(tones[gap], []).append(outcome_name(gap, row))
    shared = {LOST_TONES[-1]: "Lost otherwise", "open": "Still open, not overdue", "overdue": "Still open, overdue"}
    return tuple(
        LegendItem(tone, labels[0] if len(labels) == 1 or tone not in shared else shared[tone])
        for tone, labels in names.items()
    )


def arrivals(report: Report, row: Row) -> Figure:
    """Return arrivals at the second stage by month, split by whether the cycle entered the first stage."""
    answer = report.rows(
        "report.headline_arrivals",
        "arrivals",
        where=f"headline_no = {row.headline_no} and is_shown",
        order="month_start",
    )
    months = answer.rows
    words = {
        "through": f"came through {row.from_label}",
        "over": f"began below {row.from_label} and passed over it",
        "began": f"began at or above {row.from_label}, without it",
    }

    def parts(month: Row) -> list[Part]:
        sizes = (month.through, month.over, month.entered_after)
        return [
            (tone, size, f"{text.count(size)} {name}") for (tone, name), size in zip(words.items(), sizes, strict=True)
        ]

    def without(month: Row) -> str:
        return text.rate((month.over + month.entered_after) / month.arrivals if month.arrivals else None)

    return Figure(
        "arrivals",
        table(
            reversed(months),
            (
                TableColumn("Month", "", lambda month: report.period(month.month_start, month.is_partial), "text"),
                number("Arrivals", "arrivals"),
                bars("How they came", parts, max((month.arrivals for month in months), default=0)),
                number(f"Through {row.from_label}", "through"),
                number("Over", "over", hint=words["over"]),
                number("Entered after", "entered_after", hint=words["began"]),
                TableColumn(f"Without {row.from_label}", "", without, hint="over and entered after, of all arrivals"),
            ),
            caption=f"Arrivals at {row.to_label}, seen from {row.from_label}",
            source=report.source(answer),
            key=f"pair-arrivals-{row.headline_no}",
        ),
        tuple(LegendItem(tone, name) for tone, name in words.items()),
        _arrivals_sentence(row, months, report),
    )


def _arrivals_sentence(row: Row, months: Sequence[Row], footnotes: Footnotes) -> str:
    complete = [month for month in months if not month.is_partial] or list(months)
    everyone = sum(month.arrivals for month in complete)
    if not everyone:
        return f"Nobody has arrived at {row.to_label} in these months."
    over, after = sum(month.over for month in complete), sum(month.entered_after for month in complete)
    first = (
        f"{text.count(over + after)} of {text.plural(everyone, 'arrival')} at {row.to_label} {_span(complete, footnotes)} "
        f"came without {row.from_label}"
    )
    if not over + after:
        return f"{first}."
    below, later = f"began below {row.from_label} and passed over it", f"began at or above {row.from_label}, without it"
    split = (
        f"{text.count(over)} {below}, {text.count(after)} {later}"
        if over and after
        else f"all {below if over else later}"
    )
    return f"{first}, {text.rate((over + after) / everyone)}: {split}. No rate of {row.from_label} → {row.to_label} counts them."
