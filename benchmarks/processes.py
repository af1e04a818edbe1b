"""Processes as Linux tells of them in /proc: who was started by whom, their processor time and memory."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def tree(root: int) -> list[int]:
    """A process and everything below it that still runs."""
    found, waiting = [], [root]
    while waiting:
        process = waiting.pop()
        found.append(process)
        for task in _within(_PROC / str(process) / "task"):
            waiting += [int(child) for child in _text(task / "children").split()]
    return found


def ticks(process: int) -> int:
    """Clock ticks in user and system mode, of this process and of its children that ended; 0 when it is gone."""
    fields = _text(_PROC / str(process) / "stat").rpartition(")")[2].split()
    return sum(int(each) for each in fields[11:15])


def resident_bytes(process: int) -> int:
    """Memory that it holds now; 0 when it is gone."""
    fields = _text(_PROC / str(process) / "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


def peak_bytes(process: int) -> int:
    """The most memory that it held so far; getrusage would count what the process that started it held, too."""
    lines = _text(_PROC / str(process) / "status").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""


def _within(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
