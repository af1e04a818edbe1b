"""docs/FAULTS.md, 12 and 13: a disk without room, and files that may not grow, in each part of a run.

Two ways, both of the kernel's doing: a limit on the size of files, which every machine has, and where this user may
mount, a disk that is really small.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import machines

PARTS = ("load", "connect", "model", "render")
KILOBYTE, MEGABYTE = 1000, 1_000_000
LIMITS = {"load": 2 * KILOBYTE, "connect": 8 * KILOBYTE, "model": MEGABYTE, "render": 20 * KILOBYTE}
ON_A_DISK = PARTS if machines.may_mount() else ()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the inputs (in) and a published run (out)."""
    folder = tmp_path_factory.mktemp("published")
    toml = machines.quarter(folder / "in")
    assert 0 == machines.ended(machines.funnel(toml, folder / "out", as_of=machines.OLD))[0]
    machines.delivered_again(toml)
    return folder


@pytest.fixture
def disk(tmp_path: Path, published: Path) -> Iterator[machines.SmallDisk]:
    """A disk of 96 MB with the published run."""
    with machines.small_disk(tmp_path / "disk", 96) as small:
        shutil.copytree(published / "out", small.folder / "out", symlinks=True)
        yield small


def options_of(part: str) -> tuple[str, ...]:
    """All parts but reading begin with the log as it is, so that nothing is written before them."""
    return () if part == "load" else ("--from-log",)


def free_for(part: str, out: Path) -> int:
    """Bytes on the disk with which a run comes as far as `part`, and no further."""
    database = (out / "funnel.duckdb").stat().st_size
    return {"load": 4096, "connect": 4096, "model": database // 2, "render": database + 600 * KILOBYTE}[part]


def reached(part: str, said: str) -> bool:
    """Whether the run came as far as that and no further: it says what it has built, and that it writes the report."""
    has_built = re.search(r"^ *\d+/\d+ ", said, re.MULTILINE) is not None
    is_writing = "writing the report" in said
    return (part in ("model", "render"), part == "render") == (has_built, is_writing)


def sentence(said: str) -> str:
    """The error of a run, which had no traceback."""
    assert "Traceback" not in said
    return said[said.index("error: ") :]


@pytest.mark.parametrize("part", PARTS)
def test_a_file_that_may_not_grow(tmp_path: Path, published: Path, part: str) -> None:
    """F12, F13: Exit code 1 and what to raise; the old run is whole, and nothing of the new one lies about."""
    out = tmp_path / "out"
    shutil.copytree(published / "out", out, symlinks=True)
    heard = "writing the report" if part == "render" else ""
    run = machines.funnel_whose_files_stay_small(
        published / "in" / "funnel.toml", out, *options_of(part), limit=LIMITS[part], once_it_says=heard
    )
    code, said = machines.ended(run)
    assert 1 == code
    assert reached(part, said)
    assert f"error: {out}: a file of the run reached the file size limit of this process" in sentence(said)
    assert "next: raise it (`ulimit -f unlimited`" in said
    assert machines.OLD == machines.published_as_of(out)
    assert [] == machines.left_lying(out)


@pytest.mark.parametrize("part", ON_A_DISK)
def test_a_full_disk_says_how_much_more_is_needed(disk: machines.SmallDisk, published: Path, part: str) -> None:
    """F12, F13: Exit code 1, where, and how much: with that much more the same run goes through. The old run is whole before."""
    out = disk.folder / "out"
    disk.leave(free_for(part, out))
    before = disk.free
    code, said = machines.ended(machines.funnel(published / "in" / "funnel.toml", out, *options_of(part)))
    assert 1 == code
    assert reached(part, said)
    found = re.fullmatch(
        rf"error: the disk is full: the run needs about (\d+) MB more in {out}\n"
        "  next: free disk space there, or choose another folder with --output; the published run stays\n",
        sentence(said),
    )
    assert found
    assert machines.OLD == machines.published_as_of(out)
    assert [] == machines.left_lying(out)
    assert disk.free >= before - 8192
    disk.leave(disk.free + int(found[1]) * MEGABYTE)
    if part == "render":  # once is enough: the others would be the same run
        assert 0 == machines.ended(machines.funnel(published / "in" / "funnel.toml", out, *options_of(part)))[0]
        assert machines.NEW == machines.published_as_of(out)


@pytest.mark.parametrize("megabytes", (13,) if machines.may_mount() else ())
def test_the_first_run_knows_too_how_much_it_needs(tmp_path: Path, published: Path, megabytes: int) -> None:
    """F12: Without a run to compare with, it goes by the rows: with that much more it goes through."""
    toml = published / "in" / "funnel.toml"
    with machines.small_disk(tmp_path / "disk", megabytes) as small:
        _, said = machines.ended(machines.funnel(toml, small.folder / "out"))
    found = re.search(r"needs about (\d+) MB more", said)
    assert found
    with machines.small_disk(tmp_path / "disk", megabytes + int(found[1])) as small:
        assert 0 == machines.ended(machines.funnel(toml, small.folder / "out"))[0]


def test_the_test_sees_what_a_run_left_behind(tmp_path: Path) -> None:
    """A half-built run, a work folder and a load without a manifest are found."""
    for name in ("runs/20260401T000000Z-aaaa.building", "landing/.work-x", "landing/crm/000001-abc"):
        os.makedirs(tmp_path / name)  # noqa: PTH103
    assert 3 == len(machines.left_lying(tmp_path))
