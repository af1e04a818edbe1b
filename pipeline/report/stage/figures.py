"""What the pages of stages and of accounts show beyond the common figures, read from a built database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.database.connection import quoted
from pipeline.report import rows
from pipeline.report.query import Answer
from pipeline.report.stage import rows as rows_stays

ACCOUNTS_SHOWN = 20
"""Accounts listed; the query lists them all."""
HERE_SHOWN = 10
"""Leads listed that sit in a gate; the query lists them all."""


@dataclass(frozen=True)
class StageFigures:
    """The stays of one stage. `here` lists who sits in a gate that can hold somebody; None for other stages."""

    lengths: Answer[rows_stays.StayLength]
    ways_in: Answer[rows_stays.StageMove]
    ways_out: Answer[rows_stays.StageMove]
    months: Answer[rows_stays.StageMonth]
    here: Answer[rows.StuckLead] | None


@dataclass(frozen=True)
class StayFigures:
    """Stages in the order of the configuration, and the accounts."""

    stages: tuple[StageFigures, ...]
    places: Answer[rows_stays.AccountPlace]
    largest: Answer[rows_stays.AccountStanding]


def read_stays(ask: Callable[..., Answer[Any]], stages: tuple[rows.StageDefinition, ...]) -> StayFigures:
    """Put the questions through `ask`, which knows the database and keeps the query beside its rows."""
    return StayFigures(
        stages=tuple(_stage(ask, stage) for stage in stages),
        places=ask(rows_stays.AccountPlace, "report.accounts_by_stage", "accounts", order="place"),
        largest=ask(
            rows_stays.AccountStanding,
            "report.account_standing",
            "leads",
            order="account_place",
            shown=ACCOUNTS_SHOWN,
        ),
    )


def _stage(ask: Callable[..., Answer[Any]], stage: rows.StageDefinition) -> StageFigures:
    here = f"stage = {quoted(stage.stage)}"
    return StageFigures(
        lengths=ask(rows_stays.StayLength, "report.stay_lengths", "stays", where=here, order="basis, class_no"),
        ways_in=ask(
            rows_stays.StageMove,
            "report.stage_moves",
            "moves",
            where=f"{here} and direction = 'in'",
            order="move_no",
        ),
        ways_out=ask(
            rows_stays.StageMove,
            "report.stage_moves",
            "moves",
            where=f"{here} and direction = 'out'",
            order="move_no",
        ),
        months=ask(rows_stays.StageMonth, "report.stage_time_months", "completed", where=here, order="month_start"),
        here=ask(
            rows.StuckLead,
            "report.stuck_leads",
            "lead_position",
            where=here,
            order="age_days desc, lead_id",
            shown=HERE_SHOWN,
        )
        if stage.is_gate
        else None,
    )
