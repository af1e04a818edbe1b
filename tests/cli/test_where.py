"""Which run `sql` and `explain` ask, and which configuration `report` and `send` go by, when not everything is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests import runs
from tests.cli.commands import AS_OF, copy_of_quarter, funnel
from tests.sample import Sample

QUERY = ("sql", "select name from waterfall.run", "--format", "csv")


@pytest.fixture(scope="module")
def published(quarter: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quarter, published in build/ of a folder without a configuration."""
    folder = tmp_path_factory.mktemp("elsewhere")
    quarter.copied(folder / "build")
    return folder


def test_without_a_configuration_build_is_asked(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder that holds build/ both commands answer without any option."""
    monkeypatch.chdir(published)
    answer = funnel(*QUERY)
    assert (0, 'name\n"One quarter, sixteen leads"\n', "") == (answer.code, answer.out, answer.err)
    assert "L05" in funnel("explain", "L05").out


def test_nothing_here_is_an_error_that_says_what_to_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a configuration nor a run: exit code 2, both names, and the two ways out. An empty build/ is no run."""
    (tmp_path / "build").mkdir()
    monkeypatch.chdir(tmp_path)
    for command in (QUERY, ("explain", "L05")):
        answer = funnel(*command)
        assert (2, "") == (answer.code, answer.out)
        assert f"{tmp_path}: there is neither funnel.toml nor build/funnel.duckdb here" in answer.err
        assert "--output" in answer.err
        assert "--config" in answer.err


def test_a_configuration_comes_first(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A funnel.toml here decides, though build/ has a run: its own output has none yet."""
    copy_of_quarter(tmp_path, '\n[output]\npath = "other"\n')
    shutil.copytree(published / "build", tmp_path / "build", symlinks=True)
    monkeypatch.chdir(tmp_path)
    answer = funnel(*QUERY)
    assert 2 == answer.code
    assert "nothing is published yet" in answer.err
    assert f"{tmp_path / 'other'}" in answer.err


def test_a_configuration_that_was_named_must_be_there(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error in --config is not answered from another run, even of the default's name."""
    monkeypatch.chdir(published)
    for name in ("fun.toml", "funnel.toml"):
        answer = funnel(*QUERY, "--config", name)
        assert (2, "") == (answer.code, answer.out)
        assert "there is no such file" in answer.err


class TestTheConfigurationOfThePublishedRun:
    """`report` and `send` need one, and the manifest knows where it was."""

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A configuration with [mail] in `here`, its run published in `out`, and an empty folder to stand in."""
        mail = '\n[mail]\nfrom = "funnel@example.com"\nto = ["revops@example.com"]\nhost = "smtp.example.com"\n'
        runs.run(copy_of_quarter(tmp_path / "here", mail), tmp_path / "out", as_of=AS_OF[1])
        (tmp_path / "empty").mkdir()
        monkeypatch.chdir(tmp_path / "empty")
        return tmp_path

    def test_it_is_used_where_none_is_here(self, folder: Path) -> None:
        """Which one it is, is said; both commands do their work."""
        for command in (("report",), ("send", "--dry-run")):
            answer = funnel(*command, "--output", "../out")
            assert (0, "") == (answer.code, answer.out), answer.err
            assert answer.err.startswith(
                f"configuration {folder / 'here' / 'funnel.toml'}, that of the published run\n"
            )
        assert (folder / "out" / "mail" / "all.eml").is_file()

    def test_it_is_found_when_all_of_it_has_moved(self, folder: Path) -> None:
        """The manifest names it from the output folder."""
        (folder / "moved").mkdir()
        for name in ("here", "out"):
            shutil.move(folder / name, folder / "moved" / name)
        assert 0 == funnel("report", "--output", folder / "moved" / "out").code

    def test_build_of_this_folder_is_enough(self, folder: Path) -> None:
        """Without --output too: here the configuration lies one folder up."""
        runs.run(folder / "here" / "funnel.toml", folder / "empty" / "build", as_of=AS_OF[1])
        assert 0 == funnel("report").code

    def test_what_to_type_is_reported_where_it_is_gone(self, folder: Path) -> None:
        """Its old place, and the command with --config."""
        (folder / "here" / "funnel.toml").unlink()
        expected = (
            f"error: ../out: there is no configuration funnel.toml here, and {folder / 'here' / 'funnel.toml'}, "
            "that of the published run, no longer exists\n  next: `funnel {} --config FILE --output ../out`\n"
        )
        for command in ("report", "send"):
            answer = funnel(command, "--output", "../out")
            assert (2, "", expected.format(command)) == (answer.code, answer.out, answer.err)

    def test_an_empty_output_folder_has_none(self, folder: Path) -> None:
        """Nothing was ever published in it."""
        answer = funnel("report", "--output", "nowhere")
        assert (
            2,
            "error: nowhere: there is no configuration funnel.toml here, and nothing is published in the output folder\n"
            "  next: `funnel report --config FILE --output nowhere`\n",
        ) == (answer.code, answer.err)

    def test_a_run_of_an_earlier_version_names_none(self, folder: Path) -> None:
        """Its manifest has no such key."""
        path = (folder / "out" / "funnel.duckdb").resolve().parent / "manifest.json"
        path.chmod(0o600)
        kept = json.loads(path.read_text("utf-8"))
        del kept["configuration_path"]
        path.write_text(json.dumps(kept), "utf-8")
        answer = funnel("report", "--output", "../out")
        assert 2 == answer.code
        assert "the published run is of an earlier version, which does not record its configuration" in answer.err

    def test_a_configuration_that_is_here_or_named_comes_first(self, folder: Path) -> None:
        """That of the published run is not asked for."""
        (folder / "empty" / "funnel.toml").write_text("[funnel]\n", "utf-8")
        for more in ((), ("--config", "other.toml")):
            answer = funnel("report", "--output", "../out", *more)
            assert 2 == answer.code
            assert "that of the published run" not in answer.err
