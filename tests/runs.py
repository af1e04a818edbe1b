"""Whole runs for tests: from a configuration to a published folder, and queries of it."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from pipeline.config.load import load_configuration
from pipeline.explore import query
from pipeline.report.outputs import html
from pipeline.run import building
from pipeline.run import run as pipeline_run
from pipeline.run.options import RunOptions
from pipeline.run.publishing import FinishedRun
from pipeline.settings import Settings
from pipeline.transform import build, graph, incremental
from pipeline.transform.project import Model, Project, discover

REPOSITORY = Path(__file__).resolve().parent.parent
QUARTER = REPOSITORY / "tests" / "cases" / "quarter" / "funnel.toml"
QUARTER_AS_OF = "2026-03-31T23:59:59"
SAMPLE = REPOSITORY / "data" / "sample" / "funnel.toml"
CLOCK = datetime(2026, 4, 2, 3, 0, tzinfo=UTC)


def options(toml: Path, output: Path, *, as_of: str | None = None, threads: int = 2, **more: Any) -> RunOptions:
    """The options of a run with a fixed clock."""
    return RunOptions.of(
        configuration=load_configuration(toml, as_of=as_of, output=output),
        clock=more.pop("clock", CLOCK),
        settings=Settings(memory_limit="2GB", threads=threads),
        **more,
    )


def run(toml: Path, output: Path, **more: Any) -> FinishedRun:
    """One run, without a log."""
    return pipeline_run.run(options(toml, output, **more))


NEEDED = (
    *incremental.INCREMENTAL_TABLES, "clean.stage_entries", "journey.slices", "journey.stage_spans", "quality.first_values",
    "quality.history_coverage", "quality.rejected_rows", "quality.row_accounting", "quality.scope",
    "quality.stage_reconciliation", "quality.stage_snapshots", "quality.unknown_stages",
)  # fmt: skip
"""The tables that a run reads itself, those of an incremental build, and what tests of inputs read."""


@contextmanager
def history_only() -> Iterator[None]:
    """Runs within the block build no mart, write no comments and only one small page, in a quarter of the time.

    For tests of inputs, the landing log, exit codes and messages.
    """
    selection = ", ".join(f"+{table}" for table in NEEDED)
    with _building(lambda models: graph.select(models, selection)):
        yield


@contextmanager
def without_report(*, comments: bool = False) -> Iterator[None]:
    """Runs within the block build no report table, write no comments and only one small page, in a third of the time.

    With `comments`, tables and columns have their comments.

    For tests of marts and of incremental builds. The tests of pages are in tests/report.
    """
    with _building(lambda models: tuple(each for each in models if each.table.schema != "report"), comments=comments):
        yield


@contextmanager
def _building(choose: Callable[[tuple[Model, ...]], tuple[Model, ...]], *, comments: bool = False) -> Iterator[None]:
    """Runs within the block build the chosen models, and run the checks that read nothing else."""

    def chosen(folder: Path) -> Project:
        project = discover(folder)
        models = choose(project.models)
        left_out = {model.table for model in project.models} - {model.table for model in models}
        return Project(models, tuple(check for check in project.checks if left_out.isdisjoint(check.reads)))

    def write_no_comments(*_: object) -> None:
        """Replace the statements for comments, which take a tenth of such a run."""

    with ExitStack() as patched:
        patched.enter_context(mock.patch.object(building, "discover", chosen))
        patched.enter_context(without_pages())
        if not comments:
            patched.enter_context(mock.patch.object(build, "comment", write_no_comments))
            patched.enter_context(mock.patch.object(incremental, "comment", write_no_comments))
        yield


@contextmanager
def without_pages() -> Iterator[None]:
    """Runs within the block write only one small page, another one for each run. For tests of the report's tables."""

    def write_notes(_: object, folder: Path, notes: tuple[str, ...] = (), *more: object) -> tuple[Path, ...]:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text("\n".join((folder.parent.name, *notes)), "utf-8")
        return (folder / "index.html",)

    with mock.patch.object(html, "write_report", write_notes):
        yield


def ask(output: Path, sql: str) -> list[dict[str, Any]]:
    """The rows of a query of the published file."""
    connection = query.open_published(output)
    rows = connection.execute(sql).fetchall()
    names = [column[0] for column in connection.description or []]
    connection.close()
    return [dict(zip(names, row, strict=True)) for row in rows]


def read_expected(path: Path) -> list[dict[str, str]]:
    """The rows of a file expected/*.csv."""
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def missing(expected: Iterable[dict[str, str]], actual: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """The expected rows without an actual row that is equal in all expected columns."""
    left = list(actual)
    absent = []
    for row in expected:
        match = next((each for each in left if all(_equal(text, each[name]) for name, text in row.items())), None)
        if match is None:
            absent.append(row)
        else:
            left.remove(match)
    return absent


def _equal(text: str, value: Any) -> bool:
    if value is None:
        return text == ""
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, float):
        return text != "" and math.isclose(float(text), value, rel_tol=0, abs_tol=6e-7)
    return text == str(value)
