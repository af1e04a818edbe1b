"""The shipped formats: how to read the exports of known sources. One TOML file per format."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pipeline.config.configuration import Candidate, IdKind, Split
from pipeline.waterfall.definition import InputTable

FOLDER = Path(__file__).resolve().parent
ENTRIES = "entries"
"""The format of a file whose records are rows."""
SNAPSHOTS = "stage_snapshots"
"""The format of snapshots: a row has the stage of a lead at that time, not when the lead entered it."""


def _candidate(written: Any) -> Any:
    return {"header": written} if isinstance(written, str) else written


class _Shipped(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Part(_Shipped):
    """How one table is read from a file.

    `where` has conditions as in a configuration, and can have `optional`. `in = "field_value"` means the values of
    `field_value` in the input or the format.
    """

    name: str = ""
    table: InputTable
    columns: dict[str, tuple[Annotated[Candidate, BeforeValidator(_candidate)], ...]]
    where: tuple[dict[str, Any], ...] = ()
    constants: dict[str, str] = Field(default_factory=dict, alias="constant")
    split: Split | None = None
    has_stage_dates: bool = Field(default=False, alias="stage_dates")
    patterns: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    keeps_extras: bool = True
    dated_by_name: bool = False
    is_optional: bool = False


class Format(_Shipped):
    """One format. Its first part has the name of the input; the name of each other part is added to it."""

    name: str
    title: str
    summary: str
    parts: tuple[Part, ...]
    ids: IdKind = "plain"
    time_format: tuple[str, ...] | None = None
    field_value: tuple[str, ...] = ()
    is_history_of_changes: bool = False
    """Whether a row has the previous value, so that the first change of a record also has the value at creation."""
    needs_field_value: bool = False
    needs_stages: bool = False
    footer: str | None = None
    signature: tuple[tuple[str, ...], ...] = ()
    """Identifies a file of the format: it has at least one header of each group."""


def names() -> tuple[str, ...]:
    """Return the names of all formats except `entries`, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@cache
def load(name: str) -> Format:
    """Return a format. `name` must be one of `names()`."""
    raw = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return Format.model_validate({"name": name, **raw})
