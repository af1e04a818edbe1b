"""Query results of the accounts section."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.database.connection import quoted
from pipeline.report import rows
from pipeline.report.accounts import rows as account_rows
from pipeline.report.query import QueryResult, ReportConnection


@dataclass(frozen=True)
class AccountFigures:
    """Account depth, persona coverage and account matching."""

    depth: QueryResult[rows.Depth]
    depth_months: QueryResult[rows.Depth]
    depth_path: QueryResult[account_rows.DepthPath]
    personas_now: QueryResult[account_rows.PersonaCover]
    personas_arrived: QueryResult[account_rows.PersonaCover]
    matching: QueryResult[account_rows.AccountMatching]


def read_accounts(connection: ReportConnection) -> AccountFigures:
    """Return the figures of the accounts section."""
    return AccountFigures(
        depth=connection.select(
            rows.Depth, "report.account_depth", "leads", where="month_start is null", order="basis desc, milestone_no"
        ),
        depth_months=connection.select(
            rows.Depth,
            "report.account_depth",
            "leads",
            where="basis = 'reached' and month_start is not null",
            order="month_start, milestone_no",
        ),
        depth_path=connection.select(
            account_rows.DepthPath, "report.account_depth_path", "accounts", order="milestone_no"
        ),
        personas_now=_personas(connection, "current"),
        personas_arrived=_personas(connection, "arrived"),
        matching=connection.select(
            account_rows.AccountMatching, "quality.account_matching", "leads", order="outcome_no"
        ),
    )


def _personas(connection: ReportConnection, basis: str) -> QueryResult[account_rows.PersonaCover]:
    return connection.select(
        account_rows.PersonaCover,
        "report.persona_coverage",
        "accounts_with",
        where=f"basis = {quoted(basis)}",
        order="persona_no, milestone_no",
    )
