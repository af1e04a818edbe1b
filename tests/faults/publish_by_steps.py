"""Publishes a run of copied files and stops it at its first step, then at its second, until a run succeeds.

A step is any call that changes a name or flushes. Arguments: `kill` (-9) or `fail` (an error of the disk), the output
folder to use, an output folder with the old run, and a folder with the files of the new run. Prints for each step the
run that a reader gets, the exit code, and the leftovers (kill: after the next run).
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import FunnelError
from pipeline.publish import lock, run_folder

CLOCK = datetime(2026, 4, 2, 3, 59, 59, tzinfo=UTC)
STEPS = ("fsync", "rename", "replace", "symlink", "chmod", "mkdir", "unlink", "rmdir", "ftruncate")
WITHOUT_HARM = 10  # a step failed and the run was published nevertheless
COPIED = {"funnel.duckdb": "funnel.duckdb", "index.html": "reports/index.html"}


def main(how: str, out: Path, old_output: Path, new_run: Path) -> None:
    results: list[tuple[str, int, list[str]]] = []
    while not results or results[-1][1] != 0:
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(old_output, out, symlinks=True)
        child = os.fork()
        if child == 0:
            steps = Steps(how, len(results) + 1)
            publish_copies(out, new_run)
            os._exit(0 if steps.done < steps.stop_at else WITHOUT_HARM)
        exit_code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        state = published_run(out, old_output, new_run)
        if how == "kill":
            publish_copies(out, new_run)
        results.append((state, exit_code, leftovers(out)))
    print(json.dumps(results))


class Steps:
    """Makes one step fail, or kills this process just before it."""

    def __init__(self, how: str, stop_at: int) -> None:
        self.done = 0
        self.stop_at = stop_at
        self.how = how
        for name in STEPS:
            setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            self.done += 1
            if self.done != self.stop_at:
                return act(*arguments, **named)
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        return step


def publish_copies(out: Path, new_run: Path) -> None:
    """Publish one run as `funnel run` does; exit the process if it fails."""
    try:
        with lock.hold(out, CLOCK):
            run = run_folder.start_run(out, CLOCK)
            try:
                for name, place in COPIED.items():
                    shutil.copyfile(new_run / name, run.building / place)
                run_folder.seal(run)
                run_folder.swap(run)
            except FunnelError:
                run_folder.discard(run)
                raise
            run_folder.prune(out, 1)
    except FunnelError as failure:
        os._exit(failure.exit_code)


def published_run(out: Path, old_output: Path, new_run: Path) -> str:
    """`old` or `new`, if a reader of both links gets every byte of that run; else, or for an incomplete run, `broken`."""
    run_folders = [path for path in (out / "runs").iterdir() if "." not in path.name]
    if not all((path / place).exists() for path in run_folders for place in COPIED.values()):
        return "broken"
    if all((out / place).read_bytes() == (new_run / name).read_bytes() for name, place in COPIED.items()):
        return "new"
    if all((out / place).read_bytes() == (old_output / place).read_bytes() for place in COPIED.values()):
        return "old"
    return "broken"


def leftovers(out: Path) -> list[str]:
    return sorted(path.name for path in (*(out / "runs").glob("*.*"), *out.glob("*.new-*")))


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
