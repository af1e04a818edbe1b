"""Read a sample of a file as text, and detect its settings: encoding, delimiter, lines above the header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from pipeline.config.configuration import Input, Reshaping
from pipeline.database.connection import identifier
from pipeline.ingest.files import archives, encodings, formats, scan
from pipeline.ingest.files.find import InputFile
from pipeline.ingest.files.scan import FileScan
from pipeline.ingest.readers import csv_recovery, file_reader
from pipeline.ingest.refusal import FileRefusedError
from pipeline.ingest.rows.columns import normalise_header

MAX_SAMPLE_ROWS = 5_000
"""Records of a file that are read to recognise it."""
_DELIMITERS = (",", ";", "\t", "|")
_MAX_SAMPLE_LINES = 30


@dataclass(frozen=True)
class Sample:
    """A file and its columns. `settings` are the `[[inputs]]` keys that read it; the texts are in the relation `table`."""

    path: Path
    names: tuple[str, ...]
    table: str
    records: int
    settings: dict[str, Any] = field(default_factory=dict)

    def has(self, header: str) -> bool:
        """Whether the file has the header, compared in normalised form."""
        return normalise_header(header) in {normalise_header(name) for name in self.names}


def sample(connection: duckdb.DuckDBPyConnection, path: Path, number: int, work: Path) -> Sample:
    """Read the file into a temporary table of text, with columns c0, c1 … Raises FileRefusedError."""
    # A member of an archive exists only until the next one is unpacked.
    for file in archives.expand((InputFile(path),), work):
        if file.refused:
            raise FileRefusedError(file.refused, file.next_step)
        return _sample(connection, file, number, work)
    raise FileRefusedError("there is no file in the archive", "export it again")


def _sample(connection: duckdb.DuckDBPyConnection, file: InputFile, number: int, work: Path) -> Sample:
    path = file.source
    settings = dict(_settings(file.path))
    input_ = Input("sample", "accounts", path, reshaping=Reshaping(constants={"account_id": "1"}), **settings)
    delivered = file_reader.read(connection, formats.scan_file(file.path, input_, work), input_, work)
    names = delivered.header.names
    places = {position: name for name, position in delivered.header.bound.fields.items() if position < len(names)}
    cells = ", ".join(
        f"{identifier(places[position])} as c{position}" if position in places else f"null::varchar as c{position}"
        for position in range(len(names))
    )
    table = f"temp.sample_{number}"
    connection.execute(
        f"create or replace temp table sample_{number} as select {cells} from landing_rows limit {MAX_SAMPLE_ROWS}"
    )
    return Sample(path, names, table, delivered.records, settings)


def _settings(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the settings for a CSV file; none for Parquet, workbooks and JSON."""
    try:
        plain = scan.scan_bytes(path)
    except FileRefusedError:
        return
    if plain.is_parquet or path.suffix.lower() in (".json", ".jsonl", ".ndjson", ".html", ".htm", ".xls"):
        return
    encoding = "utf-8"
    if not plain.is_utf8 or plain.irregularity == "a NUL byte":
        encoding = encodings.guess_encoding(plain)
    if encoding != "utf-8":
        yield "encoding", encoding
    lines = _first_lines(plain, encoding)
    delimiter = max(_DELIMITERS, key=lambda each: (_typical(lines, each), -_DELIMITERS.index(each)))
    if delimiter != ",":
        yield "delimiter", delimiter
    width = _typical(lines, delimiter)
    above = next((number for number, line in enumerate(lines) if _fields(line, delimiter) == width), 0)
    if above:
        yield "skip_lines", above


def _first_lines(plain: FileScan, encoding: str) -> list[bytes]:
    lines = islice(scan.lines_of(plain.path, plain.compression), _MAX_SAMPLE_LINES)
    texts = [line.decode(encoding, "replace").rstrip("\r\n").encode() for line in lines]
    return texts if encoding not in ("utf-16", "utf-16-le", "utf-16-be") else []


def _typical(lines: list[bytes], delimiter: str) -> int:
    """Return the most frequent number of fields."""
    counted = Counter(_fields(line, delimiter) for line in lines if line)
    return max(counted, key=lambda width: (counted[width] * (width > 1), width), default=1)


def _fields(line: bytes, delimiter: str) -> int:
    cells, state = csv_recovery.split(line, delimiter.encode())
    return len(cells) if state == "whole" else 1


_WORD = re.compile(r"[a-z0-9]+")


def words(header: str) -> set[str]:
    """Return the words of a header in lower case."""
    return set(_WORD.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header).lower()))


def common_start(texts: Sequence[str], *, whole_words: bool = True) -> str:
    """Return the common prefix of all texts; with `whole_words`, it ends after a character that is not a letter or digit."""
    shortest = min(texts, key=len)
    ends = (end for end in range(len(shortest), 0, -1) if not (whole_words and shortest[end - 1].isalnum()))
    return next((shortest[:end] for end in ends if all(each.startswith(shortest[:end]) for each in texts)), "")
