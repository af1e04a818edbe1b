"""docs/FAULTS.md, 4, 7 and 11: a small soak test, which verifies `make soak`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import FunnelError
from tests import runs
from tests.faults import machines, soak
from tests.faults.run_series import inspect_run


def test_a_small_soak_test_meets_every_figure() -> None:
    """F07: With two kills, a signal, a second run, 25 opens and every step of publishing, the exit code is 0."""
    options = ["--kills", "2", "--signals", "1", "--twice", "1", "--opens", "25", "--series", "1", "--seed", "7"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.soak", *options, "--slack", "5"],
        cwd=runs.REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert "seed 7" in done.stdout.splitlines()[0]
    tried = dict(re.findall(r"^(.+?)  +(\d+) +0  ", done.stdout, re.MULTILINE))
    assert ["2", "1", "1", "25"] == list(tried.values())[:4]
    assert 7 == len(tried)


def test_the_soak_test_finds_an_incomplete_run(tmp_path: Path) -> None:
    """F07: It finds a truncated page, a report or manifest of another run, half a database and a changed byte."""
    out = tmp_path / "out"
    assert 0 == machines.wait_for_exit(machines.funnel(runs.QUARTER, out))[0]
    whole = inspect_run(out)
    folder = (out / "current").resolve()
    changes: dict[str, Callable[[bytes], bytes]] = {
        "reports/index.html": lambda content: content[:-20],
        "reports/summary.json": lambda content: content.replace(b'"as_of": "2026', b'"as_of": "2025'),
        "manifest.json": lambda content: content.replace(b'"run": "2', b'"run": "1'),
        "funnel.duckdb": lambda content: content[: len(content) // 2],
    }
    for name, change in changes.items():
        path = folder / name
        content = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(change(content))
        with pytest.raises((AssertionError, FunnelError, duckdb.Error)):
            inspect_run(out)
        path.write_bytes(content)
    path = folder / "reports" / "email.txt"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    assert (whole["run"], whole["as_of"]) == (inspect_run(out)["run"], inspect_run(out)["as_of"])
    assert whole["digest"] != inspect_run(out)["digest"]


def test_a_missed_figure_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """F07: The table has the number of misses of a figure, and each miss follows in full."""
    soak.show([soak.Figure("kills", 2, "load 2", ("load: broken",)), soak.Figure("opens", 3, "0 errors")], 60)
    output = capsys.readouterr().out
    assert re.search(r"^kills +2 +1  load 2$", output, re.MULTILINE)
    assert "missed: kills: load: broken\n" in output
    assert "figures were missed" in output


def test_inspecting_a_folder_without_a_run_is_an_error(tmp_path: Path) -> None:
    """F07: Without a published run, inspect_run raises OSError."""
    with pytest.raises(OSError, match="current"):
        inspect_run(tmp_path)
