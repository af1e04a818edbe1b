"""Row accounting: every row and line that was read is counted exactly once, and no file of the published run is lost."""

from __future__ import annotations

from typing import Any

import duckdb

from pipeline.errors import InputError
from pipeline.ingest.landing import loading
from pipeline.publish.manifest import Counted

ACCOUNT = (
    "rows_read",
    "filtered",
    "rejected",
    "redelivered",
    "after_as_of",
    "out_of_scope",
    "duplicates",
    "repeats",
    "kept",
)
"""Columns of `quality.row_accounting`: the first is the sum of the others."""


def accounting(reader: duckdb.DuckDBPyConnection) -> tuple[dict[str, Any], ...]:
    """What became of every row, per input. InputError when the sum does not hold: that would be a fault of ours."""
    columns = ", ".join(("input", *ACCOUNT))
    rows = reader.execute(f"select {columns} from quality.row_accounting").fetchall()
    accounts = tuple(dict(zip(("input", *ACCOUNT), row, strict=True)) for row in rows)
    for account in accounts:
        if account["rows_read"] != sum(account[name] for name in ACCOUNT[1:]):
            raise InputError(
                f"{account['rows_read']} rows were read and {sum(account[name] for name in ACCOUNT[1:])} accounted for",
                where=account["input"],
                next_step="nothing was published; this is a fault of the program, please report it",
            )
    return accounts


def require_sums(loads: tuple[loading.Load, ...]) -> None:
    """InputError when the lines or rows of a file do not add up, before anything is built of them.

    lines = header_lines + blank_lines + embedded_newlines + records, of files that have lines; rows_read = filtered +
    rejected + redelivered + duplicates + landed. A record is a row, unless the input makes rows of records. Landing
    asserts both for a file that it reads; here for the whole log.
    """
    for load in loads:
        if load.lines is not None and load.header_lines is not None:
            records = load.rows_read if load.records is None else load.records
            lines = load.header_lines + load.blank_lines + load.embedded_newlines + records
            _holds(load, "lines", load.lines, lines)
        rows = load.filtered + load.rejected_rows + load.redelivered + load.duplicates + load.landed
        _holds(load, "rows", load.rows_read, rows)


def files(reader: duckdb.DuckDBPyConnection, loads: tuple[loading.Load, ...]) -> tuple[dict[str, Any], ...]:
    """The account of each file of the log, and of stage history what the night made of the rows that landed.

    These are `entries`, rows by disposition; null for other tables and for files that do not count. InputError when they
    are not as many as landed: a fault of ours.
    """
    made: dict[int, dict[str, int]] = {}
    for load_no, disposition, rows in reader.execute(
        "select load_no, disposition, count(*) from clean.entry_rows group by all order by all"
    ).fetchall():
        made.setdefault(load_no, {})[disposition] = rows
    counted = {row[0] for row in reader.execute("select load_no from clean.loads").fetchall()}
    accounts = []
    for load in loads:
        is_history = load.table == "stage_entries" and load.load_no in counted
        entries = made.get(load.load_no, {}) if is_history else None
        if entries is not None:
            _holds(load, "rows of history", load.landed, sum(entries.values()))
        accounts.append(load.counts | {"entries": entries})
    return tuple(accounts)


def _holds(load: loading.Load, what: str, there: int, accounted: int) -> None:
    if there != accounted:
        raise InputError(
            f"{there} {what} do not add up: {accounted} are accounted for",
            where=f"{load.input}: {load.file_name} (load {load.load_no})",
            next_step="nothing was published; if landing/ was not changed by hand, this is a fault of the program, "
            "please report it",
        )


def require_kept(published: tuple[Counted, ...], loads: tuple[loading.Load, ...], *, accept: bool) -> tuple[str, ...]:
    """InputError when the log no longer has a file that the published night counted, unless `accept`: then it is only said.

    A file that was read anew after its load was moved away is there, and so is one that somebody forgot (`funnel forget`).
    """
    there = {(load.input, load.sha256) for load in loads}
    gone = tuple(
        f"{each.input}: {each.file}, load {each.load_no} of the published night, is no longer in the landing log"
        for each in published
        if (each.input, each.sha256) not in there
    )
    if gone and not accept:
        raise InputError(
            "\n".join(gone),
            next_step="nothing was published; restore landing/ from a backup, or put the file among the inputs again; "
            "`funnel run --allow-incomplete` goes on without its rows",
        )
    return gone
