"""The trend of a rate on the first screen: final months as a line, with an axis that shows the range of the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.report import text
from pipeline.report.layout.charts import SCALE_WIDTH, Area, Dot, Drawing, Label, Line, Rect, band, cohort_title
from pipeline.report.query import Row

HEIGHT, TOP, BOTTOM = 190, 16, 22
MIN_RANGE = 0.2
"""Smallest range of the axis, so that chance does not fill the chart."""
RIGHT_EDGE = 98


@dataclass(frozen=True)
class Axis:
    """A linear axis of shares from `low` to `high`, upwards."""

    low: float
    high: float

    def y(self, share: float) -> float:
        """Return the height of a share in pixels. Shares outside the axis are at its end."""
        inside = min(max(share, self.low), self.high)
        part = (inside - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * part, 2)

    @property
    def ticks(self) -> tuple[float, ...]:
        """Shares of the grid lines, at most six."""
        tenths = round(10 * (self.high - self.low))
        step = 1 if tenths <= 5 else 2
        first = math.ceil(round(10 * self.low, 6) / step) * step
        return tuple(tenth / 10 for tenth in range(first, round(10 * self.high) + 1, step))


def axis_of(values: Sequence[float]) -> Axis:
    """Return the axis that holds all shares, with ends at whole tenths; 0 to 100% without a share."""
    if not values:
        return Axis(0.0, 1.0)
    low, high = math.floor(10 * min(values)) / 10, math.ceil(10 * max(values)) / 10
    if high - low < MIN_RANGE:
        high = min(1.0, low + MIN_RANGE)
        low = high - MIN_RANGE
    return Axis(round(max(0.0, low), 1), round(min(1.0, high), 1))


def trend_line(
    cohorts: Sequence[Row],
    alt_text: str,
    *,
    target: float | None = None,
    marked: frozenset[date] = frozenset(),
    before_coverage: frozenset[date] = frozenset(),
    events: Sequence[tuple[date, str]] = (),
) -> Drawing:
    """Return monthly cohorts in one window: a line with its 95% interval for final months, hatched ranges for the others.

    The last final month has its rate as text, `marked` months a ring, and `target` a dashed line. `events` are days with a
    label. A broken axis shows that it does not start at 0.
    """
    if all(cohort.rate is None for cohort in cohorts):
        return Drawing(40, alt_text)
    final = [cohort for cohort in cohorts if cohort.is_mature and not cohort.is_partial and cohort.rate is not None]
    bounds = [value for cohort in final for value in (cohort.rate_low, cohort.rate_high) if value is not None]
    axis = axis_of([*bounds, *([target] if target is not None else [])])
    step = (RIGHT_EDGE - SCALE_WIDTH) / len(cohorts)
    xs = {
        cohort.month_start: round(SCALE_WIDTH + step * (position + 0.5), 2) for position, cohort in enumerate(cohorts)
    }
    last = final[-1] if final else None
    happened = _events(events, xs, step)
    dots = [
        Dot(
            xs[cohort.month_start],
            axis.y(cohort.rate or 0),
            "outlier" if cohort.month_start in marked else "rate" if cohort is last else "month",
            cohort_title(cohort, text.month(cohort.month_start) + _sign(cohort, before_coverage)),
            "ring" if cohort.month_start in marked else "circle",
        )
        for cohort in final
    ]
    labels = [Label(0, axis.y(value) + 4, text.whole_percent(value), "start", "scale") for value in axis.ticks]
    if last is not None:
        y = axis.y(last.rate or 0) - 10
        labels.append(Label(xs[last.month_start], max(y, 11), text.percent(last.rate), "end", "last"))
    return Drawing(
        HEIGHT,
        alt_text,
        rects=tuple(
            _open_range(cohort, xs[cohort.month_start], step, axis, _sign(cohort, before_coverage))
            for cohort in cohorts
            if _is_open(cohort)
        ),
        lines=(
            *(Line(SCALE_WIDTH, axis.y(value), 100, axis.y(value), "grid") for value in axis.ticks),
            *_break(axis),
            *(Line(x, TOP, x, HEIGHT - BOTTOM, "event") for x, _ in happened),
            *((Line(SCALE_WIDTH, axis.y(target), 100, axis.y(target), "goal"),) if target is not None else ()),
        ),
        areas=tuple(area for months in _unbroken(cohorts, final) for area in _line(months, xs, axis)),
        dots=tuple(dots),
        labels=(*labels, *_event_labels(happened), *_month_labels(cohorts, xs, before_coverage)),
    )


def _events(events: Sequence[tuple[date, str]], xs: dict[date, float], step: float) -> list[tuple[float, str]]:
    """Return (x, label) of each event in the months of the chart."""
    happened = []
    for day, label in events:
        month = day.replace(day=1)
        if month in xs:
            x = xs[month] + step * ((day.day - 1) / 31 - 0.5)
            happened.append((round(x, 2), f"{text.short_day(day)}: {text.isolated(label)}"))
    return happened


def _event_labels(happened: Sequence[tuple[float, str]]) -> tuple[Label, ...]:
    """Return the labels beside their lines, towards the wider side. Neighbours are on two lines."""
    return tuple(
        Label(
            round(x + (0.6 if x < 55 else -0.6), 2),
            11 + 13 * (number % 2),
            words,
            "start" if x < 55 else "end",
            "event",
        )
        for number, (x, words) in enumerate(happened)
    )


def _sign(cohort: Row, before_coverage: frozenset[date]) -> str:
    return text.BEFORE_COVERAGE_SIGN if cohort.month_start in before_coverage else ""


def _is_open(cohort: Row) -> bool:
    return cohort.rate is not None and (cohort.is_partial or not cohort.is_mature)


def _open_range(cohort: Row, x: float, step: float, axis: Axis, sign: str) -> Rect:
    """Return the range from the rate so far to the highest rate that a month can still reach."""
    rate = cohort.rate or 0.0
    top, base = axis.y(min(1.0, rate + (cohort.still_open_share or 0.0))), axis.y(rate)
    title = cohort_title(cohort, text.period(cohort.month_start, cohort.is_partial) + sign)
    return Rect(round(x - step * 0.25, 2), top, round(step * 0.5, 2), round(max(base - top, 1.5), 2), "hatch", title)


def _unbroken(cohorts: Sequence[Row], final: Sequence[Row]) -> list[list[Row]]:
    """Return runs of final months without a gap."""
    runs: list[list[Row]] = [[]]
    for cohort in cohorts:
        if cohort in final:
            runs[-1].append(cohort)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) > 1]


def _line(months: Sequence[Row], xs: dict[date, float], axis: Axis) -> list[Area]:
    return band(
        [
            (
                xs[cohort.month_start],
                axis.y(cohort.rate or 0),
                axis.y(cohort.rate_low or 0),
                axis.y(cohort.rate_high or 0),
            )
            for cohort in months
        ]
    )


def _break(axis: Axis) -> tuple[Line, ...]:
    """Return two short strokes below the scale if it does not start at 0."""
    if axis.low == 0:
        return ()
    base = HEIGHT - BOTTOM + 4
    return tuple(Line(SCALE_WIDTH - 1.2, base + up + 3, SCALE_WIDTH + 1.2, base + up, "axis") for up in (0, 4))


def _month_labels(cohorts: Sequence[Row], xs: dict[date, float], before_coverage: frozenset[date]) -> tuple[Label, ...]:
    every = max(1, math.ceil(len(cohorts) / 6))
    labels = []
    for position, cohort in enumerate(reversed(cohorts)):
        if position % every:
            continue
        short = text.short_period(cohort.month_start, cohort.is_partial) + _sign(cohort, before_coverage)
        tone = "minor" if position // every % 2 else "scale"
        x = xs[cohort.month_start]
        labels.append(Label(x, HEIGHT - 5, short, "end" if x > 92 else "middle", tone))
    return tuple(labels)
