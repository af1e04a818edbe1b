"""Explain why a read from Postgres failed, and what to do next.

Messages of libpq and of the server are not repeated, except the text of an SQL error, because they may contain parts of the
connection string or values of rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.config.configuration import Database

_TRANSIENT_STATES = ("40001", "40P01")
_PRIMARY = re.compile(r"\bERROR:\s+(.*)")


@dataclass(frozen=True)
class Failure:
    """Why a read failed. `is_of_query`: the server answered; `is_lost`: a retry may succeed."""

    reason: str
    next_step: str
    is_of_query: bool = False
    is_lost: bool = False


def connection_lost(reason: str) -> Failure:
    """Return the failure for a lost connection."""
    return Failure(
        reason, "the next run reads it again; if this happens again, ask the administrator of the server", is_lost=True
    )


_CANCELLED = (
    "the server cancelled the query in favour of another transaction",
    "the next run reads it again",
)
_QUERY_FAILURES = {
    "40001": _CANCELLED,
    "40P01": _CANCELLED,
    "57014": ("the query was cancelled on the server", "ask the administrator of the server, and run again"),
    "42501": (
        "its user may not read this{message}",
        "let the owner of the table `grant select` on it to the user of {variable}",
    ),
    "22021": (
        "the database contains text that is not UTF-8, and its encoding is not known{state}",
        "decode these columns in the query: "
        "convert_from(convert(convert_to(name, 'SQL_ASCII'), 'LATIN1', 'UTF8'), 'SQL_ASCII') as name",
    ),
    "22023": (
        "the server does not know a value of the query or session, such as the name of a time zone{state}",
        "correct `timezone` of this input, or its query",
    ),
    "42": (
        "the query does not fit the database{message}{state}",
        "correct `query`, `from_table` or `cursor` of this input; the table may have changed",
    ),
    "": (
        "the query failed while it ran{state}",
        "run it in psql, which shows the server's message: it may hold values of rows, so it is not repeated here",
    ),
}
"""Reason and next step by SQLSTATE, or by its class."""


def query_failed(state: str, text: str, database: Database, *, is_slow: bool) -> Failure:
    """Return the failure for a query that the server did not complete. Only the text of an SQL error is repeated."""
    if state == "57014" and is_slow:
        return query_timed_out(database)
    reason, next_step = next(_QUERY_FAILURES[each] for each in (state, state[:2], "") if each in _QUERY_FAILURES)
    message = _PRIMARY.search(text)
    values = {
        "message": f": {message[1].strip()}" if message else "",
        "state": f" (SQLSTATE {state})" if state else "",
        "variable": database.variable,
    }
    return Failure(reason.format(**values), next_step.format(**values), True, is_lost=state in _TRANSIENT_STATES)


def query_timed_out(database: Database) -> Failure:
    """Return the failure for a query that exceeded its timeout."""
    minutes = database.timeout.total_seconds() / 60
    return Failure(
        f"the query took longer than query_timeout allows, {minutes:g} minutes",
        "read less, with a `cursor` or a narrower query, or raise query_timeout of this input",
        True,
    )


_LOGIN_FAILURES = (
    (
        r"password authentication failed|no password supplied|authentication failed|role .* does not exist"
        r"|pg_hba\.conf|not permitted to log in|permission denied for database",
        "the server refused the login",
        "correct user and password in {variable}, or let the server's pg_hba.conf allow this machine",
    ),
    (
        r"FATAL: +database .* does not exist",
        "the server has no database of that name",
        "correct the database's name in {variable}",
    ),
    (
        r"SSL|certificate",
        "the server and this machine do not agree on encryption",
        "correct sslmode and sslrootcert in {variable}",
    ),
)
_NETWORK_FAILURES = (
    (r"timeout expired", "the server did not answer in time"),
    (r"could not translate host name", "the name of the server is not known here"),
    (r"Connection refused|No such file", "the server is down, or does not listen at that address"),
)
_CONNECTION_TRIED = re.compile(r"connection to server|could not translate host name")
_MALFORMED = re.compile(r"invalid (?:integer value|port number|\w+ value)")


def not_connected(text: str, database: Database) -> Failure:
    """Return the failure for a connection that could not be opened. The text of libpq selects the reason; it is not repeated."""
    if not _CONNECTION_TRIED.search(text) or _MALFORMED.search(text):
        return Failure(
            "the connection string in this variable can't be read",
            'write it as "postgresql://user:password@host:5432/database"; in a password, letters other than a-z, A-Z and '
            "digits as %20 and the like",
        )
    for pattern, reason, next_step in _LOGIN_FAILURES:
        if re.search(pattern, text):
            return Failure(reason, next_step.format(variable=database.variable))
    down = next((reason for pattern, reason in _NETWORK_FAILURES if re.search(pattern, text)), "the connection failed")
    return Failure(down, f"start the server, or correct host and port in {database.variable}", is_lost=True)
