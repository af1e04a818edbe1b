"""A night that goes on from the night before: the history of the leads that changed is made anew, that of the others is kept.

The six tables that weigh most hold rows of one lead each (`KEPT`). They are taken over from the published file; what
may have changed is found by comparing the small tables per lead, whatever the reason: a new row, a merge, a deletion, another
account, a rule. The models of these tables then run as they are, over a catalogue `touched` in which every table
holds the touched leads only, and their rows take the place of the old ones. Everything else is built whole. So a night gives
the rows that a full rebuild would give; tests/cli/test_nights_go_on.py compares them.
"""

from __future__ import annotations

from datetime import UTC

import duckdb

from pipeline import log
from pipeline.database.connection import identifier, literal, quoted
from pipeline.transform.build import Built, build, comment, create
from pipeline.transform.previous_run import CODES, KEPT, PreviousRun
from pipeline.transform.project import Model, TableName

COMPARED = (TableName("clean", "lead_ids"), TableName("clean", "leads"), TableName("clean", "lead_given"), CODES)
"""By these it is told which leads changed."""

_DEFINED_BY = {
    "stages": "stage_no, stage, kind, rank, is_last, qualifies, team",
    "stage_aliases": "*",
    "marks": "mark_no, mark, is_group, low_rank, high_rank",
    "mark_members": "*",
    "pairs": "pair_no, from_mark_no, to_mark_no",
    "dimensions": "*",
    "inputs": "*",
    "run": "timezone, entry_at_creation",
}
"""What of the definition the kept tables rest on; of the rest (windows, limits, targets, reports …) they know nothing."""

LAYERS = ("waterfall", "clean", "journey")
"""What `build_changed_leads` builds."""

MAX_CHANGED_SHARE = 0.25
"""Share of leads that changed, above which building from the whole log is faster."""

MAX_DELETED_SHARE = 0.02
"""Share of deleted rows, which stay in the file, above which a table is written again."""


def definition_changed(connection: duckdb.DuckDBPyConnection, previous: PreviousRun) -> bool:
    """Whether schema waterfall, as written for tonight, shapes the kept tables otherwise than that of the published night."""
    _attach(connection, previous)
    try:
        return any(_differs(connection, table, columns) for table, columns in _DEFINED_BY.items())
    finally:
        connection.execute("detach published")


def build_history(
    connection: duckdb.DuckDBPyConnection,
    models: tuple[Model, ...],
    previous: PreviousRun,
    dictionary: dict[str, str],
) -> tuple[Built, ...]:
    """Build the layers up to journey for the leads that changed. Returns nothing when the whole log must be read."""
    reason = "the configuration shapes the history in another way than in the published run"
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
) -> tuple[Built, ...] | None:
    """Build the layers up to journey over the kept tables; `models` are these layers' in building order.

    None when so much changed that a full rebuild is the shorter way; what is there is then only good for that.
    """
    catalogue = _catalogue(connection)
    first = _upstream(models, COMPARED)
    _attach(connection, previous)
    connection.execute("attach ':memory:' as touched")
    try:
        done = list(build(connection, tuple(model for model in first if model.table not in KEPT), dictionary))
        codes = next(model for model in models if model.table == CODES)
        _append(connection, catalogue, codes, previous)
        leads, touched = _touch(connection, catalogue, previous)
        if touched > MAX_CHANGED_SHARE * leads:
            return None
        log.info(f"building on the published run: {touched:,} of {leads:,} leads may have changed")
        by_table = {model.table: model for model in models}
        for model in models:
            if model in first:
                continue
            if model.table in KEPT:
                _replace(connection, catalogue, model, by_table)
            else:
                done += build(connection, (model,), dictionary)
        comment(connection, tuple(model for model in models if model.table in KEPT), dictionary)
        return tuple(done)
    finally:
        connection.execute(f"use {catalogue}")
        connection.execute("detach touched")
        connection.execute("detach published")


def _append(connection: duckdb.DuckDBPyConnection, catalogue: str, codes: Model, previous: PreviousRun) -> None:
    """Add the rows of the loads that the published night did not know."""
    known = ", ".join(map(str, sorted(previous.loads))) or "null"
    _offer(connection, catalogue, TableName("raw", "stage_entries"), f"coalesce(load_no not in ({known}), true)")
    for table in codes.reads:
        if table.schema != "raw":
            _offer(connection, catalogue, table, None)
    _run(connection, catalogue, codes)
    for table in codes.reads:
        connection.execute(f"drop view touched.{table}")
    connection.execute(f"insert into {catalogue}.{codes.table} by name from touched.{codes.table}")
    connection.execute(f"drop table touched.{codes.table}")


