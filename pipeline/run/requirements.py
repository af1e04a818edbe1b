"""Input requirements of a run, checked before any model runs: freshness, volume, completeness and known stages."""

from __future__ import annotations

from difflib import get_close_matches
from zoneinfo import ZoneInfo

import duckdb

from pipeline.config import rules
from pipeline.config.configuration import Configuration, Input
from pipeline.errors import CheckFailed, ConfigurationError, InputError, Problem
from pipeline.ingest import never_named
from pipeline.ingest.landing import freshness, loading
from pipeline.run.options import RunOptions
from pipeline.transform.definition.tables import Columns, dimension_source


def require_usable(options: RunOptions, outcome: loading.LoadResult, loads: tuple[loading.Load, ...]) -> None:
    """Raise InputError if an input has never been loaded, because its absence would look like a drop."""
    delivered = {load.input for load in loads}
    never = [each.name for each in options.configuration.inputs if each.name not in delivered]
    reasons = [str(each) for each in (*outcome.refused, *outcome.missing) if each.input in never]
    if reasons:
        raise InputError("\n".join(reasons), next_step="nothing was published; `funnel check` reads the inputs again")
    history = [each for each in options.configuration.inputs if each.table == "stage_entries"]
    if delivered.isdisjoint(each.name for each in history):
        if loads and all(each.is_optional for each in history):
            raise InputError("\n".join(map(_no_dates, history)), next_step=f"{_WHERE_DATES_ARE}; nothing was published")
        raise InputError(
            "the landing log has no stage entries",
            where=str(options.log_folder),
            next_step="run without --from-log, so that the inputs are read",
        )


_WHERE_DATES_ARE = "export the columns with the dates of the stages, too, or add an input with the history"


def _no_dates(reads: Input) -> str:
    """Return the message for an input whose files have no stage dates."""
    dates = None if reads.reshaping is None else reads.reshaping.stage_dates
    patterns = ", ".join(f"`{each}`" for each in dates.patterns) if dates else "none"
    return f"{reads.name}: no file has a column with the date of a stage; {reads.format} looks for {patterns}"


def require_readable(outcome: loading.LoadResult) -> None:
    """Raise CheckFailed if too many rows of a new file are rejected. The file is not in the log; the next run reads it again."""
    if outcome.rejected:
        raise CheckFailed(
            "\n".join(outcome.rejected),
            next_step="nothing was published or loaded from these files; correct the configuration and run again: "
            "they are read with the new settings. `funnel run --accept-rejects` loads them as they are",
        )


def require_named(
    connection: duckdb.DuckDBPyConnection,
    options: RunOptions,
    log: loading.LandingLog,
    outcome: loading.LoadResult | None = None,
) -> None:
    """Raise CheckFailed if no row of the log or of a dry run has a stage that a headline pair needs."""
    loads = _current(options.configuration, log, outcome)
    names = never_named.names_in_log(connection, log, loads, options.configuration.waterfall)
    if outcome is not None:
        names = names.with_more(outcome.names)
    found = never_named.never_named_messages(connection, options.configuration, names)
    if found:
        raise CheckFailed(
            "\n".join(found),
            next_step="nothing was published; correct the configuration and run again: rows in the log then count without "
            "another export",
        )


def require_some_kept(
    connection: duckdb.DuckDBPyConnection, options: RunOptions, log: loading.LandingLog, outcome: loading.LoadResult
) -> None:
    """Raise CheckFailed if an input has rows, in the log or in a dry run, but none of them is kept."""
    problems = []
    in_log = _current(options.configuration, log, outcome)
    for reads in options.configuration.inputs:
        old = [load for load in in_log if load.input == reads.name]
        new = [load for load in outcome.loads if load.input == reads.name]
        rows = sum(load.rows_read for load in (*old, *new))
        if not rows or reads.is_optional or any(load.rows_read > load.all_rejected + load.filtered for load in new):
            continue
        is_kept = any(load.landed for load in old)
        if is_kept and reads.table == "stage_entries":
            is_kept = bool(never_named.names_in_log(connection, log, old, options.configuration.waterfall).known)
        if not is_kept:
            filtered = sum(load.filtered for load in (*old, *new))
            outside = f", {filtered:,} of them outside `where`" if filtered else ""
            problems.append(
                f"{reads.name}: no row is kept, and {rows:,} {'was' if rows == 1 else 'were'} read{outside}"
            )
            problems += [warning for warning in outcome.warnings if warning.startswith(f"{reads.name}: ")]
    if problems:
        raise CheckFailed(
            "\n".join(problems), next_step="`funnel run` would publish without them; correct their [[inputs]] blocks"
        )


def _current(
    configuration: Configuration, log: loading.LandingLog, outcome: loading.LoadResult | None
) -> list[loading.Load]:
    """Return the loads of the log that count, without those that a dry run read again."""
    configured = {each.name for each in configuration.inputs}
    superseded = {number for load in (outcome.loads if outcome else ()) for number in load.supersedes} | log.superseded
    return [load for load in log.loads if load.input in configured and load.load_no not in superseded]


def require_whole(outcome: loading.LoadResult) -> None:
    """Raise InputError if a new file fails a volume or completeness check. It is not in the log; the next run checks it again."""
    if outcome.dropped:
        raise InputError(
            "\n".join(outcome.dropped),
            next_step="nothing was published or loaded from these files; get the complete export, "
            "or run `funnel run --allow-incomplete` if it is correct",
        )


def require_fresh(options: RunOptions, loads: tuple[loading.Load, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return messages about the newest files and about inputs that are too old. Raises InputError beyond `error_after`.

    With --from-log or --select no age stops the run.
    """
    inputs, zone = options.configuration.inputs, ZoneInfo(options.configuration.waterfall.timezone)
    stale = freshness.stale_inputs(inputs, loads, as_of=options.as_of, clock=options.clock)
    stopping = [str(each) for each in stale if each.stops]
    if stopping and not (options.from_log or options.select):
        raise InputError(
            "\n".join(stopping),
            next_step="nothing was published; get the export that is late, or correct `error_after` of the input",
        )
    return freshness.newest_delivery_notes(inputs, loads, zone), tuple(str(each) for each in stale)


def dimension_sources(configuration: Configuration, loads: tuple[loading.Load, ...]) -> dict[str, str]:
    """Return the source of each dimension. Raises ConfigurationError with every dimension that no input has."""
    delivered = _columns(configuration, loads)
    sources, problems = {}, []
    for name in configuration.waterfall.dimensions:
        source = dimension_source(name, delivered)
        if source is None:
            nearest = get_close_matches(name, sorted(delivered.entry | delivered.lead | delivered.account), n=1)
            hint = f"; the nearest column is {nearest[0]}" if nearest else ""
            problems.append(
                Problem(f"{configuration.path.name}: funnel.dimensions", f"no input has a column {name}{hint}")
            )
        else:
            sources[name] = source
    problems += rules.without_column(configuration, delivered.lead, delivered.account)
    if problems:
        raise ConfigurationError(problems)
    return sources


def _columns(configuration: Configuration, loads: tuple[loading.Load, ...]) -> Columns:
    configured = {each.name for each in configuration.inputs}

    def of(table: str) -> frozenset[str]:
        return frozenset(
            column
            for load in loads
            if load.table == table and load.input in configured
            for column in (*load.columns, *load.extras)
        )

    return Columns(entry=of("stage_entries"), lead=of("leads"), account=of("accounts"))
