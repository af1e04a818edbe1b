"""An output folder that runs go into, one after another, by forks of a process that has everything imported.

Nothing here opens DuckDB in this process: a fork of a process with threads could hang.
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
"""What a run says when a phase begins. Checks and report go side by side; publishing ends with the process."""
FIRST_AS_OF = datetime(2026, 3, 1, 12)
SECONDS_FOR_A_RUN = 120.0


@dataclass
class Run:
    """A run in a fork of this process, and what it has said so far."""

    pid: int
    ear: int
    said: str = ""
    code: int | None = None
    started: float = field(default_factory=time.monotonic)

    def hears(self, seconds: float) -> bool:
        """Listen for so long at most, and until something is said; False when there is nothing more to come."""
        if not select.select([self.ear], [], [], max(0.0, seconds))[0]:
            return True
        heard = os.read(self.ear, 65536)
        self.said += heard.decode("utf-8", "replace")
        return bool(heard)

    @property
    def may_have_published(self) -> bool:
        """Whether it had come to its last phase."""
        return BEGINS["publish"].search(self.said) is not None

    def ends(self, within: float = SECONDS_FOR_A_RUN) -> int:
        """Its exit code, negative for the signal that ended it."""
        until = time.monotonic() + within
        while self.hears(until - time.monotonic()):
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                until += 5
        os.close(self.ear)
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code

    def reaches(self, phase: str) -> float | None:
        """Wait until a phase begins; when, by the monotonic clock, or None if the run ends before."""
        until = time.monotonic() + SECONDS_FOR_A_RUN
        while phase != "load" and not BEGINS[phase].search(self.said):
            if not self.hears(1) or time.monotonic() > until:
                return None
        return self.started if phase == "load" else time.monotonic()


def forked(work: Callable[[], None]) -> Run:
    """Do `work` in a fork; what it prints is heard here."""
    ear, mouth = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(mouth)
        return Run(pid, ear)
    code = 70
    try:
        os.dup2(mouth, 1)
        os.dup2(mouth, 2)
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
    """Runs of the quarter in a folder of their own: every one has a new row to read and a later as-of."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        folder.mkdir(parents=True)
        self.toml = machines.quarter(folder / "in")
        self.output = folder / "out"
        self.dice = dice
        self.nights = 0
        self.durations: dict[str, float] = {}

    @property
    def as_of(self) -> str:
        """That of the run which was started last; local, as it is told to the run."""
        return (FIRST_AS_OF + timedelta(minutes=self.nights)).isoformat()

    def start(self, *options: str) -> Run:
        """A run with something new to read."""
        self.nights += 1
        at = FIRST_AS_OF - timedelta(minutes=self.nights)
        with (self.toml.parent / "stage_entries.csv").open("a", encoding="utf-8") as entries:
            entries.write(f"L16,{('MQL', 'SAL')[self.nights % 2]},{at.isoformat()}Z,\n")
        threads = self.dice.choice("12")
        asked = ["--config", str(self.toml), "--output", str(self.output), "--as-of", self.as_of, *options]

        def night() -> None:
            os.environ["FUNNEL_THREADS"] = threads
            sys.argv = ["funnel", "run", *asked]
            cli.main()

        return forked(night)

    def learn(self) -> None:
        """Two runs without a fault: how long each phase takes here, seconds."""
        for _ in range(2):
            run = self.start()
            begins = {phase: run.reaches(phase) for phase in PHASES}
            code = run.ends()
            if code != 0 or None in begins.values():
                raise RuntimeError(f"a night without a fault ended with {code}:\n{run.said}")
            load, models, checks, report, publish = (each or 0.0 for each in begins.values())
            lengths = (models - load, checks - models, publish - checks, publish - report, time.monotonic() - publish)
            self.durations = dict(zip(PHASES, lengths, strict=True))

    def interrupted(self, phase: str, number: signal.Signals) -> tuple[Run, float] | None:
        """A run that gets a signal at a random moment of a phase, and how long it then took to end; None if it was over."""
        run = self.start()
        begun = run.reaches(phase)
        if begun is not None:
            until = begun + self.dice.uniform(0, self.durations[phase])
            while time.monotonic() < until and run.hears(until - time.monotonic()):
                pass
        sent = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            os.kill(run.pid, number)
        code = run.ends()
        return None if code == 0 else (run, time.monotonic() - sent)

    def found(self) -> dict[str, Any]:
        """The published run as a reader finds it, looked at by another process: see `look`."""
        run = forked(lambda: print(json.dumps(look(self.output))))
        if run.ends() != 0:
            return {"run": None, "as_of": None, "digest": None, "broken": run.said.strip()}
        told: dict[str, Any] = json.loads(run.said)
        return told


def look(output: Path) -> dict[str, Any]:
    """Run, as-of and digest of the published run, after its parts were found to agree. AssertionError when they don't."""
    folder = (output / "current").resolve(strict=True)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    summary = json.loads((output / "reports" / "summary.json").read_text("utf-8"))
    assert folder.name == manifest["run"], "the manifest is of another run"
    connection = query.open_published(output)
    utc, local = connection.execute(
        "select strftime(as_of, '%Y-%m-%dT%H:%M:%S'), strftime(as_of_local, '%Y-%m-%dT%H:%M:%S') from waterfall.run"
    ).fetchall()[0]
    assert summary["as_of"] == f"{utc}Z", "the report is of another night than the database"
    assert manifest["as_of"] == f"{utc}+00:00", "the manifest is of another night than the database"
    stored = {
        f"{schema}.{table}"
        for schema, table in connection.execute(
            "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
        ).fetchall()
    }
    for each in manifest["models"]:
        if each["rows"] is not None and each["model"].startswith(("marts.", "report.")):
            kept = each["model"].replace(".", "_kept.", 1)
            table = kept if kept in stored else each["model"]
            count = connection.execute(f"select count(*) from {table}").fetchall()[0][0]
            assert count == each["rows"], f"{table} has other rows than its manifest says"
    connection.close()
    for page in sorted((output / "reports").rglob("*.html")):
        assert page.read_text("utf-8").rstrip().endswith("</html>"), f"{page.name} is cut short"
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return {"run": manifest["run"], "as_of": local, "digest": digest.hexdigest(), "broken": None}
