"""Find the keys that are in the log but missing in a snapshot, which should contain all rows.

These keys stay in the log. They are also stored with the load, so that the next snapshot can be compared with this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipeline.config.input_tables import Contract
from pipeline.database.connection import glob_escaped, quoted
from pipeline.ingest.landing.landing_log import MISSING, LandingLog, Load
from pipeline.ingest.landing.records import scan_rows

_ENTRY_KEY = ("lead_id", "stage_alias", "entered_at")
"""Columns that identify a row of history in two snapshots; owners and other columns may be corrected."""


@dataclass(frozen=True)
class SnapshotComparison:
    """Counts of keys. `missing`: in the log, but not in the snapshot. `lost`: missing, but in the previous snapshot.

    `lost_of` is the number of keys in the previous snapshot. Without a previous snapshot, `lost` is 0.
    """

    missing: int | None = None
    """None if the input is not a snapshot."""
    lost: int = 0
    lost_of: int = 0


def compare(
    connection: duckdb.DuckDBPyConnection, contract: Contract, earlier: Sequence[Load], log: LandingLog
) -> SnapshotComparison:
    """Compare the accepted rows of `landing_rows` with the `earlier` loads. Fills `landing_missing` with the missing keys."""
    keys = ", ".join(_keys(contract))
    landed = [load for load in earlier if load.landed]
    known = (
        f"select distinct {keys} from {scan_rows(log, contract, landed)}"
        if landed
        else f"select {keys} from landing_rows limit 0"
    )
    connection.execute(f"create or replace temp table landing_before as {known}")
    connection.execute(
        f"create or replace temp table landing_missing as select {keys} from temp.landing_before "
        f"except select {keys} from landing_rows where reason is null"
    )
    missing = _count(connection, "from temp.landing_missing")
    previous = next((load for load in reversed(earlier) if load.missing is not None), None)
    if previous is None:
        return SnapshotComparison(missing)
    lost_of = _count(connection, "from temp.landing_before") - (previous.missing or 0)
    if not previous.missing:
        return SnapshotComparison(missing, missing, lost_of)
    missing_before = f"read_parquet({quoted(glob_escaped(log.file(previous, MISSING)))})"
    newly_missing = f"from (select {keys} from temp.landing_missing except select {keys} from {missing_before})"
    return SnapshotComparison(missing, _count(connection, newly_missing), lost_of)


def write(connection: duckdb.DuckDBPyConnection, contract: Contract, folder: Path) -> None:
    """Write the missing keys to the folder of the load."""
    keys = ", ".join(_keys(contract))
    connection.execute(
        f"copy (select {keys} from temp.landing_missing order by {keys}) to {quoted(str(folder / MISSING))} "
        "(format parquet, compression zstd)"
    )


def _keys(contract: Contract) -> tuple[str, ...]:
    return _ENTRY_KEY if contract.key is None else (contract.key,)


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    count: int = connection.execute(f"select count(*) {rows}").fetchall()[0][0]
    return count
