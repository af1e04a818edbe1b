"""Geometry of the charts, which the macros print as SVG.

X is in percent of the width, Y in pixels, and a drawing has no viewBox. So bars stretch with the page, and text, dots and
strokes keep their size. Curves are in `areas`, an inner SVG that stretches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.report import text
from pipeline.report.query import Row


@dataclass(frozen=True)
class Rect:
    """A bar: x and width in percent, y and height in pixels. `title` is the tooltip."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    title: str = ""


@dataclass(frozen=True)
class Line:
    """A straight line, x in percent, y in pixels."""

    x1: float
    y1: float
    x2: float
    y2: float
    tone: str


@dataclass(frozen=True)
class Dot:
    """A marker at x percent, y pixels. `shape` is circle, diamond or ring."""

    x: float
    y: float
    tone: str
    title: str = ""
    shape: str = "circle"


@dataclass(frozen=True)
class Label:
    """Text at x percent, y pixels. `anchor` is start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str = "middle"
    tone: str = ""


@dataclass(frozen=True)
class Area:
    """A path, x in percent and y in pixels, for the inner SVG that stretches."""

    path: str
    tone: str


@dataclass(frozen=True)
class Drawing:
    """One SVG: its height in pixels, its alternative text, and its shapes from back to front."""

    height: int
    alt_text: str
    rects: tuple[Rect, ...] = ()
    lines: tuple[Line, ...] = ()
    areas: tuple[Area, ...] = ()
    dots: tuple[Dot, ...] = ()
    labels: tuple[Label, ...] = ()


Point = tuple[float, float, float, float]
"""A final month in a trend: x, and the heights of its rate and of both ends of its interval."""
SCALE_WIDTH = 11
"""Width of the scale of a trend, in percent of the drawing."""


def stacked_bar(parts: Sequence[tuple[str, int, str]], whole: int, alt_text: str, height: int = 22) -> Drawing:
    """Return segments side by side: (tone, size, title), as shares of `whole`. Empty if `whole` is 0."""
    rects = [Rect(0, 0, 100, height, "track")]
    start = 0.0
    for tone, size, title in parts:
        width = 100 * size / whole if whole else 0.0
        if size:
            rects.append(Rect(_r(start), 0, _r(width), height, tone, title))
        start += width
    return Drawing(height, alt_text, tuple(rects))


def target_bar(parts: Sequence[tuple[str, int, str]], whole: int, target: float | None, alt_text: str) -> Drawing:
    """Return a stacked bar of outcomes with a line at the target share."""
    bar = stacked_bar(parts, whole, alt_text, height=30)
    if target is None or not 0 < target <= 1:
        return bar
    x = _r(min(100 * target, 99.8))
    return Drawing(bar.height, alt_text, bar.rects, lines=(Line(x, 0, x, 30, "target"),))


def interval_bar(cohort: Row | None, rate: float | None, low: float | None, high: float | None) -> Drawing | None:
    """Return the rate as a dot on its 95% interval, from 0 to 100%.

    A cohort that is not final is hatched up to the highest rate it can reach.
    """
    if rate is None or low is None or high is None:
        return None
    if cohort is not None and not cohort.is_mature:
        highest = min(1.0, rate + (cohort.still_open_share or 0))
        return Drawing(
            14,
            f"not final: {text.rate(rate)} so far, at most {text.rate(highest)}",
            (
                Rect(0, 6, 100, 2, "track"),
                Rect(_r(100 * rate), 2, _r(max(100 * (highest - rate), 0.6)), 10, "hatch"),
                Rect(0, 5, _r(100 * rate), 4, "faint"),
            ),
        )
    return Drawing(
        14,
        f"{text.rate(rate)}, 95% interval {text.interval(low, high)}",
        (Rect(0, 6, 100, 2, "track"), Rect(_r(100 * low), 4, _r(max(100 * (high - low), 0.6)), 6, "band")),
        dots=(Dot(_r(100 * rate), 7, "rate"),),
    )


def trend(
    cohorts: Sequence[Row], alt_text: str, height: int = 168, *, before_coverage: frozenset[date] = frozenset()
) -> Drawing:
    """Return monthly cohorts: a line with its interval for final months, hatched bars for the others.

    The expected final rate and its interval are drawn on the hatched bars. Months in `before_coverage` are marked.
    """
    if not cohorts:
        return Drawing(40, alt_text)
    top = share_ceiling(max((_highest_rate(cohort) for cohort in cohorts), default=1.0))
    base, step = height - 22, (100 - SCALE_WIDTH) / len(cohorts)

    def y(share: float) -> float:
        return _r(base - (base - 14) * share / top)

    grid = [top * part for part in (0, 0.5, 1)]
    lines = [Line(SCALE_WIDTH, y(value), 100, y(value), "axis" if value == 0 else "grid") for value in grid]
    labels = [Label(0, y(value) + 4, text.whole_percent(value), "start", "scale") for value in grid]
    rects: list[Rect] = []
    dots: list[Dot] = []
    segments: list[list[Point]] = [[]]
    every = max(1, math.ceil(len(cohorts) / 6))
    for position, cohort in enumerate(cohorts):
        sign = text.BEFORE_COVERAGE_SIGN if cohort.month_start in before_coverage else ""
        name = text.period(cohort.month_start, cohort.is_partial) + sign
        x = _r(SCALE_WIDTH + step * (position + 0.5))
        if (len(cohorts) - 1 - position) % every == 0:
            tone = "minor" if (len(cohorts) - 1 - position) // every % 2 else "scale"
            short = text.short_period(cohort.month_start, cohort.is_partial) + sign
            labels.append(Label(x, height - 5, short, _anchor(x), tone))
        if cohort.rate is None:
            segments.append([])
        elif cohort.is_mature and not cohort.is_partial:
            segments[-1].append((x, y(cohort.rate), y(cohort.rate_low or 0), y(cohort.rate_high or 0)))
            dots.append(Dot(x, y(cohort.rate), "rate", cohort_title(cohort, name)))
        else:
            segments.append([])
            width = _r(step * 0.5)
            for rate, tone in ((_highest_rate(cohort), "hatch"), (cohort.rate, "faint")):
                bar_height = _r(base - y(rate))
                rects.append(Rect(_r(x - width / 2), y(rate), width, bar_height, tone, cohort_title(cohort, name)))
            if cohort.settled_estimate is not None:
                low, high = y(cohort.settled_low or 0), y(cohort.settled_high or 0)
                lines.append(Line(x, low, x, high, "expected"))
                dots.append(Dot(x, y(cohort.settled_estimate), "expected", _expected_title(cohort, name), "diamond"))
    areas = [area for segment in segments if len(segment) > 1 for area in band(segment)]
    lines += [
        Line(segment[0][0], segment[0][2], segment[0][0], segment[0][3], "whisker")
        for segment in segments
        if len(segment) == 1
    ]
    return Drawing(height, alt_text, tuple(rects), tuple(lines), tuple(areas), tuple(dots), tuple(labels))


def band(points: Sequence[Point]) -> list[Area]:
    """Return the interval and the line of final months."""
    upper = [f"{x} {high}" for x, _, _, high in points]
    lower = [f"{x} {low}" for x, _, low, _ in reversed(points)]
    middle = [f"{x} {rate}" for x, rate, _, _ in points]
    return [Area(f"M{'L'.join(upper + lower)}Z", "band"), Area(f"M{'L'.join(middle)}", "curve")]


def _highest_rate(cohort: Row) -> float:
    if cohort.rate is None:
        return 0.0
    if cohort.is_mature:
        return float(cohort.rate_high or 0)
    return min(1.0, float(cohort.rate + (cohort.still_open_share or 0)))


def cohort_title(cohort: Row, name: str) -> str:
    """Return the tooltip of a month: its rate, counts and interval."""
    words = f"{name}: {text.rate(cohort.rate)}, {text.count(cohort.converted)} of {text.count(cohort.entered)}"
    if cohort.is_mature:
        return f"{words}, 95% interval {text.interval(cohort.rate_low, cohort.rate_high)}"
    return f"{words}, {text.count(cohort.still_open)} still open"


def _expected_title(cohort: Row, name: str) -> str:
    return (
        f"{name}: expected final rate {text.rate(cohort.settled_estimate)}, "
        f"95% interval {text.interval(cohort.settled_low, cohort.settled_high)}"
    )


def flow_bars(months: Sequence[Row], alt_text: str) -> Drawing:
    """Return the months of a stage in two panels: leads at the end of the month above, inflow and outflow below."""
    if not months:
        return Drawing(40, alt_text)
    stock_base, middle, half, height = 50, 112, 46, 176
    largest = max(max(month.ins, month.outs) for month in months) or 1
    stock = max(month.closing for month in months) or 1
    step = 100 / len(months)
    rects: list[Rect] = []
    labels = [
        Label(0, 10, f"up to {text.count(stock)} in the stage", "start", "scale"),
        Label(0, middle - half + 2, f"up to {text.count(largest)} a month", "start", "scale"),
    ]
    every = max(1, math.ceil(len(months) / 5))
    for position, month in enumerate(months):
        x, width = _r(step * (position + 0.5)), _r(step * 0.64)
        left = _r(x - width / 2)
        title = (
            f"{text.period(month.month_start, month.is_partial)}: {text.count(month.opening)} + {text.count(month.ins)} "
            f"− {text.count(month.outs)} = {text.count(month.closing)}"
        )
        tall, up, down = 32 * month.closing / stock, (half - 6) * month.ins / largest, (half - 6) * month.outs / largest
        rects.append(Rect(left, _r(stock_base - tall), width, _r(tall), "stock", title))
        rects.append(Rect(left, _r(middle - up), width, _r(up), "in", title))
        rects.append(Rect(left, _r(middle), width, _r(down), "out", title))
        if (len(months) - 1 - position) % every == 0 and month.month_start:
            labels.append(
                Label(x, height - 4, text.short_period(month.month_start, month.is_partial), _anchor(x), "scale")
            )
    lines = (Line(0, stock_base, 100, stock_base, "axis"), Line(0, middle, 100, middle, "axis"))
    return Drawing(height, alt_text, tuple(rects), lines, labels=tuple(labels))


@dataclass(frozen=True)
class LogScale:
    """A logarithmic axis of days from `low` to `high`, in percent of the width."""

    low: float
    high: float

    def x(self, days: float) -> float:
        """Return the position of a duration. Durations outside the axis are at its end."""
        inside = min(max(days, self.low), self.high)
        return _r(2 + 96 * math.log(inside / self.low) / math.log(self.high / self.low))

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Return (percent, text) of the ticks."""
        ticks = (
            (1 / 24, "1 h"),
            (0.25, "6 h"),
            (1, "1 d"),
            (7, "1 wk"),
            (30, "30 d"),
            (90, "90 d"),
            (365, "1 yr"),
            (1825, "5 yr"),
        )
        return tuple((self.x(days), name) for days, name in ticks if self.low <= days <= self.high)


