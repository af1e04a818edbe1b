"""When history begins: the calendar must be there before the models that say which rows count."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from pipeline.engines.duckdb import literal, quoted
from pipeline.waterfall.definition import Waterfall
from pipeline.waterfall.words import NORMALISE_STAGE_SQL, normalise_stage


def first_entry(connection: duckdb.DuckDBPyConnection, waterfall: Waterfall, as_of: datetime) -> datetime | None:
    """The earliest moment (naive UTC) in raw.* that can be an entry, up to `as_of` (aware UTC); None without any.

    With entry at creation, that of leads which have no entry of their own counts, too: a lead that was created long
    before its first entry doesn't open the calendar.
    """
    names = (normalise_stage(text) for stage in waterfall.stages for text in stage.spellings)
    known = ", ".join(map(quoted, sorted(set(names))))
    until = f"{literal(as_of.astimezone(UTC).replace(tzinfo=None))}::timestamp"
    entries = f"from raw.stage_entries where stage_alias in ({known}) and entered_at <= {until}"
    moments = [f"select min(entered_at) as moment {entries}"]
    if waterfall.entry_at_creation:
        moments.append(
            f"select min(created_at) from raw.leads where {NORMALISE_STAGE_SQL.format(column='created_stage')} in ({known})"
            f" and created_at between timestamp '2000-01-01' and {until} and lead_id not in (select lead_id {entries})"
        )
    row = connection.execute(f"select min(moment) from ({' union all '.join(moments)})").fetchone()
    return row[0] if row else None
