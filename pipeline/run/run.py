"""One night: inputs into the log, the log into tables, tables checked, report written, everything published at once.

The only module that knows the order of the steps. Each of them is a function elsewhere; here they are called.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline.database import interrupt
from pipeline.database.connection import alike, connect, connect_published, within_memory
from pipeline.database.parallel import Cursors, shares
from pipeline.errors import InputError, UsageError
from pipeline.ingest.landing import loading
from pipeline.ingest.raw_tables import create_raw_views
from pipeline.log import Line, Phases
from pipeline.privacy.permissions import private_files
from pipeline.publish import attempts, intact, lock, manifest, run_folder
from pipeline.run import access, accounting, disk_space, findings, record, requirements
from pipeline.run.options import Orders
from pipeline.settings import Settings, shipped
from pipeline.transform import checks, graph, incremental, macros, report_variants
from pipeline.transform.build import Built, column_dictionary, write_definition
from pipeline.transform.definition.first_entry import first_entry
from pipeline.transform.definition.tables import definition_tables
from pipeline.transform.previous_run import Landed, night_before
from pipeline.transform.project import TableName, discover

if TYPE_CHECKING:
    from pipeline.report.archive.archive import Archive

Say = Callable[[str], None]


@dataclass(frozen=True)
class Night:
    """What a run left behind."""

    run_id: str
    database: Path
    report: Path
    accounting: tuple[dict[str, Any], ...]
    warnings: tuple[str, ...]
    seconds: float


def run(orders: Orders, say: Say, show_built: Callable[[Built], None]) -> Night:
    """Do everything and publish. Raises FunnelError; whatever happens, the last published night stays until the swap."""

    def work(folder: run_folder.RunFolder, watch: interrupt.Watch, phases: Phases) -> _Made:
        return _build(orders, folder, watch, say, show_built, phases)

    return _publishing("run", orders, say, work)


def report_again(orders: Orders, say: Say) -> Night:
    """Write the report anew from the published tables and publish both again, the tables unchanged."""

    def work(folder: run_folder.RunFolder, watch: interrupt.Watch, phases: Phases) -> _Made:
        return _rewrite(orders, folder, watch, say, phases)

    _published(orders.configuration.output)  # where there is no night, no folder is made for one
    return _publishing("report", orders, say, work)


def check(orders: Orders, say: Say) -> loading.Landing:
    """Read and account for every input without writing anything. Raises InputError when one can't be used."""
    access.require(orders, "check")
    counted = _counted(orders)
    loading.verify(loading.open_log(orders.log_folder), _folders(counted))
    _ = orders.hidden
    connection = connect(None, orders.settings, reads_files=True)
    with interrupt.interruptible(connection), within_memory():
        outcome = loading.land(
            connection,
            orders.configuration,
            orders.log_folder,
            clock=orders.clock,
            as_of=orders.as_of,
            dry_run=True,
            progress=say,
        )
        log = loading.open_log(orders.log_folder)
        requirements.require_readable(outcome)
        requirements.require_usable(orders, outcome, (*log.loads, *outcome.loads))
        requirements.require_whole(outcome)
        gone = accounting.require_kept(counted, (*log.loads, *log.forgotten, *outcome.loads), accept=orders.accept_drop)
        requirements.dimension_sources(orders.configuration, (*log.loads, *outcome.loads))
        said, stale = requirements.guarded(orders, (*log.loads, *outcome.loads))
        requirements.require_named(connection, orders, log, outcome)
        requirements.require_some_kept(connection, orders, log, outcome)
    return replace(outcome, warnings=(*outcome.warnings, *gone, *said, *stale))


@dataclass(frozen=True)
class _Made:
    accounting: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()


