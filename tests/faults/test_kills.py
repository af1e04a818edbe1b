"""Row 7 with ten kills (`make soak` has 200): after kill -9 at any moment the published run is readable and complete."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from tests import runs
from tests.faults.machines import published_as_of

KILLS = 10
SECONDS_OF_A_RUN = 3.0


def start(output: Path, as_of: str) -> subprocess.Popen[bytes]:
    """Start a run with this as-of in its own process."""
    command = [sys.executable, "-m", "pipeline.cli", "run", "--config", str(runs.QUARTER), "--output", str(output)]
    return subprocess.Popen(
        [*command, "--as-of", as_of], cwd=runs.REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def test_a_kill_at_any_moment_leaves_the_old_or_the_new_run_whole(tmp_path: Path) -> None:
    """F07: After each of ten random kills, file and page are of one run: the last published or the next."""
    dice = random.Random(7)
    days = [f"2026-03-{day:02}" for day in range(1, KILLS + 2)]
    assert 0 == start(tmp_path, days[0]).wait()
    last_published = published_as_of(tmp_path)
    finished = 0
    for day in days[1:]:
        process = start(tmp_path, day)
        time.sleep(dice.uniform(0.2, SECONDS_OF_A_RUN))
        process.kill()
        finished += process.wait() == 0
        published = published_as_of(tmp_path)
        assert published in (last_published, day)
        last_published = published
    assert 0 == start(tmp_path, "2026-03-31").wait()
    assert "2026-03-31" == published_as_of(tmp_path)
    assert [] == [path.name for path in (tmp_path / "runs").iterdir() if path.name.endswith(".building")]
    assert finished < KILLS, "no kill came before the end of its run: shorten the wait"