def _touch(connection: duckdb.DuckDBPyConnection, catalogue: str, previous: PreviousRun) -> tuple[int, int]:
    """Fill touched.main.leads with the numbers of the leads whose history may have changed; count all leads, and these."""
    as_of = f"{literal(previous.as_of.astimezone(UTC).replace(tzinfo=None))}::timestamp"
    known = ", ".join(map(str, sorted(previous.loads))) or "null"
    if _columns(connection, catalogue, "leads") != _columns(connection, "published", "leads"):
        return 0, 1
    connection.execute(
        f"""
        create table touched.main.leads as
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
            -- What was still to come may be due, and what was too far ahead no longer is.
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
        ),
        -- An account counts from all of its leads, so they are made anew together.
        belonging as (
            select leads.lead_no, leads.account_id from {catalogue}.clean.leads as leads where leads.account_id is not null
            union
            select leads.lead_no, leads.account_id from published.clean.leads as leads where leads.account_id is not null
        ),
        accounts as (
            select distinct belonging.account_id
            from belonging
            where belonging.lead_no in (select changed.lead_no from changed)
        )
        select changed.lead_no from changed where changed.lead_no is not null
        union
        select belonging.lead_no
        from belonging
        where belonging.account_id in (select accounts.account_id from accounts)
        """
    )
    return (
        _count(connection, f"{catalogue}.clean.leads"),
        _count(connection, "touched.main.leads"),
    )


def _replace(
    connection: duckdb.DuckDBPyConnection, catalogue: str, model: Model, by_table: dict[TableName, Model]
) -> None:
    """Run a kept model over the touched leads, and put its rows in the place of theirs."""
    for table in model.reads:
        _offer_touched(connection, catalogue, table, by_table)
    _run(connection, catalogue, model)
    name, touched = f"{catalogue}.{model.table}", "lead_no in (from touched.main.leads)"
    rows = _count(connection, name)
    leaving = _count(connection, f"{name} where {touched}")
    if (_stored_rows(connection, model.table) - rows + leaving) > MAX_DELETED_SHARE * rows:
        # From the published file, so that its blocks here are free before it is written: the file must not grow.
        connection.execute(f"drop table {name}")
        connection.execute(f"checkpoint {catalogue}")
        connection.execute(
            f"create table {name} as select * from published.{model.table} where not {touched} "
            f"union all by name from touched.{model.table}"
        )
    else:
        connection.execute(f"delete from {name} where {touched}")
        connection.execute(f"insert into {name} by name from touched.{model.table}")


def _offer_touched(
    connection: duckdb.DuckDBPyConnection, catalogue: str, table: TableName, by_table: dict[TableName, Model]
) -> None:
    """Show a table that a kept model reads under its own name in `touched`: with the touched leads, where it has leads."""
    if _is_there(connection, table):
        return
    model = by_table.get(table)
    if model is not None and model.header.materialised == "view":
        for read in model.reads:
            _offer_touched(connection, catalogue, read, by_table)
        connection.execute("use touched")
        connection.execute(f"create schema if not exists {table.schema}")
        connection.execute(f"create view {table} as\n{model.sql}")
        connection.execute(f"use {catalogue}")
    elif table == CODES:
        own = f"select ids.own_no from {catalogue}.clean.lead_ids as ids where ids.lead_no in (from touched.main.leads)"
        _offer(connection, catalogue, table, f"own_no in ({own})")
    elif "lead_no" in _columns(connection, catalogue, table.name, table.schema):
        _offer(connection, catalogue, table, "lead_no in (from touched.main.leads)")
    else:
        _offer(connection, catalogue, table, None)


def _offer(connection: duckdb.DuckDBPyConnection, catalogue: str, table: TableName, where: str | None) -> None:
    connection.execute(f"create schema if not exists touched.{table.schema}")
    condition = f" where {where}" if where else ""
    connection.execute(f"create view touched.{table} as select * from {catalogue}.{table}{condition}")


def _run(connection: duckdb.DuckDBPyConnection, catalogue: str, model: Model) -> None:
    connection.execute("use touched")
    try:
        create(connection, model)
    finally:
        connection.execute(f"use {catalogue}")


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


def _catalogue(connection: duckdb.DuckDBPyConnection) -> str:
    return str(connection.execute("select current_database()").fetchall()[0][0])


def _columns(connection: duckdb.DuckDBPyConnection, catalogue: str, table: str, schema: str = "clean") -> list[str]:
    rows = connection.execute(f"describe {catalogue}.{schema}.{identifier(table)}").fetchall()
    return [str(row[0]) for row in rows]


def _is_there(connection: duckdb.DuckDBPyConnection, table: TableName) -> bool:
    row = connection.execute(
        "select count(*) from information_schema.tables where table_catalog = 'touched' "
        f"and table_schema = {quoted(table.schema)} and table_name = {quoted(table.name)}"
    ).fetchone()
    return bool(row and row[0])


def _stored_rows(connection: duckdb.DuckDBPyConnection, table: TableName) -> int:
    """How many rows the file has of a table, deleted ones included."""
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
