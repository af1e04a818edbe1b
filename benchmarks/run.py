"""Measure and write RESULTS.md: `python -m benchmarks.run` (what `make bench` does), or some parts of it.

What was measured is kept in build/bench/results.json, so parts can be measured one after the other; the page shows all of it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import answers, measure, nights
from benchmarks.generate import Wanted
from benchmarks.history import History, land, prepare
from benchmarks.job import OURS, YARDSTICKS
from benchmarks.page import page
from pipeline.settings import Settings

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
MILLION = 1_000_000
PARTS = ("core", "contract", "nights", "small")
_INTERLEAVED = ("scan", "core", "sort", "polars")
_ONCE = ("pandas", "spark")
_SPARK_UP_TO = 2 * MILLION
"""Rows: beyond these Spark alone would take longer than all the others."""


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure, and write RESULTS.md.")
    parser.add_argument("--parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)}; none: only the page anew")
    parser.add_argument("--entries", nargs="+", type=int, default=[MILLION, 10 * MILLION])
    parser.add_argument("--rounds", nargs="+", type=int, default=[3, 2], help="of each of these sizes")
    parser.add_argument("--contract", nargs="*", type=int, default=[MILLION], help="sizes of which all is built")
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--nights-after", type=int, default=MILLION, help="size of the history before the nights")
    parser.add_argument("--limit", type=float, default=240, help="seconds after which one measurement is ended")
    parser.add_argument("--memory", default="8GB")
    parser.add_argument(
        "--yardsticks", nargs="*", default=YARDSTICKS, help=f"beside the core job, of {', '.join(YARDSTICKS)}"
    )
    parser.add_argument("--little-memory", default=None, help="measure the core job in this much, too")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "build" / "bench")
    parser.add_argument("--page", type=Path, default=HERE / "RESULTS.md")
    asked = parser.parse_args()
    unknown = sorted(set(asked.parts) - set(PARTS))
    if unknown:
        parser.error(f"--parts: {', '.join(unknown)} is none of {', '.join(PARTS)}")
    unknown = sorted(set(asked.yardsticks) - set(YARDSTICKS))
    if unknown:
        parser.error(f"--yardsticks: {', '.join(unknown)} is none of {', '.join(YARDSTICKS)}")
    asked.folder.mkdir(parents=True, exist_ok=True)
    kept = asked.folder / "results.json"
    results: dict[str, Any] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    if asked.parts or "machine" not in results:
        results["machine"] = _machine()
    bench = Bench(asked, results)
    try:
        for part in asked.parts:
            getattr(bench, part)()
    finally:
        # What was measured before one measurement failed stays measured.
        kept.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        asked.page.write_text(page(results), "utf-8")
    print(asked.page)


class Bench:
    """The parts of a measurement; each adds to the results."""

    def __init__(self, asked: argparse.Namespace, results: dict[str, Any]) -> None:
        self.asked = asked
        self.results = results
        self.settings = Settings(asked.memory, Settings.of_this_machine().threads)
        self.scratch: Path = asked.folder / "scratch"

    def core(self) -> None:
        """The core job and its yardsticks, each in a process of its own, in turns."""
        for entries, rounds in zip(self.asked.entries, self.asked.rounds, strict=False):
            history = self._history(Wanted(entries))
            told = self._told(entries)
            jobs: dict[str, list[dict[str, Any]]] = {"contract": told["jobs"].get("contract", [])}
            told["measured"], told["jobs"] = _stamp(), jobs
            for turn in range(rounds):
                for kind in (*_INTERLEAVED, *(_once(entries) if turn == 0 else ())):
                    if kind == OURS or kind in self.asked.yardsticks:
                        self._job(kind, history, jobs)
                    if "scan" in jobs:
                        told["rows"] = jobs["scan"][0]["rows"]
            if self.asked.little_memory:
                self._job("core", history, jobs, memory=self.asked.little_memory)
            ours = self.scratch / "core" / "answers"
            if (ours / "conversion.parquet").exists():
                told["cells"] = answers.cells(ours)
                told["agreement"] = {
                    kind: answers.differences(ours, self.scratch / kind / "answers")
                    for kind in ("polars", *_once(entries))
                    if kind in jobs and not jobs[kind][0]["is_stopped"]
                }
            shutil.rmtree(self.scratch, ignore_errors=True)

    def contract(self) -> None:
        """Everything from the log: all models, checks, report, published."""
        for entries in self.asked.contract:
            history = self._history(Wanted(entries))
            output = self.scratch / "contract"
            shutil.rmtree(output, ignore_errors=True)
            shutil.copytree(history.landed / "landing", output / "landing")
            _say(f"contract at {entries}")
            asked = ["--config", str(history.exports / "funnel.toml"), "--output", str(output), "--from-log"]
            measured = self._command(["-m", "pipeline.cli", "run", *asked], output)
            told = self._told(entries)
            told["jobs"]["contract"] = [asdict(measured)]
            told["contract_measured"] = _stamp()
            shutil.rmtree(output)

    def nights(self) -> None:
        """Nights after a history."""
        wanted = Wanted(self.asked.nights_after, nights=self.asked.nights)
        history = prepare(wanted, self.asked.folder / "histories")
        _say(f"nights after {wanted.entries}")
        told = nights.run(
            history, self.scratch / "nights", wanted.nights, limit=self.asked.limit, budget=self.asked.limit
        )
        self.results.setdefault("nights", {})[str(wanted.entries)] = told | {"measured": _stamp()}
        shutil.rmtree(self.scratch / "nights", ignore_errors=True)

    def small(self) -> None:
        """What a user waits for at a prompt."""
        jobs: dict[str, list[measure.Measured]] = {"bare": [], "help": [], "few": [], "sample": []}
        output = self.scratch / "small"
        output.mkdir(parents=True, exist_ok=True)
        _say("small things")
        for _ in range(5):
            jobs["bare"].append(self._command(["-c", "import click"], output))
            jobs["help"].append(self._command(["-m", "pipeline.cli", "--help"], output))
        few = prepare(Wanted(50_000), self.asked.folder / "histories").exports / "funnel.toml"
        sample = REPOSITORY / "data" / "sample" / "funnel.toml"
        self._funnel(sample, output / "sample")
        for _ in range(3):
            shutil.rmtree(output / "few", ignore_errors=True)
            jobs["few"].append(self._funnel(few, output / "few"))
            jobs["sample"].append(self._funnel(sample, output / "sample"))
        shutil.rmtree(output)
        self.results["small_measured"] = _stamp()
        self.results["small"] = {kind: [asdict(each) for each in measured] for kind, measured in jobs.items()}

    def _job(
        self, kind: str, history: History, jobs: dict[str, list[dict[str, Any]]], memory: str | None = None
    ) -> None:
        _say(f"{kind} at {history.folder.name}" + (f" in {memory}" if memory else ""))
        try:
            measured = measure.job(
                kind,
                history.folder,
                self.scratch / kind,
                memory=memory or self.asked.memory,
                threads=self.settings.threads,
                limit=self.asked.limit,
            )
        except measure.Failed as failed:
            if kind == OURS:
                raise
            _say(f"{kind} failed, and counts as not measured: {failed}")
            return
        jobs.setdefault(f"{kind}-{memory}" if memory else kind, []).append(asdict(measured))

    def _funnel(self, toml: Path, output: Path) -> measure.Measured:
        return self._command(["-m", "pipeline.cli", "run", "--config", str(toml), "--output", str(output)], output)

    def _command(self, arguments: list[str], folder: Path) -> measure.Measured:
        environment = {"FUNNEL_MEMORY": self.asked.memory}
        return measure.command([sys.executable, *arguments], folder, limit=self.asked.limit, environment=environment)

    def _history(self, wanted: Wanted) -> History:
        _say(f"history of {wanted.entries}")
        history = prepare(wanted, self.asked.folder / "histories")
        land(history, self.settings)
        return history

    def _told(self, entries: int) -> dict[str, Any]:
        empty = {"rows": 0, "cells": 0, "jobs": {}, "agreement": {}}
        told: dict[str, Any] = self.results.setdefault("sizes", {}).setdefault(str(entries), empty)
        return told


def _once(entries: int) -> tuple[str, ...]:
    return (
        tuple(kind for kind in _ONCE if kind != "spark" or entries <= _SPARK_UP_TO) if entries <= 10 * MILLION else ()
    )


def _machine() -> dict[str, Any]:
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
        "python": platform.python_version(),
        **{name: _version(name) for name in ("duckdb", "polars", "pandas", "pyspark")},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def _stamp() -> str:
    """When (UTC) and of which commit a part was measured: parts of a page may be of different days."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}"


def _commit() -> str:
    asked = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
