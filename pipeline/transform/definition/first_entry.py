"""Finds the start of history. The calendar needs it before the models decide which rows count."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from pipeline.database.connection import literal, quoted
from pipeline.waterfall.definition import Waterfall
from pipeline.waterfall.names import NORMALISE_STAGE_SQL, normalise_stage


def first_entry(connection: duckdb.DuckDBPyConnection, waterfall: Waterfall, as_of: datetime) -> datetime | None:
    """Return the earliest time (naive UTC) in raw.* that can be an entry, up to `as_of` (aware UTC); None if there is none.

    The creation time of a lead counts if its earliest rows have a known previous stage. With entry at creation it also
    counts if the lead has no entry. The creation time of any other lead does not open the calendar.
    """
    names = (normalise_stage(text) for stage in waterfall.stages for text in stage.spellings)
    known = ", ".join(map(quoted, sorted(set(names))))
    until = f"{literal(as_of.astimezone(UTC).replace(tzinfo=None))}::timestamp"
    entries = f"from raw.stage_entries where stage_alias in ({known}) and entered_at <= {until}"
    moments = [f"select min(entered_at) as moment {entries}", *_creations(entries, known)]
    if waterfall.entry_at_creation:
        moments.append(
            f"select min(created_at) from raw.leads where {NORMALISE_STAGE_SQL.format(column='created_stage')} in ({known})"
            f" and created_at between timestamp '2000-01-01' and {until} and lead_id not in (select lead_id {entries})"
        )
    row = connection.execute(f"select min(moment) from ({' union all '.join(moments)})").fetchone()
    return row[0] if row else None


def _creations(entries: str, known: str) -> tuple[str, str]:
    """Return queries for the creation time of leads whose earliest rows have a known previous stage: from rows, from leads."""
    earliest = (
        f"(select lead_id, entered_at, record_created_at {entries} and previous_alias in ({known}) "
        f"and (lead_id, entered_at) in (select (lead_id, min(entered_at)) {entries} "
        f"and lead_id in (select lead_id {entries} and previous_alias in ({known})) group by lead_id)) as firsts"
    )
    since = ">= timestamp '2000-01-01'"
    return (
        f"select min(record_created_at) from {earliest} where record_created_at {since} and record_created_at < entered_at",
        f"select min(leads.created_at) from {earliest} inner join raw.leads as leads on leads.lead_id = firsts.lead_id "
        f"where leads.created_at {since} and leads.created_at < firsts.entered_at",
    )
