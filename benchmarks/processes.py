"""Process trees, processor time and memory from /proc (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def tree(root: int) -> list[int]:
    """Return a process and all its running descendants."""
    processes, waiting = [], [root]
    while waiting:
        process = waiting.pop()
        processes.append(process)
        for task in _children(_PROC / str(process) / "task"):
            waiting += [int(child) for child in _text(task / "children").split()]
    return processes


def ticks(process: int) -> int:
    """Return clock ticks in user and system mode, including ended children; 0 if the process ended."""
    fields = _text(_PROC / str(process) / "stat").rpartition(")")[2].split()
    return sum(int(each) for each in fields[11:15])


def resident_bytes(process: int) -> int:
    """Return the resident memory; 0 if the process ended."""
    fields = _text(_PROC / str(process) / "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


def peak_bytes(process: int) -> int:
    """Return the peak resident memory. getrusage would include the memory of the parent process."""
    lines = _text(_PROC / str(process) / "status").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
