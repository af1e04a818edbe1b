"""The tiles of a headline card: the headline rate, its last month, the gap to the target, and other rates."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report import text
from pipeline.report.conversion import estimate
from pipeline.report.query import Footnotes, Row
from pipeline.report.text import SMALL_SAMPLE

MIN_WINDOW_COVERAGE = 0.9
"""Below this share of the expected conversions within the window, the card shows a note."""
NOTHING_FINAL = "no complete month is final yet"


@dataclass(frozen=True)
class Tile:
    """One number with its counts and interval."""

    label: str
    value: str
    lines: tuple[str, ...]
    note: str = ""
    tone: str = ""


def tiles(row: Row, in_window: Row, record: tuple[Row, ...], footnotes: Footnotes) -> tuple[Tile, ...]:
    """Return the headline rate, its last month, the gap to the target, and other rates of the pair."""
    expected_rate = (_expected_rate_tile(row, record),) if row.still_open and record else ()
    return (
        _headline_tile(in_window, footnotes),
        _latest_tile(in_window, footnotes),
        _target_tile(in_window),
        _ever_tile(row, footnotes),
        *expected_rate,
    )


def _headline_tile(row: Row, footnotes: Footnotes) -> Tile:
    label = f"Within {row.window_days} days"
    if row.recent_rate is None:
        return Tile(label, text.DASH, (NOTHING_FINAL,), tone="first")
    return Tile(
        f"{label}, {recent_months(row, footnotes)}",
        text.rate(row.recent_rate),
        (
            _counts(row.unit, row.recent_converted, row.recent_entered),
            _interval(row.recent_low, row.recent_high),
        ),
        _coverage(row),
        f"first {_tone(row.recent_entered)}".strip(),
    )


def _coverage(row: Row) -> str:
    """Return a note if the window holds less than `MIN_WINDOW_COVERAGE` of the expected conversions."""
    if row.coverage is None or row.coverage >= MIN_WINDOW_COVERAGE:
        return ""
    return (
        f"Only {text.rate(row.coverage)} of the conversions expected in the end fall within {row.window_days} days: "
        "read it beside the other ways to count."
    )


def _expected_rate_tile(row: Row, record: tuple[Row, ...]) -> Tile:
    known = row.converted / row.entered
    return Tile(
        "Expected final rate, all months",
        text.rate(row.settled_estimate),
        (
            f"known today {text.rate(known)}: {_counts(row.unit, row.converted, row.entered)}, {text.count(row.still_open)} open",
            _interval(row.settled_low, row.settled_high)
            if row.settled_estimate is not None
            else f"nobody has reached {row.to_label} yet: nothing to estimate from",
        ),
        estimate.sentence(record),
        _tone(row.entered),
    )


def _ever_tile(row: Row, footnotes: Footnotes) -> Tile:
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


def _latest_tile(row: Row, footnotes: Footnotes) -> Tile:
    if row.latest_month is None:
        return Tile("Last final month", text.DASH, (NOTHING_FINAL,))
    return Tile(
        f"{footnotes.month(row.latest_month)}, last final month",
        text.rate(row.latest_rate),
        (
            _counts(row.unit, row.latest_converted, row.latest_entered),
            _interval(row.latest_low, row.latest_high),
        ),
        "" if row.change is None else change_in_words(row, footnotes),
        _tone(row.latest_entered),
    )


def _target_tile(row: Row) -> Tile:
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


def reach(converted: int, still_open: int, entered: int) -> tuple[str, ...]:
    """Return the range of a final rate while units are open: `4 still open: 21.0–22.0%`; empty if none is open."""
    if not still_open:
        return ()
    final_range = text.interval(converted / entered, (converted + still_open) / entered)
    return (f"{text.count(still_open)} still open: {final_range} in the end",)


def recent_months(row: Row, footnotes: Footnotes) -> str:
    """Return the months of the headline rate: `Sep 2025 – Nov 2025`."""
    first, last = footnotes.month(row.recent_first_month), footnotes.month(row.recent_last_month)
    return first if first == last else f"{first} – {last}"


def change_in_words(row: Row, footnotes: Footnotes) -> str:
    """Return the change against the previous month.

    It has a direction only if it is significant, and no number if there are too few units.
    """
    previous = footnotes.month(row.previous_month)
    if not row.is_enough_to_compare:
        return f"against {previous} too few to say"
    if row.is_within_noise:
        return f"{text.points(row.change)} on {previous}: no clear change"
    return f"{'up' if (row.change or 0) > 0 else 'down'} {text.distance(row.change)} on {previous}"


def _tone(entered: int | None) -> str:
    return "small" if (entered or 0) < SMALL_SAMPLE else ""


def _counts(unit: str, converted: int | None, entered: int | None) -> str:
    small = ", n small" if (entered or 0) < SMALL_SAMPLE else ""
    return f"{text.count(converted)} of {text.plural(entered or 0, unit)}{small}"


def _interval(low: float | None, high: float | None) -> str:
    return f"95% interval {text.interval(low, high)}"


def _gap(value: float | None) -> str:
    if value is None:
        return text.DASH
    if value == 0:
        return "on target"
    return f"{text.distance(value)} {'short' if value > 0 else 'above'}"
