"""Questions to the published file, read-only: one query, or a prompt."""

from __future__ import annotations

import contextlib
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, TextIO

import duckdb

from pipeline.database.connection import connect_published
from pipeline.errors import FunnelError, UsageError
from pipeline.publish.intact import is_damaged
from pipeline.publish.run_folder import corrupt, current, open_errors
from pipeline.report.outputs.csv_cells import escape_formula
from pipeline.settings import shipped
from pipeline.waterfall.names import did_you_mean

Format = Literal["table", "csv", "json"]

_OF_STORAGE = (duckdb.IOException, duckdb.InternalException, duckdb.FatalException, duckdb.SerializationException)


def open_published(output: Path) -> duckdb.DuckDBPyConnection:
    """The database of the last published night. UsageError when there is none; a damaged one says how to rebuild it."""
    database = current(output)
    if database is None:
        raise UsageError("nothing is published yet", where=str(output), next_step="`funnel run` first")
    try:
        return connect_published(database)
    except duckdb.Error as failure:
        raise open_errors(database, failure) from failure


@contextlib.contextmanager
def opened(output: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The database of the last published run. Raises as `open_published`, and InputError when what is read is damaged."""
    connection = open_published(output)
    try:
        yield connection
    except duckdb.Error as failure:
        raise damaged(connection, failure) or failure from failure


def damaged(connection: duckdb.DuckDBPyConnection, failure: duckdb.Error) -> FunnelError | None:
    """The error for a query that failed because the file is damaged; None where the file is what its manifest says.

    DuckDB holds each block against its checksum when it reads it. The whole file is read only here, where a query failed.
    """
    if not isinstance(failure, _OF_STORAGE):
        return None
    with contextlib.suppress(duckdb.Error):
        for (path,) in connection.cursor().execute("select path from duckdb_databases() where not internal").fetchall():
            if path and ("orrupt database file" in str(failure) or is_damaged(Path(path))):
                return corrupt(Path(path))
    return None


def answer(connection: duckdb.DuckDBPyConnection, query: str, how: Format, out: TextIO) -> None:
    """Run one query and write its rows to `out`. UsageError with DuckDB's own message when it can't run."""
    try:
        if how == "table":
            relation = connection.sql(query)
            out.write("done\n" if relation is None else str(relation) + "\n")
            return
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description or []]
        rows = cursor.fetchall()
    except duckdb.Error as failure:
        damage = damaged(connection, failure)
        raise damage or _mistake(failure) from failure
    if how == "csv":
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([escape_formula(value) for value in row] for row in rows)
    else:
        records = [dict(zip(names, row, strict=True)) for row in rows]
        out.write(json.dumps(records, indent=2, ensure_ascii=False, default=str) + "\n")


def answer_file(connection: duckdb.DuckDBPyConnection, file: Path, how: Format) -> None:
    """Answer every query of a file on stdout. UsageError naming the file when it is no text or a query can't run."""
    try:
        _answer_each(connection, file.read_text(encoding="utf-8"), how)
    except (OSError, UnicodeDecodeError) as failure:
        raise UsageError("the file can't be read", where=str(file), next_step="give a UTF-8 text file") from failure


def questions() -> dict[str, Path]:
    """The questions that ship, by name."""
    return {path.stem: path for path in sorted((shipped("sql") / "adhoc").glob("*.sql"))}


def question(name: str) -> str:
    """The query of one question, with the question as its comment. UsageError naming the nearest known one."""
    known = questions()
    if name not in known:
        raise UsageError(
            f"no such question{did_you_mean(name, known)}",
            where="questions",
            next_step="`funnel questions` lists them",
        )
    return known[name].read_text(encoding="utf-8").rstrip()


def asked(query: str) -> str:
    """The question that a query of ours answers: its first line."""
    return query.partition("\n")[0].removeprefix("--").strip()


def question_list() -> str:
    """A line for each question: its name and what it asks."""
    known = questions()
    width = max(map(len, known))
    return "\n".join(f"{name:<{width}}  {asked(question(name))}" for name in known)


def _mistake(failure: duckdb.Error) -> UsageError:
    return UsageError(
        str(failure).strip(), where="query", next_step='`funnel sql "show all tables"` lists what there is'
    )


def prompt(connection: duckdb.DuckDBPyConnection, lines: Iterable[str], is_terminal: bool, how: Format) -> int:
    """Answer queries that end in `;`, from a terminal or a pipe. Returns how many failed: a pipe stops at the first."""
    held, failed = "", 0
    _ask(is_terminal, held)
    for line in lines:
        held += line
        if not held.strip().endswith(";") and line.strip():
            _ask(is_terminal, held)
            continue
        try:
            _answer_each(connection, held, how)
        except UsageError as mistake:
            if not is_terminal:
                raise
            failed += 1
            sys.stderr.write(f"{mistake}\n")
        held = ""
        _ask(is_terminal, held)
    _answer_each(connection, held, how)
    return failed


def _answer_each(connection: duckdb.DuckDBPyConnection, text: str, how: Format) -> None:
    try:
        statements = connection.extract_statements(text)
    except duckdb.Error as failure:
        raise _mistake(failure) from failure
    for statement in statements:
        answer(connection, statement.query, how, sys.stdout)


def _ask(is_terminal: bool, held: str) -> None:
    if is_terminal:
        sys.stderr.write("   ...> " if held.strip() else "funnel> ")
        sys.stderr.flush()
