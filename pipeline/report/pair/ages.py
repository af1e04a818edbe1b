"""The heat map of a headline pair: share of each monthly cohort that converted by each age."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report import text, units
from pipeline.report.layout.table import Cell, TableColumn, table
from pipeline.report.query import Answer, Report, Row
from pipeline.report.text import SMALL_SAMPLE

RAMP_STEPS = 10
"""Number of colours: the classes heat-0 to heat-9 of the style sheet."""


def cohort_ages(report: Report, pair: Row) -> Answer:
    """Return the cohorts of a headline pair by age, months in order."""
    return report.rows(
        "report.cohort_ages",
        "entered",
        where=f"headline_no = {pair.headline_no} and is_shown",
        order="month_start, age_no",
    )


def heat_map(report: Report, pair: Row, ages: Answer) -> dict[str, Any]:
    """Return months (newest first) by age (youngest first), without ages that no month has reached."""
    reached = [row for row in ages.rows if row.aged]
    ramp = ramp_of([row.rate for row in reached if row.rate is not None and row.is_mature])
    steps = sorted({(row.age_no, row.age_days) for row in reached})
    cells = {(row.month_start, row.age_no): row for row in ages.rows}
    many = units.plural(pair.unit)

    def column(age_no: int, days: int) -> TableColumn:
        return TableColumn(
            f"{days}{text.THIN}d",
            "",
            lambda row: _cell(cells[row.month_start, age_no], ramp),
            hint=f"converted within {days} days of arrival at {pair.from_label}",
        )

    months = table(
        reversed([row for row in ages.rows if row.age_no == 1]),
        (
            TableColumn("Month", "", lambda row: report.period(row.month_start, row.is_partial), "text"),
            TableColumn("Entered", "entered", _entered),
            *(column(*step) for step in steps),
        ),
        caption=f"{pair.from_label} → {pair.to_label}: share converted by age, by month of arrival at {pair.from_label}",
        source=report.source(ages),
        notes=(
            f"Read along a row how a month’s {many} converted as they grew older, and down a column whether months of the same "
            "age do better or worse.",
            f"Hatched: some {many} of the month are not that old yet, so the share can only rise. Blank: none is that old.",
            *(() if steps else (f"No {pair.unit} of these months is 30 days old yet.",)),
        ),
        key=f"ages-{pair.headline_no}",
    )
    tones = tuple(f"heat-{number}" for number in range(RAMP_STEPS)) if any(row.is_mature for row in reached) else ()
    return {
        "table": months,
        "tones": tones,
        "lowest": text.rate(ramp.low),
        "highest": text.rate(ramp.high),
    }


@dataclass(frozen=True)
class Ramp:
    """The lowest and highest share of the colour scale."""

    low: float
    high: float

    def tone(self, rate: float) -> str:
        """Return the CSS class of a share."""
        step = int(RAMP_STEPS * (rate - self.low) / (self.high - self.low) + 1e-9)
        return f"heat-{min(max(step, 0), RAMP_STEPS - 1)}"


def ramp_of(rates: Sequence[float]) -> Ramp:
    """Return a ramp from the lowest to the highest share, rounded outward to ten percent."""
    low = math.floor(10 * min(rates, default=0.0)) / 10
    return Ramp(min(low, 0.9), max(math.ceil(10 * max(rates, default=0.0)) / 10, min(low, 0.9) + 0.1))


def _entered(row: Row) -> Cell:
    return Cell(text.count(row.entered), note="n small" if 0 < row.entered < SMALL_SAMPLE else "")


def _cell(row: Row, ramp: Ramp) -> Cell:
    if row.rate is None:
        return Cell("", "young")
    of = f"{text.count(row.converted)} of {text.count(row.entered)}"
    return Cell(text.rate(row.rate), ramp.tone(row.rate) if row.is_mature else "immature", of)
