"""A machine in trouble, for tests: small disks, files that may not grow, too little memory; and a run to lose on it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.publish.attempts import SUFFIX
from tests import runs

OLD, NEW = "2026-03-30", "2026-03-31"
# The moment is chosen by what the run says; what happens then, the kernel does.
LIMITED = """
import logging, resource, sys
from pipeline import cli, log
heard, limit = sys.argv[1], int(sys.argv[2])
class Limit(logging.Handler):
    def emit(self, record):
        if record.getMessage().startswith(heard):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
log.LOGGER.addHandler(Limit())
if not heard:
    log.info("")
sys.argv[1:] = sys.argv[3:]
cli.main()
"""


def funnel(toml: Path, output: Path, *options: str, as_of: str = NEW, **environment: str) -> subprocess.Popen[str]:
    """A run of its own process."""
    return _started(["-m", "pipeline.cli"], toml, output, *options, as_of=as_of, **environment)


def funnel_whose_files_stay_small(
    toml: Path, output: Path, *options: str, limit: int, once_it_says: str
) -> subprocess.Popen[str]:
    """A run whose files can't grow beyond `limit` bytes once it says a line that begins so; from the start for ''."""
    return _started(["-c", LIMITED, once_it_says, str(limit)], toml, output, *options, as_of=NEW)


def _started(
    program: list[str], toml: Path, output: Path, *options: str, as_of: str, **environment: str
) -> subprocess.Popen[str]:
    asked = ["run", "--config", str(toml), "--output", str(output), "--as-of", as_of, *options]
    return subprocess.Popen(
        [sys.executable, *program, *asked],
        cwd=runs.REPOSITORY,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(run: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and stderr of a run; nothing it does may take longer than a minute."""
    try:
        _, errors = run.communicate(timeout=60)
    finally:
        run.kill()
    return run.returncode, errors


def quarter(folder: Path) -> Path:
    """A copy of the quarter's inputs, to be added to. Returns its configuration."""
    shutil.copytree(runs.QUARTER.parent, folder)
    return folder / "funnel.toml"


def delivered_again(toml: Path) -> None:
    """The history comes with one more row, so that there is something to read."""
    with (toml.parent / "stage_entries.csv").open("a", encoding="utf-8") as entries:
        entries.write("L01,On hold,2026-03-29T14:00:00Z,\n")


def large_history(folder: Path, leads: int = 40_000) -> Path:
    """The quarter's funnel with many leads. Returns its configuration."""
    folder.mkdir()
    toml = folder / "funnel.toml"
    shutil.copyfile(runs.QUARTER, toml)
    with (folder / "leads.csv").open("w", encoding="utf-8") as file:
        file.write("lead_id,account_id,origin,lead_source\n")
        file.writelines(f"L{lead},A{lead // 3},marketing,web form\n" for lead in range(leads))
    with (folder / "stage_entries.csv").open("w", encoding="utf-8") as file:
        file.write("lead_id,stage,entered_at,owner\n")
        for lead in range(leads):
            for step, stage in enumerate(("MCL", "MEL", "MQL", "SAL", "SQL")[: 1 + lead % 5]):
                day = f"2026-{1 + lead % 3:02}-{1 + lead // 3 % 20 + step:02}"
                file.write(f"L{lead},{stage},{day}T{lead % 24:02}:00:00Z,dana\n")
    return toml


def published_as_of(output: Path) -> str:
    """The as-of of the published run, after every part of it was found to tell the same."""
    folder = (output / "current").resolve(strict=True)
    as_of = runs.ask(output, "select strftime(as_of_local, '%Y-%m-%d') as day from waterfall.run")[0]["day"]
    flows = runs.ask(output, "select count(*) as count from marts_kept.stage_flow")[0]["count"]
    page = (output / "reports" / "index.html").read_text("utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert folder.name == manifest["run"]
    assert flows == next(each["rows"] for each in manifest["models"] if each["model"] == "marts.stage_flow")
    assert f"{int(as_of[-2:])} Mar 2026" in page
    assert page.rstrip().endswith("</html>")
    return str(as_of)


def left_lying(output: Path) -> list[str]:
    """What a run should not leave behind: half-built runs, work folders, loads without a manifest, new links.

    Its record stays: `funnel status` tells from it what failed.
    """
    log = output / "landing"
    found = [path for path in (output / "runs").glob("*.*") if not path.name.endswith(SUFFIX)]
    found += [*output.glob("*.new-*"), *log.glob(".*")]
    found += [path for path in log.glob("*/[0-9]*") if not (path / "manifest.json").exists()]
    return sorted(str(path.relative_to(output)) for path in found)


class SmallDisk:
    """A file system in memory that holds that many bytes and no more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def leave(self, free: int) -> None:
        """Fill the disk until that many bytes are free."""
        more = self.free - free
        if more >= 0:
            with self._ballast.open("ab") as file:
                os.posix_fallocate(file.fileno(), file.tell(), max(1, more))
        else:
            os.truncate(self._ballast, self._ballast.stat().st_size + more)

    @property
    def free(self) -> int:
        system = os.statvfs(self.folder)
        return system.f_bavail * system.f_frsize


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """A disk of its own, mounted for the time of a test; RuntimeError where this user may not mount."""
    folder.mkdir(exist_ok=True)
    size = f"size={megabytes}m,mode=700"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError("this user may not mount")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@functools.cache
def may_mount() -> bool:
    """Whether this user can have a small disk: root can, outside of most containers."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.suppress(RuntimeError, OSError),
        small_disk(Path(folder), 1),
    ):
        return True
    return False
