"""Changes of the headline rates, in sentences from report.rate_change and its parts.

A sentence names a direction only if the change is significant, and makes no comparison below `SMALL_SAMPLE` units.
The printed parts of a change are rounded so that they add up to the printed change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.database.connection import quoted
from pipeline.report import links, text, units
from pipeline.report.changes import volumes as volume_changes
from pipeline.report.changes.bars import part_bar
from pipeline.report.layout.table import (
    BarChart,
    BarRow,
    Cell,
    Details,
    LegendItem,
    Table,
    TableColumn,
    TableRow,
    number,
    table,
)
from pipeline.report.query import Answer, Footnotes, Report, Row, Source
from pipeline.report.text import SMALL_SAMPLE

SPLIT_NOTE = (
    "Mix: values with high or low rates became a larger or smaller share of the cohort. Rates: the rates of the values themselves "
    "changed. The split describes and does not explain. Parts are rounded so that they add up to the change. Of twenty values "
    "that did not change, one looks changed by chance."
)


@dataclass(frozen=True)
class WindowChange:
    """The change of a pair in one window, with one line per dimension for mix and rates."""

    name: str
    sentence: str
    splits: tuple[str, ...]


@dataclass(frozen=True)
class PairChange:
    """The changes of a headline pair. Its own window is the first.

    `charts` explain the first window that has enough units.
    """

    from_stage: str
    to_stage: str
    file: str
    windows: tuple[WindowChange, ...]
    charts: tuple[BarChart, ...]
    source: Source


@dataclass(frozen=True)
class Changes:
    """The section of the index page: one sentence per pair, and the stages."""

    pairs: tuple[PairChange, ...]
    volumes: str
    stages: Details
    note: str
    source: Source


@dataclass(frozen=True)
class Parts:
    """The parts of a change by one dimension, in tenths of a point.

    `tenths` holds (mix, rates) of each row.
    """

    answer: Answer
    dimension: str
    label: str
    """The dimension on pages."""
    tenths: tuple[tuple[int, int], ...]

    @property
    def mix(self) -> int:
        """Sum of the mix parts."""
        return sum(mix for mix, _ in self.tenths)

    @property
    def rates(self) -> int:
        """Sum of the rate parts."""
        return sum(rates for _, rates in self.tenths)


def changes(report: Report) -> Changes:
    """Return the changes of every pair in every window, and of the stages."""
    volumes = report.rows("report.volume_change", "latest_ended", order="stage_no")
    return Changes(
        pairs=pair_changes(report),
        volumes=volume_changes.sentence(volumes.rows),
        stages=volume_changes.stages(report, volumes),
        note=SPLIT_NOTE if _splits(report) else "",
        source=_source(report),
    )


def pair_changes(report: Report) -> tuple[PairChange, ...]:
    """Return the changes of every headline pair, in the order of the configuration."""
    by_pair: dict[int, list[Row]] = {}
    for row in _rate_changes(report).rows:
        by_pair.setdefault(row.headline_no, []).append(row)
    return tuple(_pair(report, rows) for rows in by_pair.values())


def _rate_changes(report: Report) -> Answer:
    return report.rows("report.rate_change", "latest_entered", order="headline_no, window_days nulls first")


def _splits(report: Report) -> tuple[Row, ...]:
    return report.rows(
        "report.rate_change_split", "headline_no", order="headline_no, window_days nulls first, dimension_no"
    ).rows


def _source(report: Report) -> Source:
    unit = units.plural(report.overview.unit)
    return report.source(
        _rate_changes(report),
        unit=unit,
        basis="the last complete month whose cohort is final against the final month before it; "
        "95% interval of the difference: Newcombe’s of the two Wilson intervals",
        denominator=f"{unit} that arrived at the first stage of the pair in the month",
    )


def _pair(report: Report, rows: list[Row]) -> PairChange:
    rows = sorted(rows, key=lambda row: not row.is_headline_window)
    parts = [_parts_of(report, row) if row.is_enough else () for row in rows]
    explained = next(((row, each) for row, each in zip(rows, parts, strict=True) if each), None)
    return PairChange(
        from_stage=rows[0].from_stage,
        to_stage=rows[0].to_stage,
        file=links.pair_page(rows[0].from_stage, rows[0].to_stage),
        windows=tuple(
            WindowChange(
                name=_window(row).capitalize(),
                sentence=sentence(row, report),
                splits=tuple(split_line(row, each) for each in by_dimension),
            )
            for row, by_dimension in zip(rows, parts, strict=True)
        ),
        charts=_charts(report, *explained) if explained else (),
        source=_source(report),
    )


def _parts_of(report: Report, row: Row) -> tuple[Parts, ...]:
    """Return the parts of the change of a pair in a window, one entry per dimension."""
    return tuple(
        _parts(report, split)
        for split in _splits(report)
        if (split.headline_no, split.window_days) == (row.headline_no, row.window_days)
    )


def _window(row: Row) -> str:
    return "ever" if row.window_days is None else f"within {row.window_days} days"


def sentence(row: Row, footnotes: Footnotes) -> str:
    """Return the change of one pair and window as a sentence."""
    name = f"{row.from_label} → {row.to_label}" + ("" if row.window_days is None else f" {_window(row)}")
    latest, previous = footnotes.month(row.latest_month), footnotes.month(row.previous_month)
    if row.latest_month is None:
        return f"{name}: no complete month is final yet, so there is nothing to compare."
    if row.previous_month is None:
        return f"{name}: {latest} is the first final month, so there is nothing to compare it with."
    if not row.is_enough:
        return (
            f"{name}: too few to say: {text.plural(row.latest_entered or 0, row.unit)} in {latest}, "
            f"{text.count(row.previous_entered)} in {previous}."
        )
    compared = (
        f"{name}: {text.rate(row.latest_rate)} of {text.plural(row.latest_entered or 0, row.unit)} in {latest} "
        f"after {text.rate(row.previous_rate)} of {text.count(row.previous_entered)} in {previous}"
    )
    bounds = f"95% interval {_interval(row.change_low, row.change_high)}"
    if row.is_noise:
        return f"{compared}: {text.points(row.change)}, no clear change ({bounds})."
    direction = "up" if (row.change or 0) > 0 else "down"
    return f"{compared}: {direction} {text.distance(row.change)} ({bounds})."


def split_line(row: Row, parts: Parts) -> str:
    """Return the split of a change into mix and rates, and the value with the largest part."""
    line = f"By {parts.label}: mix {_points(parts.mix)}, rates {_points(parts.rates)}"
    values = tuple(zip(parts.answer.rows, parts.tenths, strict=True))
    if len(values) < 2:
        return f"{line}."
    # `max` keeps the first of equal parts, which belongs to the value with most units.
    with_enough_units = [
        (value, mix, rates) for value, (mix, rates) in values if value.is_enough and value.dimension_value
    ]
    if not with_enough_units:
        return f"{line}; of no single value are there enough {units.plural(row.unit)} to say more."
    value, mix, rates = max(with_enough_units, key=lambda each: abs(each[1] + each[2]))
    if mix + rates == 0:
        return f"{line}; no value with enough {units.plural(row.unit)} adds a tenth of a point."
    name = text.isolated(value.dimension_value or "")
    enough = f"the largest part with enough {units.plural(row.unit)}"
    return (
        f"{line}; {enough} is {name}: {_points(mix + rates)}, by its share {_points(mix)} and by its rate {_points(rates)}; "
        f"its own rate {_direction(value)}, {_rates(value)}."
    )


def _direction(value: Row) -> str:
    """Return how the value's own rate changed. Its part of the change can have another sign."""
    own_change = (value.latest_rate or 0) - (value.previous_rate or 0)
    return "rose" if own_change > 0 else "fell" if own_change < 0 else "stayed the same"


