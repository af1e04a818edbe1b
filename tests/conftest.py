"""Fixtures for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import postgres_server, runs
from tests.sample import Sample, quarter_run, sample_night

REPOSITORY = Path(__file__).resolve().parent.parent

# How long an example takes depends on what else the machine does.
settings.register_profile("funnel", deadline=None)
settings.load_profile("funnel")


@pytest.fixture(scope="session")
def shared_real() -> Path:
    """The folder of public data sets: read in place, never copied."""
    return _shared("real", "the public data sets")


@pytest.fixture(scope="session")
def shared_peer_cases() -> Path:
    """The folder of facts from other tools' tests: read in place, never copied."""
    return _shared("peer_cases", "the peer cases")


def _shared(name: str, what: str) -> Path:
    """A folder of `$FUNNEL_SHARED`, else of `../shared`.

    Skips where there is none, except in CI, where a skipped proof would look like a passed one.
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
    """The published run of data/sample, to be read only."""
    return sample_night(tmp_path_factory)


@pytest.fixture(scope="session")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The published run of tests/cases/quarter, to be read only; `copied` makes one to change."""
    return quarter_run(tmp_path_factory)


@pytest.fixture
def without_report() -> Iterator[None]:
    """Runs in this process build no report table and no page."""
    with runs.without_report():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.Postgres]:
    """One Postgres of this machine for all tests of a process; skipped without one, except in CI."""
    with postgres_server.running() as server:
        yield server


@pytest.fixture
def database(postgres: postgres_server.Postgres, monkeypatch: pytest.MonkeyPatch) -> postgres_server.PostgresDatabase:
    """An empty schema of a database; its connection string is in the environment variable of the tests."""
    found = postgres.schema()
    monkeypatch.setenv(postgres_server.VARIABLE, found.dsn)
    return found
