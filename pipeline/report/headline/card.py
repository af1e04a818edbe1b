"""The headline cards: outcomes of each headline pair, its rates, and the gap to its target."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.config.funnel import is_show_rate
from pipeline.report import links, text, units
from pipeline.report.figures import Figures
from pipeline.report.headline.tiles import Tile, change_in_words, recent_months, tiles
from pipeline.report.layout import charts
from pipeline.report.layout.table import (
    Cell,
    Details,
    FootnoteBuilder,
    LegendItem,
    Source,
    Table,
    TableRow,
    columns,
    texts,
)
from pipeline.report.pair.figures import PairFigures
from pipeline.report.quality.rows import ExpectedRateRecord
from pipeline.report.rows import Gap, Headline

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


def cards(figures: Figures, footnotes: FootnoteBuilder) -> tuple[Card, ...]:
    """Return one card per headline pair, in the order of the configuration."""
    by_pair = {(each.pair.from_stage, each.pair.to_stage): each for each in figures.pairs}
    ever = [row for row in figures.headline.rows if row.window_days is None]
    in_window = {row.headline_no: row for row in figures.headline.rows if row.is_headline_window}
    records = figures.quality.expected_rate_record.rows
    return tuple(
        _card(row, in_window[row.headline_no], by_pair[row.from_stage, row.to_stage], record, figures, footnotes)
        for row, record in zip(ever, records, strict=True)
    )


def title(row: Headline) -> str:
    """Return the pair in words. The pair of meetings booked and held is the show rate."""
    pair = f"{row.from_label} → {row.to_label}"
    return f"Show rate: {pair}" if is_show_rate(row.from_stage, row.to_stage) else pair


def _card(
    row: Headline,
    in_window: Headline,
    pair: PairFigures,
    record: ExpectedRateRecord,
    figures: Figures,
    footnotes: FootnoteBuilder,
) -> Card:
    """Return the card. `row` counts without a window, `in_window` within the headline window."""
    gaps = pair.gap.rows if pair.gap else ()
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
        sentence=_sentence(row, in_window, gaps, footnotes),
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
        tiles=tiles(row, in_window, record if figures.report.is_all else None, footnotes),
        trends=_trends(row, in_window, pair, footnotes),
        details=(
            Details(
                "Numbers behind the bar",
                _outcomes_table(row, gaps, pair, footnotes),
            ),
        ),
        source=footnotes.source(
            figures.headline,
            unit=units.describe(row.unit),
            basis=f"cohorts by the month of arrival at {row.from_label}; counts: ever; rates: the window that the line names",
            denominator=f"{units.plural(row.unit)} that arrived at {row.from_label}; rates: those in the months named",
        ),
    )


def outcome_name(gap: Gap, row: Headline) -> str:
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


def outcome_tones(gaps: tuple[Gap, ...]) -> dict[Gap, str]:
    """Return the colour of each outcome. The largest losses have their own colour, the others share one."""
    lost = [gap for gap in gaps if gap.fate == "lost"]
    tones = {gap: LOST_TONES[min(position, len(LOST_TONES) - 1)] for position, gap in enumerate(lost)}
    fixed = {"converted": "converted", "passed_over": "passed", "overdue": "overdue"}
    return {gap: tones.get(gap) or fixed.get(gap.reason, "open") for gap in gaps}


def _overdue(row: Headline) -> str:
    return f"{text.count(row.overdue)} overdue" if row.still_open else ""


def _sentence(row: Headline, in_window: Headline, gaps: tuple[Gap, ...], footnotes: FootnoteBuilder) -> str:
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


def _short(gap: Gap) -> str:
    if gap.reason == "regressed":
        return f"back to {gap.stage_label}"
    return gap.stage_label or {"deleted": "deleted", "completed": "completed otherwise"}.get(gap.reason, gap.reason)


def _change(row: Headline, footnotes: FootnoteBuilder) -> str:
    if row.change is None:
        return ""
    return f" ({change_in_words(row, footnotes)})"


def _bar_note(row: Headline) -> str:
    if row.entered == 0:
        return ""
    whole = (
        f"All {text.count(row.entered)} {units.plural(row.unit)} that reached {row.from_label}, by what became of them."
    )
    return f"{whole} The line across the bar is the target, {text.rate(row.target)}." if row.target else whole


def _trends(row: Headline, in_window: Headline, pair: PairFigures, footnotes: FootnoteBuilder) -> tuple[Trend, ...]:
    trends = []
    for window in (in_window.window_days, None):
        cohorts = [cohort for cohort in pair.cohorts.rows if cohort.window_days == window]
        name = "Ever" if window is None else f"Within {window} days"
        final = [cohort for cohort in cohorts if cohort.is_mature and not cohort.is_partial]
        alt_text = (
            f"{row.from_label} to {row.to_label}, {name.lower()}, by month of arrival: "
            f"{text.plural(len(final), 'final month')}"
            + (
                f" from {text.rate(final[0].rate)} ({footnotes.month(final[0].month_start)}) "
                f"to {text.rate(final[-1].rate)} ({footnotes.month(final[-1].month_start)})"
                if final
                else ""
            )
        )
        trends.append(Trend(name, charts.trend(cohorts, alt_text, before_coverage=footnotes.before_coverage)))
    return tuple(trends)


def _outcomes_table(row: Headline, gaps: tuple[Gap, ...], pair: PairFigures, footnotes: FootnoteBuilder) -> Table:
    assert pair.gap is not None
    return Table(
        caption=f"What became of the {units.plural(row.unit)} that reached {row.from_label}",
        columns=columns("Fate", units.plural(row.unit).capitalize(), "Share"),
        rows=(
            *(TableRow(texts(outcome_name(gap, row), text.count(gap.units), text.rate(gap.share))) for gap in gaps),
            TableRow(
                (Cell("All"), Cell(text.count(row.entered)), Cell(text.DASH if not gaps else text.rate(1.0))), "total"
            ),
        ),
        source=footnotes.source(
            pair.gap,
            unit=units.plural(row.unit),
            basis=f"all cohorts, window: ever; lost by {LOST_BY[row.unit]}",
            denominator=f"{units.plural(row.unit)} that arrived at {row.from_label}",
        ),
        key=f"fates-{row.headline_no}",
    )
