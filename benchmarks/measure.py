"""One measurement: a process of its own, watched while it runs."""

from __future__ import annotations

import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

from benchmarks import processes

_EVERY = 0.05
_LOOK_EVERY = 0.25
_LAST_WORDS = 4000


@dataclass(frozen=True)
class Measured:
    """What one process took. A job's seconds are those of its work alone, a command's those of the whole process.

    `is_stopped`: it was ended when its time was up, and everything is a lower bound.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    spill_bytes: int = 0
    rows: int = 0
    models: dict[str, float] = field(default_factory=dict)
    is_stopped: bool = False


class Failed(Exception):
    """The process ended with an error; the text is the end of what it said."""


def job(kind: str, history: Path, scratch: Path, *, memory: str, threads: int, limit: float) -> Measured:
    """Run one of `benchmarks.job`, its scratch folder emptied before; answers stay there. Raises Failed."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    asked = [kind, "--history", str(history), "--scratch", str(scratch), "--memory", memory, "--threads", str(threads)]
    watched = command([sys.executable, "-m", "benchmarks.job", *asked], scratch, limit=limit)
    if watched.is_stopped:
        return watched
    told = json.loads((scratch / "result.json").read_text("utf-8"))
    peak = max(watched.peak_bytes, told.pop("peak_bytes"))
    return Measured(**told, peak_bytes=peak, spill_bytes=watched.spill_bytes)


def command(
    arguments: Sequence[str], folder: Path, *, limit: float, environment: dict[str, str] | None = None
) -> Measured:
    """Run a command to its end or for `limit` seconds; what it spills is looked for below `folder`. Raises Failed.

    Whatever happens here, nothing of it runs on.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    with TemporaryFile() as said:
        process = subprocess.Popen(
            arguments,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            peak, spilled, is_stopped = _watched(process, folder, started + limit)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        seconds = time.monotonic() - started
        if process.returncode and not is_stopped:
            said.seek(-min(said.tell(), _LAST_WORDS), os.SEEK_CUR)
            text = said.read().decode(errors="replace")
            raise Failed(f"{' '.join(arguments[1:4])} ended with {process.returncode}: {text}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(seconds, cpu, peak, spilled, is_stopped=is_stopped)


def _watched(process: subprocess.Popen[bytes], folder: Path, deadline: float) -> tuple[int, int, bool]:
    """Wait for the end or the deadline. Returns the most memory and the most spill that were seen, and if it still runs."""
    peak = spilled = 0
    look_again = 0.0
    ended = os.pidfd_open(process.pid)  # tells at once; a sleep would round short times up
    while not select.select([ended], [], [], _EVERY)[0]:
        now = time.monotonic()
        if now > deadline:
            os.close(ended)
            return peak, spilled, True
        peak = max(peak, sum(processes.resident_bytes(each) for each in processes.tree(process.pid)))
        if now > look_again:
            spilled = max(spilled, _spilled(folder))
            look_again = now + _LOOK_EVERY
    os.close(ended)
    process.wait()
    return peak, spilled, False


def _spilled(folder: Path) -> int:
    """Bytes of DuckDB's temporary files, and of all that lies in folders called spill."""
    total = 0
    for above, _, names in os.walk(folder):  # which forgives what is gone since
        is_spill = "spill" in Path(above).parts
        for name in names:
            if is_spill or name.startswith("duckdb_temp"):
                with suppress(OSError):
                    total += (Path(above) / name).stat().st_size
    return total
