"""Classify the typed rows of a file (`landing_rows`) as rejected, redelivered, duplicate or landed, and write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from pipeline.config.input_tables import Contract
from pipeline.database.connection import glob_escaped, identifier, quoted
from pipeline.ingest.landing.landing_log import REJECTED, ROWS, LandingLog, Load
from pipeline.ingest.landing.records import landing_columns, scan_rows
from pipeline.ingest.rows import stage_names
from pipeline.ingest.rows.stage_names import NO_NAMES, StageNames
from pipeline.ingest.rows.typed import format_columns

_TABLES = (
    *("landing_known", "landing_dropped", "landing_wanted", "landing_originals", "landing_rejected", "landing_stages"),
    *("landing_before", "landing_missing", "stored_rows", "stored_cells"),
)

_COUNTS = ("rejected", "redelivered", "duplicates", "landed", "gaps", "overlaps", "rejected_later", "time_formats")
_RECORD = "coalesce(record_number, row_number)"
"""The record of the file that a row of `landing_rows` comes from."""


@dataclass(frozen=True)
class FormatRows:
    """Number of accepted times in a column that `format` read. The format `other`, if set, reads them as other times."""

    column: str
    format: str
    other: str | None
    rows: int


@dataclass(frozen=True)
class ClassifiedRows:
    """Counts of rows. `rejected` is by reason; `names`, `unknown`, `respelled` and `late` refer to landed rows."""

    rejected: dict[str, int]
    redelivered: int
    duplicates: int
    landed: int
    gaps: int
    overlaps: int
    names: StageNames = NO_NAMES
    unknown: int = 0
    respelled: int = 0
    late: int = 0
    formats: tuple[FormatRows, ...] = ()

    @property
    def time_formats(self) -> dict[str, dict[str, int]]:
        """Accepted rows by format, for each time column with several formats."""
        counts: dict[str, dict[str, int]] = {}
        for each in self.formats:
            by_format = counts.setdefault(each.column, {})
            by_format[each.format] = by_format.get(each.format, 0) + each.rows
        return counts

    @property
    def counts(self) -> dict[str, Any]:
        """Return the counts that a load has, too."""
        return {name: getattr(self, name) for name in _COUNTS}

    @property
    def rejected_later(self) -> dict[str, int]:
        """Landed rows that the models of this run will reject, by reason."""
        counts = {"unknown_stage": self.unknown, "time_out_of_range": self.late}
        return {reason: rows for reason, rows in counts.items() if rows}


def create_known_stages(connection: duckdb.DuckDBPyConnection, spellings: Sequence[tuple[str, str]]) -> None:
    """Create `landing_known` from (declared spelling, normalised alias). Needs at least one."""
    connection.execute("create or replace temp table landing_known (spelling varchar, alias varchar)")
    values = ", ".join(f"({quoted(spelling)}, {quoted(alias)})" for spelling, alias in spellings)
    # Values are literals, because the first bound parameter of a process makes DuckDB import pandas, which takes a second.
    connection.execute(f"insert into temp.landing_known values {values}")


def drop_temp_relations(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop every temporary relation of loading."""
    for name in ("landing_rows", "landing_decimal", "landing_cells"):
        connection.execute(f"drop view if exists temp.{name}")
    for name in _TABLES:
        connection.execute(f"drop table if exists temp.{name}")


