"""docs/FAULTS.md, 4, 7 and 11: `make soak` in little, so that the long one works when it is asked for."""

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
from tests.faults.run_series import look


def test_the_soak_finds_every_figure_met() -> None:
    """F07: Two kills, a signal, a second run, 25 opens, every step of publishing: nothing missed, exit code 0."""
    asked = ["--kills", "2", "--signals", "1", "--twice", "1", "--opens", "25", "--lanes", "1", "--seed", "7"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.soak", *asked, "--slack", "5"],
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


def test_the_soak_would_see_a_run_that_is_not_whole(tmp_path: Path) -> None:
    """F07: A page cut short, a report or manifest of another run, half a database and a changed byte are each found."""
    out = tmp_path / "out"
    assert 0 == machines.ended(machines.funnel(runs.QUARTER, out))[0]
    whole = look(out)
    folder = (out / "current").resolve()
    changes: dict[str, Callable[[bytes], bytes]] = {
        "reports/index.html": lambda held: held[:-20],
        "reports/summary.json": lambda held: held.replace(b'"as_of": "2026', b'"as_of": "2025'),
        "manifest.json": lambda held: held.replace(b'"run": "2', b'"run": "1'),
        "funnel.duckdb": lambda held: held[: len(held) // 2],
    }
    for name, change in changes.items():
        path = folder / name
        held = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(change(held))
        with pytest.raises((AssertionError, FunnelError, duckdb.Error)):
            look(out)
        path.write_bytes(held)
    path = folder / "reports" / "email.txt"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    assert (whole["run"], whole["as_of"]) == (look(out)["run"], look(out)["as_of"])
    assert whole["digest"] != look(out)["digest"]


def test_a_miss_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """F07: The table counts the misses of a figure, and each is told in full below it."""
    soak.show([soak.Figure("kills", 2, "load 2", ("load: broken",)), soak.Figure("opens", 3, "0 errors")], 60)
    said = capsys.readouterr().out
    assert re.search(r"^kills +2 +1  load 2$", said, re.MULTILINE)
    assert "missed: kills: load: broken\n" in said
    assert "figures were missed" in said


def test_looking_at_nothing_is_an_error(tmp_path: Path) -> None:
    """F07: A folder without a run is no whole run."""
    with pytest.raises(OSError, match="current"):
        look(tmp_path)
