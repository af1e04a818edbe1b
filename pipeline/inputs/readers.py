"""One file becomes one temporary relation of typed rows, `landing_rows`, and nothing of the file is lost on the way.

DuckDB reads strictly and every value as text. Where that fails or does not account for each line, the
resynchronising reader writes a repaired copy, and DuckDB reads that.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import duckdb

from pipeline.engines import disk
from pipeline.engines.duckdb import identifier, quoted
from pipeline.errors import InputError
from pipeline.inputs import checksums, grids, jsonlines, preflight, resync, rows, sheets, workbooks
from pipeline.inputs.contract import CONTRACTS, Bound, CannotBind, bind
from pipeline.inputs.headers import Header, header_of, refusal_of, refuse_too_many
from pipeline.inputs.preflight import Bytes, Refused
from pipeline.waterfall.definition import Input

IN_MEMORY = 256_000_000
"""Bytes of a file up to which its rows wait in a temporary table; those of a bigger one wait in a Parquet file."""

_LONGEST_LINE = 4_000_000
"""Bytes; twice the longest record that is taken, since quotes double in the repaired copy."""

_MANY = 2_000
"""Quarantined records that are handed to DuckDB at a time."""


@dataclass(frozen=True)
class Delivered:
    """What was read: `landing_rows` holds every record but the quarantined ones, which `landing_rejected` holds."""

    found: Bytes
    header: Header
    records: int
    blank: int = 0
    embedded: int = 0
    lines: int | None = None
    remarks: tuple[str, ...] = ()
    """What deserves a warning, in words."""
    why: str = ""
    """Why the resynchronising reader had to read it; empty if it did not."""

    @property
    def is_repaired(self) -> bool:
        """Whether the rows come from a repaired copy."""
        return bool(self.why)


def read(connection: duckdb.DuckDBPyConnection, found: Bytes, reads: Input, work: Path) -> Delivered:
    """Read a file that `look_at` found whole into the temporary relations `landing_rows` and `landing_rejected`.

    landing_rows: row_number, the columns of `rows.typed`, reason. landing_rejected: row_number, reason, original.
    `work` is a folder for copies. Raises Refused, or InputError when the lines do not add up.
    """
    connection.execute(
        "create or replace temp table landing_rejected (row_number bigint, reason varchar, original varchar)"
    )
    # It compares every expression with every other, so that a file of 2,000 columns would take a minute to plan.
    connection.execute("set disabled_optimizers = 'common_subexpressions'")
    if found.is_parquet:
        return _read_parquet(connection, found, reads, work)
    if found.kind in ("workbook", "html"):
        return _read_grid(connection, found, reads, work)
    if found.is_json_lines or found.kind == "json":
        return _accounted(_read_json(connection, found, reads, work))
    header = header_of(found, reads)
    delivered = None if found.is_odd or header.lines > 1 else _read_strictly(connection, found, header, reads, work)
    if delivered is None:
        delivered = _read_repaired(connection, found, header, reads, work)
    return _accounted(delivered)


def _accounted(delivered: Delivered) -> Delivered:
    header = delivered.header
    if delivered.lines is None:
        return delivered
    accounted = header.skip - header.blank + delivered.blank + delivered.records + delivered.embedded
    if accounted != delivered.lines:
        raise InputError(
            f"{delivered.lines} lines do not add up: {accounted} are accounted for",
            where=str(delivered.found.path),
            next_step="this is a fault of the reader; report it with the file's first lines",
        )
    return delivered


def keep_originals(connection: duckdb.DuckDBPyConnection, delivered: Delivered, reads: Input, work: Path) -> None:
    """Fill `landing_originals` (row_number, original) with the text of the rows in `landing_wanted`: the physical
    lines of a CSV file, read anew; a JSON object of a row of Parquet, a sheet or a web page."""
    if delivered.found.is_parquet:
        _keep_parquet_rows(connection, delivered)
        return
    wanted = array("q")
    connection.execute("select distinct row_number from temp.landing_wanted order by 1")
    while found := connection.fetchmany(_MANY):
        wanted.extend(number for (number,) in found)
    if not wanted:
        return
    copy = work / "originals.csv"
    with copy.open("wb") as file:
        for number, text in _originals(delivered, iter(wanted), reads, work):
            file.write(resync.quoted_line(number, [text.encode()]))
    connection.execute(
        f"insert into temp.landing_originals select c0::bigint, c1 from {_read_copy(copy, range(2), parallel=False)}"
    )
    copy.unlink()


def _originals(delivered: Delivered, wanted: Iterator[int], reads: Input, work: Path) -> Iterator[tuple[int, str]]:
    """The text of the wanted records, whose numbers ascend."""
    if delivered.found.kind == "lines":
        lines = preflight.lines_of(delivered.found.path, delivered.found.compression)
        records = _records(islice(lines, delivered.header.skip, None), delivered, reads)
    elif delivered.found.kind == "json":
        records = enumerate(jsonlines.texts(delivered.found, 0), start=1)
    else:
        records = sheets.originals(delivered.found, reads, work)
    for number in wanted:
        yield number, resync.readable(next(text for record, text in records if record == number))


def _records(lines: Iterator[bytes], delivered: Delivered, reads: Input) -> Iterator[tuple[int, bytes]]:
    if delivered.is_repaired:
        reader = resync.Resynchroniser(lines, len(delivered.header.names), reads.delimiter.encode())
        return ((record.number, record.original) for record in reader)
    return enumerate(filter(None, (line.rstrip(b"\r\n") for line in lines)), start=1)


def _read_strictly(
    connection: duckdb.DuckDBPyConnection, found: Bytes, header: Header, reads: Input, work: Path
) -> Delivered | None:
    """The fast way; None when DuckDB refuses a line or the count of records is not that of the lines."""
    fields = len(header.names)
    blank = found.blank
    expected = found.lines - header.skip - (blank - header.blank)
    # DuckDB takes an empty field too many at the end of a line and says nothing; the delimiters do not add up then.
    if not found.quotes and found.delimiters != _delimiters_expected(header, expected, 0):
        return None
    source = _read_csv(found.path, found.compression, range(fields), header.skip, reads.delimiter)
    counted = (fields, reads.delimiter) if found.quotes else None
    sql = rows.typed(reads, header.bound, source, numbered=False, counted=counted)
    try:
        _hold(connection, sql, found.content_size, work, numbered=False)
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException) as failure:
        if disk.is_the_reason(failure):
            raise
        return None
    inside = "sum(delimiters_inside)" if found.quotes else "0"
    records, inside_values = connection.execute(
        f"select count(*), coalesce({inside}, 0)::bigint from landing_rows"
    ).fetchall()[0]
    if records != expected or found.delimiters != _delimiters_expected(header, records, inside_values):
        return None
    return Delivered(found, header, records, blank=blank, lines=found.lines)


def _read_repaired(
    connection: duckdb.DuckDBPyConnection, found: Bytes, header: Header, reads: Input, work: Path
) -> Delivered:
    """The sure way: every record through Python once, bad lines to `landing_rejected`, the others to a clean copy."""
    fields = len(header.names)
    lines = _Counted(preflight.lines_of(found.path, found.compression))
    for _ in range(header.skip):
        next(lines)
    reader = resync.Resynchroniser(lines, fields, reads.delimiter.encode())
    copy = work / "repaired.csv"
    tally = _Tally()
    with copy.open("wb") as file:
        _insert(connection, "landing_rejected", _quarantined(reader, file, tally))
    held = _hold_copy(connection, copy, header, found, reads, work, parallel=not tally.embedded)
    return Delivered(
        found,
        header,
        held + tally.quarantined,
        blank=reader.blank + header.blank,
        embedded=tally.embedded,
        lines=lines.count,
        why=found.is_odd or ("line ends inside quotes" if tally.embedded else "a line that does not fit"),
    )


def _read_json(connection: duckdb.DuckDBPyConnection, found: Bytes, reads: Input, work: Path) -> Delivered:
    header, keys = jsonlines.header_of(found, reads)
    copy = work / "objects.csv"
    tally = jsonlines.Tally()
    with copy.open("wb") as file:
        _insert(connection, "landing_rejected", jsonlines.copied(found, header, keys, file, tally))
    held = _hold_copy(connection, copy, header, found, reads, work, parallel=not tally.newlines)
    blank = tally.blank + header.blank
    records = held + tally.quarantined
    lines = found.lines if found.kind == "lines" else None
    return _counted(Delivered(found, header, records, blank=blank, lines=lines), tally.records)


def _read_grid(connection: duckdb.DuckDBPyConnection, found: Bytes, reads: Input, work: Path) -> Delivered:
    grid = sheets.grid_of(found, reads, work)
    header = grids.header_of(grid, reads)
    copy = work / "cells.csv"
    tally = grids.Tally()
    with copy.open("wb") as file:
        _insert(connection, "landing_rejected", grids.copied(grid, header, file, tally))
    settings = workbooks.with_dates(reads) if found.kind == "workbook" else reads
    held = _hold_copy(connection, copy, header.header, found, settings, work, parallel=not tally.newlines)
    remarks = grids.remarks_of(grid, header)
    return _counted(Delivered(found, header.header, held + tally.quarantined, remarks=remarks), tally.records)


def _counted(delivered: Delivered, expected: int) -> Delivered:
    """What was read, after a look that DuckDB holds every record that was written for it."""
    if delivered.records != expected:
        raise InputError(
            f"{expected} records do not add up: {delivered.records} are accounted for",
            where=str(delivered.found.path),
            next_step="this is a fault of the reader; report it",
        )
    return delivered


def _hold_copy(
    connection: duckdb.DuckDBPyConnection,
    copy: Path,
    header: Header,
    found: Bytes,
    reads: Input,
    work: Path,
    *,
    parallel: bool,
) -> int:
    """Hold the rows of our own quoted copy, whose first field is the number of the record. Returns how many it holds:
    what DuckDB holds, not what was written, since a difference must not add up."""
    source = _read_copy(copy, ("n", *range(len(header.names))), parallel=parallel)
    source = f"(select cn::bigint as row_number, * exclude (cn) from {source})"
    _hold(connection, rows.typed(reads, header.bound, source, numbered=True), found.content_size, work, numbered=True)
    copy.unlink()
    held: int = connection.execute("select count(*) from landing_rows").fetchall()[0][0]
    return held


@dataclass
class _Tally:
    """What the repair met on its way."""

    quarantined: int = 0
    embedded: int = 0


def _quarantined(reader: resync.Resynchroniser, copy: IO[bytes], tally: _Tally) -> Iterator[tuple[int, str, str]]:
    """The quarantined records (number, reason, original); the others go to the copy on the way."""
    for record in reader:
        tally.embedded += record.newlines
        if record.fields is not None:
            copy.write(resync.quoted_line(record.number, record.fields))
        else:
            tally.quarantined += 1
            yield record.number, str(record.reason), resync.readable(record.original)


def _read_parquet(connection: duckdb.DuckDBPyConnection, found: Bytes, reads: Input, work: Path) -> Delivered:
    checksums.verify_pages(found.path)
    scan = f"read_parquet({quoted(glob_escaped(found.path))}, file_row_number = true)"
    try:
        described = connection.execute(f"describe select * exclude (file_row_number) from {scan}").fetchall()
        names = tuple(str(row[0]) for row in described)
        refuse_too_many(names)
        types = [str(row[1]) for row in described]
        bound = bind(names, reads)
        cells = ", ".join(
            f"{_as_text(identifier(name), kind)} as c{position}"
            for position, (name, kind) in enumerate(zip(names, types, strict=True))
        )
        source = f"(select file_row_number + 1 as row_number, {cells} from {scan})"
        has_times = any(types[position].startswith(("TIMESTAMP", "DATE")) for position in _times(bound, reads))
        sql = rows.typed(reads, bound, source, numbered=True, iso_times=has_times)
        _hold(connection, sql, found.content_size, work, numbered=True)
        records = connection.execute("select count(*) from landing_rows").fetchall()[0][0]
        promised = connection.execute(
            f"select sum(num_rows)::bigint from parquet_file_metadata({quoted(glob_escaped(found.path))})"
        ).fetchall()[0][0]
    except CannotBind as problem:
        raise refusal_of(problem, names, reads) from None
    except (duckdb.OutOfMemoryException, duckdb.InterruptException):
        raise
    except duckdb.Error as error:
        # A damaged page ends in any kind of error, some of no kind ("Out of buffer"); a full disk is not the file's fault.
        if disk.is_the_reason(error):
            raise
        raise Refused("the Parquet file is damaged or cut short", "export or upload it again") from None
    if records != promised:
        raise Refused("the Parquet file holds another number of rows than it says", "export or upload it again")
    return Delivered(found, Header(names, bound, lines=0), records)


def _times(bound: Bound, reads: Input) -> list[int]:
    timed = [column.name for column in CONTRACTS[reads.table].columns if column.type == "time"]
    return [bound.columns[name] for name in timed if name in bound.columns]


def _as_text(column: str, kind: str) -> str:
    if kind in ("DOUBLE", "FLOAT"):
        # A writer that met a null makes 123 a float; as an id it still is 123.
        whole = f"{column} = trunc({column}) and abs({column}) < 9007199254740992"
        text = f"when {whole} then {column}::bigint::varchar else {column}::varchar"
        return f"case when isnan({column}) then null {text} end"
    return f"{column}::varchar"


def _keep_parquet_rows(connection: duckdb.DuckDBPyConnection, delivered: Delivered) -> None:
    cells = ", ".join(f"{quoted(name)}: {identifier(name)}" for name in delivered.header.names)
    connection.execute(
        f"insert into temp.landing_originals select file_row_number + 1, to_json({{{cells}}})::varchar "
        f"from read_parquet({quoted(glob_escaped(delivered.found.path))}, file_row_number = true) "
        "where file_row_number + 1 in (select row_number from temp.landing_wanted)"
    )


def _hold(connection: duckdb.DuckDBPyConnection, sql: str, size: int, work: Path, *, numbered: bool) -> None:
    """Make `landing_rows` of the rows of `sql`, in the order of the file, numbered from 1 unless they have numbers."""
    if size <= IN_MEMORY:
        connection.execute(f"create or replace temp table landing_typed as {sql}")
        source, number = "temp.landing_typed", "" if numbered else "rowid + 1 as row_number, "
        columns = "*"
    else:
        held = work / "typed.parquet"
        connection.execute(f"copy ({sql}) to {quoted(str(held))} (format parquet, compression lz4)")
        source = f"read_parquet({quoted(glob_escaped(held))}, file_row_number = {'false' if numbered else 'true'})"
        number, columns = (
            ("", "*") if numbered else ("file_row_number + 1 as row_number, ", "* exclude (file_row_number)")
        )
    connection.execute(f"create or replace temp view landing_rows as select {number}{columns} from {source}")


def _read_copy(copy: Path, columns: Iterable[object], *, parallel: bool) -> str:
    # Unless told, DuckDB takes the first line end for that of the file: in our own copy it may be a CRLF inside quotes.
    return _read_csv(copy, "none", columns, 0, ",", f", new_line = '\\n', parallel = {str(parallel).lower()}")


def _read_csv(path: Path, packing: str, columns: Iterable[object], skip: int, delimiter: str, more: str = "") -> str:
    declared = ", ".join(f"'c{column}': 'VARCHAR'" for column in columns)
    return (
        f"read_csv({quoted(glob_escaped(path))}, auto_detect = false, all_varchar = true, header = false, "
        f"skip = {skip}, delim = {quoted(delimiter)}, quote = '\"', escape = '\"', strict_mode = true, "
        f"null_padding = false, ignore_errors = false, compression = '{packing}', max_line_size = {_LONGEST_LINE}, "
        f"columns = {{{declared}}}{more})"
    )


def glob_escaped(path: Path) -> str:
    """A path that names one file to DuckDB, which takes `*`, `?` and `[` in a name for a pattern."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in str(path))


def _delimiters_expected(header: Header, records: int, inside: int) -> int:
    return header.delimiters + (len(header.names) - 1) * records + inside


def _insert(connection: duckdb.DuckDBPyConnection, table: str, texts: Iterable[tuple[int | str, ...]]) -> None:
    """Append (row_number, text …) to one of our temporary tables, in batches.

    The values go in as literals: the first bound parameter of a process makes DuckDB import pandas, for a second.
    """
    batch: list[str] = []
    length = 0
    for values in texts:
        literals = ", ".join(quoted(value) if isinstance(value, str) else str(value) for value in values)
        batch.append(f"({literals})")
        length += len(literals)
        if len(batch) >= _MANY or length >= _LONGEST_LINE:
            connection.execute(f"insert into temp.{table} values {', '.join(batch)}")
            batch, length = [], 0
    if batch:
        connection.execute(f"insert into temp.{table} values {', '.join(batch)}")


class _Counted(Iterator[bytes]):
    """An iterator of lines that knows how many it gave."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self.count = 0

    def __next__(self) -> bytes:
        line = next(self._lines)
        self.count += 1
        return line