def _rates(value: Row) -> str:
    """Return `66.7% of 66 → 76.8% of 69, no clear change` for a value that both months have."""
    then = f"{text.rate(value.previous_rate)} of {text.count(value.previous_entered)}"
    now = f"{text.rate(value.latest_rate)} of {text.count(value.latest_entered)}"
    return f"{then} → {now}, {'no clear' if value.is_noise else 'a clear'} change"


def _parts(report: Report, split: Row) -> Parts:
    window = "is null" if split.window_days is None else f"= {split.window_days}"
    answer = report.rows(
        "report.rate_change_parts",
        "latest_entered",
        where=f"headline_no = {split.headline_no}\n    and window_days {window}\n"
        f"    and dimension = {quoted(split.dimension)}",
        order="value_no",
    )
    mix, rates = apportioned((split.mix_part, split.rate_part), tenths(split.change))
    return Parts(
        answer,
        split.dimension,
        report.dimension(split.dimension),
        tuple(
            zip(
                apportioned([row.mix_part for row in answer.rows], mix),
                apportioned([row.rate_part for row in answer.rows], rates),
                strict=True,
            )
        ),
    )


def tenths(share: float) -> int:
    """Return a difference of shares in the tenths of a point that `text.points` prints."""
    return round(float(f"{share * 100:.1f}") * 10)


def apportioned(shares: Sequence[float], total: int) -> tuple[int, ...]:
    """Round differences of shares to tenths of a point that add up to `total`.

    The largest remainders are rounded up; equal remainders in order. `total` must be within one tenth of the sum of `shares`.
    """
    # Rounding removes floating-point noise, so that equal remainders stay equal.
    exact = [round(share * 1000, 9) for share in shares]
    whole = [math.floor(each) for each in exact]
    by_remainder = sorted(range(len(exact)), key=lambda place: (whole[place] - exact[place], place))
    raised = set(by_remainder[: total - sum(whole)])
    return tuple(each + (place in raised) for place, each in enumerate(whole))


def _points(tenths_of_a_point: int) -> str:
    return text.points(tenths_of_a_point / 1000)


