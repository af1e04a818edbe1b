"""The keys of an `[[inputs]]` block that reads a database instead of files."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator

from pipeline.config import checks
from pipeline.config.block import AsExported, must
from pipeline.config.configuration import QUERY_TIMEOUT, Database, Source, age
from pipeline.config.problems import Problems

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILE_KEYS = ("encoding", "delimiter", "skip_lines", "sheet", "header_row")
_DATABASE_KEYS = ("dsn_variable", "query", "from_table", "cursor", "look_back", "query_timeout")
_NO_FILE = "only concerns files; this input reads a database"


# The message does not repeat the value, which may be a connection string.
_Variable = Annotated[
    str,
    must(
        _VARIABLE.fullmatch,
        'must be the name of an environment variable, such as "FUNNEL_PG_DSN"; this file must not contain the '
        "connection string: remove it here, and change its password if others could read it",
    ),
]
_Table = Annotated[
    str,
    must(
        lambda text: all(text.split(".")) and text.count(".") < 2,
        'must be a table, such as "stage_history", or a schema and a table: "sales.stage_history"',
    ),
]


def _query(text: str) -> str:
    found = text.strip().rstrip(";").rstrip()
    if not found:
        raise ValueError('must be a SELECT, such as "select lead_id, stage, entered_at from stage_history"')
    return found


def _duration(text: str) -> str:
    try:
        found = age(text)
    except ValueError as error:
        raise ValueError(str(error).removesuffix(', or "never"')) from None
    if found is None:
        raise ValueError('must be a number and a unit, such as "36 hours" or "3 days"')
    return text


Duration = Annotated[str, AfterValidator(_duration)]


class SourceKeys(checks.Thresholds):
    """Keys of an `[[inputs]]` block for a database, in addition to its thresholds."""

    source: Source | None = None
    dsn_variable: _Variable | None = None
    query: Annotated[str, AfterValidator(_query)] | None = None
    from_table: _Table | None = None
    cursor: AsExported | None = None
    look_back: Duration | None = None
    query_timeout: Duration | None = None


def database(block: SourceKeys, path: str | None, mode: str, number: int, problems: Problems) -> Database | None:
    """Return the database of `inputs` block `number`, or None. Adds problems for keys that exclude each other."""

    def note(key: str, what: str) -> None:
        problems.add(("inputs", number, key), what)

    if block.source is None:
        for key in _set_keys(block, _DATABASE_KEYS):
            note(key, 'only concerns a database; write source = "postgres", too')
        if path is None:
            note("path", 'is missing; a file or a pattern, relative to this file, or source = "postgres"')
        return None
    if path is not None:
        note("path", "an input reads files or a database; leave out path or source")
    for key in _set_keys(block, _FILE_KEYS):
        note(key, _NO_FILE)
    if block.dsn_variable is None:
        note("dsn_variable", "is missing; the environment variable that holds the connection string")
    if (block.query is None) == (block.from_table is None):
        note(
            "query", "is missing; write query or from_table" if block.query is None else "leave out query or from_table"
        )
    if block.look_back is not None and block.cursor is None:
        note("look_back", "only concerns an input with a cursor")
    if block.cursor is not None and mode == "snapshot":
        note("cursor", 'reads only new rows, but mode = "snapshot" needs all rows; leave out one of the two')
    return Database(
        source=block.source,
        variable=block.dsn_variable or "",
        query=block.query or f"select * from {_quoted(block.from_table or '')}",
        cursor=block.cursor,
        look_back=_age(block.look_back, timedelta(0)),
        timeout=_age(block.query_timeout, QUERY_TIMEOUT),
    )


def _set_keys(block: SourceKeys, keys: tuple[str, ...]) -> list[str]:
    return [key for key in keys if key in block.model_fields_set]


def _age(text: str | None, otherwise: timedelta) -> timedelta:
    return (age(text) if text is not None else None) or otherwise


def _quoted(table: str) -> str:
    """Return a quoted table name, with upper and lower case as written."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split("."))
