"""Length of stays in one stage: length classes of ended and open stays, and medians by month."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.database.connection import quoted
from pipeline.report import text
from pipeline.report.layout import charts
from pipeline.report.layout.table import (
    BarChart,
    BarRow,
    Details,
    LegendItem,
    Table,
    TableColumn,
    number,
    table,
)
from pipeline.report.query import Report, Row, Source

TONES = {"completed": ("through", 104), "open": ("open", 76)}
"""Colour and height in pixels of each basis. Each basis has its own scale."""
EDGE_LABELS = {3600: "1 h", 14400: "4 h", 86400: "1 d", 172800: "2 d", 345600: "4 d", 604800: "7 d", 1209600: "14 d",
         2592000: "30 d", 5184000: "60 d", 7776000: "90 d", 15552000: "180 d"}  # fmt: skip
"""Upper edge of a class in seconds → label."""
LINE_HEIGHT, SCALE_WIDTH = 150, 11
"""Height of the monthly line in pixels, and width of its scale in percent."""


@dataclass(frozen=True)
class MonthChart:
    """A drawing with its footnote and table."""

    title: str
    subtitle: str
    drawing: charts.Drawing
    source: Source
    details: Details


def stay_lengths(report: Report, stage: Row) -> BarChart | None:
    """Return ended and open stays by length class; None for a stage without stays."""
    answer = report.rows(
        "report.stay_lengths", "stays", where=f"stage = {quoted(stage.stage)}", order="basis, class_no"
    )
    rows = answer.rows
    if not any(row.stays for row in rows):
        return None
    bases = {basis: [row for row in rows if row.basis == basis] for basis in TONES}
    limit = sla_position(bases["completed"])
    words = {"completed": "Stays that ended", "open": "Open at as-of"}
    is_business_clock = stage.sla_text is not None and rows[0].limit_seconds is None
    return BarChart(
        title="Stays by length",
        rows=tuple(
            BarRow(
                words[basis],
                _columns(stage, basis, classes, limit),
                text.plural(sum(row.stays for row in classes), "stay"),
                (_fullest(classes),),
            )
            for basis, classes in bases.items()
        ),
        legend=(
            LegendItem("through", "length of stays that ended"),
            LegendItem("open", "age of stays still open"),
            *((LegendItem("tick-mean", f"limit of the stage, {stage.sla_text}"),) if limit is not None else ()),
        ),
        source=report.source(
            answer,
            unit="stays (spans)",
            basis="all history; days of 86,400 s; a class holds its lower edge, not its upper one",
            denominator="stays that ended; open stays; never both together",
        ),
        details=Details("Numbers behind the columns", _lengths_table(stage, bases)),
        axis=_edges(bases["completed"]),
        note="Classes widen to the right, and each row has its own scale."
        + (
            " The limit counts business hours, so it has no place on a scale of elapsed time."
            if is_business_clock
            else ""
        ),
        key="lengths-chart",
    )


def sla_position(classes: Sequence[Row]) -> float | None:
    """Return the position of the SLA in percent of the width.

    Inside a class it is proportional. None without an SLA, or if it is beyond the scale.
    """
    limit = classes[0].limit_seconds
    for row in classes:
        if limit is not None and row.to_seconds is not None and row.from_seconds <= limit <= row.to_seconds:
            inside = (limit - row.from_seconds) / (row.to_seconds - row.from_seconds)
            return float(round(100 * (row.class_no - 1 + inside) / len(classes), 2))
    return None


def _columns(stage: Row, basis: str, classes: Sequence[Row], limit: float | None) -> charts.Drawing:
    tone, height = TONES[basis]
    largest = max(row.stays for row in classes) or 1
    step = 100 / len(classes)
    rects, labels = [], []
    for row in classes:
        tall = max((height - 18) * row.stays / largest, 3.0)  # keeps a single stay visible
        left = round(step * (row.class_no - 1) + step * 0.08, 2)
        title = f"{row.class_label}: {text.plural(row.stays, 'stay')}, {text.rate(row.share)}"
        if row.stays:
            rects.append(charts.Rect(left, round(height - tall, 2), round(step * 0.84, 2), round(tall, 2), tone, title))
            x, anchor = _beside(limit, step * (row.class_no - 0.5), step)
            labels.append(charts.Label(x, round(height - tall - 4, 2), text.count(row.stays), anchor, "minor"))
    alt_text = f"{stage.label}, {basis} stays by length: " + "; ".join(
        f"{row.class_label} {text.count(row.stays)}" for row in classes if row.stays
    )
    lines = [charts.Line(0, height, 100, height, "axis")]
    if limit is not None:
        lines.append(charts.Line(limit, 0, limit, height, "target"))
    return charts.Drawing(
        height,
        alt_text if rects else f"{stage.label}: no {basis} stay",
        tuple(rects),
        tuple(lines),
        labels=tuple(labels),
    )


def _beside(limit: float | None, middle: float, step: float) -> tuple[float, str]:
    """Return position and anchor of a count above its column, beside the line of the SLA."""
    if limit is None or abs(limit - middle) > step / 2:
        return round(middle, 2), "middle"
    return (round(limit - 0.8, 2), "end") if limit >= middle else (round(limit + 0.8, 2), "start")


def _edges(classes: Sequence[Row]) -> charts.Drawing:
    """Return the labels of the class edges. Every second label is hidden on a small screen."""
    edges = [(100 * row.class_no / len(classes), row.to_seconds) for row in classes if row.to_seconds is not None]
    return charts.Drawing(
        20,
        "edges of the classes of length",
        lines=tuple(charts.Line(round(x, 2), 0, round(x, 2), 5, "axis") for x, _ in edges),
        labels=tuple(
            charts.Label(round(x, 2), 17, EDGE_LABELS[seconds], "middle", "minor" if number % 2 else "scale")
            for number, (x, seconds) in enumerate(edges)
        ),
    )


def _fullest(classes: Sequence[Row]) -> str:
    """Return the class with most stays in words. Of equals it is the shortest."""
    first = max(classes, key=lambda row: (row.stays, -row.class_no))
    return f"most of all {first.class_label}: {text.rate(first.share)}" if first.stays else ""


def _lengths_table(stage: Row, bases: dict[str, list[Row]]) -> Table:
    open_of = {row.class_no: row for row in bases["open"]}
    return table(
        bases["completed"],
        (
            TableColumn("Length", "class_label", lambda row: row.class_label, "text"),
            number("Stays that ended", "stays"),
            number("Share", "share", text.rate),
            TableColumn("Open, by age", "", lambda row: text.count(open_of[row.class_no].stays)),
            TableColumn("Share", "", lambda row: text.rate(open_of[row.class_no].share)),
        ),
        caption=f"{stage.label}: stays by length, completed and open ones apart",
        key=f"lengths-{stage.stage_no}",
    )


def months_of_exit(report: Report, stage: Row) -> MonthChart | None:
    """Return the median time of stays that ended in each month; None if none ended lately."""
    answer = report.rows(
        "report.stage_time_months", "completed", where=f"stage = {quoted(stage.stage)}", order="month_start"
    )
    months = answer.rows
    known = [row for row in months if row.median_days is not None]
    if not known:
        return None
    first, last = known[0], known[-1]
    alt_text = f"{stage.label}, median days of the stays that ended in a month: {_month_words(first)}" + (
        f"; {_month_words(last)}" if last is not first else ""
    )
    return MonthChart(
        title="Median by month of exit",
        subtitle="How long those had stayed who left in the month. Below each month: how many left.",
        drawing=_line(months, alt_text),
        source=report.source(
            answer,
            unit="stays (spans)",
            basis="stays that ended in the month, however long ago they began; open ones are not in it",
            denominator="stays that ended in the month",
        ),
        details=Details(
            "Month by month",
            table(
                reversed(months),
                (
                    TableColumn("Month", "", lambda row: text.period(row.month_start, row.is_partial), "text"),
                    number("Stays that ended", "completed"),
                    number("Median", "median_days", text.days),
                ),
                caption=f"{stage.label}: stays by the month in which they ended",
                key=f"time-months-{stage.stage_no}",
            ),
        ),
    )


def _month_words(row: Row) -> str:
    return f"{text.days(row.median_days)} in {text.period(row.month_start, row.is_partial)}"


def _line(months: Sequence[Row], alt_text: str) -> charts.Drawing:
    """Draw a line through complete months, broken at months without stays. A partial month is a ring."""
    top = _round_days(max(row.median_days or 0 for row in months))
    base, step = LINE_HEIGHT - 38, (100 - SCALE_WIDTH) / len(months)
    every = max(1, math.ceil(len(months) / 6))

    def y(days: float) -> float:
        return round(base - (base - 12) * days / top, 2)

    grid = (0.0, top / 2, top)
    lines = [charts.Line(SCALE_WIDTH, y(value), 100, y(value), "grid" if value else "axis") for value in grid]
    labels = [charts.Label(0, y(value) + 4, text.days(value) if value else "0", "start", "scale") for value in grid]
    segments: list[list[str]] = [[]]
    dots = []
    for position, row in enumerate(months):
        back = len(months) - 1 - position
        x = round(SCALE_WIDTH + step * (position + 0.5), 2)
        labels.append(
            charts.Label(x, LINE_HEIGHT - 22, text.count(row.completed), "middle", "minor" if back % 2 else "scale")
        )
        if back % every == 0:
            tone = "minor" if back // every % 2 else "scale"
            anchor = "end" if x > 94 else "middle"
            labels.append(
                charts.Label(x, LINE_HEIGHT - 5, text.short_period(row.month_start, row.is_partial), anchor, tone)
            )
        if row.median_days is None or row.is_partial:
            segments.append([])
        else:
            segments[-1].append(f"{x} {y(row.median_days)}")
        if row.median_days is not None:
            title = f"{_month_words(row)}, {text.plural(row.completed, 'stay')}"
            kind, shape = ("all", "ring") if row.is_partial else ("rate", "circle")
            dots.append(charts.Dot(x, y(row.median_days), kind, title, shape))
    areas = tuple(charts.Area(f"M{'L'.join(segment)}", "curve") for segment in segments if len(segment) > 1)
    return charts.Drawing(LINE_HEIGHT, alt_text, (), tuple(lines), areas, tuple(dots), tuple(labels))


def _round_days(longest: float) -> float:
    """Return the end of a linear scale of days. Half of it is a round number too."""
    hours = longest * 24
    if hours <= 48:
        return next(step for step in (1, 2, 4, 6, 8, 12, 24, 36, 48) if hours <= step) / 24
    power = 10 ** int(math.log10(longest))
    return float(next(step * power for step in (2, 4, 6, 8, 10) if longest <= step * power))
