"""The result of loading: what was loaded, refused, missing or left out, and why."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.ingest.landing.landing_log import Load
from pipeline.ingest.rows.stage_names import NO_NAMES, StageNames


@dataclass(frozen=True)
class RefusedFile:
    """A file that could not be read; none of its rows is in the log."""

    input: str
    file: str
    reason: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.input}: {self.file}: {self.reason}\n  next: {self.next_step}"


@dataclass(frozen=True)
class LoadResult:
    """What one run loaded: new `loads`, files that are `already_loaded`, `refused` files, and inputs with `missing` files.

    `dropped` and `rejected` are the reasons why files of an input were not loaded: they are incomplete, or too many rows are
    rejected. `accepted` and `accepted_rejects` are the same reasons if the files were loaded anyway. `names` are the stage names
    of the new loads.
    """

    loads: tuple[Load, ...] = ()
    already_loaded: tuple[str, ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    missing: tuple[RefusedFile, ...] = ()
    warnings: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    accepted_rejects: tuple[str, ...] = ()
    names: StageNames = NO_NAMES
