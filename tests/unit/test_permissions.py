"""The files of a run are private, and published folders have the permissions of the output folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.privacy.permissions import private_files
from tests import runs
from tests.cli.commands import funnel


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Set the umask to 0."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """The permissions of every file and folder below `folder`, without links."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink()
    }


@pytest.mark.usefixtures("no_umask")
def test_a_run_started_with_umask_0_is_private(tmp_path: Path) -> None:
    """Published files are 0444 in folders of mode 0700; other files, such as a mail, are 0600."""
    toml = tmp_path / "funnel.toml"
    mail = '\n[mail]\nfrom = "a@example.com"\nto = ["b@example.com"]\nhost = "localhost"\nport = 9\n'
    inputs = runs.QUARTER.read_text("utf-8").replace('path = "', f'path = "{runs.QUARTER.parent}/')
    toml.write_text(inputs + mail, "utf-8")
    out = tmp_path / "out"
    runs.run(toml, out, as_of=runs.QUARTER_AS_OF)
    assert 0 == funnel("send", "--dry-run", "--config", toml, "--output", out).code
    assert 0 == funnel("report", "--config", toml, "--output", out).code
    modes_by_name = modes(out)
    folders = {mode for name, mode in modes_by_name.items() if (out / name).is_dir()}
    published = {mode for name, mode in modes_by_name.items() if name.startswith("runs/") and (out / name).is_file()}
    others = {
        name: mode for name, mode in modes_by_name.items() if not name.startswith("runs/") and (out / name).is_file()
    }
    assert ({0o700}, {0o444}) == (folders, published)
    assert {0o600} == set(others.values())
    assert {"run.lock", "mail/all.eml"} < set(others)
    assert any(name.startswith("landing/") and name.endswith(".parquet") for name in others)


@pytest.mark.usefixtures("no_umask")
def test_the_next_run_has_the_mode_of_the_output_folder_and_the_log_stays_private(tmp_path: Path) -> None:
    """After `chmod 2750` every folder of the next run is 2750; only the owner can read the landing log."""
    out = tmp_path / "out"
    runs.run(runs.QUARTER, out, as_of=runs.QUARTER_AS_OF)
    out.chmod(0o2750)
    runs.run(runs.QUARTER, out, as_of=runs.QUARTER_AS_OF)
    run_folder = (out / "current").resolve()
    folders = [out, out / "runs", run_folder, *(path for path in run_folder.rglob("*") if path.is_dir())]
    assert {0o2750} == {stat.S_IMODE(path.stat().st_mode) for path in folders}
    log = modes(out / "landing")
    assert {0o700, 0o2700, 0o600} >= set(log.values())


@pytest.mark.usefixtures("no_umask")
def test_the_umask_is_restored(tmp_path: Path) -> None:
    """A caller from Python has its own umask again, also after an error."""
    with pytest.raises(ValueError, match="stop"), private_files():
        (tmp_path / "inside").touch()
        raise ValueError("stop")
    (tmp_path / "outside").touch()
    assert (0o600, 0o666) == (modes(tmp_path)["inside"], modes(tmp_path)["outside"])
