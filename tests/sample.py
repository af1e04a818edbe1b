"""The night of the sample, run once however many processes the tests are spread over."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import nights

MAIL = "email.html"


@dataclass(frozen=True)
class Sample:
    """What the night of data/sample published."""

    output: Path
    reports: Path

    @property
    def pages(self) -> tuple[Path, ...]:
        """Every page, by name; a mail about them is none of them."""
        return tuple(page for page in sorted(self.reports.glob("*.html")) if page.name != MAIL)


def sample_night(factory: pytest.TempPathFactory) -> Sample:
    """The sample's night: the first process that asks runs it, the others wait for it. Nobody may write into it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    output = shared / "sample"
    done = shared / "sample.done"
    with (shared / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            done.write_text(str(nights.run(nights.SAMPLE, output).report.parent), "utf-8")
    return Sample(output, Path(done.read_text("utf-8")))