def _publishing(
    command: str,
    orders: Orders,
    say: Say,
    work: Callable[[run_folder.RunFolder, interrupt.Watch, Phases], _Made],
) -> Night:
    """Let `work` fill a folder and publish it, alone on the output and with a record of how it ended."""
    started = time.monotonic()
    _ = orders.hidden  # a missing key is told before any work
    output = orders.configuration.output
    phases = Phases(say)
    with (
        private_files(),
        attempts.recorded(output, orders.clock, command) as attempt,
        disk_space.told(orders.configuration, orders.log_folder),
        lock.hold(output, orders.clock),
    ):
        access.require(orders, command)
        folder = run_folder.start_run(output, orders.clock)
        try:
            attempt.began(folder.id)
            with interrupt.interruptible(record=attempt.failed) as watch, within_memory():
                made = work(folder, watch, phases)
            with phases.timed("publish"):
                run_folder.seal(folder)
                warnings = (*made.warnings, *run_folder.swap(folder))
        except BaseException as failure:
            run_folder.discard(folder)
            with suppress(OSError, InputError):  # the next run sweeps, too, and tells what is damaged
                loading.sweep(orders.log_folder, _folders(_counted(orders)))
            attempt.failed(failure)
            raise
        say(Line("", "published", run=folder.id))
        run_folder.prune(output, orders.configuration.keep_runs)
        attempt.published(phases.seconds)
    return Night(
        run_id=folder.id,
        database=output / run_folder.DATABASE,
        report=output / run_folder.REPORTS / "index.html",
        accounting=made.accounting,
        warnings=warnings,
        seconds=time.monotonic() - started,
    )


def _rewrite(orders: Orders, folder: run_folder.RunFolder, watch: interrupt.Watch, say: Say, phases: Phases) -> _Made:
    published = _published(orders.configuration.output)
    before = manifest.read(published)
    intact.copy(published, before, folder.database)
    _refuse_other_privacy(orders, before)
    reader = _open(folder.database, orders.settings)
    watch.add(reader)
    stale = tuple(before.get("stale", ()))
    _write_report(reader, orders, folder, tuple(before["notes"]), stale, say, phases)
    reader.close()
    manifest.write(folder, before | {"run": folder.id})
    return _Made()


