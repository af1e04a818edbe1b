"""Query results that only the page of a headline pair shows."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.database.connection import quoted
from pipeline.report import rows
from pipeline.report.pair import rows as rows_pair
from pipeline.report.query import QueryResult, ReportConnection


@dataclass(frozen=True)
class HeadlineFigures:
    """Rows of one headline pair, months in order."""

    ages: QueryResult[rows_pair.CohortAge]
    outcomes: QueryResult[rows_pair.GapMonth]
    """All months."""
    arrivals: QueryResult[rows_pair.ArrivalMonth]
    mixes: tuple[QueryResult[rows_pair.MixMonth], ...]
    """One per configured dimension."""


@dataclass(frozen=True)
class PairFigures:
    """One pair: its monthly cohorts and, for a headline pair, its slices by dimension."""

    pair: rows.PairShown
    cohorts: QueryResult[rows.CohortMonth]
    slices: tuple[QueryResult[rows.Summary], ...]
    gap: QueryResult[rows.Gap] | None
    headline: HeadlineFigures | None
    """Rows that only the page of a headline pair shows."""


def read_pair(connection: ReportConnection, pair: rows.PairShown, dimensions: list[str]) -> PairFigures:
    """Return the figures of one pair; slices and outcomes only for a headline pair."""
    this_pair = f"from_stage = {quoted(pair.from_stage)} and to_stage = {quoted(pair.to_stage)}"
    return PairFigures(
        pair=pair,
        cohorts=connection.select(
            rows.CohortMonth,
            "report.conversion_months",
            "entered",
            where=f"{this_pair}\n    and is_trend",
            order="month_start, window_days nulls first",
        ),
        slices=tuple(
            connection.select(
                rows.Summary,
                "report.conversion_summary",
                "entered",
                where=f"{this_pair}\n    and dimension = {quoted(dimension)}",
                order="cohorts, dimension_value is null, entered desc, dimension_value",
            )
            for dimension in (dimensions if pair.is_headline else ())
        ),
        gap=connection.select(
            rows.Gap,
            "report.headline_gap",
            "units",
            where=f"headline_no = {pair.headline_no}",
            order="fate_no",
        )
        if pair.is_headline
        else None,
        headline=read_headline(connection, pair, dimensions) if pair.is_headline else None,
    )


def read_headline(connection: ReportConnection, pair: rows.PairShown, dimensions: list[str]) -> HeadlineFigures:
    """Return the figures of one headline pair."""
    this_pair = f"headline_no = {pair.headline_no}"
    return HeadlineFigures(
        ages=connection.select(
            rows_pair.CohortAge,
            "report.cohort_ages",
            "entered",
            where=f"{this_pair} and is_shown",
            order="month_start, age_no",
        ),
        outcomes=connection.select(
            rows_pair.GapMonth,
            "report.headline_gap_months",
            "units",
            where=this_pair,
            order="month_start, fate, reason, stage",
        ),
        arrivals=connection.select(
            rows_pair.ArrivalMonth,
            "report.headline_arrivals",
            "arrivals",
            where=f"{this_pair} and is_shown",
            order="month_start",
        ),
        mixes=tuple(
            connection.select(
                rows_pair.MixMonth,
                "report.cohort_mix",
                "entered",
                where=f"{this_pair} and dimension = {quoted(dimension)}",
                order="value_no, month_start",
            )
            for dimension in dimensions
        ),
    )
