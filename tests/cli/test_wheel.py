"""An installed wheel works without the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests import runs
from tests.cli.commands import AS_OF, copy_of_quarter


def built_wheel(folder: Path) -> Path:
    """The wheel of this checkout, built by the uv beside this Python or on the path."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert uv is not None, "`make test` installs uv"
    command = [uv, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(runs.REPOSITORY)]
    subprocess.run(command, check=True, cwd=folder, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def fresh_environment(folder: Path, wheel: Path) -> Path:
    """The bin folder of a Python environment with the wheel and our dependencies, but without the checkout."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    # Python reads .pth files only in a site folder itself, so the editable install of the checkout is not found.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    command = [str(uv), "pip", "install", "--quiet", "--no-deps", "--offline", "--python", str(folder), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "bin"


def test_an_installed_wheel_runs_anywhere(tmp_path: Path) -> None:
    """In an empty folder, the installed `funnel run` publishes the quarter, and `funnel sql` queries it."""
    programs = fresh_environment(tmp_path / "venv", built_wheel(tmp_path))
    empty = tmp_path / "empty"
    toml = copy_of_quarter(empty)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def call(*command: object) -> str:
        done = subprocess.run(
            [str(part) for part in command], cwd=empty, env=environment, capture_output=True, text=True, check=False
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout

    home = call(programs / "python", "-c", "import pipeline; print(pipeline.__file__)")
    assert home.startswith(str(tmp_path / "venv"))
    assert "" == call(programs / "funnel", "run", *AS_OF)
    assert toml.parent / "build" / "funnel.duckdb" in [*(empty / "build").iterdir()]
    kept = call(programs / "funnel", "sql", "select kept from quality.row_accounting order by all", "--format", "csv")
    assert "kept\n16\n37\n" == kept
    assert call(programs / "funnel", "presets").startswith("aql-mql-sql-sal\n")
