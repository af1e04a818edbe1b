"""Read one file into the temporary relation `landing_rows` of typed rows, and account for every line.

DuckDB reads in strict mode, every value as text. If that fails or does not account for every line, CSV recovery writes a repaired
copy, and DuckDB reads the copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO

import duckdb

from pipeline.config.configuration import Input
from pipeline.config.input_tables import CONTRACTS
from pipeline.database import disk
from pipeline.database.connection import glob_escaped, identifier, quoted
from pipeline.errors import InputError
from pipeline.ingest.adapters.reshaping import CELLS, Plan
from pipeline.ingest.files import checksums, scan
from pipeline.ingest.files.scan import FileScan
from pipeline.ingest.readers import csv_recovery, grids, holding, json_lines, sheets, workbooks
from pipeline.ingest.readers.csv_recovery import Tally
from pipeline.ingest.readers.headers import (
    Header,
    bind_header,
    header_of,
    missing_columns_error,
    refuse_too_many_columns,
)
from pipeline.ingest.refusal import FileRefusedError
from pipeline.ingest.rows import ids
from pipeline.ingest.rows.columns import BindError

BATCH_ROWS = 2_000
"""Rejected records that are inserted at a time."""


@dataclass(frozen=True)
class ParsedFile:
    """A file that was read: its records are in `landing_rows`, the rejected ones in `landing_rejected`.

    If the input reshapes, `landing_rows` contains the rows made from the records, and `filtered` counts the rows that `where`
    removed. `rows` counts all of them, rejected records included.
    """

    file_scan: FileScan
    header: Header
    records: int
    rows: int = 0
    filtered: int = 0
    blank: int = 0
    embedded: int = 0
    lines: int | None = None
    remarks: tuple[str, ...] = ()
    """Warnings about the content of the file."""
    recovery_reason: str = ""
    """Why CSV recovery had to read the file; empty if it did not."""

    @property
    def is_recovered(self) -> bool:
        """Whether the rows come from a repaired copy."""
        return bool(self.recovery_reason)


def read(connection: duckdb.DuckDBPyConnection, file_scan: FileScan, input_: Input, work: Path) -> ParsedFile:
    """Read a scanned file into the temporary relations `landing_rows` and `landing_rejected`.

    landing_rows: row_number, the columns of `typed_select`, reason. landing_rejected: row_number, reason, original,
    record_number. `work` is a folder for copies. Raises FileRefusedError, or InputError if the lines do not add up.
    """
    connection.execute(
        "create or replace temp table landing_rejected "
        "(row_number bigint, reason varchar, original varchar, record_number bigint)"
    )
    # This optimizer compares every pair of expressions: a file of 2,000 columns would need a minute of planning.
    connection.execute("set disabled_optimizers = 'common_subexpressions'")
    parsed_file = _read(connection, file_scan, input_, work)
    ids.drop_decimals(connection, CONTRACTS[input_.table], parsed_file.header.bound)
    plan = parsed_file.header.plan
    return replace(parsed_file, rows=parsed_file.records) if plan is None else _reshape(connection, parsed_file, plan)


def _read(connection: duckdb.DuckDBPyConnection, file_scan: FileScan, input_: Input, work: Path) -> ParsedFile:
    if file_scan.is_parquet:
        return _read_parquet(connection, file_scan, input_, work)
    if file_scan.kind in ("workbook", "html"):
        return _read_grid(connection, file_scan, input_, work)
    if file_scan.is_json_lines or file_scan.kind == "json":
        return _require_all_lines(_read_json(connection, file_scan, input_, work))
    header = header_of(file_scan, input_)
    parsed_file = (
        None
        if file_scan.irregularity or header.lines > 1
        else _read_strictly(connection, file_scan, header, input_, work)
    )
    if parsed_file is None:
        parsed_file = _read_repaired(connection, file_scan, header, input_, work)
    return _require_all_lines(parsed_file)


def _reshape(connection: duckdb.DuckDBPyConnection, parsed_file: ParsedFile, plan: Plan) -> ParsedFile:
    """Count the rows made from the records, and number the rejected records after them."""
    footers = 0 if plan.footer is None else _remove_footer(connection, plan.footer)
    made_rows, rejected, rows = connection.execute(
        f"select (select count(*) from landing_rows), (select count(*) from temp.landing_rejected), ({plan.count})"
    ).fetchall()[0]
    connection.execute(
        "create or replace temp table landing_rejected as "
        f"select {made_rows} + row_number() over (order by row_number) as row_number, reason, original, "
        "row_number as record_number from temp.landing_rejected"
    )
    remarks = (*parsed_file.remarks, *plan.remarks)
    if plan.changed is not None and not made_rows and rows and not count_without_stage(connection, plan):
        remarks = (*remarks, _other_fields_remark(connection, plan.changed))
    return replace(parsed_file, rows=rows + rejected + footers, filtered=rows - made_rows + footers, remarks=remarks)


def count_without_stage(connection: duckdb.DuckDBPyConnection, plan: Plan) -> int:
    """Return the number of rows that `where` removes only because their stage is empty. Needs `landing_cells`."""
    if plan.without_stage_count is None:
        return 0
    rows: int = connection.execute(plan.without_stage_count).fetchall()[0][0]
    return rows


def _remove_footer(connection: duckdb.DuckDBPyConnection, footer: str) -> int:
    """Remove the footer lines of a report from `landing_rejected`. Returns their number.

    These are the lines with too few fields after the last complete record, if one of them matches `footer`. Without this
    condition, the last line of a truncated file would be lost silently.
    """
    below = (
        "select row_number, original from temp.landing_rejected where reason = 'too_few_fields' "
        f"and row_number > (select coalesce(max(record_number), 0) from {CELLS})"
    )
    removed: int = connection.execute(
        f"delete from temp.landing_rejected where row_number in (select row_number from ({below})) "
        f"and (select bool_or(regexp_matches(original, {quoted(footer)})) from ({below}))"
    ).fetchall()[0][0]
    return removed


def _other_fields_remark(connection: duckdb.DuckDBPyConnection, field: str) -> str:
    """Return the remark about a history of field changes without any change of the stage field."""
    fields = connection.execute(
        f"select trim({field}) as name, count(*) as cells from {CELLS} where trim({field}) <> '' "
        "group by name order by cells desc, name limit 5"
    ).fetchall()
    names = ", ".join(f'"{name[:60]}" ({rows})' for name, rows in fields)
    text = f"no row is of the field that holds the stage; the fields there are {names or 'not named'}"
    return f'{text}\n    field_value = "{fields[0][0][:60]}"   # in this [[inputs]] block' if fields else text


def _require_all_lines(parsed_file: ParsedFile) -> ParsedFile:
    header = parsed_file.header
    if parsed_file.lines is None:
        return parsed_file
    accounted = header.skip - header.blank + parsed_file.blank + parsed_file.records + parsed_file.embedded
    if accounted != parsed_file.lines:
        raise InputError(
            f"{parsed_file.lines} lines do not add up: {accounted} are accounted for",
            where=str(parsed_file.file_scan.path),
            next_step="this is a fault of the reader; report it with the file's first lines",
        )
    return parsed_file


def _read_strictly(
    connection: duckdb.DuckDBPyConnection, file_scan: FileScan, header: Header, input_: Input, work: Path
) -> ParsedFile | None:
    """Read with DuckDB only. Returns None if it rejects a line or the counts of records and lines differ."""
    fields = len(header.names)
    blank = file_scan.blank
    expected = file_scan.lines - header.skip - (blank - header.blank)
    # DuckDB silently accepts an extra empty field at the end of a line; then the count of delimiters differs.
    if not file_scan.quotes and file_scan.delimiters != _delimiters_expected(header, expected, 0):
        return None
    source = holding.read_csv(file_scan.path, file_scan.compression, range(fields), header.skip, input_.delimiter)
    counted = (fields, input_.delimiter) if file_scan.quotes else None
    try:
        stored = holding.store_rows(
            connection, header, source, input_, file_scan, work, numbered=False, counted=counted
        )
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException) as failure:
        if disk.is_the_reason(failure):
            raise
        return None
    inside = "sum(delimiters_inside)" if file_scan.quotes else "0"
    records, inside_values = connection.execute(
        f"select count(*), coalesce({inside}, 0)::bigint from {stored}"
    ).fetchall()[0]
    if records != expected or file_scan.delimiters != _delimiters_expected(header, records, inside_values):
        return None
    return ParsedFile(file_scan, header, records, blank=blank, lines=file_scan.lines)


def _read_repaired(
    connection: duckdb.DuckDBPyConnection, file_scan: FileScan, header: Header, input_: Input, work: Path
) -> ParsedFile:
    """Read with CSV recovery: bad records go to `landing_rejected`, the others to a clean copy."""
    lines = islice(scan.lines_of(file_scan.path, file_scan.compression), header.skip, None)
    reader = csv_recovery.RecordRecovery(lines, len(header.names), input_.delimiter.encode())
    tally = Tally()
    records = _store_copy(
        connection, header, file_scan, input_, work, tally, lambda copy: _split_records(reader, copy, tally)
    )
    return ParsedFile(
        file_scan,
        header,
        records,
        blank=reader.blank + header.blank,
        embedded=tally.newlines,
        lines=header.skip + reader.lines,
        recovery_reason=file_scan.irregularity
        or ("line ends inside quotes" if tally.newlines else "a line that does not fit"),
    )


def _read_json(connection: duckdb.DuckDBPyConnection, file_scan: FileScan, input_: Input, work: Path) -> ParsedFile:
    header, keys = json_lines.header_of(file_scan, input_)
    tally = Tally()
    records = _store_copy(
        connection,
        header,
        file_scan,
        input_,
        work,
        tally,
        lambda copy: json_lines.write_copy(file_scan, header, keys, copy, tally),
    )
    blank = tally.blank + header.blank
    lines = file_scan.lines if file_scan.kind == "lines" else None
    return _require_count(ParsedFile(file_scan, header, records, blank=blank, lines=lines), tally.records)


def _read_grid(connection: duckdb.DuckDBPyConnection, file_scan: FileScan, input_: Input, work: Path) -> ParsedFile:
    grid = sheets.grid_of(file_scan, input_, work)
    header = grids.header_of(grid, input_)
    settings = workbooks.with_iso_times(input_) if file_scan.kind == "workbook" else input_
    tally = Tally()
    records = _store_copy(
        connection, header, file_scan, settings, work, tally, lambda copy: grids.write_copy(grid, header, copy, tally)
    )
    return _require_count(ParsedFile(file_scan, header, records, remarks=grids.remarks(grid, header)), tally.records)


def _require_count(parsed_file: ParsedFile, expected: int) -> ParsedFile:
    """Return the parsed file. Raises InputError if DuckDB did not read every record that was written for it."""
    if parsed_file.records != expected:
        raise InputError(
            f"{expected} records do not add up: {parsed_file.records} are accounted for",
            where=str(parsed_file.file_scan.path),
            next_step="this is a fault of the reader; report it",
        )
    return parsed_file


def _store_copy(
    connection: duckdb.DuckDBPyConnection,
    header: Header,
    file_scan: FileScan,
    input_: Input,
    work: Path,
    tally: Tally,
    write: Callable[[IO[bytes]], Iterable[tuple[int, str, str]]],
) -> int:
    """Store the rows of our quoted copy, whose first field is the record number. Returns the number of records.

    `write` fills the copy and returns the rejected records. The others are counted as DuckDB stored them, not as they were
    written, so that a difference is detected.
    """
    copy = work / "records.csv"
    with copy.open("wb") as file:
        _insert(connection, write(file))
    source = holding.read_copy(copy, ("n", *range(len(header.names))), parallel=not tally.newlines)
    source = f"(select cn::bigint as row_number, * exclude (cn) from {source})"
    relation = holding.store_rows(connection, header, source, input_, file_scan, work, numbered=True)
    copy.unlink()
    stored: int = connection.execute(f"select count(*) from {relation}").fetchall()[0][0]
    return stored + tally.rejected


def _split_records(
    reader: csv_recovery.RecordRecovery, copy: IO[bytes], tally: Tally
) -> Iterator[tuple[int, str, str]]:
    """Write the good records to `copy`; yield the rejected ones as (number, reason, original)."""
    for record in reader:
        tally.newlines += record.newlines
        if record.fields is not None:
            copy.write(csv_recovery.quoted_line(record.number, record.fields))
        else:
            tally.rejected += 1
            yield record.number, str(record.reason), csv_recovery.printable_text(record.original)


def _read_parquet(connection: duckdb.DuckDBPyConnection, file_scan: FileScan, input_: Input, work: Path) -> ParsedFile:
    checksums.verify_pages(file_scan.path)
    table = f"read_parquet({quoted(glob_escaped(file_scan.path))}, file_row_number = true)"
    try:
        described = connection.execute(f"describe select * exclude (file_row_number) from {table}").fetchall()
        names = tuple(str(row[0]) for row in described)
        refuse_too_many_columns(names)
        types = [str(row[1]) for row in described]
        header = bind_header(names, input_)
        cells = ", ".join(
            f"{_as_text(identifier(name), kind)} as c{position}"
            for position, (name, kind) in enumerate(zip(names, types, strict=True))
        )
        source = f"(select file_row_number + 1 as row_number, {cells} from {table})"
        has_times = any(kind.startswith(("TIMESTAMP", "DATE")) for kind in _time_column_types(header, types, input_))
        stored = holding.store_rows(
            connection, header, source, input_, file_scan, work, numbered=True, iso_times=has_times
        )
        records = connection.execute(f"select count(*) from {stored}").fetchall()[0][0]
        promised = connection.execute(
            f"select sum(num_rows)::bigint from parquet_file_metadata({quoted(glob_escaped(file_scan.path))})"
        ).fetchall()[0][0]
    except BindError as problem:
        raise missing_columns_error(problem, names, input_) from None
    except (duckdb.OutOfMemoryException, duckdb.InterruptException):
        raise
    except duckdb.Error as error:
        # A damaged page can raise any DuckDB error; a full disk is not a problem of the file.
        if disk.is_the_reason(error):
            raise
        raise FileRefusedError("the Parquet file is damaged or cut short", "export or upload it again") from None
    if records != promised:
        raise FileRefusedError(
            "the Parquet file has another number of rows than its metadata says", "export or upload it again"
        )
    return ParsedFile(file_scan, replace(header, lines=0), records)


def _time_column_types(header: Header, types: list[str], input_: Input) -> list[str]:
    """Return the types of the columns that contain times."""
    timed = [column.name for column in CONTRACTS[input_.table].columns if column.type == "time"]
    positions = {header.bound.columns[name] for name in timed if name in header.bound.columns}
    if header.plan is not None and any(position >= len(types) for position in positions):
        positions |= set(header.plan.needed)
    return [types[position] for position in positions if position < len(types)]


def _as_text(column: str, kind: str) -> str:
    if kind in ("DOUBLE", "FLOAT"):
        # Some writers turn whole numbers into floats if one is null; the id 123.0 means 123.
        whole = f"{column} = trunc({column}) and abs({column}) < 9007199254740992"
        text = f"when {whole} then {column}::bigint::varchar else {column}::varchar"
        return f"case when isnan({column}) then null {text} end"
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        return f"to_json({column})::varchar"
    return f"{column}::varchar"


def _delimiters_expected(header: Header, records: int, inside: int) -> int:
    return header.delimiters + (len(header.names) - 1) * records + inside


def _insert(connection: duckdb.DuckDBPyConnection, rejected: Iterable[tuple[int, str, str]]) -> None:
    """Append (row_number, reason, original) to `landing_rejected`, in batches.

    Values are literals, because the first bound parameter of a process makes DuckDB import pandas, which takes a second.
    """
    insert = "insert into temp.landing_rejected (row_number, reason, original) values"
    batch: list[str] = []
    length = 0
    for number, reason, original in rejected:
        batch.append(f"({number}, {quoted(reason)}, {quoted(original)})")
        length += len(batch[-1])
        if len(batch) >= BATCH_ROWS or length >= holding.MAX_LINE_BYTES:
            connection.execute(f"{insert} {', '.join(batch)}")
            batch, length = [], 0
    if batch:
        connection.execute(f"{insert} {', '.join(batch)}")
