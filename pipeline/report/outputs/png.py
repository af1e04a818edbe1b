"""Drawings to one PNG for a mail: laid out below each other in pixels, twice as dense, with a font of our own.

A picture holds digits, percent signs and months only, never a name: names stay text, which wraps, is read aloud and needs no
font that has their letters. The font is ours since the machine's would give other bytes elsewhere, and without any the text
would silently be missing.
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
"""Pixels across, around and between drawings, before the picture is made twice as dense."""
DENSITY = 2
FONT = "DejaVuSans-subset.ttf"


@dataclass(frozen=True)
class PlacedDrawing:
    """A drawing whose every coordinate is a pixel of the picture's width, and how far down it begins."""

    top: int
    drawing: Drawing


@dataclass(frozen=True)
class Picture:
    """One image: its file, what it says to those who don't see it, its size in pixels of the page, what is in it."""

    file: str
    alt_text: str
    width: int
    height: int
    drawings: tuple[PlacedDrawing, ...]


def compose_picture(file: str, drawings: Sequence[Drawing]) -> Picture:
    """Drawings below each other, in their order. What they say becomes what the picture says."""
    placed, top = [], MARGIN
    for drawing in drawings:
        placed.append(PlacedDrawing(top, _in_pixels(drawing)))
        top += drawing.height + GAP
    alt_text = " ".join(f"{drawing.alt_text.rstrip('.')}." for drawing in drawings)
    return Picture(file, alt_text, WIDTH, top - GAP + MARGIN, tuple(placed))


def png(picture: Picture, templates: Environment) -> bytes:
    """The image of a picture; the same bytes for the same picture."""
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
    """The font of every picture."""
    return shipped("reports") / "assets" / "fonts" / FONT


def _in_pixels(drawing: Drawing) -> Drawing:
    """Percent across to pixels. Marks that are for wide screens only go: a mail is read on a phone."""
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
    return re.sub(r"([ML])(-?[\d.]+) (-?[\d.]+)", lambda found: f"{found[1]}{_px(float(found[2]))} {found[3]}", path)


def _label(label: Label) -> Label:
    return replace(label, x=_px(label.x))


def _px(percent: float) -> float:
    return round(MARGIN + _width() * percent / 100, 2)


def _size(percent: float) -> float:
    return round(_width() * percent / 100, 2)


def _width() -> int:
    return WIDTH - 2 * MARGIN
