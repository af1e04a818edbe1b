"""Row accounting: every row and line is counted exactly once, and the log still has every file of the published run."""

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
    """Return the row accounting of each input. Raises InputError if the sums are wrong, which is a bug."""
    columns = ", ".join(("input", *ACCOUNT))
    rows = reader.execute(f"select {columns} from quality.row_accounting").fetchall()
    accounts = tuple(dict(zip(("input", *ACCOUNT), row, strict=True)) for row in rows)
    for account in accounts:
        if account["rows_read"] != sum(account[name] for name in ACCOUNT[1:]):
            raise InputError(
                f"{account['rows_read']} rows were read and {sum(account[name] for name in ACCOUNT[1:])} accounted for",
                where=account["input"],
                next_step="nothing was published; this is a bug, please report it",
            )
    return accounts


def require_sums(loads: tuple[loading.Load, ...]) -> None:
    """Raise InputError if the lines or rows of a load do not add up. Called before tables are built.

    Files with lines: lines = header_lines + blank_lines + embedded_newlines + records. All files: rows_read = filtered +
    rejected + redelivered + duplicates + landed. A record is one row, unless the input makes several rows of a record.
    Loading checks both sums for a new file; this function checks the whole log.
    """
    for load in loads:
        if load.lines is not None and load.header_lines is not None:
            records = load.rows_read if load.records is None else load.records
            lines = load.header_lines + load.blank_lines + load.embedded_newlines + records
            _require_equal(load, "lines", load.lines, lines)
        rows = load.filtered + load.rejected_rows + load.redelivered + load.duplicates + load.landed
        _require_equal(load, "rows", load.rows_read, rows)


def files(reader: duckdb.DuckDBPyConnection, loads: tuple[loading.Load, ...]) -> tuple[dict[str, Any], ...]:
    """Return the account of each file of the log, with `entries`: its landed rows of history by disposition.

    `entries` is None for other tables and for files that do not count. Raises InputError if the sum of `entries` is not the
    number of landed rows, which is a bug.
    """
    dispositions: dict[int, dict[str, int]] = {}
    for load_no, disposition, rows in reader.execute(
        "select load_no, disposition, count(*) from clean.entry_rows group by all order by all"
    ).fetchall():
        dispositions.setdefault(load_no, {})[disposition] = rows
    counted = {row[0] for row in reader.execute("select load_no from clean.loads").fetchall()}
    accounts = []
    for load in loads:
        is_history = load.table == "stage_entries" and load.load_no in counted
        entries = dispositions.get(load.load_no, {}) if is_history else None
        if entries is not None:
            _require_equal(load, "rows of history", load.landed, sum(entries.values()))
        accounts.append(load.counts | {"entries": entries})
    return tuple(accounts)


def _require_equal(load: loading.Load, what: str, count: int, accounted: int) -> None:
    if count != accounted:
        raise InputError(
            f"{count} {what} do not add up: {accounted} are accounted for",
            where=f"{load.input}: {load.file_name} (load {load.load_no})",
            next_step="nothing was published; if landing/ was not changed by hand, this is a bug, please report it",
        )


def require_kept(published: tuple[Counted, ...], loads: tuple[loading.Load, ...], *, accept: bool) -> tuple[str, ...]:
    """Raise InputError if the log no longer has a file that the published run counts. With `accept`, return these files.

    A file is not missing if it was loaded again, or if the user removed its load with `funnel forget`.
    """
    in_log = {(load.input, load.sha256) for load in loads}
    missing = tuple(
        f"{each.input}: {each.file}, load {each.load_no} of the published run, is no longer in the landing log"
        for each in published
        if (each.input, each.sha256) not in in_log
    )
    if missing and not accept:
        raise InputError(
            "\n".join(missing),
            next_step="nothing was published; restore landing/ from a backup, or add the file to the inputs again; "
            "`funnel run --allow-incomplete` continues without its rows",
        )
    return missing
