"""docs/FAULTS.md, 12 and 13: a full disk, and a file size limit, in each part of a run.

The kernel enforces both: a file size limit on every machine, and a small disk if this user may mount one.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import runs
from tests.faults import machines

PARTS = ("load", "connect", "model", "render")
KILOBYTE, MEGABYTE = 1000, 1_000_000
LIMITS = {"load": 2 * KILOBYTE, "connect": 8 * KILOBYTE, "model": MEGABYTE, "render": 20 * KILOBYTE}
ON_A_DISK = PARTS if machines.may_mount() else ()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with inputs (in) and a published run (out)."""
    folder = tmp_path_factory.mktemp("published")
    toml = machines.quarter(folder / "in")
    runs.run(toml, folder / "out", as_of=machines.OLD)
    machines.add_history_row(toml)
    return folder


@pytest.fixture
def disk(tmp_path: Path, published: Path) -> Iterator[machines.SmallDisk]:
    """A disk of 96 MB with the published run."""
    with machines.small_disk(tmp_path / "disk", 96) as small:
        shutil.copytree(published / "out", small.folder / "out", symlinks=True)
        yield small


def options_of(part: str) -> tuple[str, ...]:
    """All parts but loading start from the log, so that nothing is written before them."""
    return () if part == "load" else ("--from-log",)


def free_bytes_for(part: str, out: Path) -> int:
    """The free bytes with which a run stops in `part`."""
    database = (out / "funnel.duckdb").stat().st_size
    return {"load": 4096, "connect": 4096, "model": database // 2, "render": database + 600 * KILOBYTE}[part]


def stopped_in_part(part: str, log_text: str) -> bool:
    """Whether the run stopped in that part, according to its log lines of built models and of the report."""
    has_built = re.search(r"^ *\d+/\d+ ", log_text, re.MULTILINE) is not None
    is_writing = "writing the report" in log_text
    return (part in ("model", "render"), part == "render") == (has_built, is_writing)


def error_text(log_text: str) -> str:
    """The error of a run, without a traceback."""
    assert "Traceback" not in log_text
    return log_text[log_text.index("error: ") :]


@pytest.mark.parametrize("part", PARTS)
def test_a_file_size_limit_stops_the_run(tmp_path: Path, published: Path, part: str) -> None:
    """F12, F13: The exit code is 1 with the limit to raise; the old run is complete, and the new one leaves no file."""
    out = tmp_path / "out"
    shutil.copytree(published / "out", out, symlinks=True)
    once_it_logs = "writing the report" if part == "render" else ""
    run = machines.run_with_file_size_limit(
        published / "in" / "funnel.toml", out, *options_of(part), limit=LIMITS[part], once_it_logs=once_it_logs
    )
    code, log_text = machines.wait_for_exit(run)
    assert 1 == code
    assert stopped_in_part(part, log_text)
    assert f"error: {out}: a file of the run reached the file size limit of this process" in error_text(log_text)
    assert "next: raise it (`ulimit -f unlimited`" in log_text
    assert machines.OLD == machines.published_as_of(out)
    assert [] == machines.leftovers(out)


@pytest.mark.parametrize("part", ON_A_DISK)
def test_a_full_disk_stops_the_run_with_the_missing_space(disk: machines.SmallDisk, published: Path, part: str) -> None:
    """F12, F13: The exit code is 1 with folder and missing space; with that space the run succeeds. The old run stays."""
    out = disk.folder / "out"
    disk.fill_up_to(free_bytes_for(part, out))
    before = disk.free
    code, log_text = machines.wait_for_exit(machines.funnel(published / "in" / "funnel.toml", out, *options_of(part)))
    assert 1 == code
    assert stopped_in_part(part, log_text)
    match = re.fullmatch(
        rf"error: the disk is full: the run needs about (\d+) MB more in {out}\n"
        "  next: free disk space there, or choose another folder with --output; the published run stays\n",
        error_text(log_text),
    )
    assert match
    assert machines.OLD == machines.published_as_of(out)
    assert [] == machines.leftovers(out)
    assert disk.free >= before - 8192
    disk.fill_up_to(disk.free + int(match[1]) * MEGABYTE)
    if part == "render":  # once is enough: the other parts would repeat the same run
        assert 0 == machines.wait_for_exit(machines.funnel(published / "in" / "funnel.toml", out, *options_of(part)))[0]
        assert machines.NEW == machines.published_as_of(out)


@pytest.mark.parametrize("megabytes", (13,) if machines.may_mount() else ())
def test_the_first_run_estimates_the_missing_space_too(tmp_path: Path, published: Path, megabytes: int) -> None:
    """F12: Without a previous run the estimate uses the rows; with that space the run succeeds."""
    toml = published / "in" / "funnel.toml"
    with machines.small_disk(tmp_path / "disk", megabytes) as small:
        _, log_text = machines.wait_for_exit(machines.funnel(toml, small.folder / "out"))
    match = re.search(r"needs about (\d+) MB more", log_text)
    assert match
    with machines.small_disk(tmp_path / "disk", megabytes + int(match[1])) as small:
        assert 0 == machines.wait_for_exit(machines.funnel(toml, small.folder / "out"))[0]


def test_leftovers_finds_every_kind_of_leftover(tmp_path: Path) -> None:
    """It finds an incomplete run, a work folder and a load without a manifest."""
    for name in ("runs/20260401T000000Z-aaaa.building", "landing/.work-x", "landing/crm/000001-abc"):
        os.makedirs(tmp_path / name)  # noqa: PTH103
    assert 3 == len(machines.leftovers(tmp_path))
