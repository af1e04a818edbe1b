"""What a night leaves behind about itself: manifest.json beside its database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.ingest.landing.landing_log import folder_of
from pipeline.publish import run_folder


def read(database: Path) -> dict[str, Any]:
    """The manifest beside a published database."""
    path = database.parent / run_folder.MANIFEST
    try:
        held: dict[str, Any] = json.loads(path.read_text("utf-8"))
        _ = held["run"], held["inputs"]
    except (OSError, ValueError, KeyError, TypeError) as failure:
        raise InputError(
            "the manifest of the published night can't be read",
            where=str(path),
            next_step="restore it from a backup, or make everything anew from the landing log with `funnel run --from-log`",
        ) from failure
    return held


def write(folder: run_folder.RunFolder, manifest: dict[str, Any]) -> None:
    """Write the manifest of a run into its folder."""
    folder.manifest.write_text(json.dumps(manifest, indent=2, ensure_ascii=False, default=str) + "\n", "utf-8")


@dataclass(frozen=True)
class Counted:
    """A file that the published night counted."""

    input: str
    file: str
    load_no: int
    sha256: str

    @property
    def folder(self) -> str:
        """Where its load lay in the log."""
        return folder_of(self.input, self.load_no, self.sha256)


def counted(published: Path | None) -> tuple[Counted, ...]:
    """The files of the published night; none where its manifest can't be read."""
    try:
        inputs = read(published)["inputs"] if published else []
        return tuple(Counted(each["input"], each["file"], each["load_no"], each["sha256"]) for each in inputs)
    except (InputError, KeyError, TypeError):
        return ()
