"""Which night `sql` and `explain` ask: the one named, the configuration's, else build/ of this folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import nights
from tests.cli.commands import AS_OF, copy_of_quarter, funnel

QUERY = ("sql", "select name from waterfall.run", "--format", "csv")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quarter, published in build/ of a folder without a configuration."""
    folder = tmp_path_factory.mktemp("elsewhere")
    nights.run(nights.QUARTER, folder / "build", as_of=AS_OF[1])
    return folder


def test_without_a_configuration_build_is_asked(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder that holds build/ both commands answer without any option."""
    monkeypatch.chdir(published)
    answer = funnel(*QUERY)
    assert (0, 'name\n"One quarter, sixteen leads"\n', "") == (answer.code, answer.out, answer.err)
    assert "L05" in funnel("explain", "L05").out


def test_nothing_here_is_an_error_that_says_what_to_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a configuration nor a night: exit code 2, both names, and the two ways out. An empty build/ is no night."""
    (tmp_path / "build").mkdir()
    monkeypatch.chdir(tmp_path)
    for command in (QUERY, ("explain", "L05")):
        answer = funnel(*command)
        assert (2, "") == (answer.code, answer.out)
        assert f"{tmp_path}: there is neither funnel.toml nor build/funnel.duckdb here" in answer.err
        assert "--output" in answer.err
        assert "--config" in answer.err


def test_a_configuration_comes_first(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A funnel.toml here decides, though build/ has a night: its own output has none yet."""
    copy_of_quarter(tmp_path, '\n[output]\npath = "other"\n')
    shutil.copytree(published / "build", tmp_path / "build", symlinks=True)
    monkeypatch.chdir(tmp_path)
    answer = funnel(*QUERY)
    assert 2 == answer.code
    assert "nothing is published yet" in answer.err
    assert f"{tmp_path / 'other'}" in answer.err


def test_a_configuration_that_was_named_must_be_there(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error in --config is not answered from another night, even of the default's name."""
    monkeypatch.chdir(published)
    for name in ("fun.toml", "funnel.toml"):
        answer = funnel(*QUERY, "--config", name)
        assert (2, "") == (answer.code, answer.out)
        assert "there is no such file" in answer.err