def _build(
    orders: Orders,
    folder: run_folder.RunFolder,
    watch: interrupt.Watch,
    say: Say,
    show_built: Callable[[Built], None],
    phases: Phases,
) -> _Made:
    if orders.select:
        orders = _as_published(orders, folder)
    last = run_folder.current(orders.configuration.output)
    if last is not None and not orders.rebuild:
        manifest.read(last)  # without it nobody knows which loads must be there
    counted = _counted(orders)
    with phases.timed("load"):
        outcome = _land(orders, folder, _folders(counted), watch, say)
    log = loading.open_log(orders.log_folder)
    requirements.require_readable(outcome)
    requirements.require_usable(orders, outcome, log.loads)
    accounting.require_sums(log.loads)
    requirements.require_whole(outcome)
    gone = accounting.require_kept(counted, (*log.loads, *log.forgotten), accept=orders.accept_drop)
    accepted = [*outcome.accepted, *gone]
    said, stale = requirements.guarded(orders, log.loads)
    models_began = time.monotonic()
    project = discover(shipped("sql"))
    before = None
    damage: list[str] = []
    back = record.turned_back(last, orders.as_of, orders.clock, is_pinned=bool(orders.configuration.waterfall.as_of))
    if not (orders.full or orders.rebuild or orders.select):
        loads = tuple(Landed(load.load_no, load.sha256, load.loaded_at, load.supersedes) for load in log.loads)
        before = night_before(
            last, folder.database, project.models, loads, orders.as_of, say, orders.stored_as, damage.append
        )
    connection = connect(folder.database, orders.settings, spill=folder.spill, reads_files=True)
    watch.add(connection)
    if not orders.select:
        requirements.require_named(connection, orders, log)
    notes = [*(str(refusal) for refusal in outcome.refused), *(str(absent) for absent in outcome.missing)]
    notes += [*said, *stale, *back.notes]
    warnings = [
        *notes,
        *back.warnings,
        *damage,
        *(f"accepted: {each}" for each in (*accepted, *outcome.accepted_rejects)),
        *outcome.warnings,
        *_offer(connection, orders),
    ]

    if not orders.select:
        sources = requirements.dimension_sources(orders.configuration, log.loads)
        first = first_entry(connection, orders.configuration.waterfall, orders.as_of)
        definition = definition_tables(orders.configuration, orders.as_of, sources, first)
        write_definition(connection, definition)
    models = graph.in_order(project.models, _tables(connection))
    chosen = graph.select(models, orders.select) if orders.select else models
    share = shares(orders.settings, sum(load.landed for load in log.loads if load.table == "stage_entries"))
    connection.execute(f"set threads = {share.settings.threads}")
    dictionary = column_dictionary(shipped("sql"))
    history = incremental.go_on(connection, models, before, dictionary, say, show_built) if before else ()
    chosen = tuple(model for model in chosen if not history or model.table.schema not in incremental.LAYERS)
    with Cursors(connection, share.queries) as cursors:
        watch.add(cursors)
        built, variant_outcomes = report_variants.build_all(
            connection, project, models, chosen, dictionary, say, show_built, cursors
        )
    built = (*history, *built)
    warnings += report_variants.without_a_lead(connection)
    incomplete = findings.warnings(connection, orders.configuration, is_whole=not orders.select)
    notes += incomplete
    warnings += incomplete
    macros.create_macros(connection, macros.discover_macros(shipped("sql")))
    connection.execute("drop schema raw cascade")  # the log keeps the rows; the file keeps what was made of them
    connection.execute("checkpoint")
    connection.close()
    phases.ended("models", models_began)

    reader = _open(folder.database, share.settings)
    watch.add(reader)
    rows = accounting.accounting(reader)
    files = accounting.files(reader, log.loads)
    for rule, leads, entries in reader.execute("select rule, leads, entries from quality.scope").fetchall():
        say(f"out of scope by {rule}: {leads} leads with {entries} rows of history")
    say("checking")

    def checked() -> tuple[checks.Outcome, ...]:
        with phases.timed("checks"):
            return (*checks.run_checks(reader, project.models, project.checks, cursors), *variant_outcomes)

    with Cursors(reader, share.queries) as cursors, alike(reader) as pages:
        watch.add(cursors)
        watch.add(pages)
        outcomes = checks.require_beside(
            checked, lambda: _write_report(pages, orders, folder, tuple(notes), stale, say, phases)
        )
    reader.close()
    for line in checks.lines(outcomes):
        say(line)
    warnings += [f"{each.name}: {each.claim}: {each.broken} rows" for each in outcomes if not each.holds]
    told = record.Told(
        orders.configuration,
        orders.clock,
        orders.as_of,
        folder.id,
        project.models,
        log.loads,
        outcome,
        orders.settings,
        phases.seconds,
    )
    made = record.of_night(told, built, outcomes, rows, files, warnings, notes)
    guarded = {"stale": list(stale), "accepted_drops": accepted, "accepted_rejects": list(outcome.accepted_rejects)}
    stored = {"personal_data": orders.stored_as, intact.KEY: intact.checksum(folder.database)}
    manifest.write(folder, made | guarded | stored)
    return _Made(rows, tuple(warnings))


def _counted(orders: Orders) -> tuple[manifest.Counted, ...]:
    return manifest.counted(run_folder.current(orders.configuration.output))


def _folders(counted: tuple[manifest.Counted, ...]) -> frozenset[str]:
    return frozenset(each.folder for each in counted)


