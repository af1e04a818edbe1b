"""Conversion by cohort: the grid of months and pairs, months of each pair, slices by dimension."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report import links, text, units
from pipeline.report.conversion import estimate
from pipeline.report.figures import Figures
from pipeline.report.layout import charts
from pipeline.report.layout.table import Cell, Column, Details, FootnoteBuilder, Table, TableRow, columns, texts
from pipeline.report.pair.figures import PairFigures
from pipeline.report.query import QueryResult
from pipeline.report.rows import CohortMonth, GridCell, PairShown, Summary

SMALL_SAMPLE = 20
"""Rates of fewer units are shown in grey."""

DIMENSION_SOURCES = {
    "entry": "as it was at the entry that starts the measure",
    "lead": "the lead’s current value: history does not give it",
    "account": "the account’s current value: history does not give it",
    "cycle": "a fact of the cycle",
    "stage": "the team of the stage",
}


@dataclass(frozen=True)
class PairSection:
    """One pair: its months in every window and, for a headline pair, its slices."""

    from_stage: str
    to_stage: str
    months: Details
    slices: tuple[Details, ...]


@dataclass(frozen=True)
class Conversion:
    """The section of conversion by cohort."""

    grid: Table
    pairs: tuple[PairSection, ...]


def conversion(figures: Figures, footnotes: FootnoteBuilder) -> Conversion:
    """Return the grid, the months of every pair and the slices of the headline pairs."""
    sources = {row.dimension: row.source for row in figures.quality.coverage.rows}
    totals = {
        (row.from_stage, row.to_stage, row.window_days): row for row in figures.totals.rows if row.cohorts == "mature"
    }
    return Conversion(
        grid=_grid(figures, footnotes),
        pairs=tuple(
            PairSection(
                each.pair.from_stage,
                each.pair.to_stage,
                months=_pair(each, totals, footnotes),
                slices=tuple(
                    _slice_details(each.pair, result, sources, footnotes) for result in each.slices if result.rows
                ),
            )
            for each in figures.pairs
        ),
    )


def _title(pair: PairShown) -> str:
    return f"{pair.from_label} → {pair.to_label}"


def _grid(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    pairs = [each.pair for each in figures.pairs]
    unit = figures.overview.rows[0].unit
    months = sorted({(cell.month_start, cell.is_partial) for cell in figures.grid.rows}, reverse=True)
    cells = {(cell.month_start, cell.from_stage, cell.to_stage): cell for cell in figures.grid.rows}
    summaries = {(row.from_stage, row.to_stage): row for row in _mature_ever(figures)}
    return Table(
        caption="Conversion rate by month of arrival, window: ever",
        columns=(Column("Month", "text"), *(_pair_column(pair) for pair in pairs)),
        rows=(
            *(
                TableRow(
                    (
                        Cell(footnotes.period(month, is_partial)),
                        *(_grid_cell(cells.get((month, pair.from_stage, pair.to_stage))) for pair in pairs),
                    )
                )
                for month, is_partial in months
            ),
            TableRow(
                (
                    Cell("All final months"),
                    *(_total_cell(summaries.get((pair.from_stage, pair.to_stage))) for pair in pairs),
                ),
                "total",
            ),
        ),
        source=footnotes.source(
            figures.grid,
            unit=units.plural(unit),
            basis="cohorts by month of arrival at the first stage of the pair; window: ever",
            denominator=f"{units.plural(unit)} of the cohort (the number after “of”)",
        ),
        notes=(
            f"Hatched: not final, the youngest {units.plural(unit)} have had too little time and the rate can only rise; "
            "left out of totals and comparisons.",
            f"Grey: fewer than {SMALL_SAMPLE} {units.plural(unit)}.",
            *((estimate.MEANING,) if figures.report.is_all else ()),
        ),
        key="grid",
    )


def _pair_column(pair: PairShown) -> Column:
    file = links.pair_page(pair.from_stage, pair.to_stage) if pair.is_headline else ""
    return Column(_title(pair), link=file)


def _mature_ever(figures: Figures) -> list[Summary]:
    return [row for row in figures.totals.rows if row.cohorts == "mature" and row.window_days is None]


def _grid_cell(cell: GridCell | None) -> Cell:
    if cell is None or cell.entered == 0:
        return Cell(text.DASH, "none")
    of = f"{text.count(cell.converted)} of {text.count(cell.entered)}"
    if not cell.is_mature:
        more = "" if cell.settled_estimate is None else f"est. {estimate.estimate(cell)}"
        return Cell(
            text.rate(cell.rate), "immature", f"{of}, {text.rate(cell.still_open_share)} open", second_note=more
        )
    return Cell(text.rate(cell.rate), "small-n" if cell.entered < SMALL_SAMPLE else "", of)


def _total_cell(summary: Summary | None) -> Cell:
    if summary is None or summary.entered == 0:
        return Cell(text.DASH, "none")
    return Cell(text.rate(summary.rate), "", f"{text.count(summary.converted)} of {text.count(summary.entered)}")


def _pair(
    each: PairFigures,
    totals: dict[tuple[str, str, int | None], Summary],
    footnotes: FootnoteBuilder,
) -> Details:
    pair = each.pair
    windows = sorted({cohort.window_days for cohort in each.cohorts.rows if cohort.window_days is not None})
    ever = totals.get((pair.from_stage, pair.to_stage, None))
    table = Table(
        caption=f"{_title(pair)} by month of arrival at {pair.from_label}",
        columns=(
            *columns("Month", "Entered", "Converted", "Passed over", "Lost", "Still open", "Rate, ever"),
            Column("95 % interval"),
            *((Column("Settled estimate", hint=estimate.HINT),) if pair.is_headline else ()),
            Column("0 to 100 %", "chart"),
            *(Column(f"Within {days} days") for days in windows),
        ),
        rows=_pair_rows(each, totals, windows, footnotes),
        source=footnotes.source(
            each.cohorts,
            unit=units.plural(pair.unit),
            basis=f"cohorts by month of arrival at {pair.from_label}; the query gives up to 25 months, the table the last 12",
            denominator="entered; entered = converted + passed over + lost + still open",
        ),
        key=f"pair-months-{pair.shown_no}",
    )
    summary = (
        f"{text.rate(ever.rate)} of {text.plural(ever.entered, pair.unit)} in final months"
        if ever and ever.entered
        else "nothing final yet"
    )
    return Details(_title(pair), table, is_open=pair.headline_no == 1, note=summary)


def _pair_rows(
    each: PairFigures,
    totals: dict[tuple[str, str, int | None], Summary],
    windows: list[int],
    footnotes: FootnoteBuilder,
) -> tuple[TableRow, ...]:
    """Return one row per month, newest first, and the total of final months."""
    pair = each.pair
    cohorts = {(cohort.month_start, cohort.window_days): cohort for cohort in each.cohorts.rows if cohort.is_shown}
    months = sorted((month for month, window in cohorts if window is None), reverse=True)
    rows = [
        _month_row(pair, cohorts[month, None], footnotes, [cohorts.get((month, days)) for days in windows])
        for month in months
    ]
    ever = totals.get((pair.from_stage, pair.to_stage, None))
    if ever:
        within = [totals.get((pair.from_stage, pair.to_stage, days)) for days in windows]
        rows.append(_total_row(pair, ever, footnotes, within))
    return tuple(rows)


def _month_row(
    pair: PairShown, ever: CohortMonth, footnotes: FootnoteBuilder, within: list[CohortMonth | None]
) -> TableRow:
    immature = "immature" if ever.entered and not ever.is_mature else ""
    reach = ""
    if ever.is_mature and ever.still_open:
        reach = f"up to {text.rate((ever.converted + ever.still_open) / ever.entered)}"
    rate_tone = immature or ("small-n" if 0 < ever.entered < SMALL_SAMPLE else "")
    return TableRow(
        (
            Cell(footnotes.period(ever.month_start, ever.is_partial)),
            *texts(*(text.count(n) for n in (ever.entered, ever.converted, ever.passed_over, ever.lost))),
            Cell(text.count(ever.still_open), note=text.rate(ever.still_open_share) if ever.still_open else ""),
            Cell(text.rate(ever.rate), rate_tone, "not final" if immature else reach),
            Cell(text.DASH if immature else text.interval(ever.rate_low, ever.rate_high), "quiet"),
            *((estimate.cell(ever),) if pair.is_headline else ()),
            Cell("", drawing=charts.interval_bar(ever, ever.rate, ever.rate_low, ever.rate_high)),
            *(_window_cell(cohort) for cohort in within),
        )
    )


def _window_cell(cohort: CohortMonth | None) -> Cell:
    if cohort is None or cohort.entered == 0:
        return Cell(text.DASH, "none")
    note = f"{text.count(cohort.converted)} of {text.count(cohort.entered)}"
    if not cohort.is_mature:
        return Cell(
            text.rate(cohort.rate),
            "immature",
            f"{note}, {text.count(cohort.still_open)} open" if cohort.still_open else f"{note}, too young",
        )
    return Cell(text.rate(cohort.rate), "small-n" if cohort.entered < SMALL_SAMPLE else "", note)


def _total_row(pair: PairShown, ever: Summary, footnotes: FootnoteBuilder, within: list[Summary | None]) -> TableRow:
    return TableRow(
        (
            Cell(
                "All final months",
                note=f"{text.plural(ever.months, 'month')} since {footnotes.month(ever.first_month)}"
                if ever.months
                else "none yet",
            ),
            *texts(
                *(text.count(n) for n in (ever.entered, ever.converted, ever.passed_over, ever.lost, ever.still_open))
            ),
            Cell(text.rate(ever.rate)),
            Cell(text.interval(ever.rate_low, ever.rate_high), "quiet"),
            *((Cell(text.DASH, "none"),) if pair.is_headline else ()),
            Cell("", drawing=charts.interval_bar(None, ever.rate, ever.rate_low, ever.rate_high)),
            *(_total_cell(summary) for summary in within),
        ),
        "total",
    )


def _slice_details(
    pair: PairShown, result: QueryResult[Summary], sources: dict[str, str], footnotes: FootnoteBuilder
) -> Details:
    dimension = result.rows[0].dimension
    known = DIMENSION_SOURCES.get(sources.get(dimension, ""), "as configured")
    within = [row for row in result.rows if row.window_days == pair.headline_window_days]
    ever = [row for row in result.rows if row.window_days is None]
    mature = {row.dimension_value: row for row in within if row.cohorts == "mature"}
    table = Table(
        caption=f"{_title(pair)} by {dimension}, all history",
        columns=(
            Column(dimension, "text"),
            *(Column(name) for name in ("Entered", "Converted", "Passed over", "Lost", "Still open")),
            Column("n, final months"),
            Column(f"Within {pair.headline_window_days} days, final months"),
            Column("95 % interval"),
            Column("0 to 100 %", "chart"),
        ),
        rows=tuple(_slice_row(row, mature.get(row.dimension_value)) for row in ever if row.cohorts == "all"),
        source=footnotes.source(
            result,
            unit=units.plural(pair.unit),
            basis=(
                f"counts: all cohorts, window: ever; rates: within {pair.headline_window_days} days, the months whose "
                f"total is final; {dimension}: {known}"
            ),
            denominator="entered; rates: n",
        ),
        notes=(f"Grey: n small, fewer than {SMALL_SAMPLE} {units.plural(pair.unit)} in final months.",),
        key=f"cut-{pair.shown_no}-{dimension}",
    )
    return Details(f"by {dimension}", table, note=known)


def _slice_row(row: Summary, mature: Summary | None) -> TableRow:
    name = row.dimension_value if row.dimension_value is not None else text.plural(row.values_inside, "other value")
    n = mature.entered if mature else 0
    small = 0 < n < SMALL_SAMPLE
    return TableRow(
        (
            Cell(name, "quiet" if row.dimension_value is None else ""),
            *texts(
                *(
                    text.count(value)
                    for value in (row.entered, row.converted, row.passed_over, row.lost, row.still_open)
                )
            ),
            Cell(text.count(n), note="n small" if small else ""),
            Cell(text.rate(mature.rate if mature else None), "small-n" if small else ""),
            Cell(text.interval(mature.rate_low, mature.rate_high) if mature else text.DASH, "quiet"),
            Cell(
                "",
                drawing=charts.interval_bar(None, mature.rate, mature.rate_low, mature.rate_high) if mature else None,
            ),
        ),
        "small-n" if small else "",
    )
