"""Bars in the cells of a table and in bar charts: stacked, with a target, and on both sides of zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.report.layout.charts import Drawing, Line, Rect
from pipeline.report.layout.table import Cell, TableColumn
from pipeline.report.query import Row

Part = tuple[str, float, str]
"""A part of a bar: the CSS class of its colour, its size, and its tooltip."""
CELL_HEIGHT = 14
"""Height of a bar in a table, in pixels."""


def stacked_bar(parts: Sequence[Part], whole: float, alt_text: str = "", height: int = CELL_HEIGHT) -> Drawing:
    """Return parts side by side, as shares of `whole`; empty if it is 0. Without `alt_text` the tooltips describe the bar."""
    rects = [Rect(0, 0, 100, height, "track")]
    start = 0.0
    for tone, size, title in parts:
        width = 100 * size / whole if whole else 0.0
        if size:
            rects.append(Rect(round(start, 2), 0, round(width, 2), height, tone, title))
        start += width
    return Drawing(height, alt_text or _titles(parts), tuple(rects))


def target_bar(parts: Sequence[Part], whole: int, target: float | None, alt_text: str) -> Drawing:
    """Return a stacked bar of outcomes with a line at the target share."""
    bar = stacked_bar(parts, whole, alt_text, height=30)
    if target is None or not 0 < target <= 1:
        return bar
    x = round(min(100 * target, 99.8), 2)
    return Drawing(bar.height, alt_text, bar.rects, lines=(Line(x, 0, x, 30, "target"),))


def two_sided_bar(parts: Sequence[Part], largest: float) -> Drawing:
    """Return parts from the middle: to the left if negative. Parts of one sign are in a row. `largest` fills one half."""
    rects = []
    ends = {True: 0.0, False: 0.0}
    for tone, size, title in parts:
        width = 50 * abs(size) / largest if largest else 0.0
        if round(width, 2) > 0:
            start = 50 + ends[True] if size > 0 else 50 - ends[False] - width
            rects.append(Rect(round(start, 2), 2, round(width, 2), CELL_HEIGHT - 4, tone, title))
            ends[size > 0] += width
    return Drawing(CELL_HEIGHT, _titles(parts), tuple(rects), lines=(Line(50, 0, 50, CELL_HEIGHT, "axis"),))


def bars(heading: str, parts: Callable[[Row], Sequence[Part]], whole: float) -> TableColumn:
    """Return a column of stacked bars. `whole` fills its width."""
    return TableColumn(heading, "", lambda row: Cell("", drawing=stacked_bar(parts(row), whole)), "chart")


def _titles(parts: Sequence[Part]) -> str:
    return "; ".join(title for _, _, title in parts) or "nothing"
