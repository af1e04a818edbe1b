"""Geometry of the charts, which the macros print as SVG.

X is in percent of the width, Y in pixels, and a drawing has no viewBox. So bars stretch with the page, and text, dots and
strokes keep their size. Curves are in `areas`, an inner SVG that stretches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


def band(points: Sequence[Point]) -> list[Area]:
    """Return the interval and the line of final months."""
    upper = [f"{x} {high}" for x, _, _, high in points]
    lower = [f"{x} {low}" for x, _, low, _ in reversed(points)]
    middle = [f"{x} {rate}" for x, rate, _, _ in points]
    return [Area(f"M{'L'.join(upper + lower)}Z", "band"), Area(f"M{'L'.join(middle)}", "curve")]


def cohort_title(cohort: Row, name: str) -> str:
    """Return the tooltip of a month: its rate, counts and interval."""
    words = f"{name}: {text.rate(cohort.rate)}, {text.count(cohort.converted)} of {text.count(cohort.entered)}"
    if cohort.is_mature:
        return f"{words}, 95% interval {text.interval(cohort.rate_low, cohort.rate_high)}"
    return f"{words}, {text.count(cohort.still_open)} still open"
