"""Two-sided bars of the mix part and the rate part of a change."""

from __future__ import annotations

from pipeline.report.layout.charts import Drawing, Line, Rect

ZERO_X = 50.0
"""Position of zero, in percent of the width."""
HEIGHT = 16


def part_bar(mix: float, rates: float, largest: float, alt_text: str) -> Drawing:
    """Draw both parts from the middle: to the left if negative. Parts of one sign are stacked.

    `largest` is the change that fills one half, in the unit of the parts.
    """
    rects = []
    ends = {True: 0.0, False: 0.0}
    for tone, part in (("rates", rates), ("mix", mix)):
        width = 50 * abs(part) / largest if largest else 0.0
        if round(width, 2) > 0:
            start = ZERO_X + ends[True] if part > 0 else ZERO_X - ends[False] - width
            rects.append(Rect(round(start, 2), 2, round(width, 2), HEIGHT - 4, tone))
            ends[part > 0] += width
    return Drawing(HEIGHT, alt_text, tuple(rects), lines=(Line(ZERO_X, 0, ZERO_X, HEIGHT, "axis"),))
