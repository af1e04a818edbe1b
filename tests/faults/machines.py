"""Machines with small disks, limited files or little memory, and a run on them."""

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
# A log line of the run starts the limit; the kernel enforces it.
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
    """Start a run in its own process."""
    return _started(["-m", "pipeline.cli"], toml, output, *options, as_of=as_of, **environment)


def run_with_file_size_limit(
    toml: Path, output: Path, *options: str, limit: int, once_it_logs: str
) -> subprocess.Popen[str]:
    """Start a run whose files can't exceed `limit` bytes after a log line that begins with `once_it_logs`; '' is the start."""
    return _started(["-c", LIMITED, once_it_logs, str(limit)], toml, output, *options, as_of=NEW)


def _started(
    program: list[str], toml: Path, output: Path, *options: str, as_of: str, **environment: str
) -> subprocess.Popen[str]:
    arguments = ["run", "--config", str(toml), "--output", str(output), "--as-of", as_of, *options]
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        cwd=runs.REPOSITORY,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_exit(run: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait at most a minute for the end of a run; its exit code and stderr."""
    try:
        _, errors = run.communicate(timeout=60)
    finally:
        run.kill()
    return run.returncode, errors


def quarter(folder: Path) -> Path:
    """Copy the quarter's inputs, which a test may extend. Returns the configuration."""
    shutil.copytree(runs.QUARTER.parent, folder)
    return folder / "funnel.toml"


def add_history_row(toml: Path) -> None:
    """Add a row to the history, so that the next run has something to read."""
    with (toml.parent / "stage_entries.csv").open("a", encoding="utf-8") as entries:
        entries.write("L01,On hold,2026-03-29T14:00:00Z,\n")


def large_history(folder: Path, leads: int = 40_000) -> Path:
    """Write the quarter's funnel with many leads. Returns the configuration."""
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
    """The as-of of the published run. Raises AssertionError if its parts do not agree."""
    folder = (output / "current").resolve(strict=True)
    as_of = runs.ask(output, "select strftime(as_of_local, '%Y-%m-%d') as day from waterfall.run")[0]["day"]
    flows = runs.ask(output, "select count(*) as count from stored.stage_flow")[0]["count"]
    page = (output / "reports" / "index.html").read_text("utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert folder.name == manifest["run"]
    assert flows == next(each["rows"] for each in manifest["models"] if each["model"] == "marts.stage_flow")
    assert f"Mar {int(as_of[-2:])}, 2026" in page
    assert page.rstrip().endswith("</html>")
    return str(as_of)


def leftovers(output: Path) -> list[str]:
    """What a run should remove: incomplete runs, work folders, loads without a manifest, new links.

    The run record stays, because `funnel status` reads the failure from it.
    """
    log = output / "landing"
    paths = [path for path in (output / "runs").glob("*.*") if not path.name.endswith(SUFFIX)]
    paths += [*output.glob("*.new-*"), *log.glob(".*")]
    paths += [path for path in log.glob("*/[0-9]*") if not (path / "manifest.json").exists()]
    return sorted(str(path.relative_to(output)) for path in paths)


class SmallDisk:
    """A file system in memory of a fixed size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill_up_to(self, free: int) -> None:
        """Fill the disk until `free` bytes are free."""
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
    """A disk that is mounted within the block. Raises RuntimeError if this user may not mount."""
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
    """Whether this user can mount a small disk: root can, outside of most containers."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.suppress(RuntimeError, OSError),
        small_disk(Path(folder), 1),
    ):
        return True
    return False
