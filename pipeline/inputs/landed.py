"""The rows of loads of the landing log as one relation, whatever form of the log wrote them."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.engines.duckdb import glob_escaped, quoted
from pipeline.inputs.contract import Contract
from pipeline.inputs.ledger import REJECTED, ROWS, Load, Log
from pipeline.inputs.rows import SQL_TYPES


def scan(log: Log, contract: Contract, loads: Sequence[Load]) -> str:
    """The rows of these loads (one at least) of a table, columns by name; a column that none of them has is null."""
    files = ", ".join(quoted(glob_escaped(log.file(load, ROWS))) for load in loads)
    rows = f"read_parquet([{files}], union_by_name = true)"
    form = max(load.form for load in loads)
    later = [(column.name, SQL_TYPES[column.type]) for column in contract.columns if column.since > form]
    later += [(name, kind) for name, kind, since in landing_columns(contract) if since > form]
    extras = {name for load in loads for name in load.extras}
    nulls = "".join(f", null::{kind} as {name}" for name, kind in later if name not in extras)
    return f"(select *{nulls} from {rows})" if nulls else rows


def scan_rejected(log: Log, loads: Sequence[Load]) -> str:
    """The rejected rows of these loads (one at least), columns by name; record_number is null where a load has none."""
    files = ", ".join(quoted(glob_escaped(log.file(load, REJECTED))) for load in loads)
    rows = f"read_parquet([{files}], union_by_name = true)"
    return rows if max(load.form for load in loads) > 1 else f"(select *, null::bigint as record_number from {rows})"


def landing_columns(contract: Contract) -> tuple[tuple[str, str, int], ...]:
    """What landing itself adds to the rows of a table after its columns: (name, SQL type, first form of the log that has it)."""
    added = [("recorded_at", "timestamp", 1), ("record_number", "bigint", 2)]
    if contract.key is None:
        added += [("stage_alias", "varchar", 1), ("previous_alias", "varchar", 2)]
        added += [("time_note", "varchar", 1), ("original", "varchar", 1)]
    return tuple(added)
