"""The first screen: one headline rate per pair, its direction, its trend, and one sentence for all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.config.funnel import is_show_rate
from pipeline.report import answers, links, text, units
from pipeline.report.layout.charts import Drawing
from pipeline.report.layout.trend_line import trend_line
from pipeline.report.query import Answer, Footnotes, Report, Row

MAX_PAIRS_IN_SENTENCE = 3
ARROWS = {"up": "▲", "down": "▼", "same": "▬"}
MIN_OWNER_OPEN = 10
"""Open units from which the owner of most of them is named."""

CHART_READING = (
    "in the chart a point is a final month, the band its 95% interval, a hatched bar the range that another month can still "
    "reach, and a ring a month that stands out"
)


def sentence(report: Report) -> str:
    """Return what happened to the headline rates; empty without headline pairs."""
    return changes_in_words(answers.headline_changes(report).rows, report)


def changes_in_words(changes: Sequence[Row], footnotes: Footnotes) -> str:
    """Return what happened to the headline rates; empty without headline pairs. Rows with another base are ignored."""
    rows = [row for row in changes if row.base == "before"][:MAX_PAIRS_IN_SENTENCE]
    moved = [row for row in rows if row.direction in ("up", "down")]
    same = [row for row in rows if row.direction == "same"]
    rest = [row for row in rows if row.direction in ("few", None)]
    said = [
        f"{_pair(row)} {'rose' if row.direction == 'up' else 'fell'} to {_percent(row)} in {_months(row, footnotes)}, "
        f"from {text.percent(row.base_rate)} in {footnotes.month_range(row.base_first_month, row.base_last_month)}."
        for row in moved
    ]
    if same:
        said.append(f"No clear change in {' and '.join(f'{_pair(row)} ({_percent(row)})' for row in same)}.")
    return " ".join((*said, *(_not_compared(row, footnotes) for row in rest)))


def key_rates(report: Report) -> tuple[dict[str, Any], ...]:
    """Return one entry per headline pair, in the order of the configuration."""
    changes = answers.headline_changes(report).rows
    year = {row.headline_no: row for row in changes if row.base == "year"}
    open_months = report.rows("report.open_months", "still_open", order="headline_no")
    return tuple(_key_rate(report, row, year[row.headline_no], open_months) for row in changes if row.base == "before")


def _key_rate(report: Report, row: Row, year: Row, open_months: Answer) -> dict[str, Any]:
    waiting = next(each for each in open_months.rows if each.headline_no == row.headline_no)
    pair = f"{'Show rate: ' if is_show_rate(row.from_stage, row.to_stage) else ''}{_pair(row)}"
    return {
        "headline_no": row.headline_no,
        "key": f"key-rate-{row.headline_no}",
        "file": links.pair_page(row.from_stage, row.to_stage),
        "from_label": row.from_label,
        "to_label": row.to_label,
        "window_days": row.window_days,
        "title": f"{pair} within {row.window_days} days",
        "rate": _percent(row),
        "direction": row.direction or "",
        "arrow": ARROWS.get(row.direction or "", ""),
        "change": _change(row, report),
        "counts": "" if row.rate is None else f"{text.count(row.converted)} of {text.count(row.entered)}",
        "basis": _basis(row, year, report),
        "open_months": _open_months(waiting, report),
        "chart": _chart(report, row),
        "source": report.source(
            answers.headline_changes(report),
            also=CHART_READING,
        ),
        "open_source": report.source(open_months),
    }


def _chart(report: Report, row: Row) -> Drawing:
    cohorts = [each for each in answers.cohorts(report, row).rows if each.window_days == row.window_days]
    final = [cohort for cohort in cohorts if cohort.is_mature and not cohort.is_partial]
    marked = frozenset(
        found.month_start
        for found in answers.month_findings(report).rows
        if found.headline_no == row.headline_no and found.finding in ("high", "low")
    )
    return trend_line(
        cohorts,
        f"{row.from_label} to {row.to_label} within {row.window_days} days, by month of arrival: "
        + (
            f"from {text.rate(final[0].rate)} in {report.month(final[0].month_start)} "
            f"to {text.rate(final[-1].rate)} in {report.month(final[-1].month_start)}"
            if final
            else "no final month"
        ),
        target=_target(row),
        marked=marked,
        before_coverage=report.before_coverage,
        events=tuple((event.event_date, event.label) for event in answers.events(report)),
    )


def _pair(row: Row) -> str:
    return f"{row.from_label} → {row.to_label}"


def _percent(row: Row) -> str:
    return text.percent(row.rate, row.entered)


def _months(row: Row, footnotes: Footnotes) -> str:
    return footnotes.month_range(row.first_month, row.last_month)


def _target(row: Row) -> float | None:
    """Return the target; None for 100%, which is no target but the whole."""
    return row.target if row.target is not None and row.target < 1 else None


def _not_compared(row: Row, footnotes: Footnotes) -> str:
    if row.rate is None:
        return f"{_pair(row)}: no month is final yet."
    if row.direction == "few":
        return f"{_pair(row)}: too few {units.plural(row.unit)} to compare with earlier months."
    return f"{_pair(row)} is {_percent(row)} in {_months(row, footnotes)}; there are no earlier months to compare with."


def _change(row: Row, footnotes: Footnotes) -> str:
    if row.direction is None:
        return "no month is final yet" if row.rate is None else "no earlier months to compare with"
    against = footnotes.month_range(row.base_first_month, row.base_last_month)
    if row.direction == "few":
        return f"too few to compare with {against}"
    if row.direction == "same":
        return f"no clear change on {against} ({text.percent(row.base_rate, row.base_entered)})"
    return f"{text.distance(row.change).removesuffix('pts')}points on {against} ({text.percent(row.base_rate, row.base_entered)})"


def _basis(row: Row, year: Row, footnotes: Footnotes) -> str:
    if row.rate is None:
        return ""
    said = [f"that became {row.from_label} in {_months(row, footnotes)} went on to {row.to_label}."]
    if year.base_rate is not None:
        said.append(f"A year earlier: {text.percent(year.base_rate, year.base_entered)}.")
    target = _target(row)
    if target is not None:
        said.append(f"Target: {text.percent(target)}.")
    return " ".join(said)


def _open_months(row: Row, footnotes: Footnotes) -> str:
    """Return which months are not final, how many units are open in them, and with whom if one owner has most."""
    if row.first_month is None:
        return ""
    months = footnotes.month_range(row.first_month, row.last_month)
    verb = "is" if row.first_month == row.last_month else "are"
    owner = ""
    if row.current_owner is not None and row.owner_open >= MIN_OWNER_OPEN and 2 * row.owner_open > row.still_open:
        owner = f", {text.count(row.owner_open)} of them with {row.current_owner}"
    return f"{months} {verb} not final: {text.count(row.still_open)} still open{owner}."
