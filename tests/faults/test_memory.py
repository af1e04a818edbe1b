"""docs/FAULTS.md, 14 and 15: too little memory, and leftovers of spilled queries, with a history of 40,000 leads."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest

from pipeline.settings import shipped
from tests import runs
from tests.faults import machines


@pytest.fixture(scope="module")
def toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs of 40,000 leads with 120,000 entries."""
    return machines.large_history(tmp_path_factory.mktemp("large") / "in")


@pytest.fixture(scope="module")
def published(toml: Path) -> Path:
    """The output folder of a run over these inputs; tests work on copies."""
    output = toml.parent.with_name("published")
    runs.run(toml, output, as_of=machines.OLD)
    return output


@pytest.fixture
def out(published: Path, tmp_path: Path) -> Path:
    """A copy of that output folder."""
    return Path(shutil.copytree(published, tmp_path / "out", symlinks=True))


TOO_LITTLE = "30MB"
"""The memory of the models. Loading needs more, so the log has the inputs before."""


def test_too_little_memory_names_the_model_and_the_setting(toml: Path, out: Path) -> None:
    """F14: The exit code is 4 with the model, its file and FUNNEL_MEMORY; the old run is complete, no file is left."""
    run = machines.funnel(toml, out, "--full", "--from-log", FUNNEL_MEMORY=TOO_LITTLE, FUNNEL_THREADS="2")
    code, error_text = machines.wait_for_exit(run)
    assert 4 == code
    match = re.search(
        r"^error: (\S+\.sql): (\w+)\.(\w+) does not fit into the memory limit\n  next: set FUNNEL_MEMORY higher",
        error_text,
        re.M,
    )
    assert match
    model = Path(match[1])
    assert model.is_file()
    assert (match[2], f"{match[3]}.sql") == (model.relative_to(shipped("sql")).parts[0], model.name)
    assert "Traceback" not in error_text
    assert machines.OLD == machines.published_as_of(out)
    assert [] == machines.leftovers(out)


def test_the_next_run_removes_the_spill_of_a_killed_run(toml: Path, out: Path) -> None:
    """F15: After kill -9 with spilled files, the next run removes them, even if it fails itself."""
    run = machines.funnel(toml, out, "--full", "--from-log", FUNNEL_MEMORY="90MB", FUNNEL_THREADS="2")
    give_up_at = time.monotonic() + 60
    while not list(out.glob("runs/*.building/spill/*")) and run.poll() is None and time.monotonic() < give_up_at:
        time.sleep(0.005)
    run.kill()
    machines.wait_for_exit(run)
    assert list(out.glob("runs/*.building/spill/*")), "no query had spilled: the history is too small"
    assert 4 == machines.wait_for_exit(machines.funnel(toml, out, "--from-log", FUNNEL_MEMORY=TOO_LITTLE))[0]
    assert [] == machines.leftovers(out)
    assert [] == list((out / "runs").glob("*.building"))
