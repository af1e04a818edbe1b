"""Settings of the machine: memory, threads, and the location of the shipped files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError

PACKAGE = Path(__file__).resolve().parent
MEMORY = "FUNNEL_MEMORY"
THREADS = "FUNNEL_THREADS"
AMOUNT = re.compile(r"(\d+(\.\d+)?) ?([KMGT]i?B)", re.IGNORECASE)
"""An amount of memory in DuckDB's form."""
_UNITS = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
MORE_MEMORY = (
    f"set {MEMORY} higher (such as 8GB) or {THREADS} lower, or `memory` and `threads` of [output] in the configuration"
)


def shipped(name: str) -> Path:
    """Return the folder `sql` or `reports`: in the installed package, or at the top of a checkout."""
    inside = PACKAGE / "_shipped" / name
    return inside if inside.is_dir() else PACKAGE.parent / name


@dataclass(frozen=True)
class Settings:
    """Memory and threads of one run. `memory_limit` is in DuckDB's form ("4GB")."""

    memory_limit: str
    threads: int

    @property
    def memory(self) -> float:
        """Return the memory limit in bytes, approximately: a GiB counts as a GB."""
        amount = AMOUNT.fullmatch(self.memory_limit)
        return float(amount[1]) * _UNITS[amount[3][0].upper()] if amount else float("inf")

    @staticmethod
    def of_this_machine(
        memory: str | None = None, threads: int | None = None, environment: Mapping[str, str] = os.environ
    ) -> Settings:
        """Return the limits of the environment, else of the configuration, else 70 % of the memory and all cores.

        The share is computed from the memory and cores that this process may use. Raises UsageError for an invalid variable.
        """
        return Settings(
            memory_limit=_memory(environment.get(MEMORY)) or memory or f"{_megabytes() * 7 // 10}MB",
            threads=_threads(environment.get(THREADS)) or threads or _cores(),
        )


def group_limit(groups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return the memory limit in bytes of the control groups of this process (cgroup v2 or v1); None without a limit.

    A group is inside others, so the smallest limit counts. In a container, the path in `groups` may be the path outside
    it, which does not exist inside; then the limit is at `root`.
    """
    limits = []
    for file in _limit_files(groups, root):
        with suppress(OSError, ValueError):  # `max`, or no such file
            limits.append(int(file.read_text("ascii")))
    return min(limits, default=None)


def _limit_files(groups: Path, root: Path) -> Iterator[Path]:
    try:
        lines = groups.read_text("utf-8").splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0":
            top, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):
            yield folder / name
            if folder == top:
                break


def _megabytes() -> int:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(machine, group_limit() or machine) // 1_000_000


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _memory(text: str | None) -> str | None:
    if text and not AMOUNT.fullmatch(text):
        raise UsageError(
            f"`{text}` is not an amount of memory", where=MEMORY, next_step="write one such as 8GB or 512MB"
        )
    return text


def _threads(text: str | None) -> int | None:
    if text and not (text.isascii() and text.isdigit() and int(text) > 0):
        raise UsageError(f"`{text}` is not a number of threads", where=THREADS, next_step="write one such as 2")
    return int(text) if text else None
