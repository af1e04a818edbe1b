"""Monthly columns of a headline pair: outcomes without conversion, and arrivals at the second stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from pipeline.report import answers, text, units
from pipeline.report.headline.card import LOST_BY, LOST_TONES, outcome_name, outcome_tones
from pipeline.report.layout.charts import share_ceiling
from pipeline.report.layout.columns import (
    ColumnChart,
    Part,
    Stack,
    count_ceiling,
    count_scale,
    share_scale,
    stacked_columns,
)
from pipeline.report.layout.table import Cell, Details, LegendItem, Table, TableColumn, TableRow, number, table, texts
from pipeline.report.query import Footnotes, Report, Row

STACK_ORDER = ("lost", "passed_over", "still_open")
"""Order from the bottom: final outcomes first, then those that can still change."""

Counts = dict[tuple[date, str, str, str | None], int]
"""(month, outcome, reason, stage label) → units."""


def losses(report: Report, row: Row, ages: Sequence[Row]) -> ColumnChart:
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
    shown_gaps = [gap for fate in STACK_ORDER for gap in gaps if gap.fate == fate]
    tones = outcome_tones(gaps)
    shares = [_missing(month, shown_gaps, counts) / month.entered for month in months if month.entered]
    top = share_ceiling(max(shares, default=0.0))
    stacks = [
        Stack(
            report.short_period(month.month_start, month.is_partial),
            tuple(_part(gap, row, month, counts, tones[gap], report) for gap in shown_gaps if month.entered),
        )
        for month in months
    ]
    sentence = _losses_sentence(row, months, shown_gaps, counts, report)
    return ColumnChart(
        key="losses",
        title=f"Share of each month’s {units.plural(row.unit)} that has not gone on to {row.to_label}",
        sentence=sentence,
        drawing=stacked_columns(stacks, top, share_scale(top), sentence),
        legend=_legend(shown_gaps, row, tones),
        source=report.source(
            outcomes,
            unit=units.plural(row.unit),
            basis=f"cohorts by month of arrival at {row.from_label}, window: ever, as of now; lost by {LOST_BY[row.unit]}",
            denominator=f"{units.plural(row.unit)} that arrived at {row.from_label} in the month",
        ),
        details=Details("Numbers behind the columns", _losses_table(report, row, gaps, counts, months)),
    )


def _key(month: date, gap: Row) -> tuple[date, str, str, str | None]:
    return month, gap.fate, gap.reason, gap.stage_label


def _missing(month: Row, shown_gaps: Sequence[Row], counts: Counts) -> int:
    return sum(counts.get(_key(month.month_start, gap), 0) for gap in shown_gaps)


def _part(gap: Row, row: Row, month: Row, counts: Counts, tone: str, footnotes: Footnotes) -> Part:
    size = counts.get(_key(month.month_start, gap), 0)
    title = (
        f"{footnotes.period(month.month_start, month.is_partial)}: {outcome_name(gap, row)}: "
        f"{text.count(size)} of {text.count(month.entered)}"
    )
    return Part(tone, size / month.entered, title)


def _losses_sentence(
    row: Row, months: Sequence[Row], shown_gaps: Sequence[Row], counts: Counts, footnotes: Footnotes
) -> str:
    complete = [month for month in months if not month.is_partial] or list(months)
    entered = sum(month.entered for month in complete)
    if not entered:
        return f"Nobody has arrived at {row.from_label} in these months."

    def of(fate: str) -> int:
        return sum(
            counts.get(_key(month.month_start, gap), 0) for month in complete for gap in shown_gaps if gap.fate == fate
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


def _legend(shown_gaps: Sequence[Row], row: Row, tones: dict[Row, str]) -> tuple[LegendItem, ...]:
    """Return one entry per tone, from the bottom of the columns. Outcomes with the same tone share an entry."""
    names: dict[str, list[str]] = {}
    for gap in shown_gaps:
        names.setdefault(tones[gap], []).append(outcome_name(gap, row))
    shared = {LOST_TONES[-1]: "Lost otherwise", "open": "Still open, not overdue", "overdue": "Still open, overdue"}
    return tuple(
        LegendItem(tone, labels[0] if len(labels) == 1 or tone not in shared else shared[tone])
        for tone, labels in names.items()
    )


def _losses_table(report: Report, row: Row, gaps: Sequence[Row], counts: Counts, months: Sequence[Row]) -> Table:
    shown = {month.month_start for month in months}
    earlier = sorted({month for month, *_ in counts if month not in shown})
    before = [sum(counts.get(_key(month, gap), 0) for month in earlier) for gap in gaps]

    def column(gap: Row) -> TableColumn:
        return TableColumn(
            outcome_name(gap, row), "", lambda month: text.count(counts.get(_key(month.month_start, gap), 0))
        )

    by_month = table(
        reversed(months),
        (
            TableColumn("Month", "", lambda month: report.period(month.month_start, month.is_partial), "text"),
            number("Entered", "entered"),
            *map(column, gaps),
        ),
        caption=f"What became of the {units.plural(row.unit)} of each month that reached {row.from_label}",
        key=f"losses-{row.headline_no}",
    )
    totals = [TableRow(texts("All months", *map(text.count, (row.entered, *(gap.units for gap in gaps)))), "total")]
    if earlier:
        since = Cell("Earlier months", note=f"since {report.month(earlier[0])}")
        totals.insert(0, TableRow((since, *texts(*map(text.count, (sum(before), *before))))))
    return replace(by_month, rows=(*by_month.rows, *totals))


def arrivals(report: Report, row: Row) -> ColumnChart:
    """Return arrivals at the second stage by month, split by whether the cycle entered the first stage."""
    answer = report.rows(
        "report.headline_arrivals",
        "arrivals",
        where=f"headline_no = {row.headline_no} and is_shown",
        order="month_start",
    )
    months = answer.rows
    top = count_ceiling(max((month.arrivals for month in months), default=0))
    words = (
        ("through", f"came through {row.from_label}"),
        ("over", f"began below {row.from_label} and passed over it"),
        ("began", f"began at or above {row.from_label}, without it"),
    )
    stacks = [
        Stack(
            report.short_period(month.month_start, month.is_partial),
            tuple(
                Part(tone, size, f"{report.period(month.month_start, month.is_partial)}: {text.count(size)} {name}")
                for (tone, name), size in zip(words, _arrival_counts(month), strict=True)
            ),
        )
        for month in months
    ]
    sentence = _arrivals_sentence(row, months, report)
    return ColumnChart(
        key="arrivals",
        title=f"Arrivals at {row.to_label} by month, by how they came",
        sentence=sentence,
        drawing=stacked_columns(stacks, top, count_scale(top), sentence),
        legend=tuple(LegendItem(tone, name) for tone, name in words),
        source=report.source(
            answer,
            unit="cycles",
            basis=f"arrivals at {row.to_label} in the month, whenever the cycle began: no cohort",
            denominator=f"arrivals at {row.to_label} in the month",
        ),
        details=Details("Numbers behind the columns", _arrivals_table(report, row, months)),
    )


def _arrival_counts(month: Row) -> tuple[int, int, int]:
    return month.through, month.over, month.entered_after


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


def _arrivals_table(report: Report, row: Row, months: Sequence[Row]) -> Table:
    return table(
        reversed(months),
        (
            TableColumn("Month", "", lambda month: report.period(month.month_start, month.is_partial), "text"),
            number("Arrivals", "arrivals"),
            number(f"Through {row.from_label}", "through"),
            number("Over", "over", hint=f"the cycle began below {row.from_label} and passed without it"),
            number("Entered after", "entered_after", hint=f"the cycle began at or above {row.from_label} without it"),
            TableColumn(
                f"Without {row.from_label}",
                "",
                lambda month: text.rate(
                    (month.over + month.entered_after) / month.arrivals if month.arrivals else None
                ),
                hint="over and entered after, of all arrivals of the month",
            ),
        ),
        caption=f"Arrivals at {row.to_label}, seen from {row.from_label}",
        key=f"pair-arrivals-{row.headline_no}",
    )
