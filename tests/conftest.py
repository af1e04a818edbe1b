"""Fixtures for every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_real() -> Path:
    """The folder of public data sets, from `$FUNNEL_SHARED/real` or `../shared/real`: read in place, never copied.

    Skips where there is none, except in CI, where a skipped proof would look like a passed one.
    """
    shared = Path(os.environ.get("FUNNEL_SHARED") or REPOSITORY.parent / "shared")
    folder = shared / "real"
    if not folder.is_dir():
        explanation = "the public data sets are not here; set FUNNEL_SHARED to the folder that holds real/"
        if os.environ.get("CI"):
            pytest.fail(explanation)
        pytest.skip(explanation)
    return folder


@pytest.fixture(scope="session")
def shared_peer_cases() -> Path:
    """The folder of facts from other tools' tests, beside the public data sets: read in place, never copied."""
    shared = Path(os.environ.get("FUNNEL_SHARED") or REPOSITORY.parent / "shared")
    folder = shared / "peer_cases"
    if not folder.is_dir():
        explanation = "the peer cases are not here; set FUNNEL_SHARED to the folder that holds peer_cases/"
        if os.environ.get("CI"):
            pytest.fail(explanation)
        pytest.skip(explanation)
    return folder
