"""The promises of headers and *.check.sql files, put to the built tables. A check is a query that returns nothing."""

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
from pipeline.transform.build import stored
from pipeline.transform.header import Severity
from pipeline.transform.project import Check, Model
from pipeline.waterfall.names import cut


@dataclass(frozen=True)
class Outcome:
    """One check, done: how many rows broke the claim, and ids of the first few where the check may show them."""

    name: str
    claim: str
    severity: Severity
    broken: int
    shown: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether no row broke the claim."""
        return self.broken == 0


def run_checks(
    connection: duckdb.DuckDBPyConnection,
    models: tuple[Model, ...],
    checks: tuple[Check, ...],
    cursors: Cursors | None = None,
) -> tuple[Outcome, ...]:
    """Put every claim to the tables, with `cursors` several at once. Reads only. ModelError if a check itself can't run."""
    jobs = [partial(_from_header, model=model) for model in models]
    jobs += [partial(_from_file, check=_on_stored_rows(check, models)) for check in checks]
    return tuple(outcome for found in (cursors or Cursors(connection)).run(jobs) for outcome in found)


def require(outcomes: tuple[Outcome, ...]) -> None:
    """Raise CheckFailed when a claim of severity `fail` does not hold. Names every one of them."""
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
    """Log for programs how many checks ran, and each claim that does not hold, without ids."""
    broken = [each for each in outcomes if not each.holds]
    log.event("checks", ran=len(outcomes), warned=len(broken))
    for each in broken:
        log.event("check", level=logging.WARNING, check=each.name, claim=each.claim, rows=each.broken)


def require_beside(check: Callable[[], tuple[Outcome, ...]], work: Callable[[], None]) -> tuple[Outcome, ...]:
    """The outcomes of `check`, all of which are required, while `work` goes on: checks are queries and leave Python a core.

    Whatever `work` raises, CheckFailed counts more: of tables that break a claim nothing else may be possible.
    """
    with ThreadPoolExecutor(1, "checks") as beside:
        with interrupt.undivided():  # it starts a thread
            checking = beside.submit(check)
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


def _from_header(connection: duckdb.DuckDBPyConnection, model: Model) -> list[Outcome]:
    # Of a model that keeps some rows, these: the others are made by the same SELECT when somebody asks.
    at = stored(model)
    table = f"{at.schema}.{identifier(at.name)}"
    header = model.header
    outcomes = []
    for key in ((header.key,) if header.key else ()) + header.unique:
        columns = ", ".join(identifier(column) for column in key)
        # By one number a row first, which takes less time and memory: rows of one key have the same, and
        # only where some have the same the keys themselves are asked.
        broken = 0
        for grouped in (f"hash({columns})", columns):
            broken = _ask(
                connection,
                f"select count(*) from (select 1 from {table} group by {grouped} having count(*) > 1)",
                str(model.table),
            )[0][0]
            if not broken:
                break
        outcomes.append(Outcome(str(model.table), f"{', '.join(key)} is unique", "fail", broken))
    # The rest in one scan of the table.
    claims = [(f"{column} is not null", f"{identifier(column)} is null") for column in header.not_null]
    claims += [
        (f"{column} is one of {', '.join(values)}", f"{identifier(column)} not in ({', '.join(map(quoted, values))})")
        for column, values in header.accepted
    ]
    claims += [(claim, f"not ({claim})") for claim in header.checks]
    if claims:
        counts = ", ".join(f"count(*) filter (where {broken})" for _, broken in claims)
        row = _ask(connection, f"select {counts} from {table}", str(model.table))[0]
        outcomes += [
            Outcome(str(model.table), claim, "fail", count) for (claim, _), count in zip(claims, row, strict=True)
        ]
    return outcomes


def _on_stored_rows(check: Check, models: tuple[Model, ...]) -> Check:
    """The check, asking the stored rows of every model that keeps some.

    Through the view it would wait for days: asked for several grains at once, DuckDB makes those that are not stored, too.
    """
    sql = check.sql
    for model in models:
        if model.header.kept and model.table in check.reads:
            at = stored(model)
            sql = re.sub(rf"\b{re.escape(str(model.table))}\b", f"{at.schema}.{at.name}", sql)
    return replace(check, sql=sql)


def _from_file(connection: duckdb.DuckDBPyConnection, check: Check) -> list[Outcome]:
    rows = _ask(connection, check.sql, check.name)
    columns = [column[0] for column in connection.description or []]
    unknown = [name for name in check.header.show if name not in columns]
    if unknown:
        raise ModelError(
            f"the check shows {unknown[0]}, which its SELECT does not give",
            where=str(check.path),
            next_step=f"columns: {', '.join(columns)}",
        )
    told = [", ".join(str(row[columns.index(name)]) for name in check.header.show) for row in rows[:5]]
    shown = [without_addresses(cut(each)) for each in told]  # ids may be named (E3), people may not
    return [
        Outcome(
            check.name,
            check.header.claim,
            check.header.severity,
            len(rows),
            tuple(shown) if check.header.show else (),
        )
    ]


def _ask(connection: duckdb.DuckDBPyConnection, sql: str, name: str) -> list[tuple[int, ...]]:
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
