"""Builds on the published run: rebuilds the history of changed leads and keeps the history of all others.

The largest tables (`INCREMENTAL_TABLES`) have rows that belong to one lead each, and are copied from the published file.
Comparing the small tables per lead finds every lead that may have changed: by a new row, a merge, a deletion, another
account or a rule. The models of the large tables then run unchanged in a database `changed`, whose tables have only changed
leads, and their rows replace the old ones. All other tables are built in full. The result has the same rows as a full
rebuild; tests/cli/test_incremental_runs.py compares them.
"""

from __future__ import annotations

from datetime import UTC
from functools import partial

import duckdb

from pipeline import log
from pipeline.database.connection import literal, quoted
from pipeline.transform.build import BuiltModel, build, comment, create
from pipeline.transform.previous_run import ENTRY_CODES, INCREMENTAL_TABLES, PreviousRun
from pipeline.transform.project import Model, TableName
from pipeline.transform.subset import Subset, attached, columns_of, current_database, inside

LEADS = TableName("clean", "leads")
COMPARED_TABLES = (
    TableName("clean", "lead_ids"),
    LEADS,
    TableName("clean", "lead_given"),
    ENTRY_CODES,
)
"""Tables that are compared with the published run to find changed leads."""

_DEFINITION_COLUMNS = {
    "stages": "stage_no, stage, kind, rank, is_last, qualifies, team",
    "stage_aliases": "*",
    "milestones": "milestone_no, milestone, is_group, low_rank, high_rank",
    "milestone_members": "*",
    "dimensions": "dimension, position, source",
    "inputs": "*",
    "run": "timezone, entry_at_creation",
}
"""Columns of the definition that the incremental tables depend on. They do not depend on windows, SLAs, targets or reports."""

LAYERS = ("waterfall", "clean", "journey")
"""The layers that `build_changed_leads` builds."""

MAX_CHANGED_SHARE = 0.25
"""With a larger share of changed leads, building from the whole log is faster."""

MAX_DELETED_SHARE = 0.02
"""With a larger share of deleted rows, which stay in the file, a table is written again."""


def definition_changed(connection: duckdb.DuckDBPyConnection, previous: PreviousRun) -> bool:
    """Whether the definition changed since the published run in a way that changes the incremental tables."""
    _attach(connection, previous)
    try:
        return any(_differs(connection, table, columns) for table, columns in _DEFINITION_COLUMNS.items())
    finally:
        connection.execute("detach published")


def build_history(
    connection: duckdb.DuckDBPyConnection,
    models: tuple[Model, ...],
    previous: PreviousRun,
    dictionary: dict[str, str],
) -> tuple[BuiltModel, ...]:
    """Build the layers up to journey for changed leads. Returns nothing if the tables must be built from the whole log."""
    reason = "the configuration changed since the published run in a way that changes the history"
    if not definition_changed(connection, previous):
        layers = tuple(model for model in models if model.table.schema in LAYERS)
        history = build_changed_leads(connection, layers, previous, dictionary)
        if history is not None:
            return history
        reason = "too many leads may have changed"
    log.info(f"every table is built from the whole log: {reason}")
    return ()


def build_changed_leads(
    connection: duckdb.DuckDBPyConnection,
    models: tuple[Model, ...],
    previous: PreviousRun,
    dictionary: dict[str, str],
) -> tuple[BuiltModel, ...] | None:
    """Build the layers up to journey over the incremental tables; `models` are those of these layers, in build order.

    Returns None if a full rebuild is faster because too many leads changed. It must then rebuild every table.
    """
    catalogue = current_database(connection)
    by_table = {model.table: model for model in models}
    first = _upstream(models, COMPARED_TABLES)
    _attach(connection, previous)
    try:
        done = list(build(connection, tuple(model for model in first if model.table not in INCREMENTAL_TABLES), None))
        _append_new_loads(connection, catalogue, by_table[ENTRY_CODES], previous)
        with attached(connection, "changed"):
            leads, changed = _find_changed_leads(connection, catalogue, previous)
            if changed > MAX_CHANGED_SHARE * leads:
                return None
            log.info(f"building on the published run: {changed:,} of {leads:,} leads may have changed")
            subset = Subset("changed", catalogue, by_table, partial(_of_changed_leads, catalogue))
            for model in models:
                if model in first:
                    continue
                if model.table in INCREMENTAL_TABLES:
                    _replace_changed_rows(connection, subset, model)
                else:
                    done += build(connection, (model,), None)
        comment(connection, models, dictionary)
        return tuple(done)
    finally:
        connection.execute("detach published")


def _append_new_loads(
    connection: duckdb.DuckDBPyConnection, catalogue: str, codes: Model, previous: PreviousRun
) -> None:
    """Append the rows of loads that the published run does not have."""
    known = ", ".join(map(str, sorted(previous.loads))) or "null"

    def of_new_loads(table: TableName, _columns: tuple[str, ...]) -> str | None:
        return f"coalesce(load_no not in ({known}), true)" if table.schema == "raw" else None

    with attached(connection, "new_loads"):
        with inside(connection, Subset("new_loads", catalogue, {}, of_new_loads), codes):
            create(connection, codes)
        connection.execute(f"insert into {catalogue}.{codes.table} by name from new_loads.{codes.table}")


