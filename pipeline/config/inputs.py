"""The `[[inputs]]` blocks: where the files of an input are, how to read them, and how columns are mapped."""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator

from pipeline.config import formats, reshaping, sources, time_formats
from pipeline.config.block import AsExported, Document, FilePath, NonNegative, Word, Zone, checked, is_place, must, some
from pipeline.config.checks import ChecksBlock, guard
from pipeline.config.configuration import IdKind, Input, Mode, Precision
from pipeline.config.input_tables import CONTRACTS, column_names
from pipeline.config.problems import Problems
from pipeline.waterfall.definition import InputTable, Stage
from pipeline.waterfall.names import did_you_mean, normalise_stage, why_not_a_word

TABLES_WITH_ANY_COLUMN = frozenset({"stage_entries", "leads", "accounts"})
MAX_PRIORITY = 99


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


def _time_formats(given: Any) -> str | tuple[str, ...]:
    """Return one format as text, a list of formats as a tuple."""
    if isinstance(given, str):
        return time_formats.check_format(given)
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise ValueError("must be text in quotes, or a list of such texts")
    return tuple(time_formats.check_format(one) for one in some(given))


def _locale(name: str) -> str:
    from babel import Locale, UnknownLocaleError  # a late import: most configurations do not need it

    try:
        Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise ValueError(f'`{name}` is no language that CLDR has; write one like "de", "fr" or "pt-BR"') from None
    return name


_Delimiter = Annotated[
    str,
    must(
        lambda letter: len(letter) == 1 and letter not in '"\r\n\0',
        'must be one character, such as "," or ";" or "\\t"',
    ),
]
_sheet = checked(
    lambda given: is_place(given) or (isinstance(given, str) and given),
    'must be the name of a sheet, such as "History", or its number, 1 for the first',
)
_row = checked(is_place, "must be the number of a row, 1 for the first")
_priority = checked(
    lambda given: is_place(given, MAX_PRIORITY), f"must be a whole number from 1, for the first, to {MAX_PRIORITY}"
)


class InputBlock(sources.SourceKeys, reshaping.ReshapingKeys):
    """One `[[inputs]]`."""

    name: Word
    table: InputTable | None = None
    path: FilePath | None = None
    columns: dict[str, AsExported] = Field(default_factory=dict)
    timezone: Zone | None = None
    time_format: Annotated[str | tuple[str, ...] | None, PlainValidator(_time_formats)] = None
    locale: Annotated[str, AfterValidator(_locale)] | None = None
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    delimiter: _Delimiter = ","
    skip_lines: NonNegative = 0
    sheet: Annotated[str | int | None, PlainValidator(_sheet)] = None
    header_row: Annotated[int | None, PlainValidator(_row)] = None
    null_values: list[str] = Field(default_factory=lambda: [""])
    mode: Mode = "append"
    ids: IdKind | None = None
    precision: Precision | None = None
    priority: Annotated[int | None, PlainValidator(_priority)] = None


def read_inputs(
    document: Document,
    timezone: str,
    checks: ChecksBlock,
    *,
    stages: Sequence[Stage] = (),
    ids: IdKind = "plain",
) -> tuple[Input, ...]:
    """Return the inputs of the valid blocks.

    `timezone` and `ids` apply to inputs that do not set their own; `stages` are those of the waterfall.
    """
    blocks, written = document.blocks(InputBlock, "inputs"), document.tables("inputs")
    path, problems = document.path, document.problems
    tables = [_tables(raw) for raw in written]
    if all(tables) and all("stage_entries" not in each for each in tables):
        problems.add(
            ("inputs",) if "inputs" in document.raw else (),
            'there is no [[inputs]] block with table = "stage_entries"; every number comes from stage entries',
        )
    names: dict[str, int] = {}
    files: dict[tuple[str, Path, str | int], int] = {}
    spellings = _spellings(stages)
    found: list[Input] = []
    for number, block in blocks:
        if block.table is None and block.format == formats.ENTRIES:
            problems.add(("inputs", number), "`table` is missing; it is one of " + ", ".join(CONTRACTS))
        parts = reshaping.reshaped(block, block.table, block.columns, spellings, number, problems)
        for key in ("precision", "priority"):
            if getattr(block, key) is not None and all(part.table != "stage_entries" for part in parts):
                problems.add(("inputs", number, key), "only concerns stage_entries")
        for part in parts:
            name = f"{block.name}{part.suffix}"
            if name in names:
                problems.add_twice("name", name, ("inputs", number, "name"), ("inputs", names[name]))
            names.setdefault(name, number)
            if part.reshaping is None and block.path is not None:
                twin = files.setdefault((part.table, beside(path, block.path), block.sheet or 1), number)
                if twin != number:
                    first = problems.line(("inputs", twin, "path"))
                    problems.add(
                        ("inputs", number, "path"), f"the same files are read as {part.table} in line {first} already"
                    )
            found.append(_input(block, part, name, path, timezone, checks, number, problems, ids=ids))
    for number, raw in enumerate(written):
        _check_columns(number, raw, problems)
    _check_priorities(found, names, problems)
    return tuple(found)


