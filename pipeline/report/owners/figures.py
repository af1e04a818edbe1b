"""Query results of SLA and owners."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.database.connection import quoted
from pipeline.report import rows
from pipeline.report.owners.rows import OwnerSla, StageSla
from pipeline.report.query import QueryResult, ReportConnection

MAX_OWNERS_SHOWN = 40
"""Owners whose leads are listed. The table of owners has all of them."""
MAX_LEADS_PER_OWNER = 10
"""Leads listed per owner. The printed query lists all of them."""


@dataclass(frozen=True)
class SlaFigures:
    """SLA results of the stages with an SLA. `months` and `by_owner` have one result per row of `stages`."""

    stages: QueryResult[StageSla]
    months: tuple[QueryResult[StageSla], ...]
    by_owner: tuple[QueryResult[OwnerSla], ...]


def read_sla(connection: ReportConnection) -> SlaFigures:
    """Return the SLA results by stage, by month and by owner."""
    stages = connection.select(StageSla, "report.stage_sla", "met", where="month_start is null", order="stage_no")
    return SlaFigures(
        stages=stages,
        months=tuple(
            connection.select(
                StageSla,
                "report.stage_sla",
                "met",
                where=f"stage = {quoted(stage.stage)} and month_start is not null",
                order="month_start",
            )
            for stage in stages.rows
        ),
        by_owner=tuple(
            connection.select(
                OwnerSla, "report.sla_by_owner", "met", where=f"stage = {quoted(stage.stage)}", order="owner_no"
            )
            for stage in stages.rows
        ),
    )


def read_open_leads(
    connection: ReportConnection, owners: QueryResult[rows.Owner]
) -> tuple[QueryResult[rows.OpenLead], ...]:
    """Return the first open leads of each owner shown."""
    return tuple(
        connection.select(
            rows.OpenLead,
            "report.stuck_leads",
            "lead_position",
            where=f"owner_no = {owner.owner_no}",
            order="lead_position",
            max_rows=MAX_LEADS_PER_OWNER,
        )
        for owner in owners.rows[:MAX_OWNERS_SHOWN]
    )
