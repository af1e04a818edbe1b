"""The `[[inputs]]` blocks: where the files of an input are, how they are read, and which column is which."""

from __future__ import annotations

import codecs
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator

from pipeline.waterfall import schema_checks, schema_sources, time_formats
from pipeline.waterfall.definition import Input, InputTable, Mode
from pipeline.waterfall.problems import Problems
from pipeline.waterfall.schema import AsExported, FilePath, NonNegative, Word, Zone, some
from pipeline.waterfall.words import did_you_mean, why_not_a_word

COLUMNS: dict[str, tuple[str, ...]] = {
    "stage_entries": (
        "lead_id",
        "stage",
        "entered_at",
        "sequence",
        "owner",
        "source_system",
        "previous",
        "record_created_at",
    ),
    "leads": (
        "lead_id",
        "account_id",
        "origin",
        "lead_source",
        "created_at",
        "created_stage",
        "owner",
        "email",
        "title",
        "persona",
        "current_stage",
    ),
    "accounts": ("account_id", "name", "domain", "segment", "region"),
    "merges": ("from_lead_id", "into_lead_id", "merged_at", "object"),
    "deletions": ("lead_id", "deleted_at"),
}
"""The columns that each table is known for; the first are its key."""

TAKES_ANY_COLUMN = frozenset({"stage_entries", "leads", "accounts"})


def _encoding(name: str) -> str:
    if name.lower() == "auto":
        return "auto"
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        raise ValueError(f"`{name}` is no encoding; write one like utf-8, utf-16 or cp1252") from None
    if not getattr(found, "_is_text_encoding", True):
        raise ValueError(f"`{name}` is no encoding of text; write one like utf-8, utf-16 or cp1252")
    return name.lower()


def _delimiter(letter: str) -> str:
    if len(letter) != 1 or letter in '"\r\n\0':
        raise ValueError('must be one character, such as "," or ";" or "\\t"')
    return letter


def _time_formats(given: Any) -> str | tuple[str, ...]:
    """One format as text, a list of them as a tuple."""
    if isinstance(given, str):
        return time_formats.checked(given)
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise ValueError("must be text in quotes, or a list of such texts")
    return tuple(time_formats.checked(one) for one in some(given))


def _sheet(given: Any) -> str | int:
    is_number = isinstance(given, int) and not isinstance(given, bool) and given >= 1
    if is_number or (isinstance(given, str) and given):
        return given  # type: ignore[no-any-return]  # it is one of the two
    raise ValueError('must be the name of a sheet, such as "History", or its number, 1 for the first')


def _row(given: Any) -> int:
    if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
        return given
    raise ValueError("must be the number of a row, 1 for the first")


class InputBlock(schema_sources.SourceKeys):
    """One `[[inputs]]`."""

    name: Word
    table: InputTable
    path: FilePath | None = None
    columns: dict[str, AsExported] = Field(default_factory=dict)
    timezone: Zone | None = None
    time_format: Annotated[str | tuple[str, ...] | None, PlainValidator(_time_formats)] = None
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    delimiter: Annotated[str, AfterValidator(_delimiter)] = ","
    skip_lines: NonNegative = 0
    sheet: Annotated[str | int | None, PlainValidator(_sheet)] = None
    header_row: Annotated[int | None, PlainValidator(_row)] = None
    null_values: list[str] = Field(default_factory=lambda: [""])
    mode: Mode = "append"


def inputs(
    blocks: Sequence[tuple[int, InputBlock]],
    written: Sequence[dict[str, Any]],
    path: Path,
    timezone: str,
    checks: schema_checks.ChecksBlock,
    problems: Problems,
    *,
    is_given: bool,
) -> tuple[Input, ...]:
    """The inputs of the well-formed `blocks`; `written` are all blocks as they stand in the configuration at `path`.

    `is_given` says whether the configuration has `inputs` at all, in whatever form.
    """
    known = [raw for raw in written if raw.get("table") in COLUMNS]
    if len(known) == len(written) and all(raw["table"] != "stage_entries" for raw in known):
        problems.add(
            ("inputs",) if is_given else (),
            'there is no [[inputs]] block with table = "stage_entries"; every number comes from stage entries',
        )
    names: dict[str, int] = {}
    files: dict[tuple[str, Path, str | int], int] = {}
    for number, block in blocks:
        if block.name in names:
            first = problems.line(("inputs", names[block.name]))
            problems.add(("inputs", number, "name"), f"the name `{block.name}` is used twice, here and in line {first}")
        names.setdefault(block.name, number)
        if block.path is None:
            continue
        twin = files.setdefault((block.table, beside(path, block.path), block.sheet or 1), number)
        if twin != number:
            first = problems.line(("inputs", twin, "path"))
            problems.add(
                ("inputs", number, "path"), f"the same files are read as {block.table} in line {first} already"
            )
    for number, raw in enumerate(written):
        _check_columns(number, raw, problems)
    return tuple(
        Input(
            name=block.name,
            table=block.table,
            pattern=beside(path, block.path or ""),
            columns=dict(block.columns),
            timezone=block.timezone or timezone,
            time_format=block.time_format,
            encoding=block.encoding,
            delimiter=block.delimiter,
            skip_lines=block.skip_lines,
            sheet=block.sheet,
            header_row=block.header_row,
            null_values=tuple(block.null_values),
            mode=block.mode,
            guard=schema_checks.guard(checks, block, block.table, block.mode, number, problems),
            written_path=block.path or "",
            database=schema_sources.database(block, block.path, block.mode, number, problems),
        )
        for number, block in blocks
    )


def _check_columns(number: int, raw: dict[str, Any], problems: Problems) -> None:
    """Our names in `columns`; read from the raw block, so that a problem elsewhere in it does not hide these."""
    table, columns = raw.get("table"), raw.get("columns")
    if not isinstance(columns, dict) or not isinstance(table, str) or table not in COLUMNS:
        return
    known = COLUMNS[table]
    for ours in columns:
        place = ("inputs", number, "columns", ours)
        if ours not in known and table not in TAKES_ANY_COLUMN:
            problems.add(place, f"is no column of {table}{did_you_mean(ours, known)}")
        elif ours not in known and why_not_a_word(ours):
            problems.add(place, f"as a column of ours {why_not_a_word(ours)}")


def beside(path: Path, written: str) -> Path:
    """`written` relative to the folder of the configuration; made absolute without following links."""
    return Path(os.path.normpath(path.absolute().parent / Path(written).expanduser()))
