"""Query results that only the pages of stages and accounts show."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.database.connection import quoted
from pipeline.report import rows
from pipeline.report.query import QueryResult, ReportConnection
from pipeline.report.stage import rows as rows_stays

MAX_ACCOUNTS_SHOWN = 20
"""Accounts listed. The printed query lists all of them."""
MAX_GATE_LEADS_SHOWN = 10
"""Leads in a gate listed. The printed query lists all of them."""


@dataclass(frozen=True)
class StageFigures:
    """The stays of one stage. `in_gate` lists the leads in a gate; None for other stages."""

    lengths: QueryResult[rows_stays.StayLength]
    moves_in: QueryResult[rows_stays.StageMove]
    moves_out: QueryResult[rows_stays.StageMove]
    months: QueryResult[rows_stays.StageMonth]
    in_gate: QueryResult[rows.OpenLead] | None


@dataclass(frozen=True)
class StayFigures:
    """Stages in the order of the configuration, and accounts."""

    stages: tuple[StageFigures, ...]
    by_stage: QueryResult[rows_stays.AccountsByStage]
    largest: QueryResult[rows_stays.AccountStanding]


def read_stays(connection: ReportConnection, stages: tuple[rows.StageDefinition, ...]) -> StayFigures:
    """Return the figures of all stages and of accounts."""
    return StayFigures(
        stages=tuple(_stage(connection, stage) for stage in stages),
        by_stage=connection.select(rows_stays.AccountsByStage, "report.accounts_by_stage", "accounts", order="place"),
        largest=connection.select(
            rows_stays.AccountStanding,
            "report.account_standing",
            "leads",
            order="account_place",
            max_rows=MAX_ACCOUNTS_SHOWN,
        ),
    )


def _stage(connection: ReportConnection, stage: rows.StageDefinition) -> StageFigures:
    here = f"stage = {quoted(stage.stage)}"
    return StageFigures(
        lengths=connection.select(
            rows_stays.StayLength, "report.stay_lengths", "stays", where=here, order="basis, class_no"
        ),
        moves_in=connection.select(
            rows_stays.StageMove,
            "report.stage_moves",
            "moves",
            where=f"{here} and direction = 'in'",
            order="move_no",
        ),
        moves_out=connection.select(
            rows_stays.StageMove,
            "report.stage_moves",
            "moves",
            where=f"{here} and direction = 'out'",
            order="move_no",
        ),
        months=connection.select(
            rows_stays.StageMonth, "report.stage_time_months", "completed", where=here, order="month_start"
        ),
        in_gate=connection.select(
            rows.OpenLead,
            "report.stuck_leads",
            "lead_position",
            where=here,
            order="age_days desc, lead_id",
            max_rows=MAX_GATE_LEADS_SHOWN,
        )
        if stage.is_gate
        else None,
    )
