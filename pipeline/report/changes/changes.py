"""The change of a headline rate in its last final month: a sentence, and its split into mix and rates.

The sentence names a direction only if the change is significant, and makes no comparison below `SMALL_SAMPLE` units.
The printed parts of a change are rounded so that they add up to the printed change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.database.connection import quoted
from pipeline.report import text, units
from pipeline.report.layout.bars import two_sided_bar
from pipeline.report.layout.charts import Drawing
from pipeline.report.layout.table import Cell, LegendItem, Table, TableColumn, TableRow, number, table
from pipeline.report.query import Answer, Footnotes, Report, Row
from pipeline.report.text import SMALL_SAMPLE

SPLIT_NOTE = (
    "Mix: values with high or low rates became a larger or smaller share of the cohort. Rates: the rates of the values themselves "
    "changed. The split describes and does not explain. Parts are rounded so that they add up to the change. Of twenty values "
    "that did not change, one looks changed by chance."
)
LEGEND = (LegendItem("mix", "mix: its share changed"), LegendItem("rates", "rates: its own rate changed"))


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


def pair_change(report: Report, headline_no: int) -> dict[str, Any]:
    """Return the change of a headline pair within its window."""
    answer = report.rows(
        "report.rate_change", "latest_entered", where=f"headline_no = {headline_no}\n    and is_headline_window"
    )
    (row,) = answer.rows
    splits = report.rows(
        "report.rate_change_split",
        "headline_no",
        where=f"headline_no = {headline_no}\n    and window_days = {row.window_days}",
        order="dimension_no",
    )
    by_dimension = tuple(_parts(report, split) for split in splits.rows) if row.is_enough else ()
    largest = max(
        (abs(part) for parts in by_dimension for each in parts.answer.rows for part in _bar(each)), default=0.0
    )
    return {
        "sentence": sentence(row, report),
        "splits": tuple(split_line(row, parts) for parts in by_dimension),
        "tables": tuple(_table(report, row, parts, largest) for parts in by_dimension),
        "source": report.source(answer),
    }


def sentence(row: Row, footnotes: Footnotes) -> str:
    """Return the change of one pair and window as a sentence."""
    name = f"{row.from_label} → {row.to_label} within {row.window_days} days"
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


def _bar(part: Row) -> tuple[float, float, float]:
    return part.mix_part, part.rate_part, part.mix_part + part.rate_part


def _name(value: Row) -> str:
    return value.dimension_value if value.dimension_value is not None else text.other_values(value.values_inside)


def _table(report: Report, row: Row, parts: Parts, largest: float) -> Table:
    then, now = report.month(row.previous_month), report.month(row.latest_month)
    tenths_of = dict(zip((value.value_no for value in parts.answer.rows), parts.tenths, strict=True))

    def drawing(value: Row) -> Drawing:
        mix, rates = tenths_of[value.value_no]
        parts = (("rates", value.rate_part, f"rates {_points(rates)}"), ("mix", value.mix_part, f"mix {_points(mix)}"))
        return two_sided_bar(parts, largest)

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
            TableColumn("Parts", "", lambda value: Cell("", drawing=drawing(value)), "chart"),
        ),
        caption=f"By {parts.label}, {then} to {now}: {text.points(row.change)} in all",
        tone=lambda value: "" if value.is_enough else "small-n",
        total=_total_row(row, parts),
        source=report.source(parts.answer),
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
            Cell(""),
        ),
        "total",
    )
