"""Fixtures that load a configuration from text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.config.configuration import Configuration
from pipeline.config.load import load_configuration
from pipeline.errors import ConfigurationError


@pytest.fixture
def load(tmp_path: Path) -> Any:
    """A function that writes a text as funnel.toml and loads it."""

    def load_text(text: str, **overrides: Any) -> Configuration:
        path = tmp_path / "funnel.toml"
        path.write_text(text, encoding="utf-8")
        return load_configuration(path, **overrides)

    return load_text


@pytest.fixture
def problems(load: Any, tmp_path: Path) -> Any:
    """A function that loads an invalid text and returns its problems without the folder."""

    def problems_of(text: str, **overrides: Any) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            load(text, **overrides)
        return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]

    return problems_of
