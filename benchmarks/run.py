"""Measure and write RESULTS.md: `python -m benchmarks.run` (same as `make bench`).

build/bench/results.json keeps all measurements, so that each part can be measured alone. The page shows all of them.
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
from benchmarks.generate import HistorySpec
from benchmarks.history import History, load, prepare
from benchmarks.job import ANSWERS_JOB, CORE_JOB, OUR_JOBS, YARDSTICKS
from benchmarks.page import page
from pipeline.settings import Settings

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
MILLION = 1_000_000
PARTS = ("core", "contract", "nights", "small")
BESIDE_CORE = (ANSWERS_JOB, *YARDSTICKS)
_INTERLEAVED = ("scan", "core", "sort", ANSWERS_JOB, "polars")
_ONCE = ("pandas", "spark")
_SPARK_UP_TO = 2 * MILLION
"""Rows. Beyond this size, Spark takes longer than all other jobs together."""


def main() -> None:
    """Parse the command line, measure and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure, and write RESULTS.md.")
    parser.add_argument(
        "--parts", nargs="*", default=PARTS, help=f"any of {', '.join(PARTS)}; none: only write the page"
    )
    parser.add_argument("--entries", nargs="+", type=int, default=[MILLION, 10 * MILLION])
    parser.add_argument("--rounds", nargs="+", type=int, default=[3, 2], help="rounds of each size")
    parser.add_argument("--contract", nargs="*", type=int, default=[MILLION], help="sizes of the full builds")
    parser.add_argument("--nights", type=int, default=30, help="number of incremental runs")
    parser.add_argument(
        "--nights-after", type=int, default=MILLION, help="size of the history before the incremental runs"
    )
    parser.add_argument("--limit", type=float, default=240, help="maximum seconds of one measurement")
    parser.add_argument("--memory", default="8GB")
    parser.add_argument(
        "--yardsticks",
        nargs="*",
        default=BESIDE_CORE,
        help=f"any of {', '.join(BESIDE_CORE)}, measured beside the core job",
    )
    parser.add_argument("--little-memory", default=None, help="also measure the core job with this memory limit")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "build" / "bench")
    parser.add_argument("--page", type=Path, default=HERE / "RESULTS.md")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.parts) - set(PARTS))
    if unknown:
        parser.error(f"--parts: {', '.join(unknown)} is not one of {', '.join(PARTS)}")
    unknown = sorted(set(arguments.yardsticks) - set(BESIDE_CORE))
    if unknown:
        parser.error(f"--yardsticks: {', '.join(unknown)} is not one of {', '.join(BESIDE_CORE)}")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    results_file = arguments.folder / "results.json"
    results: dict[str, Any] = json.loads(results_file.read_text("utf-8")) if results_file.exists() else {}
    if arguments.parts or "machine" not in results:
        results["machine"] = _machine()
    bench = Bench(arguments, results)
    try:
        for part in arguments.parts:
            getattr(bench, part)()
    finally:
        # Keep the measurements made before a failure.
        results_file.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        arguments.page.write_text(page(results), "utf-8")
    print(arguments.page)


