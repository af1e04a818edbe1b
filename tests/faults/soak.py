"""Hundreds of kills, opens and signals, and a table of what came of them: `make soak`.

    python -m tests.faults.soak --kills 200 --opens 500 --seed 7

A second processor halves the time; other work on the machine spoils the limits of seconds, which --slack widens. Exit
code 1 when a figure is missed. The same seed gives the same moments, as far as the machine's own timing does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.database.connection import connect_published
from pipeline.publish import lock, run_folder
from tests import runs
from tests.faults import machines, publish_by_steps
from tests.faults.run_series import PHASES, Run, RunSeries, forked

CLOCK = datetime(2026, 4, 2, 3, tzinfo=UTC)
SECONDS_TO_REFUSE = 1.0
SECONDS_TO_STOP = 2.0


@dataclass(frozen=True)
class Figure:
    """One line of the table: what was tried how often, what came of it, and what was missed."""

    what: str
    tried: int
    found: str
    missed: tuple[str, ...] = ()


@dataclass
class Tally:
    """What a series counts while it goes on."""

    found: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    slowest: float = 0.0


def main(arguments: list[str]) -> int:
    """Run all of it, print the table; 1 when something was missed."""
    asked = options(arguments)
    started = time.monotonic()
    print(f"seed {asked.seed}: repeat with --seed {asked.seed}", flush=True)
    with private_temporary_folder() as folder:
        figures = [
            *beside(folder, asked),
            second_runs(folder, asked),
            opens(folder, asked),
            *by_steps(folder),
            left_in(folder / "tmp"),
        ]
    show(figures, time.monotonic() - started)
    return int(any(figure.missed for figure in figures))


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--kills", type=int, default=200, help="kill -9, spread evenly over the phases of a night")
    parser.add_argument("--opens", type=int, default=500, help="opens of the published file while nights are swapped")
    parser.add_argument("--signals", type=int, default=20, help="SIGTERM and Ctrl-C in turn, over the phases")
    parser.add_argument("--twice", type=int, default=10, help="second runs beside a first one")
    parser.add_argument("--lanes", type=int, default=2, help="output folders that runs go into at the same time")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--slack", type=float, default=1.0, help="factor to the limits of seconds")
    return parser.parse_args(arguments)


@contextlib.contextmanager
def private_temporary_folder() -> Iterator[Path]:
    """A folder for everything, with one inside where each process looks for temporary files; removed at the end."""
    before = os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="funnel-soak-") as name:
        os.environ["TMPDIR"] = str(Path(name) / "tmp")
        Path(name, "tmp").mkdir()
        tempfile.tempdir = None
        try:
            yield Path(name)
        finally:
            os.environ.pop("TMPDIR")
            os.environ.update({"TMPDIR": before} if before else {})
            tempfile.tempdir = None


def beside(folder: Path, asked: argparse.Namespace) -> list[Figure]:
    """Kills and signals, shared among series of runs that go side by side."""

    def share(whole: int, series: int) -> int:
        return whole // asked.lanes + (series < whole % asked.lanes)

    all_series = [
        forked(lambda series=series: print(json.dumps(one_lane(folder, series, asked, share)), flush=True))  # type: ignore[misc]
        for series in range(asked.lanes)
    ]
    told = []
    for series in all_series:
        if series.ends(within=3600) != 0:
            raise RuntimeError(f"a series broke off:\n{series.said}")
        told.append(json.loads(series.said.splitlines()[-1]))
    figures = []
    for what in told[0]:
        found = sum((Counter(each[what]["found"]) for each in told), Counter())
        missed = [line for each in told for line in each[what]["missed"]]
        slowest = max(each[what]["slowest"] for each in told)
        words = ", ".join(f"{name} {count}" for name, count in sorted(found.items()))
        timed = f"; slowest {slowest:.2f} s" if slowest else ""
        figures.append(Figure(what, found.total(), words + timed, tuple(missed)))
    return figures


def one_lane(folder: Path, number: int, asked: argparse.Namespace, share: Any) -> dict[str, Any]:
    """The part of one series; what it found for each figure."""
    series = RunSeries(folder / f"series{number}", random.Random(f"{asked.seed}/{number}"))
    series.learn()
    tallies = {"kill -9, then the next run": Tally(), "SIGTERM and Ctrl-C": Tally()}
    kills, signals = tallies.values()
    for each in range(share(asked.kills, number)):
        killed(series, PHASES[(each + number) % len(PHASES)], kills)
    for each in range(share(asked.signals, number)):
        phase = PHASES[(each // 2 + number) % len(PHASES)]
        signalled(series, phase, (signal.SIGTERM, signal.SIGINT)[each % 2], signals, SECONDS_TO_STOP * asked.slack)
    return {what: {"found": t.found, "missed": t.missed, "slowest": t.slowest} for what, t in tallies.items()}


def killed(series: RunSeries, phase: str, tally: Tally) -> None:
    """One kill; the run that is found then, and the run after it."""
    before = series.found()
    while True:
        hit = series.interrupted(phase, signal.SIGKILL)
        if hit is not None and hit[0].code == -signal.SIGKILL:
            break
        if hit is not None:
            tally.missed.append(f"{phase}: the run ended by itself with {hit[0].code}: {last_line(hit[0].said)}")
            return
        before = series.found()  # it was done before the kill came: another try
    judge(series, phase, hit[0], before, tally)
    goes_on(series, phase, tally)
    tally.found[phase] += 1


def judge(series: RunSeries, phase: str, run: Run, before: dict[str, Any], tally: Tally) -> None:
    """Old to the last byte, or, when the run had come so far, new and whole; anything else is missed."""
    now = series.found()
    if now["broken"]:
        tally.missed.append(f"{phase}: {now['broken']}")
    elif now["run"] == before["run"]:
        if now["digest"] != before["digest"]:
            tally.missed.append(f"{phase}: a file of the old night changed")
    elif now["as_of"] != series.as_of or not run.may_have_published:
        tally.missed.append(f"{phase}: a night that should not be there")


def goes_on(series: RunSeries, phase: str, tally: Tally) -> None:
    """The next run publishes its run and leaves nothing of the one before it."""
    run = series.start()
    code, now = run.ends(), series.found()
    if code != 0:
        tally.missed.append(f"{phase}: the next run ended with {code}: {last_line(run.said)}")
    elif now["broken"] or now["as_of"] != series.as_of:
        tally.missed.append(f"{phase}: the next run did not publish its night: {now['broken']}")
    elif machines.left_lying(series.output):
        tally.missed.append(f"{phase}: left after the next run: {machines.left_lying(series.output)}")


def signalled(series: RunSeries, phase: str, number: signal.Signals, tally: Tally, limit: float) -> None:
    """One signal: it ends in time with 130, and but for the last moment of all the old run stays."""
    before = series.found()
    while (hit := series.interrupted(phase, number)) is None:
        before = series.found()
    run, seconds = hit
    tally.found[phase] += 1
    tally.slowest = max(tally.slowest, seconds)
    if run.code != 130 or seconds > limit:
        tally.missed.append(
            f"{phase}: {number.name} ended it with {run.code} in {seconds:.2f} s: {last_line(run.said)}"
        )
    judge(series, phase, run, before, tally)
    if not run.may_have_published and machines.left_lying(series.output):
        tally.missed.append(f"{phase}: left after {number.name}: {machines.left_lying(series.output)}")


def second_runs(folder: Path, asked: argparse.Namespace) -> Figure:
    """One after another, with nothing beside them but the first run: what is timed is how long the second one waits."""
    series, tally = RunSeries(folder / "twice", random.Random(f"{asked.seed}/twice")), Tally()
    for each in range(asked.twice):
        second(series, ("load", "models", "checks")[each % 3], tally, SECONDS_TO_REFUSE * asked.slack)
    words = ", ".join(f"{name} {count}" for name, count in sorted(tally.found.items()))
    timed = f"{words}; slowest {tally.slowest:.2f} s"
    return Figure("a second run", tally.found.total(), timed, tuple(tally.missed))


def second(series: RunSeries, phase: str, tally: Tally, limit: float) -> None:
    """A second process while the first is in a phase: refused in time, by name of the first, which goes through."""
    first = series.start()
    if first.reaches("models" if phase == "load" else phase) is None:
        tally.missed.append(f"{phase}: the first run ended too early")
    started = time.monotonic()
    code, said = machines.ended(machines.funnel(series.toml, series.output))
    seconds = time.monotonic() - started
    done = first.ends()
    tally.found["refused" if code == 5 else f"exit {code}"] += 1
    tally.slowest = max(tally.slowest, seconds)
    if (code, done) != (5, 0) or seconds > limit or f"pid {first.pid}" not in said:
        tally.missed.append(f"{phase}: exit {code} in {seconds:.2f} s, the first run {done}: {last_line(said)}")


def opens(folder: Path, asked: argparse.Namespace) -> Figure:
    """Readers open database and page again and again while whole runs are swapped as fast as they can be copied."""
    out = folder / "swapped"
    sources = [(folder / f"series{series}" / "out" / "current").resolve() for series in range(asked.lanes)] * 2
    publish_copy(out, sources[0], 0)

    def swap() -> None:
        for swaps in range(1, 10**6):
            publish_copy(out, sources[swaps % 2], swaps)
            print("swap", flush=True)

    def read() -> None:
        failures = []
        for _ in range(asked.opens):
            try:
                connection = connect_published(out / "funnel.duckdb", runs.Settings("500MB", 1))
                connection.execute("select count(*) from marts.conversion").fetchall()
                connection.close()
                if not (out / "reports" / "index.html").read_text("utf-8").rstrip().endswith("</html>"):
                    failures.append("a page cut short")
            except Exception as failure:
                failures.append(f"{type(failure).__name__}: {failure}")
        print(json.dumps(failures), flush=True)

    swapping, reading = forked(swap), forked(read)
    code = reading.ends(within=600)
    os.kill(swapping.pid, signal.SIGTERM)
    swapping.ends()
    swaps = swapping.said.count("swap\n")
    missed = json.loads(reading.said) if code == 0 else [reading.said]
    if swaps < asked.opens // 25:
        missed.append(f"only {swaps} swaps during {asked.opens} opens: nothing was tried")
    return Figure("opens while nights are swapped", asked.opens, f"{len(missed)} errors, {swaps} swaps", tuple(missed))


def publish_copy(out: Path, night: Path, number: int = 0) -> None:
    """Publish a copy of a run as a run does, that many seconds after the clock."""
    clock = CLOCK + timedelta(seconds=number)
    with lock.hold(out, clock):
        run = run_folder.start_run(out, clock)
        shutil.copyfile(night / run_folder.DATABASE, run.database)
        shutil.copyfile(night / "reports" / "index.html", run.reports / "index.html")
        run_folder.seal(run)
        run_folder.swap(run)
        run_folder.prune(out, 7)


def by_steps(folder: Path) -> Iterator[Figure]:
    """A kill and a fault of the disk at each single step of publishing a real run."""
    for how, codes in (("kill", {-signal.SIGKILL, 0}), ("fail", {0, 1, 2, publish_by_steps.WITHOUT_HARM})):
        work = folder / how
        (work / "night").mkdir(parents=True)
        source = (folder / "series0" / "out" / "current").resolve()
        for name, place in publish_by_steps.COPIED.items():
            shutil.copyfile(source / place, work / "night" / name)
        publish_copy(work / "before", sorted(source.parent.glob("*-????"))[0])
        told = subprocess.run(
            [sys.executable, "-m", "tests.faults.publish_by_steps", how, work / "out", work / "before", work / "night"],
            cwd=runs.REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        results = json.loads(told.stdout) if told.returncode == 0 else []
        missed = [f"step {step + 1}: {result}" for step, result in enumerate(results) if wrong(result, codes, how)]
        if told.returncode or len(results) < 20:
            missed.append(f"{len(results)} steps: {last_line(told.stderr)}")
        found = Counter(night for night, _, _ in results)
        words = ", ".join(f"{night} {count}" for night, count in sorted(found.items()))
        yield Figure(f"{how} at each step of publishing", len(results), words, tuple(missed))


def wrong(result: tuple[str, int, list[str]], codes: set[int], how: str) -> bool:
    night, code, left = result
    return night not in ("old", "new") or code not in codes or (how == "kill" and left != [])


def left_in(folder: Path) -> Figure:
    """Nothing of all that may be left where programs put their temporary files."""
    names = sorted(path.name for path in folder.iterdir())
    return Figure("left among temporary files", 1, f"{len(names)} left", tuple(names))


def show(figures: list[Figure], seconds: float) -> None:
    """The table, then every miss in full."""
    width = max(len(figure.what) for figure in figures)
    print(f"\n{'what':<{width}}  tried  missed  found")
    for figure in figures:
        print(f"{figure.what:<{width}}  {figure.tried:>5}  {len(figure.missed):>6}  {figure.found}")
    for figure in figures:
        for line in figure.missed:
            print(f"missed: {figure.what}: {line}")
    verdict = "every figure is met" if not any(figure.missed for figure in figures) else "figures were missed"
    print(f"\n{verdict}, in {seconds / 60:.1f} minutes")


def last_line(said: str) -> str:
    lines = said.strip().splitlines()
    return lines[-1] if lines else "it said nothing"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
