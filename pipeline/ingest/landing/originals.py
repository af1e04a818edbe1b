"""Keep the original text of records whose rows are rejected, or may be rejected later. The file is read again for it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import duckdb

from pipeline.config.configuration import Input
from pipeline.database.connection import glob_escaped, identifier, quoted
from pipeline.ingest.files import scan
from pipeline.ingest.readers import csv_recovery, holding, json_lines, sheets
from pipeline.ingest.readers.file_reader import BATCH_ROWS, ParsedFile


def keep_originals(connection: duckdb.DuckDBPyConnection, delivered: ParsedFile, reads: Input, work: Path) -> None:
    """Fill `landing_originals` (record_number, original) with the text of the records in `landing_wanted`: for a
    CSV file its lines, read again from the file; for Parquet, a sheet or a web page a JSON object of the row."""
    if delivered.found.is_parquet:
        _keep_parquet_rows(connection, delivered)
        return
    wanted = array("q")
    connection.execute("select distinct record_number from temp.landing_wanted order by 1")
    while found := connection.fetchmany(BATCH_ROWS):
        wanted.extend(number for (number,) in found)
    if not wanted:
        return
    copy = work / "originals.csv"
    with copy.open("wb") as file:
        for number, text in _originals(delivered, iter(wanted), reads, work):
            file.write(csv_recovery.quoted_line(number, [text.encode()]))
    connection.execute(
        f"insert into temp.landing_originals select c0::bigint, c1 from {holding.read_copy(copy, range(2), parallel=False)}"
    )
    copy.unlink()


def _originals(delivered: ParsedFile, wanted: Iterator[int], reads: Input, work: Path) -> Iterator[tuple[int, str]]:
    """The text of the wanted records, whose numbers ascend."""
    if delivered.found.kind == "lines":
        lines = scan.lines_of(delivered.found.path, delivered.found.compression)
        records = _records(islice(lines, delivered.header.skip, None), delivered, reads)
    elif delivered.found.kind == "json":
        records = enumerate(json_lines.texts(delivered.found, 0), start=1)
    else:
        records = sheets.originals(delivered.found, reads, work)
    for number in wanted:
        yield number, csv_recovery.printable_text(next(text for record, text in records if record == number))


def _records(lines: Iterator[bytes], delivered: ParsedFile, reads: Input) -> Iterator[tuple[int, bytes]]:
    if delivered.is_repaired:
        reader = csv_recovery.RecordRecovery(lines, len(delivered.header.names), reads.delimiter.encode())
        return ((record.number, record.original) for record in reader)
    return enumerate(filter(None, (line.rstrip(b"\r\n") for line in lines)), start=1)


def _keep_parquet_rows(connection: duckdb.DuckDBPyConnection, delivered: ParsedFile) -> None:
    cells = ", ".join(f"{quoted(name)}: {identifier(name)}" for name in delivered.header.names)
    connection.execute(
        f"insert into temp.landing_originals select file_row_number + 1, to_json({{{cells}}})::varchar "
        f"from read_parquet({quoted(glob_escaped(delivered.found.path))}, file_row_number = true) "
        "where file_row_number + 1 in (select record_number from temp.landing_wanted)"
    )
