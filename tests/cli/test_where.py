"""Which run `sql` and `explain` query, and which configuration `report` and `send` use, if options are omitted."""

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
    """A folder without a configuration whose build/ has a published run of the quarter."""
    folder = tmp_path_factory.mktemp("elsewhere")
    quarter.copied(folder / "build")
    return folder


def test_without_a_configuration_build_is_queried(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder with build/ both commands work without options."""
    monkeypatch.chdir(published)
    answer = funnel(*QUERY)
    assert (0, 'name\n"One quarter, sixteen leads"\n', "") == (answer.code, answer.out, answer.err)
    assert "L05" in funnel("explain", "L05").out


def test_without_configuration_and_run_the_error_names_both_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is 2, with both missing names and both options. An empty build/ is no run."""
    (tmp_path / "build").mkdir()
    monkeypatch.chdir(tmp_path)
    for command in (QUERY, ("explain", "L05")):
        answer = funnel(*command)
        assert (2, "") == (answer.code, answer.out)
        assert f"{tmp_path}: there is neither funnel.toml nor build/funnel.duckdb here" in answer.err
        assert "--output" in answer.err
        assert "--config" in answer.err


def test_a_configuration_of_the_folder_has_priority(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A funnel.toml of the folder decides, although its output has no run and build/ has one."""
    copy_of_quarter(tmp_path, '\n[output]\npath = "other"\n')
    shutil.copytree(published / "build", tmp_path / "build", symlinks=True)
    monkeypatch.chdir(tmp_path)
    answer = funnel(*QUERY)
    assert 2 == answer.code
    assert "nothing is published yet" in answer.err
    assert f"{tmp_path / 'other'}" in answer.err


def test_a_named_configuration_must_exist(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong name in --config is an error, even if it is the default name."""
    monkeypatch.chdir(published)
    for name in ("fun.toml", "funnel.toml"):
        answer = funnel(*QUERY, "--config", name)
        assert (2, "") == (answer.code, answer.out)
        assert "there is no such file" in answer.err


@pytest.fixture(scope="module")
def here_and_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration with [mail] in `here`, and its published run in `out`."""
    folder = tmp_path_factory.mktemp("mailing")
    mail = '\n[mail]\nfrom = "funnel@example.com"\nto = ["revops@example.com"]\nhost = "smtp.example.com"\n'
    runs.run(copy_of_quarter(folder / "here", mail), folder / "out", as_of=AS_OF[1])
    return folder


class TestTheConfigurationOfThePublishedRun:
    """`report` and `send` need a configuration, and the manifest has its path."""

    @pytest.fixture
    def folder(self, here_and_out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A copy of both folders, and an empty working folder."""
        for name in ("here", "out"):
            shutil.copytree(here_and_out / name, tmp_path / name, symlinks=True)
        (tmp_path / "empty").mkdir()
        monkeypatch.chdir(tmp_path / "empty")
        return tmp_path

    def test_it_is_used_if_the_folder_has_none(self, folder: Path) -> None:
        """Both commands log which configuration they use, and succeed."""
        for command in (("report",), ("send", "--dry-run")):
            answer = funnel(*command, "--output", "../out")
            assert (0, "") == (answer.code, answer.out), answer.err
            assert answer.err.startswith(
                f"configuration {folder / 'here' / 'funnel.toml'}, that of the published run\n"
            )
        assert (folder / "out" / "mail" / "all.eml").is_file()

    def test_it_is_found_after_all_folders_moved(self, folder: Path) -> None:
        """The manifest has its path relative to the output folder."""
        (folder / "moved").mkdir()
        for name in ("here", "out"):
            shutil.move(folder / name, folder / "moved" / name)
        assert 0 == funnel("report", "--output", folder / "moved" / "out").code

    def test_build_of_the_folder_needs_no_output_option(self, folder: Path) -> None:
        """Without --output, the configuration in the parent folder is found."""
        runs.run(folder / "here" / "funnel.toml", folder / "empty" / "build", as_of=AS_OF[1])
        assert 0 == funnel("report").code

    def test_a_missing_configuration_gives_its_path_and_the_command(self, folder: Path) -> None:
        """The message has its old path and the command with --config."""
        (folder / "here" / "funnel.toml").unlink()
        expected = (
            f"error: ../out: there is no configuration funnel.toml here, and {folder / 'here' / 'funnel.toml'}, "
            "that of the published run, no longer exists\n  next: `funnel {} --config FILE --output ../out`\n"
        )
        for command in ("report", "send"):
            answer = funnel(command, "--output", "../out")
            assert (2, "", expected.format(command)) == (answer.code, answer.out, answer.err)

    def test_an_empty_output_folder_has_none(self, folder: Path) -> None:
        """No run was ever published there."""
        answer = funnel("report", "--output", "nowhere")
        assert (
            2,
            "error: nowhere: there is no configuration funnel.toml here, and nothing is published in the output folder\n"
            "  next: `funnel report --config FILE --output nowhere`\n",
        ) == (answer.code, answer.err)

    def test_the_manifest_of_an_earlier_version_has_no_configuration_path(self, folder: Path) -> None:
        """The manifest of an earlier version does not have the key."""
        path = (folder / "out" / "funnel.duckdb").resolve().parent / "manifest.json"
        path.chmod(0o600)
        content = json.loads(path.read_text("utf-8"))
        del content["configuration_path"]
        path.write_text(json.dumps(content), "utf-8")
        answer = funnel("report", "--output", "../out")
        assert 2 == answer.code
        assert "the published run is of an earlier version, which does not record its configuration" in answer.err

    def test_a_configuration_of_the_folder_or_option_has_priority(self, folder: Path) -> None:
        """The configuration of the published run is not used."""
        (folder / "empty" / "funnel.toml").write_text("[funnel]\n", "utf-8")
        for more in ((), ("--config", "other.toml")):
            answer = funnel("report", "--output", "../out", *more)
            assert 2 == answer.code
            assert "that of the published run" not in answer.err
