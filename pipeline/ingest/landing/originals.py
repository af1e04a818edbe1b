"""Keep the original text of records whose rows are rejected, or can be rejected later. Reads the file again."""

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


def keep_originals(connection: duckdb.DuckDBPyConnection, parsed_file: ParsedFile, input_: Input, work: Path) -> None:
    """Fill `landing_originals` (record_number, original) with the text of the records in `landing_wanted`.

    The text is the lines of a CSV file, or a JSON object for a row of Parquet, a sheet or a web page.
    """
    if parsed_file.file_scan.is_parquet:
        _keep_parquet_rows(connection, parsed_file)
        return
    wanted = array("q")
    connection.execute("select distinct record_number from temp.landing_wanted order by 1")
    while batch := connection.fetchmany(BATCH_ROWS):
        wanted.extend(number for (number,) in batch)
    if not wanted:
        return
    copy = work / "originals.csv"
    with copy.open("wb") as file:
        for number, text in _originals(parsed_file, iter(wanted), input_, work):
            file.write(csv_recovery.quoted_line(number, [text.encode()]))
    connection.execute(
        f"insert into temp.landing_originals select c0::bigint, c1 from {holding.read_copy(copy, range(2), parallel=False)}"
    )
    copy.unlink()


def _originals(parsed_file: ParsedFile, wanted: Iterator[int], input_: Input, work: Path) -> Iterator[tuple[int, str]]:
    """Yield (number, text) of the wanted records; `wanted` is sorted."""
    if parsed_file.file_scan.kind == "lines":
        lines = scan.lines_of(parsed_file.file_scan.path, parsed_file.file_scan.compression)
        records = _records(islice(lines, parsed_file.header.skip, None), parsed_file, input_)
    elif parsed_file.file_scan.kind == "json":
        records = enumerate(json_lines.texts(parsed_file.file_scan, 0), start=1)
    else:
        records = sheets.originals(parsed_file.file_scan, input_, work)
    for number in wanted:
        yield number, csv_recovery.printable_text(next(text for record, text in records if record == number))


def _records(lines: Iterator[bytes], parsed_file: ParsedFile, input_: Input) -> Iterator[tuple[int, bytes]]:
    if parsed_file.is_recovered:
        reader = csv_recovery.RecordRecovery(lines, len(parsed_file.header.names), input_.delimiter.encode())
        return ((record.number, record.original) for record in reader)
    return enumerate(filter(None, (line.rstrip(b"\r\n") for line in lines)), start=1)


def _keep_parquet_rows(connection: duckdb.DuckDBPyConnection, parsed_file: ParsedFile) -> None:
    cells = ", ".join(f"{quoted(name)}: {identifier(name)}" for name in parsed_file.header.names)
    connection.execute(
        f"insert into temp.landing_originals select file_row_number + 1, to_json({{{cells}}})::varchar "
        f"from read_parquet({quoted(glob_escaped(parsed_file.file_scan.path))}, file_row_number = true) "
        "where file_row_number + 1 in (select record_number from temp.landing_wanted)"
    )
