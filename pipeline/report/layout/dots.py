"""Rates with their intervals, one below the other on a common axis."""

from __future__ import annotations

from pipeline.report import text
from pipeline.report.layout.charts import Dot, Drawing, Label, Line, Rect
from pipeline.report.layout.trend_line import Axis

HEIGHT = 22
MAX_TICKS = 4
"""More labels would overlap on a phone."""


def rate_dots(rate: float, low: float, high: float, base_rate: float | None, axis: Axis, alt_text: str) -> Drawing:
    """Return the rate as a dot on its 95% interval, and the earlier rate as a ring."""
    left, right = _x(low, axis), _x(high, axis)
    base = () if base_rate is None else (Dot(_x(base_rate, axis), HEIGHT / 2, "base", shape="ring"),)
    return Drawing(
        HEIGHT,
        alt_text,
        rects=(
            Rect(0, HEIGHT / 2 - 1, 100, 2, "track"),
            Rect(left, HEIGHT / 2 - 4, round(max(right - left, 0.6), 2), 8, "band"),
        ),
        dots=(*base, Dot(_x(rate, axis), HEIGHT / 2, "rate")),
    )


def rate_axis(axis: Axis) -> Drawing:
    """Return the axis below the rates, with both ends labelled."""
    shares = axis.ticks if len(axis.ticks) <= MAX_TICKS else axis.ticks[::2]
    ticks = tuple((_x(share, axis), text.whole_percent(share)) for share in shares)
    return Drawing(
        20,
        "axis of rates",
        lines=tuple(Line(x, 0, x, 5, "axis") for x, _ in ticks),
        labels=tuple(
            Label(x, 16, name, "start" if x < 6 else "end" if x > 94 else "middle", "scale") for x, name in ticks
        ),
    )


def _x(share: float, axis: Axis) -> float:
    inside = min(max(share, axis.low), axis.high)
    return round(1 + 98 * (inside - axis.low) / (axis.high - axis.low), 2)
