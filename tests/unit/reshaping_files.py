"""Files of field changes, and the counts of their load."""

from __future__ import annotations

from typing import Any

from pipeline.config.configuration import Where
from pipeline.ingest.landing import loading
from pipeline.waterfall.definition import Condition
from pipeline.waterfall.names import normalise_stage

FIELDS = "lead_id,Field,stage,entered_at\n"
CHANGES = (
    FIELDS
    + "L1,Status,MQL,2026-01-05\n"
    + "L1,Owner,Dana,2026-01-06\n"
    + "L2,,SAL,2026-01-07\n"
    + "L3,Status,MQL,2026-01-08\n"
)
ENTRIES = "select lead_id, stage, entered_at::date::varchar from raw.stage_entries order by load_no, row_number"
KNOWN = tuple((normalise_stage(each), each, each.lower()) for each in ("MQL", "SAL"))


def where(column: str, ask: Any, *values: str, is_negated: bool = False, is_optional: bool = False) -> Where:
    """A condition of an input."""
    return Where(Condition(column, ask, values, is_negated), is_optional)


def counts(result: loading.LoadResult) -> tuple[int | None, int, int, int, int]:
    """(records, rows read, filtered, rejected, loaded) of the only load."""
    (load,) = result.loads
    return load.records, load.rows_read, load.filtered, load.rejected_rows, load.landed


def refusal(result: loading.LoadResult) -> tuple[str, str]:
    """The reason and the next step of the only refused file."""
    (refused,) = result.refused
    return refused.reason, refused.next_step
