"""The headline cards: outcomes of each headline pair, its rates, and the gap to its target."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.config.funnel import is_show_rate
from pipeline.report import links, text, units
from pipeline.report.conversion import estimate
from pipeline.report.conversion.cohorts import SMALL_SAMPLE
from pipeline.report.figures import Figures
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

MIN_WINDOW_COVERAGE = 0.9
"""Below this share of the expected conversions within the window, the card shows a note."""
NOTHING_FINAL = "no complete month is final yet"
LOST_TONES = ("lost-1", "lost-2", "lost-3", "lost-4")
LOST_BY = {
    "cycle": "the stage that ended the cycle",
    "lead": "the exit in which the lead is now",
    "account": "the end of the last of its leads to go; an account waits where its furthest lead is",
}


@dataclass(frozen=True)
class Tile:
    """One number with its counts and interval."""

    label: str
    value: str
    lines: tuple[str, ...]
    note: str = ""
    tone: str = ""


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
        tiles=_tiles(row, in_window, record if figures.report.is_all else None, footnotes),
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
            f"in {_recent(in_window, footnotes)}, "
            f"{text.rate(in_window.recent_rate)} went on to {row.to_label} within {in_window.window_days} days; "
            f"in {footnotes.month(in_window.latest_month)}, the last final month, "
            f"{text.rate(in_window.latest_rate)}{_change(in_window, footnotes)}."
        )
    lost = sorted((gap for gap in gaps if gap.fate == "lost"), key=lambda gap: -gap.units)
    if not lost:
        return first
    share = f"{first} Where most are lost, over all months: "
    return share + ", ".join(f"{_short(gap)} ({text.count(gap.units)})" for gap in lost[:2]) + "."


def _recent(row: Headline, footnotes: FootnoteBuilder) -> str:
    """Return the months of the headline rate: `Sep 2025 – Nov 2025`."""
    first, last = footnotes.month(row.recent_first_month), footnotes.month(row.recent_last_month)
    return first if first == last else f"{first} – {last}"


def _short(gap: Gap) -> str:
    if gap.reason == "regressed":
        return f"back to {gap.stage_label}"
    return gap.stage_label or {"deleted": "deleted", "completed": "completed otherwise"}.get(gap.reason, gap.reason)


def _change(row: Headline, footnotes: FootnoteBuilder) -> str:
    if row.change is None:
        return ""
    return f" ({_compared(row, footnotes)})"


def _compared(row: Headline, footnotes: FootnoteBuilder) -> str:
    """Return the change against the previous month.

    It has a direction only if it is significant, and no number if there are too few units.
    """
    previous = footnotes.month(row.previous_month)
    if not row.is_enough_to_compare:
        return f"against {previous} too few to say"
    if row.is_within_noise:
        return f"{text.points(row.change)} on {previous}: within noise"
    return f"{'up' if (row.change or 0) > 0 else 'down'} {text.distance(row.change)} on {previous}: more than noise"


def _bar_note(row: Headline) -> str:
    if row.entered == 0:
        return ""
    whole = (
        f"All {text.count(row.entered)} {units.plural(row.unit)} that reached {row.from_label}, by what became of them."
    )
    return f"{whole} The line across the bar is the target, {text.rate(row.target)}." if row.target else whole


def _tiles(
    row: Headline, in_window: Headline, record: ExpectedRateRecord | None, footnotes: FootnoteBuilder
) -> tuple[Tile, ...]:
    """Return the headline rate, its last month, the gap to the target, and other rates of the pair."""
    expected_rate = (_expected_rate_tile(row, record),) if row.still_open and record else ()
    return (
        _headline_tile(in_window, footnotes),
        _latest_tile(in_window, footnotes),
        _target_tile(in_window),
        _ever_tile(row, footnotes),
        *expected_rate,
    )


def _headline_tile(row: Headline, footnotes: FootnoteBuilder) -> Tile:
    label = f"Within {row.window_days} days"
    if row.recent_rate is None:
        return Tile(label, text.DASH, (NOTHING_FINAL,), tone="first")
    return Tile(
        f"{label}, {_recent(row, footnotes)}",
        text.rate(row.recent_rate),
        (
            _counts(row.unit, row.recent_converted, row.recent_entered),
            _interval(row.recent_low, row.recent_high),
        ),
        _coverage(row),
        f"first {_tone(row.recent_entered)}".strip(),
    )


def _coverage(row: Headline) -> str:
    """Return a note if the window holds less than `MIN_WINDOW_COVERAGE` of the expected conversions."""
    if row.coverage is None or row.coverage >= MIN_WINDOW_COVERAGE:
        return ""
    return (
        f"Only {text.rate(row.coverage)} of the conversions expected in the end fall within {row.window_days} days: "
        "read it beside the other ways to count."
    )


def _expected_rate_tile(row: Headline, record: ExpectedRateRecord) -> Tile:
    known = row.converted / row.entered
    return Tile(
        "Settled estimate, all months",
        text.rate(row.settled_estimate),
        (
            f"known today {text.rate(known)}: {_counts(row.unit, row.converted, row.entered)}, {text.count(row.still_open)} open",
            _interval(row.settled_low, row.settled_high)
            if row.settled_estimate is not None
            else f"nobody has reached {row.to_label} yet: nothing to estimate from",
        ),
        estimate.sentence((record,)),
        _tone(row.entered),
    )


def _ever_tile(row: Headline, footnotes: FootnoteBuilder) -> Tile:
    label = "Ever, all final months"
    if row.settle_days is None:
        return Tile(label, text.DASH, ("fewer than 50 have converted, so nobody knows when a month is final",))
    if not row.mature_months:
        return Tile(label, text.DASH, (f"no complete month is {row.settle_days} days old yet",))
    months = f"{footnotes.month(row.mature_first_month)} – {footnotes.month(row.mature_last_month)}"
    return Tile(
        label,
        text.rate(row.mature_rate),
        (
            _counts(row.unit, row.mature_converted, row.mature_entered),
            *reach(row.mature_converted, row.mature_open, row.mature_entered),
            _interval(row.mature_low, row.mature_high),
        ),
        f"{text.plural(row.mature_months, 'month')}, {months}; final after {row.settle_days} days",
        _tone(row.mature_entered),
    )


def reach(converted: int, still_open: int, entered: int) -> tuple[str, ...]:
    """Return the range of a final rate while units are open: `4 still open: 21.0–22.0 %`; empty if none is open."""
    if not still_open:
        return ()
    final_range = text.interval(converted / entered, (converted + still_open) / entered)
    return (f"{text.count(still_open)} still open: {final_range} in the end",)


def _tone(entered: int | None) -> str:
    return "small" if (entered or 0) < SMALL_SAMPLE else ""


def _counts(unit: str, converted: int | None, entered: int | None) -> str:
    small = ", n small" if (entered or 0) < SMALL_SAMPLE else ""
    return f"{text.count(converted)} of {text.plural(entered or 0, unit)}{small}"


def _interval(low: float | None, high: float | None) -> str:
    return f"95 % interval {text.interval(low, high)}"


def _latest_tile(row: Headline, footnotes: FootnoteBuilder) -> Tile:
    if row.latest_month is None:
        return Tile("Last final month", text.DASH, (NOTHING_FINAL,))
    return Tile(
        f"{footnotes.month(row.latest_month)}, last final month",
        text.rate(row.latest_rate),
        (
            _counts(row.unit, row.latest_converted, row.latest_entered),
            _interval(row.latest_low, row.latest_high),
        ),
        "" if row.change is None else _compared(row, footnotes),
        _tone(row.latest_entered),
    )


def _target_tile(row: Headline) -> Tile:
    if row.target is None:
        return Tile("Gap to target", text.DASH, ("no target is set for this pair",))
    target = f"target {text.rate(row.target)}"
    if row.gap_to_target is None:
        return Tile("Gap to target", text.DASH, (target, NOTHING_FINAL))
    return Tile(
        "Gap to target",
        _gap(row.gap_to_target),
        (target, f"within {row.window_days} days {text.rate(row.recent_rate)}"),
        f"last final month: {_gap(row.latest_gap_to_target)}",
    )


def _gap(value: float | None) -> str:
    if value is None:
        return text.DASH
    if value == 0:
        return "on target"
    return f"{text.distance(value)} {'short' if value > 0 else 'above'}"


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
