"""Read JSON lines: one object per line. The elements of a JSON document are read in the same way.

A line that is not an object, or has a key twice, is rejected whole. Python parses each line separately, so a bad line can't affect
another. The records are written to a copy in quoted CSV whose columns are the union of the keys. Every value keeps its
original text, so no number is rounded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import IO, Any

from pipeline.config.configuration import Input
from pipeline.ingest.files import scan
from pipeline.ingest.files.scan import FileScan
from pipeline.ingest.readers import csv_recovery, documents
from pipeline.ingest.readers.csv_recovery import Tally
from pipeline.ingest.readers.headers import Header, bind_header, missing_columns_error
from pipeline.ingest.refusal import FileRefusedError
from pipeline.ingest.rows.columns import BindError, normalise_header

SUFFIXES = (".jsonl", ".ndjson")

MAX_KEYS = 500
"""Different keys in a file. A file with more probably uses values as keys."""

MAX_DEPTH = 50
"""Levels of objects and lists inside a line; a deeper line is rejected."""


class BadLineError(Exception):
    """The line is rejected for this reason."""


class _Number(str):
    """A number as its original text, to distinguish it from a string."""


@dataclass(frozen=True)
class Keys:
    """The columns of a file: the first spelling of each key in order of appearance, and the column of every spelling."""

    names: tuple[str, ...]
    positions: dict[str, int]


def header_of(file_scan: FileScan, input_: Input) -> tuple[Header, Keys]:
    """Bind the union of the keys of all lines. Raises FileRefusedError with the keys of the file."""
    is_lines = file_scan.kind == "lines"
    skipped = list(islice(scan.lines_of(file_scan.path, file_scan.compression), input_.skip_lines)) if is_lines else []
    keys = _keys_of(file_scan, len(skipped))
    if not keys.names and not is_lines:
        raise FileRefusedError("no element of its array is an object with a key in it", "write an array of objects")
    if not keys.names:
        raise FileRefusedError(
            "no line of it is a JSON object with a key in it",
            "write one object a line, not one list or an object over several lines",
        )
    try:
        header = bind_header(keys.names, input_)
    except BindError as problem:
        raise missing_columns_error(problem, keys.names, input_) from None
    blank = sum(not line.strip(b"\r\n") for line in skipped)
    return replace(header, skip=len(skipped), blank=blank, lines=0), keys


def write_copy(
    file_scan: FileScan, header: Header, keys: Keys, copy: IO[bytes], tally: Tally
) -> Iterator[tuple[int, str, str]]:
    """Write the records to `copy`; yield the rejected ones as (number, reason, original)."""
    for text in texts(file_scan, header.skip):
        if not text:
            tally.blank += 1
            continue
        tally.records = number = tally.records + 1
        try:
            values = object_of(text)
        except BadLineError as bad:
            tally.rejected += 1
            yield number, str(bad), csv_recovery.printable_text(text)
            continue
        cells = [b""] * len(keys.names)
        for key, value in values.items():
            cells[keys.positions[key]] = value
            tally.newlines += value.count(b"\n") + value.count(b"\r")
        copy.write(csv_recovery.quoted_line(number, cells))


def texts(file_scan: FileScan, skip: int) -> Iterator[bytes]:
    """Yield the text of each line after the skipped ones, or of each element of a JSON document."""
    if file_scan.kind == "json":
        return documents.elements(file_scan)
    lines = islice(scan.lines_of(file_scan.path, file_scan.compression), skip, None)
    return (line.rstrip(b"\r\n") for line in lines)


def object_of(line: bytes) -> dict[str, bytes]:
    """Return the keys of a line and their values as UTF-8 text: null is empty, a list or an object is its JSON.

    Raises BadLineError for damaged bytes, invalid JSON (also NaN and Infinity), a value that is not an object, or a repeated key
    (also inside an object, or in a second spelling that binds to the same column).
    """
    damage = csv_recovery.damage_reason(line)
    if damage is not None:
        raise BadLineError(damage)
    try:
        parsed = _DECODER.decode(line.decode())
    except RecursionError:
        raise BadLineError("nested_too_deep") from None
    except ValueError:
        raise BadLineError("not_json") from None
    if not isinstance(parsed, dict):
        raise BadLineError("not_an_object")
    if len({normalise_header(key) or key for key in parsed}) < len(parsed):
        raise BadLineError("duplicate_key")
    try:
        values = {key: _text(value).encode() for key, value in parsed.items()}
        "".join(values).encode()
    except UnicodeEncodeError:
        # Half a surrogate pair, such as \ud83d, is not a valid character.
        raise BadLineError("bad_encoding") from None
    if any(b"\0" in value for value in values.values()) or any("\0" in key for key in values):
        raise BadLineError("nul_byte")
    return values


def _keys_of(file_scan: FileScan, skip: int) -> Keys:
    names: list[str] = []
    columns: dict[str, int] = {}  # by the normalised name
    positions: dict[str, int] = {}
    for text in texts(file_scan, skip):
        try:
            new = [key for key in object_of(text) if key not in positions]
        except BadLineError:
            continue
        for key in new:
            same = normalise_header(key) or key
            if same not in columns:
                names.append(key)
            positions[key] = columns.setdefault(same, len(columns))
        if len(positions) > MAX_KEYS:
            raise FileRefusedError(
                f"it has more than {MAX_KEYS} different keys",
                "write the same keys in every line; what differs from line to line belongs into values",
            )
    return Keys(tuple(names), positions)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) < len(pairs):
        raise BadLineError("duplicate_key")
    return parsed


def _refuse_constant(_: str) -> Any:
    raise BadLineError("not_json")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_Number, parse_int=_Number, parse_constant=_refuse_constant
)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, str) else _json(value, MAX_DEPTH)


def _json(value: Any, levels_left: int) -> str:
    """Return JSON without spaces; numbers keep their original text."""
    if isinstance(value, _Number):
        return value
    if not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    if not levels_left:
        raise BadLineError("nested_too_deep")
    if isinstance(value, list):
        return f"[{','.join(_json(each, levels_left - 1) for each in value)}]"
    pairs = (f"{json.dumps(key, ensure_ascii=False)}:{_json(each, levels_left - 1)}" for key, each in value.items())
    return f"{{{','.join(pairs)}}}"
