"""One measurement: a process of its own, watched while it runs."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import processes

_EVERY = 0.05
_SPILLED = ("duckdb_temp*", "spill/**/*")


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
    """Run a command to its end or for `limit` seconds; what it spills is looked for below `folder`. Raises Failed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    process = subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )
    os.set_blocking(process.stdout.fileno(), False)  # type: ignore[union-attr]
    said, peak, spilled, is_stopped = b"", 0, 0, False
    while process.poll() is None:
        said = (said + (process.stdout.read() or b""))[-4000:]  # type: ignore[union-attr]
        peak = max(peak, sum(processes.resident_bytes(each) for each in processes.tree(process.pid)))
        spilled = max(spilled, _spilled(folder))
        if time.monotonic() - started > limit:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            is_stopped = True
        time.sleep(_EVERY)
    seconds = time.monotonic() - started
    said = (said + (process.stdout.read() or b""))[-4000:]  # type: ignore[union-attr]
    process.stdout.close()  # type: ignore[union-attr]
    if process.returncode and not is_stopped:
        raise Failed(f"{' '.join(arguments[1:4])} ended with {process.returncode}: {said.decode(errors='replace')}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(seconds, cpu, peak, spilled, is_stopped=is_stopped)


def _spilled(folder: Path) -> int:
    total = 0
    for pattern in _SPILLED:
        for path in folder.rglob(pattern):
            try:
                total += path.stat().st_size if path.is_file() else 0
            except OSError:  # gone since
                continue
    return total