class Bench:
    """The parts of a measurement. Each part adds to the results."""

    def __init__(self, arguments: argparse.Namespace, results: dict[str, Any]) -> None:
        self.arguments = arguments
        self.results = results
        self.settings = Settings(arguments.memory, Settings.of_this_machine().threads)
        self.scratch: Path = arguments.folder / "scratch"

    def core(self) -> None:
        """Measure the core job and the reference implementations in turns, each in its own process."""
        for entries, rounds in zip(self.arguments.entries, self.arguments.rounds, strict=False):
            history = self._history(HistorySpec(entries))
            size_results = self._size_results(entries)
            jobs: dict[str, list[dict[str, Any]]] = {"contract": size_results["jobs"].get("contract", [])}
            size_results["measured"], size_results["jobs"] = _stamp(), jobs
            for turn in range(rounds):
                for kind in (*_INTERLEAVED, *(_once(entries) if turn == 0 else ())):
                    if kind == CORE_JOB or kind in self.arguments.yardsticks:
                        self._job(kind, history, jobs)
                    if "scan" in jobs:
                        size_results["rows"] = jobs["scan"][0]["rows"]
            if self.arguments.little_memory:
                self._job("core", history, jobs, memory=self.arguments.little_memory)
            ours = self.scratch / "core" / "answers"
            if (ours / "conversion.parquet").exists():
                size_results["cells"] = answers.cells(ours)
                size_results["agreement"] = {
                    kind: answers.differences(ours, self.scratch / kind / "answers")
                    for kind in (ANSWERS_JOB, "polars", *_once(entries))
                    if kind in jobs and not jobs[kind][0]["is_stopped"]
                }
            shutil.rmtree(self.scratch, ignore_errors=True)

    def contract(self) -> None:
        """Measure a full build from the log: all models, checks, report and publishing."""
        for entries in self.arguments.contract:
            history = self._history(HistorySpec(entries))
            output = self.scratch / "contract"
            shutil.rmtree(output, ignore_errors=True)
            shutil.copytree(history.log_output / "landing", output / "landing")
            _log(f"contract at {entries}")
            arguments = ["--config", str(history.exports / "funnel.toml"), "--output", str(output), "--from-log"]
            measured = self._command(["-m", "pipeline.cli", "run", *arguments], output)
            size_results = self._size_results(entries)
            size_results["jobs"]["contract"] = [asdict(measured)]
            size_results["contract_measured"] = _stamp()
            if not measured.is_stopped:
                size_results["contract_file_bytes"] = (output / nights.DATABASE).stat().st_size
            shutil.rmtree(output)

    def nights(self) -> None:
        """Measure incremental runs after a history."""
        spec = HistorySpec(self.arguments.nights_after, nights=self.arguments.nights)
        history = prepare(spec, self.arguments.folder / "histories")
        _log(f"incremental runs after {spec.entries}")
        size_results = nights.run(
            history, self.scratch / "nights", spec.nights, limit=self.arguments.limit, budget=self.arguments.limit
        )
        self.results.setdefault("nights", {})[str(spec.entries)] = size_results | {"measured": _stamp()}
        shutil.rmtree(self.scratch / "nights", ignore_errors=True)

    def small(self) -> None:
        """Measure commands that a user waits for."""
        jobs: dict[str, list[measure.Measurement]] = {"bare": [], "help": [], "few": [], "sample": []}
        output = self.scratch / "small"
        output.mkdir(parents=True, exist_ok=True)
        _log("commands")
        for _ in range(5):
            jobs["bare"].append(self._command(["-c", "import click"], output))
            jobs["help"].append(self._command(["-m", "pipeline.cli", "--help"], output))
        few = prepare(HistorySpec(50_000), self.arguments.folder / "histories").exports / "funnel.toml"
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
        _log(f"{kind} at {history.folder.name}" + (f" in {memory}" if memory else ""))
        try:
            measured = measure.job(
                kind,
                history.folder,
                self.scratch / kind,
                memory=memory or self.arguments.memory,
                threads=self.settings.threads,
                limit=self.arguments.limit,
            )
        except measure.JobFailedError as failed:
            if kind in OUR_JOBS:
                raise
            _log(f"{kind} failed and is not measured: {failed}")
            return
        jobs.setdefault(f"{kind}-{memory}" if memory else kind, []).append(asdict(measured))

    def _funnel(self, toml: Path, output: Path) -> measure.Measurement:
        return self._command(["-m", "pipeline.cli", "run", "--config", str(toml), "--output", str(output)], output)

    def _command(self, arguments: list[str], folder: Path) -> measure.Measurement:
        environment = {"FUNNEL_MEMORY": self.arguments.memory}
        return measure.command(
            [sys.executable, *arguments], folder, limit=self.arguments.limit, environment=environment
        )

    def _history(self, spec: HistorySpec) -> History:
        _log(f"history of {spec.entries}")
        history = prepare(spec, self.arguments.folder / "histories")
        load(history, self.settings)
        return history

    def _size_results(self, entries: int) -> dict[str, Any]:
        empty = {"rows": 0, "cells": 0, "jobs": {}, "agreement": {}}
        size_results: dict[str, Any] = self.results.setdefault("sizes", {}).setdefault(str(entries), empty)
        return size_results


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
    """Return the time (UTC) and commit of a measurement, because parts can be measured on different days."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}"


def _commit() -> str:
    arguments = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
