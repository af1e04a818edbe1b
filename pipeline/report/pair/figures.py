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
