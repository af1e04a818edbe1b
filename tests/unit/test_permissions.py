"""What a run writes is private, and published folders are as open as the one around them."""

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
    """As a job is started that hides nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """Every file and folder below `folder`, without links, with its permissions."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink()
    }


@pytest.mark.usefixtures("no_umask")
def test_a_run_started_with_umask_0_is_private(tmp_path: Path) -> None:
    """Published files are 0444 in folders of mode 0700; everything else is 0600 in such folders, a written mail too."""
    toml = tmp_path / "funnel.toml"
    mail = '\n[mail]\nfrom = "a@example.com"\nto = ["b@example.com"]\nhost = "localhost"\nport = 9\n'
    inputs = runs.QUARTER.read_text("utf-8").replace('path = "', f'path = "{runs.QUARTER.parent}/')
    toml.write_text(inputs + mail, "utf-8")
    out = tmp_path / "out"
    runs.run(toml, out, as_of=runs.QUARTER_AS_OF)
    assert 0 == funnel("send", "--dry-run", "--config", toml, "--output", out).code
    assert 0 == funnel("report", "--config", toml, "--output", out).code
    found = modes(out)
    folders = {mode for name, mode in found.items() if (out / name).is_dir()}
    published = {mode for name, mode in found.items() if name.startswith("runs/") and (out / name).is_file()}
    others = {name: mode for name, mode in found.items() if not name.startswith("runs/") and (out / name).is_file()}
    assert ({0o700}, {0o444}) == (folders, published)
    assert {0o600} == set(others.values())
    assert {"run.lock", "mail/all.eml"} < set(others)
    assert any(name.startswith("landing/") and name.endswith(".parquet") for name in others)


@pytest.mark.usefixtures("no_umask")
def test_an_opened_folder_opens_the_next_run_and_never_the_log(tmp_path: Path) -> None:
    """After `chmod 2750` every folder of the next run is 2750; the landing log stays the owner's alone."""
    out = tmp_path / "out"
    runs.run(runs.QUARTER, out, as_of=runs.QUARTER_AS_OF)
    out.chmod(0o2750)
    runs.run(runs.QUARTER, out, as_of=runs.QUARTER_AS_OF)
    night = (out / "current").resolve()
    folders = [out, out / "runs", night, *(path for path in night.rglob("*") if path.is_dir())]
    assert {0o2750} == {stat.S_IMODE(path.stat().st_mode) for path in folders}
    log = modes(out / "landing")
    assert {0o700, 0o2700, 0o600} >= set(log.values())


@pytest.mark.usefixtures("no_umask")
def test_the_umask_is_put_back(tmp_path: Path) -> None:
    """Anyone who calls a run from Python has its own umask afterwards, also after an error."""
    with pytest.raises(ValueError, match="stop"), private_files():
        (tmp_path / "inside").touch()
        raise ValueError("stop")
    (tmp_path / "outside").touch()
    assert (0o600, 0o666) == (modes(tmp_path)["inside"], modes(tmp_path)["outside"])
