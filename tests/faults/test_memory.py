"""docs/FAULTS.md, 14 and 15: too little memory, and what spilled queries leave behind. With a real history of 40,000 leads."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from pipeline.settings import shipped
from tests.faults import machines


@pytest.fixture(scope="module")
def toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs of 40,000 leads with 120,000 entries."""
    return machines.large_history(tmp_path_factory.mktemp("large") / "in")


TOO_LITTLE = "30MB"
"""For the models; to read the inputs takes more, so they are in the log before."""


def test_too_little_memory_names_the_model_and_the_setting(toml: Path, tmp_path: Path) -> None:
    """F14: Exit code 4: the model that did not fit, its file, and FUNNEL_MEMORY; the old run is whole, nothing lies about."""
    out = tmp_path / "out"
    assert 0 == machines.ended(machines.funnel(toml, out, as_of=machines.OLD))[0]
    run = machines.funnel(toml, out, "--full", "--from-log", FUNNEL_MEMORY=TOO_LITTLE, FUNNEL_THREADS="2")
    code, said = machines.ended(run)
    assert 4 == code
    found = re.search(
        r"^error: (\S+\.sql): (\w+)\.(\w+) does not fit into the memory limit\n  next: set FUNNEL_MEMORY higher",
        said,
        re.M,
    )
    assert found
    model = Path(found[1])
    assert model.is_file()
    assert (found[2], f"{found[3]}.sql") == (model.relative_to(shipped("sql")).parts[0], model.name)
    assert "Traceback" not in said
    assert machines.OLD == machines.published_as_of(out)
    assert [] == machines.left_lying(out)


def test_what_a_killed_run_spilled_is_swept_by_the_next(toml: Path, tmp_path: Path) -> None:
    """F15: A kill -9 while files of spilled rows lie there: the next run removes them, though it fails itself."""
    out = tmp_path / "out"
    assert 0 == machines.ended(machines.funnel(toml, out, as_of=machines.OLD))[0]
    run = machines.funnel(toml, out, "--full", "--from-log", FUNNEL_MEMORY="90MB", FUNNEL_THREADS="2")
    give_up_at = time.monotonic() + 60
    while not list(out.glob("runs/*.building/spill/*")) and run.poll() is None and time.monotonic() < give_up_at:
        time.sleep(0.005)
    run.kill()
    machines.ended(run)
    assert list(out.glob("runs/*.building/spill/*")), "no query had spilled: the history is too small"
    assert 4 == machines.ended(machines.funnel(toml, out, "--from-log", FUNNEL_MEMORY=TOO_LITTLE))[0]
    assert [] == machines.left_lying(out)
    assert [] == list((out / "runs").glob("*.building"))
