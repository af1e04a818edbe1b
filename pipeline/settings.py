"""What the machine decides, not the waterfall: memory, threads, where the shipped files lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """The folder `sql` or `reports`: inside the installed package, or at the top of a checkout."""
    inside = PACKAGE / "_shipped" / name
    return inside if inside.is_dir() else PACKAGE.parent / name


@dataclass(frozen=True)
class Settings:
    """Limits of one run. `memory_limit` is DuckDB's text form ("4GB")."""

    memory_limit: str
    threads: int

    @staticmethod
    def of_this_machine() -> Settings:
        """70 % of the memory and every core that this process may use, unless FUNNEL_MEMORY and FUNNEL_THREADS say otherwise."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
        megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000
        return Settings(
            memory_limit=os.environ.get("FUNNEL_MEMORY", f"{max(512, megabytes * 7 // 10)}MB"),
            threads=int(os.environ.get("FUNNEL_THREADS", str(cores))),
        )