def _land(
    orders: Orders, folder: run_folder.RunFolder, counted: frozenset[str], watch: interrupt.Watch, say: Say
) -> loading.Landing:
    """What is new in the inputs into the log, unless the log alone is asked for. `counted`: folders of the published loads."""
    loading.sweep(orders.log_folder, counted)
    loading.verify(loading.open_log(orders.log_folder), counted)
    if orders.rebuild or orders.select:
        return loading.Landing()
    connection = connect(None, orders.settings, spill=folder.spill, reads_files=True)
    watch.add(connection)
    try:
        return loading.land(
            connection,
            orders.configuration,
            orders.log_folder,
            clock=orders.clock,
            as_of=orders.as_of,
            accept_drop=orders.accept_drop,
            accept_rejects=orders.accept_rejects,
            progress=say,
        )
    finally:
        connection.close()


def _write_report(
    reader: duckdb.DuckDBPyConnection,
    orders: Orders,
    folder: run_folder.RunFolder,
    notes: tuple[str, ...],
    stale: tuple[str, ...],
    say: Say,
    phases: Phases,
) -> None:
    from pipeline.report.outputs import html  # only here: `funnel check` needs no page

    say("writing the report")
    with phases.timed("report"):
        written = html.write_report(
            reader,
            folder.reports,
            notes,
            _archive(orders),
            _report_url(orders),
            stale,
            orders.configuration.privacy,
            orders.hidden,
        )
    pages = sum(1 for path in written if path.suffix == ".html")
    say(f"{pages} pages and {len(written) - pages} files in {phases.seconds['report']:.1f} s")


def _tables(connection: duckdb.DuckDBPyConnection) -> frozenset[TableName]:
    rows = connection.execute(
        "select table_schema, table_name from information_schema.tables where table_catalog = current_database()"
    ).fetchall()
    return frozenset(TableName(schema, name) for schema, name in rows)


def _as_published(orders: Orders, folder: run_folder.RunFolder) -> Orders:
    """Start from a copy of the published tables: a selection rebuilds a part, so all else must be of the same night."""
    published = _published(orders.configuration.output)
    before = manifest.read(published)
    loads = [load.load_no for load in loading.open_log(orders.log_folder).loads]
    if before["configuration_sha256"] != record.fingerprint(orders.configuration) or before["loads"] != loads:
        raise UsageError(
            "the configuration or the landing log changed since the published night",
            where="--select",
            next_step="run once without --select",
        )
    _refuse_other_privacy(orders, before)
    intact.copy(published, before, folder.database)
    as_of = datetime.fromisoformat(before["as_of"])
    waterfall = replace(orders.configuration.waterfall, as_of=as_of)
    return replace(orders, configuration=replace(orders.configuration, waterfall=waterfall))


def _archive(orders: Orders) -> Archive:
    from pipeline.report.archive.archive import Archive

    published = run_folder.current(orders.configuration.output)
    return Archive(published.parent / run_folder.REPORTS if published else None, orders.configuration.keep_reports)


def _offer(connection: duckdb.DuckDBPyConnection, orders: Orders) -> tuple[str, ...]:
    return create_raw_views(connection, orders.configuration, orders.log_folder, orders.hidden)


def _refuse_other_privacy(orders: Orders, before: dict[str, Any]) -> None:
    """Of a database that holds names no report may be made as if it held hashes."""
    if before.get("personal_data") != orders.stored_as:
        raise UsageError(
            "[privacy] database, or its key, changed since the published night",
            where=str(orders.configuration.path),
            next_step="`funnel run` makes the tables anew",
        )


def _published(output: Path) -> Path:
    published = run_folder.current(output)
    if published is None:
        raise UsageError("nothing is published yet", where=str(output), next_step="`funnel run` first")
    return published


def _report_url(orders: Orders) -> str | None:
    return orders.configuration.mail.report_url if orders.configuration.mail else None


def _open(database: Path, settings: Settings) -> duckdb.DuckDBPyConnection:
    try:
        return connect_published(database, settings)
    except duckdb.Error as failure:
        raise run_folder.open_errors(database, failure) from failure
