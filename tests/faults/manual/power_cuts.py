"""Power cuts, 8 and 9 of docs/FAULTS.md: a disk that stops at a random moment of a run, or right after it.

A manual test for root on Linux, because it mounts a disk:

    PYTHONPATH=. .venv/bin/python tests/faults/manual/power_cuts.py --cuts 30 --seed 7

The output folder is on its own ext4 in an image file on a loop device. A cut is the ioctl with which the tests of
Linux's file systems simulate a power cut: it stops all writes of data and journal, so unflushed data is lost. Then the
test kills the process, unmounts and mounts the disk, which replays its journal as after a real cut, and reads every
block of the published run. It can't show a disk that loses data after it reported them as flushed.

Prints one line per cut and a summary; exit code 1 if a run was lost.
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
from tests.faults.run_series import PHASES, Run, RunSeries, fork

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
        """Mount the disk; the kernel first replays its journal."""
        subprocess.run(["mount", "-o", "loop", str(self.image), str(self.mount)], check=True)

    def cut(self) -> None:
        """Stop all writes to the disk."""
        descriptor = os.open(self.mount, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", WITHOUT_THE_JOURNAL))
        finally:
            os.close(descriptor)

    def prune(self, output: Path) -> None:
        """Remove old runs and flush: a cut would restore runs that were removed just before it."""
        run_folder.prune(output, 2)
        subprocess.run(["sync", "-f", str(self.mount)], check=True)

    def disconnect(self) -> None:
        """Unmount the disk as soon as no process uses it."""
        for _ in range(100):
            if subprocess.run(["umount", str(self.mount)], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError(f"{self.mount} stays in use")


def main(arguments: list[str]) -> int:
    """Cut the power during runs and right after runs; 1 if a published run was not complete."""
    parser = argparse.ArgumentParser(prog="power_cuts")
    parser.add_argument("--cuts", type=int, default=30, help="of each kind")
    parser.add_argument(
        "--whole", type=int, help="number of each kind that are whole runs; the others publish copies; default: all"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}: repeat with --seed {options.seed}", flush=True)
    rng = random.Random(options.seed)
    counts = {"old": 0, "new during": 0, "new after": 0, "lost": 0}
    with mounted_disk() as (folder, disk):
        series = RunSeries(folder / "series", rng)
        series.output = disk.mount / "out"
        series.measure_phases()
        phases = PHASES
        whole = options.cuts if options.whole is None else options.whole
        for number in range(1, options.cuts + 1):
            if number == whole + 1:
                series, phases = Copies(folder / "copies", series), PHASES[:1]
            disk.prune(series.output)
            for result in (during(series, disk, phases[number % len(phases)]), after(series, disk, number % 2 == 0)):
                counts[result if result in counts else "lost"] += 1
                print(f"{number:>3} {result}", flush=True)
    print(
        f"{options.cuts} cuts during a run: {counts['old']} left the old run, {counts['new during']} the new; "
        f"{options.cuts} right after it: {counts['new after']} left the new run. Lost: {counts['lost']}"
    )
    return int(counts["lost"] > 0)


class Copies(RunSeries):
    """Publishes copies of whole runs, which tests the part that a cut can damage in little time."""

    def __init__(self, folder: Path, series: RunSeries) -> None:
        super().__init__(folder, series.rng)
        self.output = series.output
        self._as_of_next = ""
        runs = sorted(path for path in (series.output / "runs").iterdir() if "." not in path.name)[-2:]
        self._sources = [Path(shutil.copytree(run, folder / run.name)) for run in runs]
        started = time.monotonic()
        for _ in range(2):
            self.start().wait()
        self.durations = dict.fromkeys(PHASES, (time.monotonic() - started) / 2)

    @property
    def as_of(self) -> str:
        """The as-of of the last copied run, in local time."""
        return self._as_of_next

    def start(self, *_options: str) -> Run:
        """Publish the other one of the two runs."""
        self.runs_started += 1
        source = self._sources[self.runs_started % 2]
        summary = json.loads((source / "reports" / "summary.json").read_text("utf-8"))
        self._as_of_next = summary["as_of_local"]
        clock = datetime.now(UTC)
        run = fork(lambda: publish_copy(self.output, source, clock))
        run.output = "0 pages and 0 files in"  # the whole process is publishing
        return run


def publish_copy(output: Path, source: Path, clock: datetime) -> None:
    """Publish all files of a run under the name of a new run."""
    with lock.hold(output, clock):
        run = run_folder.start_run(output, clock)
        shutil.rmtree(run.reports)
        shutil.copytree(source / "reports", run.reports)
        shutil.copyfile(source / run_folder.DATABASE, run.database)
        content = json.loads((source / run_folder.MANIFEST).read_text("utf-8"))
        run.manifest.write_text(json.dumps(content | {"run": run.id}), "utf-8")
        run_folder.seal(run)
        run_folder.swap(run)
        run_folder.prune(output, 3)


@contextlib.contextmanager
def mounted_disk() -> Iterator[tuple[Path, Disk]]:
    with tempfile.TemporaryDirectory(prefix="funnel-power-") as name:
        disk = Disk(Path(name))
        try:
            yield Path(name), disk
        finally:
            disk.disconnect()


def during(series: RunSeries, disk: Disk, phase: str) -> str:
    """Cut at a random moment of a phase: the old run must be unchanged, or the new one just published."""
    before = series.read_published()
    run = series.start()
    begun = run.wait_for_phase(phase)
    if begun is not None:
        until = begun + series.rng.uniform(0, series.durations[phase])
        while time.monotonic() < until and run.read_output(until - time.monotonic()):
            pass
    disk.cut()
    state = restart_and_read(series, disk, run)
    if state["run"] == before["run"] and state["digest"] == before["digest"]:
        return "old"
    is_new = state["as_of"] == series.as_of and run.may_have_published
    return "new during" if is_new else f"during {phase}: {state['broken'] or 'another run'}"


def after(series: RunSeries, disk: Disk, is_read_first: bool) -> str:
    """Cut as soon as a run has returned: the new run must be there, if read before then with the same bytes."""
    run = series.start()
    code = run.wait()
    before = series.read_published() if is_read_first else None
    disk.cut()
    state = restart_and_read(series, disk, None)
    if code != 0:
        return f"after: the run ended with {code}: {run.output[-300:]}"
    if before and before["digest"] != state["digest"]:
        return f"after: other bytes than before the cut: {state['broken']}"
    return "new after" if state["as_of"] == series.as_of else f"after: {state['broken'] or 'another run'}"


def restart_and_read(series: RunSeries, disk: Disk, run: Run | None) -> dict[str, Any]:
    """End the run, mount the disk again, and read all of the published run."""
    if run is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(run.pid, signal.SIGKILL)
        run.wait()
    disk.disconnect()
    disk.connect()
    state = series.read_published()
    reading = fork(lambda: read_every_block(series.output))
    if reading.wait() != 0:
        state |= {"broken": reading.output, "run": None, "as_of": None}
    return state


def read_every_block(output: Path) -> None:
    """Read every value of every table, so that DuckDB verifies the checksum of every block."""
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
