"""Published runs of the sample and of the quarter, created once for all test processes."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import runs

MAIL = "email.html"


@dataclass(frozen=True)
class Sample:
    """The folders of a published run."""

    output: Path
    reports: Path

    def copied(self, folder: Path) -> Path:
        """Copy the output folder to `folder`, which a test may change."""
        return Path(shutil.copytree(self.output, folder, symlinks=True))

    @property
    def pages(self) -> tuple[Path, ...]:
        """Every page in order of name, without the mail."""
        return tuple(page for page in sorted(self.reports.glob("*.html")) if page.name != MAIL)


def sample_run(factory: pytest.TempPathFactory) -> Sample:
    """The published run of data/sample. Tests must not write into it."""
    return _published_once(factory, "sample", runs.SAMPLE)


def quarter_run(factory: pytest.TempPathFactory) -> Sample:
    """The published run of the quarter. Tests must not write into it."""
    return _published_once(factory, "quarter", runs.QUARTER, as_of=runs.QUARTER_AS_OF)


def _published_once(factory: pytest.TempPathFactory, name: str, toml: Path, **more: str) -> Sample:
    """The published run; the first process that needs it runs it, the others wait."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    output = shared / name
    done = shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            done.write_text(str(runs.run(toml, output, **more).report.parent), "utf-8")
    return Sample(output, Path(done.read_text("utf-8")))