def _interval(low: float | None, high: float | None) -> str:
    return f"{text.points(low).removesuffix(f'{text.THIN}pts')} to {text.points(high)}"


def _charts(report: Report, row: Row, by_dimension: Sequence[Parts]) -> tuple[BarChart, ...]:
    """Return one chart per dimension. All have the same scale, so that they can be compared."""
    largest = max(
        (
            max(abs(part.mix_part), abs(part.rate_part), abs(part.mix_part + part.rate_part))
            for parts in by_dimension
            for part in parts.answer.rows
        ),
        default=0.0,
    )
    return tuple(_chart(report, row, parts, largest) for parts in by_dimension)


def _chart(report: Report, row: Row, parts: Parts, largest: float) -> BarChart:
    then, now = report.month(row.previous_month), report.month(row.latest_month)
    return BarChart(
        title=f"By {parts.label}, {_window(row)}, {then} to {now}: {text.points(row.change)} in all",
        rows=tuple(
            BarRow(
                label=_name(value),
                drawing=part_bar(
                    value.mix_part, value.rate_part, largest, f"mix {_points(mix)}, rates {_points(rates)}"
                ),
                value=_points(mix + rates),
                notes=(f"mix {_points(mix)}, rates {_points(rates)}", _value_note(value, row.unit)),
            )
            for value, (mix, rates) in zip(parts.answer.rows, parts.tenths, strict=True)
        ),
        legend=(LegendItem("mix", "mix: its share changed"), LegendItem("rates", "rates: its own rate changed")),
        source=report.source(
            parts.answer,
            unit=units.plural(row.unit),
            basis=f"cohorts of {then} and {now}; window: {_window(row)}; midpoint decomposition (Kitagawa 1955)",
            denominator=f"n; share: all {units.plural(row.unit)} of the month",
        ),
        details=Details("Numbers behind the chart", _table(row, parts, then, now)),
        key="change-parts",
    )


def _name(value: Row) -> str:
    return value.dimension_value if value.dimension_value is not None else text.other_values(value.values_inside)


def _value_note(value: Row, unit: str) -> str:
    if not value.is_enough:
        then, now = text.count(value.previous_entered), text.plural(value.latest_entered, unit)
        return f"too few to say more: {then}, then {now}"
    return _rates(value)


def _table(row: Row, parts: Parts, then: str, now: str) -> Table:
    tenths_of = dict(zip((value.value_no for value in parts.answer.rows), parts.tenths, strict=True))
    return table(
        parts.answer.rows,
        (
            TableColumn(
                parts.label,
                "",
                lambda value: Cell(_name(value), "quiet" if value.dimension_value is None else ""),
                "text",
            ),
            number(f"n, {then}", "previous_entered"),
            number(f"n, {now}", "latest_entered"),
            number(f"Share, {then}", "previous_share", text.rate),
            number(f"Share, {now}", "latest_share", text.rate),
            number(f"Rate, {then}", "previous_rate", text.rate),
            number(f"Rate, {now}", "latest_rate", text.rate),
            TableColumn("Its own change", "", _own_change),
            TableColumn("Mix", "", lambda value: _points(tenths_of[value.value_no][0])),
            TableColumn("Rates", "", lambda value: _points(tenths_of[value.value_no][1])),
            TableColumn("Together", "", lambda value: Cell(_points(sum(tenths_of[value.value_no])), "sum")),
        ),
        caption=f"{row.from_label} → {row.to_label}: the change of the rate by {parts.label}, {_window(row)}",
        tone=lambda value: "" if value.is_enough else "small-n",
        total=_total_row(row, parts),
        notes=(
            f"Grey: fewer than {SMALL_SAMPLE} {units.plural(row.unit)} in one of the months: nothing is said of its change.",
        ),
        key=f"parts-{row.headline_no}-{parts.dimension}",
    )


def _own_change(value: Row) -> Cell:
    if not value.is_enough:
        return Cell(text.DASH, note="n small")
    is_known = value.latest_rate is not None and value.previous_rate is not None
    return Cell(text.points(value.latest_rate - value.previous_rate if is_known else None), note=_verdict(value))


def _verdict(value: Row) -> str:
    if value.is_noise is None:
        return ""
    return f"{'no clear change, ' if value.is_noise else ''}{_interval(value.change_low, value.change_high)}"


def _total_row(row: Row, parts: Parts) -> TableRow:
    return TableRow(
        (
            Cell("All"),
            Cell(text.count(row.previous_entered)),
            Cell(text.count(row.latest_entered)),
            Cell(text.rate(1.0)),
            Cell(text.rate(1.0)),
            Cell(text.rate(row.previous_rate)),
            Cell(text.rate(row.latest_rate)),
            Cell(text.points(row.change), note=_interval(row.change_low, row.change_high)),
            Cell(_points(parts.mix)),
            Cell(_points(parts.rates)),
            Cell(text.points(row.change), "sum"),
        ),
        "total",
    )
