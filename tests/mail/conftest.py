"""What every test of mail shares: one authority, one published night."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import nights
from tests.mail import servers


@pytest.fixture(scope="session")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> servers.Authority:
    """The authority that the configurations of these tests trust."""
    return servers.authority(tmp_path_factory.mktemp("trusted"))


@pytest.fixture(scope="session")
def quarter_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a night over the worked quarter; read only."""
    output = tmp_path_factory.mktemp("quarter")
    nights.run(nights.QUARTER, output, as_of=nights.QUARTER_AS_OF)
    return output
