"""Queries of the published file, read-only: one query, a file, or a prompt."""

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

_STORAGE_ERRORS = (duckdb.IOException, duckdb.InternalException, duckdb.FatalException, duckdb.SerializationException)


def open_published(output: Path) -> duckdb.DuckDBPyConnection:
    """Open the published database. Raises UsageError if there is none, InputError if it is damaged."""
    database = current(output)
    if database is None:
        raise UsageError("nothing is published yet", where=str(output), next_step="`funnel run` first")
    try:
        return connect_published(database)
    except duckdb.Error as failure:
        raise open_errors(database, failure) from failure


@contextlib.contextmanager
def opened(output: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published database for a block. Raises as `open_published`, and InputError if a query reads a damaged part."""
    connection = open_published(output)
    try:
        yield connection
    except duckdb.Error as failure:
        raise damaged(connection, failure) or failure from failure


def damaged(connection: duckdb.DuckDBPyConnection, failure: duckdb.Error) -> FunnelError | None:
    """Return the error for a query that failed because the file is damaged; None if the file matches its manifest.

    DuckDB verifies the checksum of each block that it reads. The whole file is read only here, after a query failed.
    """
    # DuckDB 2 raises some errors of a damaged block as the base class.
    if not isinstance(failure, _STORAGE_ERRORS) and type(failure) is not duckdb.Error:
        return None
    with contextlib.suppress(duckdb.Error):
        for (path,) in connection.cursor().execute("select path from duckdb_databases() where not internal").fetchall():
            if path and ("orrupt database file" in str(failure) or is_damaged(Path(path))):
                return corrupt(Path(path))
    return None


def answer(connection: duckdb.DuckDBPyConnection, query: str, how: Format, out: TextIO) -> None:
    """Run one query and write its rows to `out`. Raises UsageError with DuckDB's message if the query fails."""
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
        writer.writerows([escape_formula(_one_field(value)) for value in row] for row in rows)
    else:
        records = [dict(zip(names, row, strict=True)) for row in rows]
        out.write(json.dumps(records, indent=2, ensure_ascii=False, default=str) + "\n")


def _one_field(value: object) -> object:
    """Return a MAP or STRUCT as JSON; other values unchanged."""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict) else value


def answer_file(connection: duckdb.DuckDBPyConnection, file: Path, how: Format) -> None:
    """Run every query of a file and print the rows. Raises UsageError if the file is not text or a query fails."""
    try:
        _answer_each(connection, file.read_text(encoding="utf-8"), how)
    except (OSError, UnicodeDecodeError) as failure:
        raise UsageError("the file can't be read", where=str(file), next_step="use a UTF-8 text file") from failure


def questions() -> dict[str, Path]:
    """Return the shipped questions by name."""
    return {path.stem: path for path in sorted((shipped("sql") / "adhoc").glob("*.sql"))}


def question(name: str) -> str:
    """Return the query of one question, with its text as a comment. Raises UsageError for an unknown name."""
    known = questions()
    if name not in known:
        raise UsageError(
            f"there is no question `{name}`{did_you_mean(name, known)}",
            where="questions",
            next_step="`funnel questions` lists them",
        )
    return known[name].read_text(encoding="utf-8").rstrip()


def question_text(query: str) -> str:
    """Return the text of a shipped question: the first line of its query."""
    return query.partition("\n")[0].removeprefix("--").strip()


def question_list() -> str:
    """Return one line per question: its name and its text."""
    known = questions()
    width = max(map(len, known))
    return "\n".join(f"{name:<{width}}  {question_text(question(name))}" for name in known)


def _mistake(failure: duckdb.Error) -> UsageError:
    return UsageError(str(failure).strip(), where="query", next_step='`funnel sql "show all tables"` lists the tables')


def prompt(connection: duckdb.DuckDBPyConnection, lines: Iterable[str], is_terminal: bool, how: Format) -> int:
    """Run queries that end with `;`, from a terminal or a pipe. Returns the number of failures; a pipe stops at the first."""
    query, failed = "", 0
    _write_prompt(is_terminal, query)
    for line in lines:
        query += line
        if not query.strip().endswith(";") and line.strip():
            _write_prompt(is_terminal, query)
            continue
        try:
            _answer_each(connection, query, how)
        except UsageError as mistake:
            if not is_terminal:
                raise
            failed += 1
            sys.stderr.write(f"{mistake}\n")
        query = ""
        _write_prompt(is_terminal, query)
    _answer_each(connection, query, how)
    return failed


def _answer_each(connection: duckdb.DuckDBPyConnection, text: str, how: Format) -> None:
    try:
        statements = connection.extract_statements(text)
    except duckdb.Error as failure:
        raise _mistake(failure) from failure
    for statement in statements:
        answer(connection, statement.query, how, sys.stdout)


def _write_prompt(is_terminal: bool, query: str) -> None:
    if is_terminal:
        sys.stderr.write("   ...> " if query.strip() else "funnel> ")
        sys.stderr.flush()