def _input(
    block: InputBlock,
    part: reshaping.Reshaped,
    name: str,
    path: Path,
    timezone: str,
    checks: ChecksBlock,
    number: int,
    problems: Problems,
    *,
    ids: IdKind,
) -> Input:
    shipped = None if block.format == formats.ENTRIES else formats.load(block.format)
    mode: Mode = block.mode if part.table == "accounts" or not part.suffix else "append"
    return Input(
        name=name,
        table=part.table,
        pattern=beside(path, block.path or ""),
        columns=part.columns,
        timezone=block.timezone or timezone,
        time_format=shipped.time_format if shipped and block.time_format is None else block.time_format,
        locale=block.locale,
        encoding=block.encoding,
        delimiter=block.delimiter,
        skip_lines=block.skip_lines,
        sheet=block.sheet,
        header_row=block.header_row,
        null_values=tuple(block.null_values),
        mode=mode,
        guard=guard(checks, block, part.table, mode, number, problems),
        ids=block.ids or (shipped.ids if shipped else ids),
        format=block.format,
        reshaping=part.reshaping,
        is_optional=part.is_optional,
        precision=block.precision if part.table == "stage_entries" else None,
        priority=block.priority if part.table == "stage_entries" else None,
        written_path=block.path or "",
        database=sources.database(block, block.path, mode, number, problems),
    )


def _tables(raw: dict[str, Any]) -> tuple[str, ...]:
    """Return the tables of a raw block; nothing if it names no known table."""
    if raw.get("format", formats.ENTRIES) in formats.names():
        return tuple(part.table for part in formats.load(raw["format"]).parts if raw.get("table") in (None, part.table))
    return (raw["table"],) if raw.get("table") in CONTRACTS else ()


def _spellings(stages: Sequence[Stage]) -> tuple[tuple[str, str, str], ...]:
    """Return every spelling of a stage, normalised and as written, with the key of the stage."""
    return tuple((normalise_stage(each), each, stage.key) for stage in stages for each in stage.spellings)


def _check_columns(number: int, raw: dict[str, Any], problems: Problems) -> None:
    """Check the names in `columns`. Reads the raw block, so that another problem in it does not hide these."""
    tables, columns = _tables(raw), raw.get("columns")
    if not isinstance(columns, dict) or not tables:
        return
    known = list(dict.fromkeys(name for table in tables for name in column_names(table)))
    if raw.get("format") in formats.names():
        known += [name for part in formats.load(raw["format"]).parts for name in part.columns]
    for ours in columns:
        place = ("inputs", number, "columns", ours)
        if ours not in known and not TABLES_WITH_ANY_COLUMN.intersection(tables):
            problems.add(place, f"is no column of {tables[0]}{did_you_mean(ours, known)}")
        elif ours not in known and why_not_a_word(ours):
            problems.add(place, f"as a column of ours {why_not_a_word(ours)}")


def _check_priorities(found: Sequence[Input], numbers: Mapping[str, int], problems: Problems) -> None:
    """Add a problem if all priorities are equal, because then they have no effect."""
    given = [each for each in found if each.priority is not None]
    if len({each.priority for each in given}) == 1:
        problems.add(
            ("inputs", numbers[given[0].name], "priority"),
            "no other input has another priority; give one to each input that dates the same entries, 1 for the first",
        )


def beside(path: Path, written: str) -> Path:
    """Return the absolute path of `written`, relative to the folder of the configuration. Does not follow links."""
    return Path(os.path.normpath(path.absolute().parent / Path(written).expanduser()))
