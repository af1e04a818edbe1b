"""Run one measurement in its own process: `python -m benchmarks.job polars --history FOLDER --scratch FOLDER`.

Writes `result.json` into the scratch folder. The clock starts after the imports. Starting Spark and converting ids to
integers for the sort are not measured.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import processes
from benchmarks.yardsticks import facts as yardstick

YARDSTICKS = ("scan", "sort", "polars", "pandas", "spark")
CORE_JOB, ANSWERS_JOB = "core", "answers"
OUR_JOBS = (CORE_JOB, ANSWERS_JOB)
_MODULES = {"polars": "polars_core", "pandas": "pandas_core", "spark": "spark_core"}


def main() -> None:
    """Parse the command line, run the job and write its measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.job")
    parser.add_argument("kind", choices=(*OUR_JOBS, *YARDSTICKS))
    parser.add_argument("--history", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--memory", default="8GB")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    answers = arguments.scratch / "answers"
    answers.mkdir(parents=True, exist_ok=True)
    os.environ["POLARS_MAX_THREADS"] = str(arguments.threads)

    models: dict[str, float] = {}
    inputs = (arguments.kind, arguments.history, arguments.scratch, answers, arguments.memory, arguments.threads)
    work, done = _our_job(*inputs, models) if arguments.kind in OUR_JOBS else _yardstick(*inputs)
    wall, cpu = time.monotonic(), _cpu_seconds()
    rows = work()
    measurements = {
        "seconds": time.monotonic() - wall,
        "cpu_seconds": _cpu_seconds() - cpu,
        "rows": rows,
        "models": models,
    }
    measurements["peak_bytes"] = processes.peak_bytes(os.getpid())
    done()
    (arguments.scratch / "result.json").write_text(json.dumps(measurements), "utf-8")


def _our_job(
    kind: str, folder: Path, scratch: Path, answers: Path, memory: str, threads: int, models: dict[str, float]
) -> tuple[Callable[[], int], Callable[[], None]]:
    from benchmarks import core, same_answers
    from benchmarks.history import History
    from pipeline.settings import Settings

    history, settings = History(folder), Settings(memory, threads)

    def work() -> int:
        if kind == CORE_JOB:
            rows, seconds = core.run(history, settings, scratch)
        else:
            rows, seconds = same_answers.run(history, settings, scratch, answers)
        models.update(seconds)
        return rows

    return work, (lambda: core.answer(scratch, answers)) if kind == CORE_JOB else lambda: None


def _yardstick(
    kind: str, folder: Path, scratch: Path, answers: Path, memory: str, threads: int
) -> tuple[Callable[[], int], Callable[[], None]]:
    module = importlib.import_module(f"benchmarks.yardsticks.{_MODULES.get(kind, kind)}")
    facts = yardstick.read(folder / "facts.json")
    if hasattr(module, "ready"):
        prepared = module.ready(facts, scratch, memory, threads)
        return (lambda: module.run(facts, answers, prepared)), (lambda: module.stop(prepared))
    return (lambda: module.run(facts, answers)), lambda: None


def _cpu_seconds() -> float:
    """Return user and system time of this process and its running children, such as the JVM of Spark."""
    ticks = sum(processes.ticks(each) for each in processes.tree(os.getpid()))
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