def classify_rows(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    extras: tuple[str, ...],
    *,
    earlier: Sequence[Load],
    log: LandingLog,
    late: datetime,
    too_late: datetime,
) -> ClassifiedRows:
    """Classify each row of `landing_rows`; rows that are already in the `earlier` loads are redelivered.

    Entries after `too_late` are counted as late.

    Fills `landing_dropped` (row_number, why: redelivered or duplicate) and `landing_wanted` (record_number of each row whose
    original text is kept: rejected rows, and entries with an unknown stage or a time after `late`).
    """
    connection.execute("create or replace temp table landing_dropped (row_number bigint, why varchar)")
    connection.execute("create or replace temp table landing_originals (record_number bigint, original varchar)")
    connection.execute(
        f"create or replace temp table landing_wanted as select {_RECORD} as record_number "
        "from landing_rows where reason is not null"
    )
    names, unknown, respelled, late_rows = NO_NAMES, 0, 0, 0
    if contract.key is None:
        names, unknown, respelled, late_rows = _check_stages(connection, late, too_late)
    else:
        _drop_older_versions(connection, contract.identity)
    if any(load.landed for load in earlier):
        _drop_redelivered(connection, contract, extras, earlier, log)
    dropped = dict(connection.execute("select why, count(*) from temp.landing_dropped group by why").fetchall())
    accepted, gaps, overlaps = connection.execute(
        "select count(*), count(*) filter (time_note = 'gap'), count(*) filter (time_note = 'overlap') "
        "from landing_rows where reason is null"
    ).fetchall()[0]
    return ClassifiedRows(
        rejected=_rejected_counts(connection),
        redelivered=dropped.get("redelivered", 0),
        duplicates=dropped.get("duplicate", 0),
        landed=accepted - sum(dropped.values()),
        gaps=gaps,
        overlaps=overlaps,
        names=names,
        unknown=unknown,
        respelled=respelled,
        late=late_rows,
        formats=_format_counts(connection, contract),
    )


def _rejected_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return dict(
        connection.execute(
            "select reason, count(*) from (select reason from landing_rows where reason is not null "
            "union all select reason from temp.landing_rejected) group by reason order by reason"
        ).fetchall()
    )


def write(
    connection: duckdb.DuckDBPyConnection, contract: Contract, extras: tuple[str, ...], load: Load, folder: Path
) -> int:
    """Write rows.parquet, in the order of the file, and rejected.parquet. Returns the number of landed rows."""
    keys = f"{quoted(load.input)} as input, {load.load_no}::integer as load_no"
    has_dropped = bool(load.redelivered or load.duplicates)
    entries = contract.key is None
    has_originals = entries and bool(connection.execute("from temp.landing_originals limit 1").fetchall())
    # Columns that no row can fill are omitted, because a column of nulls costs as much as any other.
    filled = {
        "record_number": load.records is not None,
        "previous_alias": "previous" in load.columns,
        "time_note": bool(load.gaps or load.overlaps),
        "original": has_originals,
    }
    written = {"recorded_at": f"{quoted(str(load.loaded_at))}::timestamp", "original": "originals.original"}
    added = [name for name, _ in landing_columns(contract) if filled.get(name, True)]
    columns = [f"delivered.{identifier(name)}" for name in load.columns]
    columns += [f"{written.get(name, f'delivered.{name}')} as {name}" for name in added]
    columns += [f"delivered.{identifier(name)}" for name in extras]
    same_record = "originals.record_number = coalesce(delivered.record_number, delivered.row_number)"
    joins = f" left join temp.landing_originals as originals on {same_record}" if has_originals else ""
    joins += (
        " anti join temp.landing_dropped as dropped on dropped.row_number = delivered.row_number" if has_dropped else ""
    )
    # A join loses the order of the file; a scan keeps it.
    order = " order by delivered.row_number" if joins else ""
    connection.execute(
        f"copy (select {keys}, delivered.row_number, {', '.join(columns)} from landing_rows as delivered{joins} "
        f"where delivered.reason is null{order}) to {quoted(str(folder / ROWS))} "
        "(format parquet, parquet_version v2, compression zstd)"
    )
    connection.execute(
        f"copy (select {keys}, {quoted(load.file_name)} as file_name, row_number, record_number, reason, original from ("
        "select row_number, record_number, reason, original from temp.landing_rejected union all "
        "select delivered.row_number, delivered.record_number, delivered.reason, originals.original "
        "from landing_rows as delivered "
        f"left join temp.landing_originals as originals on {same_record} where delivered.reason is not null) "
        f"order by row_number) to {quoted(str(folder / REJECTED))} "
        "(format parquet, compression zstd)"
    )
    landed: int = connection.execute(
        f"select coalesce(sum(num_rows), 0)::bigint from parquet_file_metadata({quoted(glob_escaped(folder / ROWS))})"
    ).fetchall()[0][0]
    return landed


