"""Data checks of the built tables, from model headers and *.check.sql files. A check passes if its query returns no rows."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import duckdb

from pipeline import log
from pipeline.database import interrupt
from pipeline.database.connection import identifier, quoted
from pipeline.database.parallel import Cursors
from pipeline.errors import CheckFailed, Interrupted, ModelError
from pipeline.privacy.permissions import without_addresses
from pipeline.settings import MORE_MEMORY
from pipeline.transform.build import stored_table
from pipeline.transform.header import Header, Severity
from pipeline.transform.project import Check, Model
from pipeline.waterfall.names import cut

MAX_IDS_SHOWN = 5


@dataclass(frozen=True)
class Outcome:
    """The result of one check: rows that break the claim, and the first ids if the check may show them."""

    name: str
    claim: str
    severity: Severity
    broken: int
    shown: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether no row breaks the claim."""
        return self.broken == 0


def run_checks(
    connection: duckdb.DuckDBPyConnection,
    models: tuple[Model, ...],
    checks: tuple[Check, ...],
    cursors: Cursors | None = None,
) -> tuple[Outcome, ...]:
    """Run every check; with `cursors`, several at once. Only reads. Raises ModelError if a check can't run."""
    jobs = [partial(_check_header, model=model) for model in models]
    jobs += [partial(_run_check_file, check=_on_stored_rows(check, models)) for check in checks]
    return tuple(outcome for outcomes in (cursors or Cursors(connection)).run(jobs) for outcome in outcomes)


def require(outcomes: tuple[Outcome, ...]) -> None:
    """Raise CheckFailed, with every failed claim, if a check of severity `fail` does not pass."""
    failed = [outcome for outcome in outcomes if not outcome.holds and outcome.severity == "fail"]
    if failed:
        failure = CheckFailed(
            "; ".join(
                f"{outcome.name}: {outcome.claim} ({outcome.broken} rows break it"
                + (f": {', '.join(outcome.shown)})" if outcome.shown else ")")
                for outcome in failed
            ),
            where="checks",
            next_step="nothing was published; the published report stays. Look at the rows in the inputs named above",
        )
        failure.in_logs = "; ".join(f"{each.name}: {each.claim} ({each.broken} rows break it)" for each in failed)
        raise failure


def log_outcomes(outcomes: tuple[Outcome, ...]) -> None:
    """Log the number of checks and each broken claim, without ids."""
    broken = [each for each in outcomes if not each.holds]
    log.event("checks", ran=len(outcomes), warned=len(broken))
    for each in broken:
        log.event("check", level=logging.WARNING, check=each.name, claim=each.claim, rows=each.broken)


def require_beside(check: Callable[[], tuple[Outcome, ...]], work: Callable[[], None]) -> tuple[Outcome, ...]:
    """Run `check` in a thread while `work` runs, then require its outcomes. Checks are queries and leave Python a core.

    CheckFailed hides an error of `work`, because a broken claim may be its cause.
    """
    with ThreadPoolExecutor(1, "checks") as pool:
        with interrupt.defer_signals():  # it starts a thread
            checking = pool.submit(check)
        try:
            work()
        except Interrupted:
            raise
        except Exception:
            require(checking.result())
            raise
        outcomes = checking.result()
    require(outcomes)
    return outcomes


def _check_header(connection: duckdb.DuckDBPyConnection, model: Model) -> list[Outcome]:
    """Return the outcomes of all claims of a header, from one scan of the table."""
    # Only stored rows are checked: the same SELECT computes the others on read.
    stored = stored_table(model)
    table = f"{stored.schema}.{identifier(stored.name)}"
    header = model.header
    keys = [key for key in (header.key, *header.unique) if key]
    # Hashes need less time and memory than keys. The keys themselves are compared only if two rows have the same hash.
    counts = [f"count(*) - count(distinct hash({_columns(key)}))" for key in keys]
    counts += [f"count(*) filter (where {broken})" for _, broken in _claims(header)]
    if not counts:
        return []
    broken_rows = list(_query(connection, f"select {', '.join(counts)} from {table}", str(model.table))[0])
    for number, key in enumerate(keys):
        if broken_rows[number]:
            duplicates = f"select count(*) from (select 1 from {table} group by {_columns(key)} having count(*) > 1)"
            broken_rows[number] = _query(connection, duplicates, str(model.table))[0][0]
    claims = [f"{', '.join(key)} is unique" for key in keys] + [claim for claim, _ in _claims(header)]
    return [Outcome(str(model.table), claim, "fail", rows) for claim, rows in zip(claims, broken_rows, strict=True)]


def _columns(key: tuple[str, ...]) -> str:
    return ", ".join(map(identifier, key))


def _claims(header: Header) -> list[tuple[str, str]]:
    """Return each claim about single rows, with the condition of the rows that break it."""
    claims = [(f"{column} is not null", f"{identifier(column)} is null") for column in header.not_null]
    claims += [
        (f"{column} is one of {', '.join(values)}", f"{identifier(column)} not in ({', '.join(map(quoted, values))})")
        for column, values in header.accepted
    ]
    return claims + [(claim, f"not ({claim})") for claim in header.checks]


def _on_stored_rows(check: Check, models: tuple[Model, ...]) -> Check:
    """Return the check with views replaced by the tables of their stored rows.

    A query for several grains would make DuckDB compute all grains that are not stored, which can take days.
    """
    sql = check.sql
    for model in models:
        if model.header.stored_where and model.table in check.reads:
            stored = stored_table(model)
            sql = re.sub(rf"\b{re.escape(str(model.table))}\b", f"{stored.schema}.{stored.name}", sql)
    return replace(check, sql=sql)


def _run_check_file(connection: duckdb.DuckDBPyConnection, check: Check) -> list[Outcome]:
    rows = _query(connection, check.sql, check.name)
    columns = [column[0] for column in connection.description or []]
    unknown = [name for name in check.header.show if name not in columns]
    if unknown:
        raise ModelError(
            f"the check shows {unknown[0]}, which its SELECT does not return",
            where=str(check.path),
            next_step=f"columns: {', '.join(columns)}",
        )
    ids = [", ".join(str(row[columns.index(name)]) for name in check.header.show) for row in rows[:MAX_IDS_SHOWN]]
    shown = [without_addresses(cut(each)) for each in ids]  # a message may contain ids (E3), but no e-mail addresses
    return [
        Outcome(
            check.name,
            check.header.claim,
            check.header.severity,
            len(rows),
            tuple(shown) if check.header.show else (),
        )
    ]


def _query(connection: duckdb.DuckDBPyConnection, sql: str, name: str) -> list[tuple[int, ...]]:
    try:
        return connection.execute(sql).fetchall()
    except duckdb.InterruptException as interrupt:
        raise Interrupted("interrupted", where=f"check of {name}") from interrupt
    except duckdb.OutOfMemoryException as full:
        raise ModelError("a check does not fit into the memory limit", where=name, next_step=MORE_MEMORY) from full
    except duckdb.Error as error:
        raise ModelError(
            f"a check could not run: {type(error).__name__}", where=name, next_step="correct the claim in the header"
        ) from error
