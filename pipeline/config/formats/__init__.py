"""The shipped formats: how to read the exports of known sources. One TOML file per format."""

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
"""The format of a file whose records are rows."""
SNAPSHOTS = "stage_snapshots"
"""The format of snapshots: a row has the stage of a lead at that time, not when the lead entered it."""


@dataclass(frozen=True)
class Part:
    """How one table is read from a file.

    `where` has conditions as in a configuration, and can have `optional`. `in = "field_value"` means the values of
    `field_value` in the input or the format.
    """

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
    """One format. Its first part has the name of the input; the name of each other part is added to it."""

    name: str
    title: str
    summary: str
    parts: tuple[Part, ...]
    ids: Literal["plain", "salesforce"]
    time_format: tuple[str, ...] | None
    field_value: tuple[str, ...]
    is_history_of_changes: bool
    """Whether a row has the previous value, so that the first change of a record also has the value at creation."""
    needs_field_value: bool
    needs_stages: bool
    footer: str | None
    signature: tuple[tuple[str, ...], ...]
    """Identifies a file of the format: it has at least one header of each group."""


def names() -> tuple[str, ...]:
    """Return the names of all formats except `entries`, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@cache
def load(name: str) -> Format:
    """Return a format. `name` must be one of `names()`."""
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
