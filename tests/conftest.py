"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import settings

from pipeline.transform import project
from pipeline.transform.project import TableName
from tests import postgres_server, runs
from tests.sample import Sample, quarter_run, sample_run

REPOSITORY = Path(__file__).resolve().parent.parent

# The time of an example depends on the load of the machine.
settings.register_profile("funnel", deadline=None)
settings.load_profile("funnel")


@pytest.fixture(scope="session", autouse=True)
def _models_parsed_once() -> Iterator[None]:
    """Each process parses the shipped models once. A run parses them in a third of a second."""
    parsed: dict[tuple[tuple[Path, str], ...], tuple[tuple[TableName, ...], ...]] = {}
    parse = project.tables_read

    def tables_read(files: Sequence[tuple[Path, str]]) -> tuple[tuple[TableName, ...], ...]:
        key = tuple(files)
        if key not in parsed:
            parsed[key] = parse(files)
        return parsed[key]

    with mock.patch.object(project, "tables_read", tables_read):
        yield


@pytest.fixture(scope="session")
def shared_real() -> Path:
    """The folder of public data sets, which are read in place and never copied."""
    return _shared("real", "the public data sets")


@pytest.fixture(scope="session")
def shared_peer_cases() -> Path:
    """The folder of facts from the tests of other tools, which are read in place and never copied."""
    return _shared("peer_cases", "the peer cases")


def _shared(name: str, what: str) -> Path:
    """A folder of `$FUNNEL_SHARED`, else of `../shared`.

    Skips if the folder is missing, except in CI, where a skipped test would look like a passed one.
    """
    folder = Path(os.environ.get("FUNNEL_SHARED") or REPOSITORY.parent / "shared") / name
    if not folder.is_dir():
        explanation = f"{what} are not here; set FUNNEL_SHARED to the folder that holds {name}/"
        if os.environ.get("CI"):
            pytest.fail(explanation)
        pytest.skip(explanation)
    return folder


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The published run of data/sample, read-only."""
    return sample_run(tmp_path_factory)


@pytest.fixture(scope="session")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The published run of tests/cases/quarter, read-only; `copied` returns a copy that a test may change."""
    return quarter_run(tmp_path_factory)


@pytest.fixture
def without_report() -> Iterator[None]:
    """Runs in this process build no report table and no page."""
    with runs.without_report():
        yield


@pytest.fixture
def history_only() -> Iterator[None]:
    """Runs in this process build no mart, no report table and no page."""
    with runs.history_only():
        yield


@pytest.fixture
def without_pages() -> Iterator[None]:
    """Runs in this process build every table, but no page."""
    with runs.without_pages():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.Postgres]:
    """One Postgres server for all tests of a process; skips without Postgres, except in CI."""
    with postgres_server.running() as server:
        yield server


@pytest.fixture
def database(postgres: postgres_server.Postgres, monkeypatch: pytest.MonkeyPatch) -> postgres_server.PostgresDatabase:
    """An empty schema; its connection string is in the environment variable of the tests."""
    schema = postgres.schema()
    monkeypatch.setenv(postgres_server.VARIABLE, schema.dsn)
    return schema
