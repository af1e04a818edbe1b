"""Fixtures of several files of faults."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipeline.ingest.landing import databases


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, which no test waits for."""
    waited: list[float] = []
    monkeypatch.setattr(databases, "time", SimpleNamespace(sleep=waited.append))
    return waited
