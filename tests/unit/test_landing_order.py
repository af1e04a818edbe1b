"""The order in which a load is written: a power cut must not leave a manifest without its rows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from delivery import entry, one_file


def test_rows_are_on_the_disk_before_a_manifest_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First both Parquet files are flushed, then the manifest under another name, and after its rename the folders."""
    flushed: list[tuple[str, bool]] = []
    flush = os.fsync

    def record_flush(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        folder = path if path.is_dir() else path.parent
        flushed.append((path.name, (folder / "manifest.json").exists()))
        flush(descriptor)

    inbox = one_file(tmp_path, f"lead_id,stage,entered_at\n{entry('L1')}")
    monkeypatch.setattr(os, "fsync", record_flush)
    (load,) = inbox.land().loads
    assert [("rows.parquet", False), ("rejected.parquet", False), ("manifest.json.tmp", False)] == flushed[:3]
    assert (Path(load.folder).name, True) in flushed[3:]
