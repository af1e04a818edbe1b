"""Render drawings as one PNG for a mail, at double density and with a bundled font.

A picture has digits, percent signs and months only. Names stay text, which wraps and can be read aloud. The bundled font
produces the same bytes on every machine; without any font the text would be missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.report.layout.charts import Area, Drawing, Label
from pipeline.settings import shipped

if TYPE_CHECKING:
    from jinja2 import Environment

WIDTH, MARGIN, GAP = 520, 10, 14
"""Width, margin and gap between drawings, in pixels before doubling."""
DENSITY = 2
FONT = "DejaVuSans-subset.ttf"


@dataclass(frozen=True)
class PlacedDrawing:
    """A drawing with pixel coordinates, and its distance from the top."""

    top: int
    drawing: Drawing


@dataclass(frozen=True)
class Picture:
    """An image: file, alternative text, size in pixels of the page, and drawings."""

    file: str
    alt_text: str
    width: int
    height: int
    drawings: tuple[PlacedDrawing, ...]


def compose_picture(file: str, drawings: Sequence[Drawing]) -> Picture:
    """Return the drawings below each other. Their texts become the alternative text."""
    placed, top = [], MARGIN
    for drawing in drawings:
        placed.append(PlacedDrawing(top, _in_pixels(drawing)))
        top += drawing.height + GAP
    alt_text = " ".join(f"{drawing.alt_text.rstrip('.')}." for drawing in drawings)
    return Picture(file, alt_text, WIDTH, top - GAP + MARGIN, tuple(placed))


def png(picture: Picture, templates: Environment) -> bytes:
    """Return the PNG of a picture. The same picture produces the same bytes."""
    import resvg_py

    svg = templates.get_template("email.svg").render(picture=picture)
    return resvg_py.svg_to_bytes(
        svg_string=svg,
        zoom=DENSITY,
        background="#ffffff",
        skip_system_fonts=True,
        font_files=[str(font_file())],
        font_family="DejaVu Sans",
        sans_serif_family="DejaVu Sans",
    )


def font_file() -> Path:
    """Return the path of the bundled font."""
    return shipped("reports") / "assets" / "fonts" / FONT


def _in_pixels(drawing: Drawing) -> Drawing:
    """Convert percent to pixels. Labels for wide screens are left out, because mail is read on phones."""
    return Drawing(
        drawing.height,
        drawing.alt_text,
        rects=tuple(replace(each, x=_px(each.x), width=_size(each.width), title="") for each in drawing.rects),
        lines=tuple(replace(each, x1=_px(each.x1), x2=_px(each.x2)) for each in drawing.lines),
        areas=tuple(Area(_path(each.path), each.tone) for each in drawing.areas),
        dots=tuple(replace(each, x=_px(each.x), title="") for each in drawing.dots),
        labels=tuple(_label(each) for each in drawing.labels if each.tone != "minor"),
    )


def _path(path: str) -> str:
    return re.sub(r"([ML])(-?[\d.]+) (-?[\d.]+)", lambda match: f"{match[1]}{_px(float(match[2]))} {match[3]}", path)


def _label(label: Label) -> Label:
    return replace(label, x=_px(label.x))


def _px(percent: float) -> float:
    return round(MARGIN + _width() * percent / 100, 2)


def _size(percent: float) -> float:
    return round(_width() * percent / 100, 2)


def _width() -> int:
    return WIDTH - 2 * MARGIN
