"""Charts of stacked columns, one column per month."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.report import text
from pipeline.report.layout.charts import Area, Drawing, Label, Line, Rect
from pipeline.report.layout.table import Details, LegendItem
from pipeline.report.query import Source

SCALE_WIDTH = 11
"""Width of the scale, in percent of the drawing."""


@dataclass(frozen=True)
class Part:
    """A part of a column in the unit of the scale. `title` is the tooltip.

    Parts without a title are drawn as one shape per tone, which keeps a page of many columns small.
    """

    tone: str
    size: float
    title: str = ""


@dataclass(frozen=True)
class Stack:
    """One column. Its parts start at the bottom."""

    label: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class ColumnChart:
    """A chart with its sentence, legend, footnote and table."""

    key: str
    title: str
    sentence: str
    drawing: Drawing
    legend: tuple[LegendItem, ...]
    source: Source
    details: Details


def stacked_columns(
    stacks: Sequence[Stack], top: float, scale: Sequence[tuple[float, str]], alt_text: str, height: int = 176
) -> Drawing:
    """Return columns side by side up to `top`. `scale` holds (value, text) of the grid lines."""
    if not stacks:
        return Drawing(40, alt_text)
    base, step = height - 22, (100 - SCALE_WIDTH) / len(stacks)
    every = max(1, math.ceil(len(stacks) / 6))
    rects: list[Rect] = []
    shapes: dict[str, str] = {}
    labels = [Label(0, _y(base, value, top) + 4, words, "start", "scale") for value, words in scale]
    lines = [
        Line(SCALE_WIDTH, _y(base, value, top), 100, _y(base, value, top), "grid" if value else "axis")
        for value, _ in scale
    ]
    for position, stack in enumerate(stacks):
        middle, width = SCALE_WIDTH + step * (position + 0.5), step * 0.7
        reached = 0.0
        for part in stack.parts:
            if part.size:
                high, low = _y(base, reached + part.size, top), _y(base, reached, top)
                left, wide, tall = round(middle - width / 2, 2), round(width, 2), round(low - high, 2)
                if part.title:
                    rects.append(Rect(left, high, wide, tall, part.tone, part.title))
                else:
                    shapes[part.tone] = f"{shapes.get(part.tone, '')}M{left} {high}h{wide}v{tall}h-{wide}z"
            reached += part.size
        if (len(stacks) - 1 - position) % every == 0:
            tone = "minor" if (len(stacks) - 1 - position) // every % 2 else "scale"
            anchor = "end" if middle > 94 else "middle"
            labels.append(Label(round(middle, 2), height - 5, stack.label, anchor, tone))
    areas = tuple(Area(path, tone) for tone, path in shapes.items())
    return Drawing(height, alt_text, tuple(rects), tuple(lines), areas, labels=tuple(labels))


def count_ceiling(largest: int) -> int:
    """Return the end of a scale of counts. Half of it is a whole number too."""
    power = int(10 ** (len(str(max(largest, 1))) - 1))
    return next(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if largest <= step * power and step * power % 2 == 0)


def count_scale(top: int) -> tuple[tuple[float, str], ...]:
    """Return zero, half and end of a scale of counts."""
    return tuple((float(value), text.count(value)) for value in (0, top // 2, top))


def share_scale(top: float) -> tuple[tuple[float, str], ...]:
    """Return zero, half and end of a scale of shares."""
    return tuple((top * part, text.whole_percent(top * part)) for part in (0, 0.5, 1))


def _y(base: int, value: float, top: float) -> float:
    return round(base - (base - 14) * value / top, 2)