def _check_stages(
    connection: duckdb.DuckDBPyConnection, late: datetime, too_late: datetime
) -> tuple[StageNames, int, int, int]:
    """Add rows that the models will reject to `landing_wanted`.

    Returns the stage names, and the numbers of rows with an unknown stage, another spelling, or a late time.
    """
    connection.execute(
        f"insert into temp.landing_wanted select {_RECORD} from landing_rows where reason is null "
        f"and (entered_at > {quoted(str(late))}::timestamp "
        "or stage_alias not in (select alias from temp.landing_known))"
    )
    connection.execute(
        "create or replace temp table landing_stages as select stage, stage_alias, count(*) as entries, "
        f"count(*) filter (entered_at > {quoted(str(too_late))}::timestamp) as late "
        "from landing_rows where reason is null group by all"
    )
    unknown, respelled, late_rows = connection.execute(
        "with judged as (select entries, late, stage_alias in (select alias from temp.landing_known) as is_known, "
        "stage in (select spelling from temp.landing_known) as is_spelled from temp.landing_stages) "
        "select coalesce(sum(entries) filter (not is_known), 0)::bigint, "
        "coalesce(sum(entries) filter (is_known and not is_spelled), 0)::bigint, "
        "coalesce(sum(late) filter (is_known), 0)::bigint from judged"
    ).fetchall()[0]
    return stage_names.read_names(connection, "temp.landing_stages"), unknown, respelled, late_rows


def _format_counts(connection: duckdb.DuckDBPyConnection, contract: Contract) -> tuple[FormatRows, ...]:
    present = {row[0] for row in connection.execute("describe landing_rows").fetchall()}
    counts = []
    for column in contract.columns:
        used, other = format_columns(column.name)
        if used in present:
            counts += connection.execute(
                f"select {quoted(column.name)}, {used}::varchar, {other}::varchar, count(*) from landing_rows "
                f"where reason is null and {used} is not null group by {used}, {other} order by {used}, {other} nulls first"
            ).fetchall()
    return tuple(FormatRows(*each) for each in counts)


def _drop_older_versions(connection: duckdb.DuckDBPyConnection, identity: str) -> None:
    """Drop all but the last row of each key in the file."""
    connection.execute(
        f"insert into temp.landing_dropped select row_number, 'duplicate' from landing_rows where reason is null "
        f"qualify row_number < max(row_number) over (partition by {identity})"
    )


def _drop_redelivered(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    extras: tuple[str, ...],
    earlier: Sequence[Load],
    log: LandingLog,
) -> None:
    """Drop rows that are already in the log: in any earlier load for stage entries, as the latest version for a keyed table.

    A row with an unknown stage is never dropped, so that the models reject it each time (E1).
    """
    landed = [load for load in earlier if load.landed]
    logged_extras = {name for load in landed for name in load.extras}
    names = [column.name for column in contract.columns]
    everything = [*names, *sorted((logged_extras | set(extras)) - set(names))]
    new = _select_list(everything, {*names, *extras})
    old = _select_list(everything, {*names, *logged_extras})
    same = " and ".join(f"new.{identifier(name)} is not distinct from old.{identifier(name)}" for name in everything)
    if contract.key is None:
        candidates = "reason is null and stage_alias in (select alias from temp.landing_known)"
        first, last = connection.execute(
            f"select min(entered_at), max(entered_at) from landing_rows where {candidates}"
        ).fetchall()[0]
        if first is None:
            return
        # The range lets DuckDB skip older Parquet files: the export of one day is compared with days, not years.
        logged = (
            f"select {old} from {scan_rows(log, contract, landed)} "
            f"where entered_at between {quoted(str(first))}::timestamp and {quoted(str(last))}::timestamp"
        )
    else:
        key = contract.key
        candidates = "reason is null and row_number not in (select row_number from temp.landing_dropped)"
        logged = (
            f"select {old} from {scan_rows(log, contract, landed)} where {key} in (select {key} from landing_rows) "
            f"qualify row_number() over (partition by {contract.identity} order by load_no desc) = 1"
        )
    connection.execute(
        "insert into temp.landing_dropped select row_number, 'redelivered' from "
        f"(select row_number, {new} from landing_rows where {candidates}) as new semi join ({logged}) as old on {same}"
    )


def _select_list(names: Sequence[str], present: set[str]) -> str:
    """Return a select list with null for each column that is not `present`."""
    return ", ".join(identifier(name) if name in present else f"null::varchar as {identifier(name)}" for name in names)
