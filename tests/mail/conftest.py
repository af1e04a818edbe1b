"""Fixtures of all mail tests: a certificate authority and a published run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mail import servers
from tests.sample import Sample


@pytest.fixture(scope="session")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> servers.Authority:
    """The certificate authority that the configurations of these tests trust."""
    return servers.authority(tmp_path_factory.mktemp("trusted"))


@pytest.fixture(scope="session")
def quarter_output(quarter: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a run of the worked quarter. `funnel send` writes into it."""
    return quarter.copied(tmp_path_factory.mktemp("quarter") / "build")
