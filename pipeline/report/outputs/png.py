"""Render a drawing as a PNG for a mail, at double density and with a bundled font.

A picture has digits, percent signs and months only. Names stay text, which wraps and can be read aloud. The bundled font
produces the same bytes on every machine; without any font the text would be missing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.report.layout.charts import Drawing
from pipeline.settings import shipped

if TYPE_CHECKING:
    from jinja2 import Environment

WIDTH, MARGIN = 520, 10
"""Width and margin of the picture, in pixels before doubling."""
DENSITY = 2
FONT = "DejaVuSans-subset.ttf"


def png(drawing: Drawing, templates: Environment) -> bytes:
    """Return the PNG of a drawing. The same drawing produces the same bytes."""
    import resvg_py

    width = WIDTH - 2 * MARGIN
    areas = [(area.tone, _in_pixels(area.path, width)) for area in drawing.areas]
    svg = templates.get_template("email.svg").render(drawing=drawing, areas=areas, width=width, margin=MARGIN)
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


def _in_pixels(path: str, width: int) -> str:
    """Return a path with x in pixels instead of percent; other shapes have percentages, a path has none."""
    return re.sub(
        r"([ML])(-?[\d.]+) (-?[\d.]+)", lambda move: f"{move[1]}{float(move[2]) * width / 100:.2f} {move[3]}", path
    )
