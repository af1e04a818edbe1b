"""What a snapshot lacks: keys that the log knows and the file, which claims to be the whole, does not have.

They stay in the log, so nothing is lost with them. Which ones they are is kept beside the load, so that the next snapshot is
held against what this one had.
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
"""What makes a row of history the same row in two snapshots; owners and other columns may be corrected."""


@dataclass(frozen=True)
class SnapshotComparison:
    """Counts of keys. `missing` of all that the log knows; `lost` are those of them that the snapshot before still had,
    out of its `lost_of`. Without a snapshot before nothing is lost.
    """

    missing: int
    lost: int = 0
    lost_of: int = 0


def compare(
    connection: duckdb.DuckDBPyConnection, contract: Contract, earlier: Sequence[Load], log: LandingLog
) -> SnapshotComparison:
    """Hold the accepted rows of `landing_rows` against the `earlier` loads. Fills `landing_missing` with what lacks."""
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
    before = next((load for load in reversed(earlier) if load.missing is not None), None)
    if before is None:
        return SnapshotComparison(missing)
    lost_of = _count(connection, "from temp.landing_before") - (before.missing or 0)
    if not before.missing:
        return SnapshotComparison(missing, missing, lost_of)
    gone = f"read_parquet({quoted(glob_escaped(log.file(before, MISSING)))})"
    newly = f"from (select {keys} from temp.landing_missing except select {keys} from {gone})"
    return SnapshotComparison(missing, _count(connection, newly), lost_of)


def write(connection: duckdb.DuckDBPyConnection, contract: Contract, folder: Path) -> None:
    """Keep what lacks beside the load."""
    keys = ", ".join(_keys(contract))
    connection.execute(
        f"copy (select {keys} from temp.landing_missing order by {keys}) to {quoted(str(folder / MISSING))} "
        "(format parquet, compression zstd)"
    )


def drop_temp_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary tables."""
    for name in ("landing_before", "landing_missing"):
        connection.execute(f"drop table if exists temp.{name}")


def _keys(contract: Contract) -> tuple[str, ...]:
    return _ENTRY_KEY if contract.key is None else (contract.key,)


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    count: int = connection.execute(f"select count(*) {rows}").fetchall()[0][0]
    return count
