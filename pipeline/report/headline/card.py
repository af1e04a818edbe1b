"""The headline cards: outcomes of each headline pair, its rates, and the gap to its target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config.funnel import is_show_rate
from pipeline.report import answers, links, text, units
from pipeline.report.headline.tiles import Tile, change_in_words, recent_months, tiles
from pipeline.report.layout import charts
from pipeline.report.layout.table import Cell, Details, LegendItem, Table, TableColumn, TableRow, number, table
from pipeline.report.query import Footnotes, Report, Row, Source

LOST_TONES = ("lost-1", "lost-2", "lost-3", "lost-4")
LOST_BY = {
    "cycle": "the stage that ended the cycle",
    "lead": "the exit in which the lead is now",
    "account": "the end of the last of its leads to go; an account waits where its furthest lead is",
}


@dataclass(frozen=True)
class Trend:
    """A chart of monthly cohorts in one window."""

    title: str
    drawing: charts.Drawing


@dataclass(frozen=True)
class Card:
    """One headline pair."""

    key: str
    file: str
    title: str
    from_stage: str
    to_stage: str
    from_label: str
    to_label: str
    meaning: str
    sentence: str
    counts: tuple[LegendItem, ...]
    bar: charts.Drawing
    bar_note: str
    outcomes: tuple[LegendItem, ...]
    tiles: tuple[Tile, ...]
    trends: tuple[Trend, ...]
    details: tuple[Details, ...]
    source: Source


def cards(report: Report) -> tuple[Card, ...]:
    """Return one card per headline pair, in the order of the configuration."""
    windows = answers.headline_windows(report)
    return tuple(_card(report, row, windows[row.headline_no]) for row in answers.headline_pairs(report))


def title(row: Row) -> str:
    """Return the pair in words. The pair of meetings booked and held is the show rate."""
    pair = f"{row.from_label} → {row.to_label}"
    return f"Show rate: {pair}" if is_show_rate(row.from_stage, row.to_stage) else pair


def _card(report: Report, row: Row, in_window: Row) -> Card:
    """Return the card. `row` counts without a window, `in_window` within the headline window."""
    record = tuple(each for each in answers.expected_rate_record(report).rows if each.headline_no == row.headline_no)
    gaps = answers.outcomes(report, row.headline_no).rows
    tones = outcome_tones(gaps)
    outcomes = tuple(
        LegendItem(tones[gap], outcome_name(gap, row), text.count(gap.units), text.rate(gap.share)) for gap in gaps
    )
    parts = [(tones[gap], gap.units, f"{outcome_name(gap, row)}: {text.count(gap.units)}") for gap in gaps]
    alt_text = f"{row.from_label} to {row.to_label}: " + "; ".join(
        f"{outcome.label} {outcome.value}" for outcome in outcomes
    )
    return Card(
        key=f"pair-{row.headline_no}",
        file=links.pair_page(row.from_stage, row.to_stage),
        title=title(row),
        from_stage=row.from_stage,
        to_stage=row.to_stage,
        from_label=row.from_label,
        to_label=row.to_label,
        meaning=f"{row.from_label}: {row.from_definition} {row.to_label}: {row.to_definition}",
        sentence=_sentence(row, in_window, gaps, report),
        counts=(
            LegendItem("whole", f"reached {row.from_label}", text.count(row.entered)),
            LegendItem("converted", f"went on to {row.to_label}", text.count(row.converted)),
            LegendItem("passed", "passed over", text.count(row.passed_over)),
            LegendItem("lost-1", "lost", text.count(row.lost)),
            LegendItem("open", "still open", text.count(row.still_open), _overdue(row)),
        ),
        bar=charts.target_bar(parts, row.entered, row.target, alt_text if gaps else "nobody has arrived yet"),
        bar_note=_bar_note(row),
        outcomes=outcomes,
        tiles=tiles(row, in_window, record if report.is_all else (), report),
        trends=_trends(report, row, in_window),
        details=(Details("Numbers behind the bar", _outcomes_table(report, row)),),
        source=report.source(
            answers.headline(report),
            unit=units.describe(row.unit),
            basis=f"cohorts by the month of arrival at {row.from_label}; counts: ever; rates: the window that the line names",
            denominator=f"{units.plural(row.unit)} that arrived at {row.from_label}; rates: those in the months named",
        ),
    )


def outcome_name(gap: Row, row: Row) -> str:
    """Return the outcome in words."""
    stage = gap.stage_label or "a stage unknown"
    names = {
        "converted": f"Went on to {row.to_label}",
        "passed_over": f"Passed over {row.to_label}: went further without it",
        "exited": f"Lost to {stage}",
        "detoured": f"Lost to {stage}, may come back",
        "regressed": f"Lost: moved back to {stage}",
        "deleted": "Lost: deleted in the source",
        "completed": f"Lost: completed without {row.to_label}",
        "overdue": f"Still open in {stage}, overdue",
        "within_limit": f"Still open in {stage}, within its limit",
        "no_limit": f"Still open in {stage}, which has no limit",
    }
    return names[gap.reason]


def outcome_tones(gaps: Sequence[Row]) -> dict[Row, str]:
    """Return the colour of each outcome. The largest losses have their own colour, the others share one."""
    lost = [gap for gap in gaps if gap.fate == "lost"]
    tones = {gap: LOST_TONES[min(position, len(LOST_TONES) - 1)] for position, gap in enumerate(lost)}
    fixed = {"converted": "converted", "passed_over": "passed", "overdue": "overdue"}
    return {gap: tones.get(gap) or fixed.get(gap.reason, "open") for gap in gaps}


def _overdue(row: Row) -> str:
    return f"{text.count(row.overdue)} overdue" if row.still_open else ""


def _sentence(row: Row, in_window: Row, gaps: tuple[Row, ...], footnotes: Footnotes) -> str:
    if row.entered == 0:
        return f"No {row.unit} has arrived at {row.from_label} yet, so there is nothing to convert."
    if in_window.recent_rate is None:
        first = (
            f"No rate is final yet: the youngest {row.unit} of a complete month must have had {in_window.window_days} days "
            f"to go on to {row.to_label}."
        )
    else:
        first = (
            f"Of {text.plural(in_window.recent_entered, row.unit)} that reached {row.from_label} "
            f"in {recent_months(in_window, footnotes)}, "
            f"{text.rate(in_window.recent_rate)} went on to {row.to_label} within {in_window.window_days} days; "
            f"in {footnotes.month(in_window.latest_month)}, the last final month, "
            f"{text.rate(in_window.latest_rate)}{_change(in_window, footnotes)}."
        )
    lost = sorted((gap for gap in gaps if gap.fate == "lost"), key=lambda gap: -gap.units)
    if not lost:
        return first
    share = f"{first} Where most are lost, over all months: "
    return share + ", ".join(f"{_short(gap)} ({text.count(gap.units)})" for gap in lost[:2]) + "."


def _short(gap: Row) -> str:
    if gap.reason == "regressed":
        return f"back to {gap.stage_label}"
    return str(gap.stage_label or {"completed": "completed otherwise"}.get(gap.reason, gap.reason))


def _change(row: Row, footnotes: Footnotes) -> str:
    if row.change is None:
        return ""
    return f" ({change_in_words(row, footnotes)})"


def _bar_note(row: Row) -> str:
    if row.entered == 0:
        return ""
    whole = (
        f"All {text.count(row.entered)} {units.plural(row.unit)} that reached {row.from_label}, by what became of them."
    )
    return f"{whole} The line across the bar is the target, {text.rate(row.target)}." if row.target else whole


def _trends(report: Report, row: Row, in_window: Row) -> tuple[Trend, ...]:
    trends = []
    for window in (in_window.window_days, None):
        cohorts = [cohort for cohort in answers.cohorts(report, row).rows if cohort.window_days == window]
        name = "Ever" if window is None else f"Within {window} days"
        final = [cohort for cohort in cohorts if cohort.is_mature and not cohort.is_partial]
        alt_text = (
            f"{row.from_label} to {row.to_label}, {name.lower()}, by month of arrival: "
            f"{text.plural(len(final), 'final month')}"
            + (
                f" from {text.rate(final[0].rate)} ({report.month(final[0].month_start)}) "
                f"to {text.rate(final[-1].rate)} ({report.month(final[-1].month_start)})"
                if final
                else ""
            )
        )
        trends.append(Trend(name, charts.trend(cohorts, alt_text, before_coverage=report.before_coverage)))
    return tuple(trends)


def _outcomes_table(report: Report, row: Row) -> Table:
    answer = answers.outcomes(report, row.headline_no)
    whole = text.rate(1.0) if answer.rows else text.DASH
    return table(
        answer.rows,
        (
            TableColumn("Outcome", "", lambda gap: outcome_name(gap, row), "text"),
            number(units.plural(row.unit).capitalize(), "units"),
            number("Share", "share", text.rate),
        ),
        caption=f"What became of the {units.plural(row.unit)} that reached {row.from_label}",
        total=TableRow((Cell("All"), Cell(text.count(row.entered)), Cell(whole)), "total"),
        source=report.source(
            answer,
            unit=units.plural(row.unit),
            basis=f"all cohorts, window: ever; lost by {LOST_BY[row.unit]}",
            denominator=f"{units.plural(row.unit)} that arrived at {row.from_label}",
        ),
        key=f"fates-{row.headline_no}",
    )