def _find_changed_leads(
    connection: duckdb.DuckDBPyConnection, catalogue: str, previous: PreviousRun
) -> tuple[int, int]:
    """Create changed.main.leads with the leads whose history may have changed. Returns the numbers of all and of these leads."""
    as_of = f"{literal(previous.as_of.astimezone(UTC).replace(tzinfo=None))}::timestamp"
    known = ", ".join(map(str, sorted(previous.loads))) or "null"
    if columns_of(connection, catalogue, LEADS) != columns_of(connection, "published", LEADS):
        return 0, 1
    connection.execute(
        f"""
        create table changed.main.leads as
        with
        ids as (
            select new.lead_no as new_no, old.lead_no as old_no
            from {catalogue}.clean.lead_ids as new
            full join published.clean.lead_ids as old on old.own_no = new.own_no
            where new.lead_no is distinct from old.lead_no
        ),
        changed as (
            select ids.new_no as lead_no from ids
            union all
            select ids.old_no from ids
            union all
            select coalesce(new.lead_no, old.lead_no)
            from {catalogue}.clean.leads as new
            full join published.clean.leads as old on old.lead_no = new.lead_no
            where new is distinct from old
            union all
            select coalesce(new.lead_no, old.lead_no)
            from {catalogue}.clean.lead_given as new
            full join published.clean.lead_given as old on old.lead_no = new.lead_no
            where new.given_key is distinct from old.given_key
            union all
            select ids.lead_no
            from {catalogue}.clean.entry_codes as codes
            inner join {catalogue}.clean.lead_ids as ids on ids.own_no = codes.own_no
            where codes.load_no not in ({known})
            union all
            -- Rows after the previous as-of may count now, and rows too far in the future may be valid now.
            select rows.lead_no
            from published.clean.entry_rows as rows
            cross join {catalogue}.waterfall.run as run
            where
                (rows.disposition = 'after_as_of' and rows.entered_at <= run.as_of)
                or (rows.reason = 'time_out_of_range' and rows.entered_at <= run.as_of + interval 1 year)
            union all
            select leads.lead_no
            from {catalogue}.clean.leads as leads
            inner join {catalogue}.waterfall.run as run on run.entry_at_creation
            where leads.created_at > {as_of} and leads.created_at <= run.as_of
        )
        select distinct changed.lead_no from changed where changed.lead_no is not null
        """
    )
    return (
        _count(connection, f"{catalogue}.clean.leads"),
        _count(connection, "changed.main.leads"),
    )


def _of_changed_leads(catalogue: str, table: TableName, columns: tuple[str, ...]) -> str | None:
    """Return the condition for the rows of changed leads; None for a table that has no leads."""
    if table == ENTRY_CODES:
        ids = f"{catalogue}.clean.lead_ids as ids where ids.lead_no in (from changed.main.leads)"
        return f"own_no in (select ids.own_no from {ids})"
    return "lead_no in (from changed.main.leads)" if "lead_no" in columns else None


def _replace_changed_rows(connection: duckdb.DuckDBPyConnection, subset: Subset, model: Model) -> None:
    """Run the model of an incremental table for the changed leads, and replace their rows."""
    with inside(connection, subset, model):
        create(connection, model, subset.models)
    catalogue = subset.catalogue
    name, is_changed = f"{catalogue}.{model.table}", "lead_no in (from changed.main.leads)"
    rows = _count(connection, name)
    replaced = _count(connection, f"{name} where {is_changed}")
    if (_stored_rows(connection, model.table) - rows + replaced) > MAX_DELETED_SHARE * rows:
        # Read from the published file, so that the table can be dropped before it is written: the file must not grow.
        connection.execute(f"drop table {name}")
        connection.execute(f"checkpoint {catalogue}")
        connection.execute(
            f"create table {name} as select * from published.{model.table} where not {is_changed} "
            f"union all by name from changed.{model.table}"
        )
    else:
        connection.execute(f"delete from {name} where {is_changed}")
        connection.execute(f"insert into {name} by name from changed.{model.table}")


def _upstream(models: tuple[Model, ...], wanted: tuple[TableName, ...]) -> tuple[Model, ...]:
    reached = set(wanted)
    for model in reversed(models):
        if model.table in reached:
            reached |= set(model.reads)
    return tuple(model for model in models if model.table in reached)


def _attach(connection: duckdb.DuckDBPyConnection, previous: PreviousRun) -> None:
    connection.execute(f"attach {quoted(str(previous.database))} as published (read_only)")


def _differs(connection: duckdb.DuckDBPyConnection, table: str, columns: str) -> bool:
    new, old = (f"select {columns} from {catalogue}waterfall.{table}" for catalogue in ("", "published."))
    row = connection.execute(f"select count(*) from (({new} except {old}) union all ({old} except {new}))").fetchone()
    return bool(row and row[0])


def _stored_rows(connection: duckdb.DuckDBPyConnection, table: TableName) -> int:
    """Count the rows of a table in the file, including deleted rows."""
    return _count_of(
        connection,
        "coalesce(sum(count), 0)",
        f"pragma_storage_info({quoted(str(table))}) where column_name = 'lead_no' and segment_type <> 'VALIDITY'",
    )


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return _count_of(connection, "count(*)", table)


def _count_of(connection: duckdb.DuckDBPyConnection, what: str, table: str) -> int:
    row = connection.execute(f"select {what} from {table}").fetchone()
    return int(row[0]) if row else 0
