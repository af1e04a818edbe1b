"""Power cuts, 8 and 9 of docs/FAULTS.md: a disk that stops at a random moment of a run, and right after it.

By hand, as root on Linux, since it mounts a disk:

    PYTHONPATH=. .venv/bin/python tests/faults/manual/power_cuts.py --cuts 30 --seed 7

The output folder lies on an ext4 of its own in an image file, on a loop device. A cut is the ioctl with which the tests
of Linux's file systems cut the power: from that moment nothing is written any more, neither data nor journal, so what
was not flushed is lost. Then the process is killed, the disk is unmounted and mounted again, which replays its journal
as after a real cut, and the published run is read, every block of it. It does not show what a disk does that
loses what it said was flushed.

Prints a line a cut and a summary; exit code 1 when a run was lost.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.explore import query
from pipeline.publish import lock, run_folder
from tests.faults import machines
from tests.faults.run_series import PHASES, Run, RunSeries, forked

EXT4_IOC_SHUTDOWN = 0x8004587D
WITHOUT_THE_JOURNAL = 2
MEGABYTES = 600


class Disk:
    """An ext4 in an image file, mounted."""

    def __init__(self, folder: Path) -> None:
        self.image = folder / "disk.img"
        self.mount = folder / "disk"
        self.mount.mkdir()
        with self.image.open("wb") as image:
            image.truncate(MEGABYTES * 1_000_000)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(self.image)], check=True)
        self.connect()

    def connect(self) -> None:
        """Mount it, the journal first replayed by the kernel."""
        subprocess.run(["mount", "-o", "loop", str(self.image), str(self.mount)], check=True)

    def cut(self) -> None:
        """Nothing more comes onto the disk from here on."""
        descriptor = os.open(self.mount, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", WITHOUT_THE_JOURNAL))
        finally:
            os.close(descriptor)

    def tidy(self, output: Path) -> None:
        """Keep the room that removing old runs made: every cut brings back what was removed just before it."""
        run_folder.prune(output, 2)
        subprocess.run(["sync", "-f", str(self.mount)], check=True)

    def disconnect(self) -> None:
        """Unmount it, waiting for the last process to let go."""
        for _ in range(100):
            if subprocess.run(["umount", str(self.mount)], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError(f"{self.mount} stays in use")


def main(arguments: list[str]) -> int:
    """As many cuts during a run as right after one; 1 when the run that had to be there was not whole."""
    parser = argparse.ArgumentParser(prog="power_cuts")
    parser.add_argument("--cuts", type=int, default=30, help="of each kind")
    parser.add_argument(
        "--whole", type=int, help="how many of each are whole runs; default: all, the others publish copies"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args(arguments)
    print(f"seed {asked.seed}: repeat with --seed {asked.seed}", flush=True)
    dice = random.Random(asked.seed)
    counts = {"old": 0, "new during": 0, "new after": 0, "lost": 0}
    with a_disk() as (folder, disk):
        series = RunSeries(folder / "series", dice)
        series.output = disk.mount / "out"
        series.learn()
        phases = PHASES
        whole = asked.cuts if asked.whole is None else asked.whole
        for number in range(1, asked.cuts + 1):
            if number == whole + 1:
                series, phases = Copies(folder / "copies", series), PHASES[:1]
            disk.tidy(series.output)
            for told in (during(series, disk, phases[number % len(phases)]), after(series, disk, number % 2 == 0)):
                counts[told if told in counts else "lost"] += 1
                print(f"{number:>3} {told}", flush=True)
    print(
        f"{asked.cuts} cuts during a run: {counts['old']} found the old night, {counts['new during']} the new; "
        f"{asked.cuts} right after it: {counts['new after']} found the new night. Lost: {counts['lost']}"
    )
    return int(counts["lost"] > 0)


class Copies(RunSeries):
    """Publishes copies of whole runs, as a run does after its work: the part that a cut can harm, in little time."""

    def __init__(self, folder: Path, series: RunSeries) -> None:
        super().__init__(folder, series.dice)
        self.output = series.output
        self._as_of_next = ""
        runs = sorted(path for path in (series.output / "runs").iterdir() if "." not in path.name)[-2:]
        self._sources = [Path(shutil.copytree(run, folder / run.name)) for run in runs]
        started = time.monotonic()
        for _ in range(2):
            self.start().ends()
        self.durations = dict.fromkeys(PHASES, (time.monotonic() - started) / 2)

    @property
    def as_of(self) -> str:
        """That of the run which was copied last, local."""
        return self._as_of_next

    def start(self, *_options: str) -> Run:
        """Publish the run that is not published now."""
        self.nights += 1
        source = self._sources[self.nights % 2]
        summary = json.loads((source / "reports" / "summary.json").read_text("utf-8"))
        self._as_of_next = summary["as_of_local"]
        clock = datetime.now(UTC)
        run = forked(lambda: publish_copy(self.output, source, clock))
        run.said = "0 pages and 0 files in"  # all of it is publishing
        return run


def publish_copy(output: Path, source: Path, clock: datetime) -> None:
    """Publish all files of a run under the name of a new run."""
    with lock.hold(output, clock):
        run = run_folder.start_run(output, clock)
        shutil.rmtree(run.reports)
        shutil.copytree(source / "reports", run.reports)
        shutil.copyfile(source / run_folder.DATABASE, run.database)
        held = json.loads((source / run_folder.MANIFEST).read_text("utf-8"))
        run.manifest.write_text(json.dumps(held | {"run": run.id}), "utf-8")
        run_folder.seal(run)
        run_folder.swap(run)
        run_folder.prune(output, 3)


@contextlib.contextmanager
def a_disk() -> Iterator[tuple[Path, Disk]]:
    with tempfile.TemporaryDirectory(prefix="funnel-power-") as name:
        disk = Disk(Path(name))
        try:
            yield Path(name), disk
        finally:
            disk.disconnect()


def during(series: RunSeries, disk: Disk, phase: str) -> str:
    """A cut at a random moment of a phase: the old run to the last byte, or the new one if it had just been published."""
    before = series.found()
    run = series.start()
    begun = run.reaches(phase)
    if begun is not None:
        until = begun + series.dice.uniform(0, series.durations[phase])
        while time.monotonic() < until and run.hears(until - time.monotonic()):
            pass
    disk.cut()
    found = found_after(series, disk, run)
    if found["run"] == before["run"] and found["digest"] == before["digest"]:
        return "old"
    is_new = found["as_of"] == series.as_of and run.may_have_published
    return "new during" if is_new else f"during {phase}: {found['broken'] or 'another night'}"


def after(series: RunSeries, disk: Disk, is_read_first: bool) -> str:
    """A cut as soon as a run has returned: the new run, and every other time the same bytes as before the cut."""
    run = series.start()
    code = run.ends()
    before = series.found() if is_read_first else None
    disk.cut()
    found = found_after(series, disk, None)
    if code != 0:
        return f"after: the run ended with {code}: {run.said[-300:]}"
    if before and before["digest"] != found["digest"]:
        return f"after: other bytes than before the cut: {found['broken']}"
    return "new after" if found["as_of"] == series.as_of else f"after: {found['broken'] or 'another night'}"


def found_after(series: RunSeries, disk: Disk, run: Run | None) -> dict[str, Any]:
    """End the run, bring the disk back, and read all of the run that is found there."""
    if run is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(run.pid, signal.SIGKILL)
        run.ends()
    disk.disconnect()
    disk.connect()
    found = series.found()
    reading = forked(lambda: read_every_block(series.output))
    if reading.ends() != 0:
        found |= {"broken": reading.said, "run": None, "as_of": None}
    return found


def read_every_block(output: Path) -> None:
    """Every value of every table, so that DuckDB compares the checksum of every block."""
    connection = query.open_published(output)
    tables = connection.execute(
        "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
    ).fetchall()
    assert len(tables) > 100
    for schema, table in tables:
        connection.execute(f'select bit_xor(hash(rows)) from "{schema}"."{table}" as rows').fetchall()


if __name__ == "__main__":
    if not machines.may_mount():
        sys.exit("this needs the right to mount: run it as root, outside of a container")
    sys.exit(main(sys.argv[1:]))
