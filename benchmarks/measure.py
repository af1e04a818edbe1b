"""Run one measurement in its own process and watch its memory and spill."""

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

_POLL_SECONDS = 0.05
_SPILL_POLL_SECONDS = 0.25
_MAX_ERROR_BYTES = 4000


@dataclass(frozen=True)
class Measurement:
    """Resources of one process. The seconds of a job exclude its imports, those of a command do not.

    `is_stopped` if it reached the time limit. Its values are then lower bounds.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    spill_bytes: int = 0
    rows: int = 0
    models: dict[str, float] = field(default_factory=dict)
    is_stopped: bool = False


class JobFailedError(Exception):
    """The process ended with an error. The text is the end of its output."""


def job(kind: str, history: Path, scratch: Path, *, memory: str, threads: int, limit: float) -> Measurement:
    """Run one job of `benchmarks.job` in an empty scratch folder, which keeps its answers. Raises JobFailedError."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    arguments = [
        kind,
        "--history",
        str(history),
        "--scratch",
        str(scratch),
        "--memory",
        memory,
        "--threads",
        str(threads),
    ]
    measurement = command([sys.executable, "-m", "benchmarks.job", *arguments], scratch, limit=limit)
    if measurement.is_stopped:
        return measurement
    job_result = json.loads((scratch / "result.json").read_text("utf-8"))
    peak = max(measurement.peak_bytes, job_result.pop("peak_bytes"))
    return Measurement(**job_result, peak_bytes=peak, spill_bytes=measurement.spill_bytes)


def command(
    arguments: Sequence[str], folder: Path, *, limit: float, environment: dict[str, str] | None = None
) -> Measurement:
    """Run a command for at most `limit` seconds and look for spill files in `folder`. Raises JobFailedError.

    Always kills the whole process group, so that nothing keeps running.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    with TemporaryFile() as output:
        process = subprocess.Popen(
            arguments,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            peak, spilled, is_stopped = _watch(process, folder, started + limit)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        seconds = time.monotonic() - started
        if process.returncode and not is_stopped:
            output.seek(-min(output.tell(), _MAX_ERROR_BYTES), os.SEEK_CUR)
            text = output.read().decode(errors="replace")
            raise JobFailedError(f"{' '.join(arguments[1:4])} ended with {process.returncode}: {text}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measurement(seconds, cpu, peak, spilled, is_stopped=is_stopped)


def _watch(process: subprocess.Popen[bytes], folder: Path, deadline: float) -> tuple[int, int, bool]:
    """Wait until the process ends or the deadline passes. Returns peak memory, peak spill and whether it still runs."""
    peak = spilled = 0
    next_spill_check = 0.0
    ended = os.pidfd_open(process.pid)  # wakes at the end of the process, so that short times are exact
    while not select.select([ended], [], [], _POLL_SECONDS)[0]:
        now = time.monotonic()
        if now > deadline:
            os.close(ended)
            return peak, spilled, True
        peak = max(peak, sum(processes.resident_bytes(each) for each in processes.tree(process.pid)))
        if now > next_spill_check:
            spilled = max(spilled, _spill_bytes(folder))
            next_spill_check = now + _SPILL_POLL_SECONDS
    os.close(ended)
    process.wait()
    return peak, spilled, False


def _spill_bytes(folder: Path) -> int:
    """Return the bytes of DuckDB's temporary files and of all folders named spill."""
    total = 0
    for above, _, names in os.walk(folder):  # ignores folders that were deleted meanwhile
        is_spill = "spill" in Path(above).parts
        for name in names:
            if is_spill or name.startswith("duckdb_temp"):
                with suppress(OSError):
                    total += (Path(above) / name).stat().st_size
    return total