def log_scale(lengths: Sequence[float]) -> LogScale:
    """Return an axis that holds all durations; one hour to ninety days if there are none."""
    known = [length for length in lengths if length > 0]
    low = max(min(known, default=1 / 24) / 1.5, 1 / 1440)
    return LogScale(min(low, 0.9), max(max(known, default=90.0) * 1.3, 8.0))


def axis(scale: LogScale) -> Drawing:
    """Return the axis of a log scale as a drawing."""
    return Drawing(
        20,
        "logarithmic axis of days",
        lines=tuple(Line(x, 14, x, 20, "axis") for x, _ in scale.ticks()),
        labels=tuple(Label(x, 10, name, _anchor(x), "scale") for x, name in scale.ticks()),
    )


def ceiling_of(values: Sequence[float | None], least: float) -> float:
    """Return the end of a linear axis that holds every value."""
    return max([least, *(value * 1.05 for value in values if value is not None)])


def share_ceiling(value: float) -> float:
    """Return the end of a scale of shares. Half of it is a round number too."""
    return next(step for step in (0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if min(value, 1.0) <= step) if value > 0 else 1.0


def _anchor(x: float) -> str:
    return "start" if x < 6 else "end" if x > 94 else "middle"


def _r(value: float) -> float:
    """Round to two decimals, so that every machine prints the same bytes."""
    return round(value, 2)
