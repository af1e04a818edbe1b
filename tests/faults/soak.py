"""The soak test: hundreds of kills, opens and signals, and a table of their results (`make soak`).

    python -m tests.faults.soak --kills 200 --opens 500 --seed 7

A second processor halves the time. On a busy machine the limits of seconds need --slack. The exit code is 1 if a figure
is missed. The same seed gives the same moments, apart from the timing of the machine.
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
from tests.faults.run_series import PHASES, Run, RunSeries, fork

CLOCK = datetime(2026, 4, 2, 3, tzinfo=UTC)
SECONDS_TO_REFUSE = 1.0
SECONDS_TO_STOP = 2.0


@dataclass(frozen=True)
class Figure:
    """One line of the table: what was tried how often, the counts, and the misses."""

    what: str
    tried: int
    counts: str
    missed: tuple[str, ...] = ()


@dataclass
class Tally:
    """The counts of a series so far."""

    counts: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    slowest: float = 0.0


def main(arguments: list[str]) -> int:
    """Run everything and print the table; 1 if a figure was missed."""
    settings = parse_options(arguments)
    started = time.monotonic()
    print(f"seed {settings.seed}: repeat with --seed {settings.seed}", flush=True)
    with private_temporary_folder() as folder:
        figures = [
            *kills_and_signals(folder, settings),
            second_runs(folder, settings),
            opens(folder, settings),
            *faults_by_step(folder),
            left_in_folder(folder / "tmp"),
        ]
    show(figures, time.monotonic() - started)
    return int(any(figure.missed for figure in figures))


def parse_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--kills", type=int, default=200, help="kill -9, spread evenly over the phases of a run")
    parser.add_argument("--opens", type=int, default=500, help="opens of the published file during swaps of runs")
    parser.add_argument("--signals", type=int, default=20, help="SIGTERM and Ctrl-C in turn, over the phases")
    parser.add_argument("--twice", type=int, default=10, help="second runs beside a first one")
    parser.add_argument(
        "--series", type=int, default=2, help="parallel series of runs, each with its own output folder"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--slack", type=float, default=1.0, help="factor to the limits of seconds")
    return parser.parse_args(arguments)


@contextlib.contextmanager
def private_temporary_folder() -> Iterator[Path]:
    """A temporary folder for the whole test, with the TMPDIR of all processes in it; removed at the end."""
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


def kills_and_signals(folder: Path, settings: argparse.Namespace) -> list[Figure]:
    """Kills and signals, divided among parallel series of runs."""

    def share(whole: int, series: int) -> int:
        return whole // settings.series + (series < whole % settings.series)

    all_series = [
        fork(lambda series=series: print(json.dumps(run_one_series(folder, series, settings, share)), flush=True))  # type: ignore[misc]
        for series in range(settings.series)
    ]
    results_of_series = []
    for series in all_series:
        if series.wait(within=3600) != 0:
            raise RuntimeError(f"a series broke off:\n{series.output}")
        results_of_series.append(json.loads(series.output.splitlines()[-1]))
    figures = []
    for what in results_of_series[0]:
        counts = sum((Counter(each[what]["counts"]) for each in results_of_series), Counter())
        missed = [line for each in results_of_series for line in each[what]["missed"]]
        slowest = max(each[what]["slowest"] for each in results_of_series)
        words = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        timed = f"; slowest {slowest:.2f} s" if slowest else ""
        figures.append(Figure(what, counts.total(), words + timed, tuple(missed)))
    return figures


def run_one_series(folder: Path, number: int, settings: argparse.Namespace, share: Any) -> dict[str, Any]:
    """Run the share of one series; its counts for each figure."""
    series = RunSeries(folder / f"series{number}", random.Random(f"{settings.seed}/{number}"))
    series.measure_phases()
    tallies = {"kill -9, then the next run": Tally(), "SIGTERM and Ctrl-C": Tally()}
    kills, signals = tallies.values()
    for each in range(share(settings.kills, number)):
        kill_once(series, PHASES[(each + number) % len(PHASES)], kills)
    for each in range(share(settings.signals, number)):
        phase = PHASES[(each // 2 + number) % len(PHASES)]
        signal_once(series, phase, (signal.SIGTERM, signal.SIGINT)[each % 2], signals, SECONDS_TO_STOP * settings.slack)
    return {what: {"counts": t.counts, "missed": t.missed, "slowest": t.slowest} for what, t in tallies.items()}


def kill_once(series: RunSeries, phase: str, tally: Tally) -> None:
    """Kill one run, then check the published run and the next run."""
    before = series.read_published()
    while True:
        hit = series.interrupt(phase, signal.SIGKILL)
        if hit is not None and hit[0].code == -signal.SIGKILL:
            break
        if hit is not None:
            tally.missed.append(f"{phase}: the run ended by itself with {hit[0].code}: {last_line(hit[0].output)}")
            return
        before = series.read_published()  # the run ended before the kill: try again
    check_published_run(series, phase, hit[0], before, tally)
    check_next_run(series, phase, tally)
    tally.counts[phase] += 1


def check_published_run(series: RunSeries, phase: str, run: Run, before: dict[str, Any], tally: Tally) -> None:
    """The published run must be the old one, unchanged, or the complete new one if the run had reached publishing."""
    now = series.read_published()
    if now["broken"]:
        tally.missed.append(f"{phase}: {now['broken']}")
    elif now["run"] == before["run"]:
        if now["digest"] != before["digest"]:
            tally.missed.append(f"{phase}: a file of the old run changed")
    elif now["as_of"] != series.as_of or not run.may_have_published:
        tally.missed.append(f"{phase}: an unexpected run is published")


def check_next_run(series: RunSeries, phase: str, tally: Tally) -> None:
    """The next run must publish, and remove everything of the killed one."""
    run = series.start()
    code, now = run.wait(), series.read_published()
    if code != 0:
        tally.missed.append(f"{phase}: the next run ended with {code}: {last_line(run.output)}")
    elif now["broken"] or now["as_of"] != series.as_of:
        tally.missed.append(f"{phase}: the next run did not publish: {now['broken']}")
    elif machines.leftovers(series.output):
        tally.missed.append(f"{phase}: left after the next run: {machines.leftovers(series.output)}")


def signal_once(series: RunSeries, phase: str, number: signal.Signals, tally: Tally, limit: float) -> None:
    """Signal one run: it must end in time with 130, and the old run stays unless publishing had begun."""
    before = series.read_published()
    while (hit := series.interrupt(phase, number)) is None:
        before = series.read_published()
    run, seconds = hit
    tally.counts[phase] += 1
    tally.slowest = max(tally.slowest, seconds)
    if run.code != 130 or seconds > limit:
        tally.missed.append(
            f"{phase}: {number.name} ended it with {run.code} in {seconds:.2f} s: {last_line(run.output)}"
        )
    check_published_run(series, phase, run, before, tally)
    if not run.may_have_published and machines.leftovers(series.output):
        tally.missed.append(f"{phase}: left after {number.name}: {machines.leftovers(series.output)}")


def second_runs(folder: Path, settings: argparse.Namespace) -> Figure:
    """Start second runs, one at a time, and measure how long each takes until its refusal."""
    series, tally = RunSeries(folder / "twice", random.Random(f"{settings.seed}/twice")), Tally()
    for each in range(settings.twice):
        start_second_run(series, ("load", "models", "checks")[each % 3], tally, SECONDS_TO_REFUSE * settings.slack)
    words = ", ".join(f"{name} {count}" for name, count in sorted(tally.counts.items()))
    timed = f"{words}; slowest {tally.slowest:.2f} s"
    return Figure("a second run", tally.counts.total(), timed, tuple(tally.missed))


def start_second_run(series: RunSeries, phase: str, tally: Tally, limit: float) -> None:
    """A second run during a phase of the first must be refused in time with the pid of the first, which succeeds."""
    first = series.start()
    if first.wait_for_phase("models" if phase == "load" else phase) is None:
        tally.missed.append(f"{phase}: the first run ended too early")
    started = time.monotonic()
    code, output = machines.wait_for_exit(machines.funnel(series.toml, series.output))
    seconds = time.monotonic() - started
    done = first.wait()
    tally.counts["refused" if code == 5 else f"exit {code}"] += 1
    tally.slowest = max(tally.slowest, seconds)
    if (code, done) != (5, 0) or seconds > limit or f"pid {first.pid}" not in output:
        tally.missed.append(f"{phase}: exit {code} in {seconds:.2f} s, the first run {done}: {last_line(output)}")


def opens(folder: Path, settings: argparse.Namespace) -> Figure:
    """Readers open database and page repeatedly while copies of whole runs are swapped as fast as possible."""
    out = folder / "swapped"
    sources = [(folder / f"series{series}" / "out" / "current").resolve() for series in range(settings.series)] * 2
    publish_copy(out, sources[0], 0)

    def swap() -> None:
        for swaps in range(1, 10**6):
            publish_copy(out, sources[swaps % 2], swaps)
            print("swap", flush=True)

    def read() -> None:
        failures = []
        for _ in range(settings.opens):
            try:
                connection = connect_published(out / "funnel.duckdb", runs.Settings("500MB", 1))
                connection.execute("select count(*) from marts.conversion").fetchall()
                connection.close()
                if not (out / "reports" / "index.html").read_text("utf-8").rstrip().endswith("</html>"):
                    failures.append("a page cut short")
            except Exception as failure:
                failures.append(f"{type(failure).__name__}: {failure}")
        print(json.dumps(failures), flush=True)

    swapping, reading = fork(swap), fork(read)
    code = reading.wait(within=600)
    os.kill(swapping.pid, signal.SIGTERM)
    swapping.wait()
    swaps = swapping.output.count("swap\n")
    missed = json.loads(reading.output) if code == 0 else [reading.output]
    if swaps < settings.opens // 25:
        missed.append(f"only {swaps} swaps during {settings.opens} opens: nothing was tried")
    return Figure("opens during swaps of runs", settings.opens, f"{len(missed)} errors, {swaps} swaps", tuple(missed))


def publish_copy(out: Path, source: Path, number: int = 0) -> None:
    """Publish a copy of a run with the steps of a real run, `number` seconds after the clock."""
    clock = CLOCK + timedelta(seconds=number)
    with lock.hold(out, clock):
        run = run_folder.start_run(out, clock)
        shutil.copyfile(source / run_folder.DATABASE, run.database)
        shutil.copyfile(source / "reports" / "index.html", run.reports / "index.html")
        run_folder.seal(run)
        run_folder.swap(run)
        run_folder.prune(out, 7)


def faults_by_step(folder: Path) -> Iterator[Figure]:
    """A kill, and a disk error, at each single step of publishing a real run."""
    for how, codes in (("kill", {-signal.SIGKILL, 0}), ("fail", {0, 1, 2, publish_by_steps.WITHOUT_HARM})):
        work = folder / how
        (work / "new").mkdir(parents=True)
        source = (folder / "series0" / "out" / "current").resolve()
        for name, place in publish_by_steps.COPIED.items():
            shutil.copyfile(source / place, work / "new" / name)
        publish_copy(work / "before", sorted(source.parent.glob("*-????"))[0])
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.publish_by_steps", how, work / "out", work / "before", work / "new"],
            cwd=runs.REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        results = json.loads(done.stdout) if done.returncode == 0 else []
        missed = [f"step {step + 1}: {result}" for step, result in enumerate(results) if is_wrong(result, codes, how)]
        if done.returncode or len(results) < 20:
            missed.append(f"{len(results)} steps: {last_line(done.stderr)}")
        counts = Counter(state for state, _, _ in results)
        words = ", ".join(f"{state} {count}" for state, count in sorted(counts.items()))
        yield Figure(f"{how} at each step of publishing", len(results), words, tuple(missed))


def is_wrong(result: tuple[str, int, list[str]], codes: set[int], how: str) -> bool:
    state, code, left = result
    return state not in ("old", "new") or code not in codes or (how == "kill" and left != [])


def left_in_folder(folder: Path) -> Figure:
    """No file may remain in the folder of temporary files."""
    names = sorted(path.name for path in folder.iterdir())
    return Figure("left among temporary files", 1, f"{len(names)} left", tuple(names))


def show(figures: list[Figure], seconds: float) -> None:
    """Print the table, then every miss in full."""
    width = max(len(figure.what) for figure in figures)
    print(f"\n{'what':<{width}}  tried  missed  counts")
    for figure in figures:
        print(f"{figure.what:<{width}}  {figure.tried:>5}  {len(figure.missed):>6}  {figure.counts}")
    for figure in figures:
        for line in figure.missed:
            print(f"missed: {figure.what}: {line}")
    verdict = "every figure is met" if not any(figure.missed for figure in figures) else "figures were missed"
    print(f"\n{verdict}, in {seconds / 60:.1f} minutes")


def last_line(output: str) -> str:
    lines = output.strip().splitlines()
    return lines[-1] if lines else "no output"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
