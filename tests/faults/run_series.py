"""Consecutive runs into one output folder, each in a fork of a process that has imported everything.

This process never opens DuckDB: a fork of a process with threads could hang.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline import cli
from pipeline.config.load import load_configuration  # noqa: F401
from pipeline.explore import query
from tests.faults import machines

PHASES = ("load", "models", "checks", "report", "publish")
BEGINS = {
    "models": re.compile(r"^ *\d+/\d+ ", re.MULTILINE),
    "checks": re.compile(r"^checking$", re.MULTILINE),
    "report": re.compile(r"^writing the report$", re.MULTILINE),
    "publish": re.compile(r"^\d+ pages and \d+ files in", re.MULTILINE),
}
"""The log line at the start of a phase. Checks and report run in parallel; publishing ends with the process."""
FIRST_AS_OF = datetime(2026, 3, 1, 12)
SECONDS_FOR_A_RUN = 120.0


@dataclass
class Run:
    """A run in a fork of this process, and its output so far."""

    pid: int
    pipe: int
    output: str = ""
    code: int | None = None
    started: float = field(default_factory=time.monotonic)

    def read_output(self, seconds: float) -> bool:
        """Wait for output, at most `seconds`; False at the end of the output."""
        if not select.select([self.pipe], [], [], max(0.0, seconds))[0]:
            return True
        new_output = os.read(self.pipe, 65536)
        self.output += new_output.decode("utf-8", "replace")
        return bool(new_output)

    @property
    def may_have_published(self) -> bool:
        """Whether the run has reached its last phase."""
        return BEGINS["publish"].search(self.output) is not None

    def wait(self, within: float = SECONDS_FOR_A_RUN) -> int:
        """Wait for the end of the run; its exit code, negative for a signal."""
        until = time.monotonic() + within
        while self.read_output(until - time.monotonic()):
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                until += 5
        os.close(self.pipe)
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code

    def wait_for_phase(self, phase: str) -> float | None:
        """Wait for the start of a phase: its monotonic time, or None if the run ends before."""
        until = time.monotonic() + SECONDS_FOR_A_RUN
        while phase != "load" and not BEGINS[phase].search(self.output):
            if not self.read_output(1) or time.monotonic() > until:
                return None
        return self.started if phase == "load" else time.monotonic()


def fork(work: Callable[[], None]) -> Run:
    """Run `work` in a fork and read its output through a pipe."""
    pipe, write_end = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(write_end)
        return Run(pid, pipe)
    code = 70
    try:
        os.dup2(write_end, 1)
        os.dup2(write_end, 2)
        work()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException as failure:
        os.write(2, f"{type(failure).__name__}: {failure}\n".encode())
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


class RunSeries:
    """Runs of the quarter in their own folder; each has a new row to read and a later as-of."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        folder.mkdir(parents=True)
        self.toml = machines.quarter(folder / "in")
        self.output = folder / "out"
        self.rng = rng
        self.runs_started = 0
        self.durations: dict[str, float] = {}

    @property
    def as_of(self) -> str:
        """The as-of of the last started run, in local time."""
        return (FIRST_AS_OF + timedelta(minutes=self.runs_started)).isoformat()

    def start(self, *options: str) -> Run:
        """Start a run that has a new row to read."""
        self.runs_started += 1
        at = FIRST_AS_OF - timedelta(minutes=self.runs_started)
        with (self.toml.parent / "stage_entries.csv").open("a", encoding="utf-8") as entries:
            entries.write(f"L16,{('MQL', 'SAL')[self.runs_started % 2]},{at.isoformat()}Z,\n")
        threads = self.rng.choice("12")
        arguments = ["--config", str(self.toml), "--output", str(self.output), "--as-of", self.as_of, *options]

        def work_of_run() -> None:
            os.environ["FUNNEL_THREADS"] = threads
            sys.argv = ["funnel", "run", *arguments]
            cli.main()

        return fork(work_of_run)

    def measure_phases(self) -> None:
        """Run twice without a fault and store the seconds of each phase."""
        for _ in range(2):
            run = self.start()
            begins = {phase: run.wait_for_phase(phase) for phase in PHASES}
            code = run.wait()
            if code != 0 or None in begins.values():
                raise RuntimeError(f"a run without a fault ended with {code}:\n{run.output}")
            load, models, checks, report, publish = (each or 0.0 for each in begins.values())
            lengths = (models - load, checks - models, publish - checks, publish - report, time.monotonic() - publish)
            self.durations = dict(zip(PHASES, lengths, strict=True))

    def interrupt(self, phase: str, number: signal.Signals) -> tuple[Run, float] | None:
        """Send a signal at a random moment of a phase; the run and the seconds until its end, or None if it had succeeded."""
        run = self.start()
        begun = run.wait_for_phase(phase)
        if begun is not None:
            until = begun + self.rng.uniform(0, self.durations[phase])
            while time.monotonic() < until and run.read_output(until - time.monotonic()):
                pass
        sent = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            os.kill(run.pid, number)
        code = run.wait()
        return None if code == 0 else (run, time.monotonic() - sent)

    def read_published(self) -> dict[str, Any]:
        """The published run, read by another process: see `inspect_run`."""
        run = fork(lambda: print(json.dumps(inspect_run(self.output))))
        if run.wait() != 0:
            return {"run": None, "as_of": None, "digest": None, "broken": run.output.strip()}
        published: dict[str, Any] = json.loads(run.output)
        return published


def inspect_run(output: Path) -> dict[str, Any]:
    """Run, as-of and digest of the published run. Raises AssertionError if its parts do not agree."""
    folder = (output / "current").resolve(strict=True)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    summary = json.loads((output / "reports" / "summary.json").read_text("utf-8"))
    assert folder.name == manifest["run"], "the manifest is of another run"
    connection = query.open_published(output)
    utc, local = connection.execute(
        "select strftime(as_of, '%Y-%m-%dT%H:%M:%S'), strftime(as_of_local, '%Y-%m-%dT%H:%M:%S') from waterfall.run"
    ).fetchall()[0]
    assert summary["as_of"] == f"{utc}Z", "the report is of another run than the database"
    assert manifest["as_of"] == f"{utc}+00:00", "the manifest is of another run than the database"
    stored = {
        f"{schema}.{table}"
        for schema, table in connection.execute(
            "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
        ).fetchall()
    }
    for each in manifest["models"]:
        if each["rows"] is not None and each["model"].startswith(("marts.", "report.")):
            stored_name = each["model"].replace("marts.", "stored.", 1)
            table = stored_name if stored_name in stored else each["model"]
            count = connection.execute(f"select count(*) from {table}").fetchall()[0][0]
            assert count == each["rows"], f"{table} has other rows than its manifest says"
    connection.close()
    for page in sorted((output / "reports").rglob("*.html")):
        assert page.read_text("utf-8").rstrip().endswith("</html>"), f"{page.name} is cut short"
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return {"run": manifest["run"], "as_of": local, "digest": digest.hexdigest(), "broken": None}
