"""The formats that ship: what the exports of known sources look like, as TOML, one file a format."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from pipeline.config.configuration import Candidate, Split
from pipeline.waterfall.definition import InputTable

FOLDER = Path(__file__).resolve().parent
ENTRIES = "entries"
"""The format of a file whose records are rows as they are."""
SNAPSHOTS = "stage_snapshots"
"""The format of copies of the leads: a row says in which stage its lead is, not when it came there."""


@dataclass(frozen=True)
class Part:
    """What one table takes from a file. `where` are conditions as a configuration writes them, and perhaps `optional`;
    `in = "field_value"` stands for the values that the input or the format gives."""

    name: str
    table: InputTable
    columns: dict[str, tuple[Candidate, ...]]
    where: tuple[dict[str, Any], ...]
    constants: dict[str, str]
    split: Split | None
    has_stage_dates: bool
    patterns: tuple[str, ...]
    created: tuple[str, ...]
    keeps_extras: bool
    dated_by_name: bool
    is_optional: bool


@dataclass(frozen=True)
class Format:
    """One format; the first part has the name of the input, the others end in a name of their own."""

    name: str
    title: str
    summary: str
    parts: tuple[Part, ...]
    ids: Literal["plain", "salesforce"]
    time_format: tuple[str, ...] | None
    field_value: tuple[str, ...]
    is_history_of_changes: bool
    """Whether a row tells the value before, so that the first change of a record also tells the value at its creation."""
    needs_field_value: bool
    needs_stages: bool
    footer: str | None
    signature: tuple[tuple[str, ...], ...]
    """By what a file of the format is known: one header at least of each group."""


def names() -> tuple[str, ...]:
    """The names of all formats but `entries`, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@cache
def load(name: str) -> Format:
    """The format of that name, which is one of `names`."""
    raw = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return Format(
        name=name,
        title=raw["title"],
        summary=raw["summary"],
        parts=tuple(_part(each) for each in raw["parts"]),
        ids=raw.get("ids", "plain"),
        time_format=tuple(raw["time_format"]) if "time_format" in raw else None,
        field_value=tuple(raw.get("field_value", ())),
        is_history_of_changes=raw.get("is_history_of_changes", False),
        needs_field_value=raw.get("needs_field_value", False),
        needs_stages=raw.get("needs_stages", False),
        footer=raw.get("footer"),
        signature=tuple(tuple(group) for group in raw.get("signature", ())),
    )


def _part(raw: dict[str, Any]) -> Part:
    split = raw.get("split")
    return Part(
        name=raw.get("name", ""),
        table=cast(InputTable, raw["table"]),
        columns={ours: tuple(map(_candidate, written)) for ours, written in raw["columns"].items()},
        where=tuple(raw.get("where", ())),
        constants=dict(raw.get("constant", {})),
        split=None if split is None else Split(tuple(split["columns"]), split["by"]),
        has_stage_dates=raw.get("stage_dates", False),
        patterns=tuple(raw.get("patterns", ())),
        created=tuple(raw.get("created", ())),
        keeps_extras=raw.get("keeps_extras", True),
        dated_by_name=raw.get("dated_by_name", False),
        is_optional=raw.get("is_optional", False),
    )


def _candidate(written: str | dict[str, str]) -> Candidate:
    return Candidate(written) if isinstance(written, str) else Candidate(written["header"], written["beside"])
