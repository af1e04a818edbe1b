"""Create the relations `raw.*` that the models read: views over the Parquet files of the landing log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipeline.config.configuration import Configuration
from pipeline.config.input_tables import CONTRACTS, Contract
from pipeline.database.connection import create_table, identifier, quoted
from pipeline.ingest import domains
from pipeline.ingest.landing.landing_log import Load, open_log
from pipeline.ingest.landing.records import REJECTED_COLUMNS, columns_of, scan_rejected, scan_rows
from pipeline.privacy.masking import ColumnMask
from pipeline.privacy.pseudonyms import Pseudonyms
from pipeline.waterfall.names import normalise_stage

_LOADS = (
    ("input", "varchar"),
    ("table_name", "varchar"),
    ("load_no", "integer"),
    ("file_name", "varchar"),
    ("sha256", "varchar"),
    ("loaded_at", "timestamp"),
    ("rows_read", "bigint"),
    ("filtered", "bigint"),
    ("rejected", "bigint"),
    ("redelivered", "bigint"),
    ("duplicates", "bigint"),
    ("landed", "bigint"),
)
_LOAD_FIELDS = {"table_name": "table", "rejected": "rejected_rows"}
"""Fields of a load that have another name than their column."""
_ATTRIBUTES = {"leads": "lead_attributes", "accounts": "account_attributes"}
_DIMENSIONED = ("stage_entries", "leads", "accounts")
_DELIVERED = "_as_delivered"
"""Suffix of a relation without masking, for those that the models read masked."""


def create_raw_views(
    connection: duckdb.DuckDBPyConnection,
    configuration: Configuration,
    log_folder: Path,
    hidden: Pseudonyms | None = None,
) -> tuple[str, ...]:
    """Create schema raw in the current database, over the current loads. Returns warnings.

    Every relation is created, even if it is empty. It contains only inputs of the configuration. Personal data is masked as
    `[privacy] database` says, with the pseudonyms of `hidden`.
    """
    log, waterfall = open_log(log_folder), configuration.waterfall
    configured = {input_.name for input_ in configuration.inputs}
    loads = [load for load in log.loads if load.input in configured and load.load_no not in log.superseded]
    connection.execute("create schema if not exists raw")
    mask = None
    if hidden is not None and not configuration.privacy.database.is_plain:
        hidden.create_macro(connection)
        written = [each for stage in waterfall.stages for each in stage.spellings]
        mask = ColumnMask(configuration.privacy.database, sorted({*map(normalise_stage, written), *written}))
    suffix = _DELIVERED if mask else ""
    fields = [_LOAD_FIELDS.get(column, column) for column, _ in _LOADS]
    create_table(connection, "raw.loads", _LOADS, [[getattr(load, field) for field in fields] for load in loads])
    for table, contract in CONTRACTS.items():
        of_table = [load for load in loads if load.table == table]
        landed = [load for load in of_table if load.landed]
        rows = scan_rows(log, contract, landed) if landed else None
        available = _available_columns(contract, landed)
        given = attribute_values(waterfall.dimensions, available) if table in _DIMENSIONED else None
        _create_view(connection, f"raw.{table}", columns_of(contract, of_table), rows, given, mask)
        if table in _ATTRIBUTES:
            _create_attributes_view(connection, contract, available, waterfall.rule_columns(table), suffix)
    rejecting = [load for load in loads if load.rejected]
    rows = scan_rejected(log, rejecting) if rejecting else None
    _create_view(connection, "raw.rejected_rows", REJECTED_COLUMNS, rows, mask=mask)
    domains.create_views(connection, waterfall, suffix)
    others = sorted({load.input for load in log.loads} - configured)
    return tuple(f"the landing log holds input `{name}`, which the configuration does not name" for name in others)


def attribute_values(dimensions: Sequence[str], available: set[str]) -> str:
    """Return a SQL list with the value of each dimension; null for one that is not among the `available` columns."""
    values = (f"{identifier(name)}::varchar" if name in available else "null::varchar" for name in dimensions)
    return f"[{', '.join(values)}]::varchar[] as given"


def _available_columns(contract: Contract, landed: Sequence[Load]) -> set[str]:
    available = {name for load in landed for name in (*load.columns, *load.extras)}
    return available if contract.table == "stage_entries" else available | {column.name for column in contract.columns}


def _create_attributes_view(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    available: set[str],
    columns: Sequence[str],
    suffix: str,
) -> None:
    """Create the view with one row per input row and available column that a rule uses."""
    selects = [
        f"select input, load_no, row_number, {quoted(name)} as dimension, "
        f"{identifier(name)}::varchar as dimension_value from raw.{contract.table}{suffix}"
        for name in dict.fromkeys(columns)
        if name in available
    ]
    nothing = (
        "select null::varchar as input, null::integer as load_no, null::bigint as row_number, "
        "null::varchar as dimension, null::varchar as dimension_value where false"
    )
    body = " union all ".join(selects) if selects else nothing
    connection.execute(f"create or replace view raw.{_ATTRIBUTES[contract.table]} as {body}")


def _create_view(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    declared: Sequence[tuple[str, str]],
    rows: str | None,
    given: str | None = None,
    mask: ColumnMask | None = None,
) -> None:
    """Create the view of `rows`. With `mask`, it reads another view, and `given` uses the masked columns."""
    if mask is not None:
        _create_view(connection, f"{name}{_DELIVERED}", declared, rows)
        masked = ", ".join(mask.column(name.partition(".")[2], column, kind) for column, kind in declared)
        columns = f"*, {given}" if given else "*"
        connection.execute(
            f"create or replace view {name} as select {columns} from (select {masked} from {name}{_DELIVERED})"
        )
        return
    if rows is not None:
        columns = ", ".join((*(identifier(column) for column, _ in declared), *filter(None, [given])))
        body = f"select {columns} from {rows}"
    else:
        empty = [f"null::{kind} as {identifier(column)}" for column, kind in declared]
        columns = ", ".join((*empty, *(["null::varchar[] as given"] if given else [])))
        body = f"select {columns} where false"
    connection.execute(f"create or replace view {name} as {body}")
