"""Time in stage of ended and open stays, and open leads by owner."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report import links, text
from pipeline.report.figures import Figures
from pipeline.report.layout import charts
from pipeline.report.layout.table import (
    BarChart,
    BarRow,
    Cell,
    Column,
    Details,
    FootnoteBuilder,
    LegendItem,
    Table,
    TableRow,
    texts,
)
from pipeline.report.owners.figures import MAX_OWNERS_SHOWN
from pipeline.report.query import QueryResult
from pipeline.report.rows import OpenLead, Owner, StageTime

ROW_HEIGHT, COMPLETED_Y, OPEN_Y = 58, 21, 38
"""Height of the row of a stage, and positions of its two lanes, in pixels."""


@dataclass(frozen=True)
class OpenLeads:
    """Open leads by owner."""

    sentence: str
    owners: Table
    details: tuple[Details, ...]
    note: str


def times(figures: Figures, footnotes: FootnoteBuilder) -> BarChart:
    """Return the time in stage: ended stays above, open stays below."""
    rows = figures.times.rows
    scale = charts.log_scale(_durations(rows))
    return BarChart(
        title="Days in stage",
        rows=tuple(
            BarRow(
                row.label,
                _lanes(row, scale),
                f"median {text.days(row.median_days)}",
                (f"{text.plural(row.completed, 'completed stay')}", _open_words(row)),
                link=links.stage_page(row.stage),
            )
            for row in rows
        ),
        legend=(
            LegendItem("dot-rate", "median of completed stays; the bar ends at the 90th percentile"),
            LegendItem("tick-mean", "mean of completed stays"),
            LegendItem("dot-open", "median age of open stays; the bar ends at the 90th percentile"),
            LegendItem("dot-all", "median of all stays, open ones counted as still lasting"),
        ),
        source=footnotes.source(
            figures.times,
            unit="stays (spans)",
            basis="all history; a day has 86,400 s; completed and open stays are never averaged together",
            denominator="completed stays; open stays; median of all: both",
        ),
        details=Details("Numbers behind the chart", _times_table(rows)),
        axis=charts.axis(scale),
        note="The scale is logarithmic: each step to the right multiplies.",
        key="times-chart",
    )


def _durations(rows: tuple[StageTime, ...]) -> list[float]:
    return [
        value
        for row in rows
        for value in (
            row.mean_days,
            row.median_days,
            row.p90_days,
            row.median_age_days,
            row.p90_age_days,
            row.censored_median_days,
        )
        if value is not None
    ]


def _lanes(row: StageTime, scale: charts.LogScale) -> charts.Drawing:
    lines = [charts.Line(x, 0, x, ROW_HEIGHT, "grid") for x, _ in scale.ticks()]
    rects, dots = [], []
    if row.median_days is not None and row.p90_days is not None:
        title = f"median {text.days(row.median_days)}, nine of ten left within {text.days(row.p90_days)}"
        rects.append(_reach(scale, row.median_days, row.p90_days, COMPLETED_Y, "band", title))
        dots.append(charts.Dot(scale.x(row.median_days), COMPLETED_Y, "rate", title))
    if row.mean_days is not None:
        x = scale.x(row.mean_days)
        lines.append(charts.Line(x, COMPLETED_Y - 7, x, COMPLETED_Y + 7, "mean"))
    if row.still_open and row.median_age_days is not None and row.p90_age_days is not None:
        title = (
            f"open: median age {text.days(row.median_age_days)}, nine of ten younger than {text.days(row.p90_age_days)}"
        )
        rects.append(_reach(scale, row.median_age_days, row.p90_age_days, OPEN_Y, "open-band", title))
        dots.append(charts.Dot(scale.x(row.median_age_days), OPEN_Y, "open", title, "diamond"))
    if row.censored_median_days is not None:
        title = f"median of all stays {text.days(row.censored_median_days)}"
        dots.append(charts.Dot(scale.x(row.censored_median_days), COMPLETED_Y, "all", title, "ring"))
    alt_text = (
        f"{row.label}: completed stays median {text.days(row.median_days)}, mean {text.days(row.mean_days)}, "
        f"90th percentile {text.days(row.p90_days)}; open stays median age {text.days(row.median_age_days)}; "
        f"all stays median {text.days(row.censored_median_days)}"
    )
    return charts.Drawing(ROW_HEIGHT, alt_text, tuple(rects), tuple(lines), dots=tuple(dots))


def _reach(scale: charts.LogScale, start: float, end: float, y: int, tone: str, title: str) -> charts.Rect:
    left, right = scale.x(start), scale.x(end)
    return charts.Rect(left, y - 3, round(max(right - left, 0.3), 2), 6, tone, title)


def _open_words(row: StageTime) -> str:
    age = f", median age {text.days(row.median_age_days)}" if row.still_open else ""
    return f"{text.count(row.still_open)} open{age}"


def _times_table(rows: tuple[StageTime, ...]) -> Table:
    return Table(
        caption="Time in stage: completed stays and open stays apart",
        columns=(
            Column("Stage", "text"),
            Column("Completed stays"),
            Column("Mean"),
            Column("Median"),
            Column("90th percentile"),
            Column("Open stays"),
            Column("Median age"),
            Column("90th percentile of age"),
            Column("Median of all", hint="Kaplan–Meier: open stays count as lasting at least until as-of"),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(row.label),
                    *texts(
                        text.count(row.completed),
                        text.days(row.mean_days),
                        text.days(row.median_days),
                        text.days(row.p90_days),
                    ),
                    *texts(text.count(row.still_open), text.days(row.median_age_days), text.days(row.p90_age_days)),
                    Cell(
                        text.days(row.censored_median_days),
                        note=""
                        if row.censored_median_days is not None or not (row.completed or row.still_open)
                        else "more than half stay",
                    ),
                )
            )
            for row in rows
        ),
        key="times",
    )


def open_leads(figures: Figures, footnotes: FootnoteBuilder) -> OpenLeads:
    """Return the owners with their open leads, most overdue first, and the first leads of each."""
    total = figures.overview.rows[0]
    owners = figures.owners.rows
    sentence = (
        f"{text.plural(total.open_leads, 'lead')} on the path or on hold; "
        f"{text.count(total.overdue)} of them past the limit of their stage."
        if total.open_leads
        else "No lead is waiting on the path or on hold."
    )
    return OpenLeads(
        sentence=sentence,
        owners=_owners_table(figures.owners, footnotes),
        details=tuple(
            _owner_details(owner, result, footnotes)
            for owner, result in zip(owners[:MAX_OWNERS_SHOWN], figures.open_leads, strict=True)
        ),
        note=f"The leads of {text.plural(len(owners) - MAX_OWNERS_SHOWN, 'more owner')} are in report.stuck_leads."
        if len(owners) > MAX_OWNERS_SHOWN
        else "",
    )


def _owners_table(result: QueryResult[Owner], footnotes: FootnoteBuilder) -> Table:
    largest = max((owner.open_leads for owner in result.rows), default=0)
    return Table(
        caption="Open leads by current owner",
        columns=(
            Column("Owner", "text"),
            Column("Open"),
            Column("Overdue"),
            Column("In a stage without limit"),
            Column("Median age"),
            Column("Oldest"),
            Column("Overdue in open", "chart"),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(owner.current_owner),
                    *texts(text.count(owner.open_leads)),
                    Cell(text.count(owner.overdue), "alert" if owner.overdue else ""),
                    *texts(
                        text.count(owner.without_limit),
                        text.days(owner.median_age_days),
                        text.days(owner.oldest_age_days),
                    ),
                    Cell("", drawing=_owner_bar(owner, largest)),
                )
            )
            for owner in result.rows
        ),
        source=footnotes.source(
            result,
            unit="leads (open stays)",
            basis="on the path or on hold at as-of, the last path stage excepted; each limit on its own clock",
            denominator="none: these are counts",
        ),
        key="owners",
    )


def _owner_bar(owner: Owner, largest: int) -> charts.Drawing:
    rest = owner.open_leads - owner.overdue
    return charts.stacked_bar(
        [
            ("overdue", owner.overdue, f"overdue: {text.count(owner.overdue)}"),
            ("open", rest, f"not overdue: {text.count(rest)}"),
        ],
        largest,
        f"{text.count(owner.overdue)} of {text.count(owner.open_leads)} overdue",
        height=12,
    )


def _owner_details(owner: Owner, result: QueryResult[OpenLead], footnotes: FootnoteBuilder) -> Details:
    more = owner.open_leads - len(result.rows)
    table = Table(
        caption=f"{text.isolated(owner.current_owner)}: longest overdue first, then oldest",
        columns=(
            Column("Lead", "text"),
            Column("Account", "text"),
            Column("Stage", "text"),
            Column("Since", "text"),
            Column("Age"),
            Column("Limit"),
            Column("Overdue by"),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(lead.lead_id, "id"),
                    Cell(lead.account_id or text.DASH, "id"),
                    Cell(lead.stage_label),
                    Cell(text.day(lead.entered_date)),
                    Cell(text.days(lead.age_days)),
                    Cell(lead.sla_text or text.DASH, "quiet"),
                    Cell(
                        text.days(lead.overdue_hours / 24 if lead.overdue_hours is not None else None),
                        "alert" if lead.overdue_hours is not None else "",
                    ),
                )
            )
            for lead in result.rows
        ),
        source=footnotes.source(
            result,
            unit="leads (open stays)",
            basis="at as-of; since: the day of the entry on the waterfall’s clock",
            denominator="none: a list",
        ),
        notes=(f"and {text.count(more)} more; the query lists them all.",) if more > 0 else (),
        key=f"owner-{owner.owner_no}",
    )
    note = f"{text.plural(owner.open_leads, 'open lead')}, {text.count(owner.overdue)} overdue"
    return Details(owner.current_owner, table, is_open=owner.owner_no == 1 and owner.overdue > 0, note=note)
