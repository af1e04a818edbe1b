"""What a run says, line by line: a sentence for people, or one JSON object a line for a program that watches.

Whoever says something says a text; a `Line` is a text that also knows which event it tells of, and its numbers. So
both logs come from the same calls. No line carries a value of a row.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Literal, Protocol

VARIABLE = "FUNNEL_LOG_FORMAT"
OPTION = "--log-format"
FORMATS = ("text", "json")
LOGGING_COMMANDS = frozenset({"run", "check", "report", "send"})
"""The commands that take `--log-format`."""

Level = Literal["info", "warning", "error"]


class Say(Protocol):
    """Where lines go."""

    def __call__(self, text: str, /) -> None:
        """Say one line."""


class Line(str):
    """A line for people that is also an event with fields for programs. One without text is for programs only."""

    event: str
    level: Level
    fields: dict[str, Any]

    def __new__(cls, text: str, event: str, level: Level = "info", **fields: Any) -> Line:
        """The text as people read it, and the event that it tells of."""
        line = super().__new__(cls, text)
        line.event, line.level, line.fields = event, level, fields
        return line


def as_json(text: str) -> str:
    """One JSON object, without a line end: time (UTC), level, event, message, and the fields of the event."""
    line = text if isinstance(text, Line) else Line(text, "note")
    told = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": line.level, "event": line.event}
    message = {"message": line.strip()} if line.strip() else {}
    # ASCII, so that a file name of any bytes passes in any locale.
    return json.dumps(told | message | line.fields, default=str)


def format_asked(arguments: Sequence[str], environment: dict[str, str] | os._Environ[str] = os.environ) -> str:
    """The format that a command line asks for, before it is parsed: what is wrong with it is told in that format, too."""
    if not LOGGING_COMMANDS & set(arguments[:1]):
        return "text"
    asked = environment.get(VARIABLE, "")
    for position, argument in enumerate(arguments):
        if argument == OPTION:
            asked = "".join(arguments[position + 1 : position + 2])
        elif argument.startswith(f"{OPTION}="):
            asked = argument.partition("=")[2]
    return asked if asked in FORMATS else "text"


@dataclass
class Loss:
    """Lines that the log could not take, and why not in the system's words."""

    lines: int = 0
    reason: str = ""

    def as_json(self) -> dict[str, Any] | None:
        """For the records of a run; None when nothing was lost."""
        return asdict(self) if self.lines else None


loss = Loss()
"""Of this process: it has one stderr."""


def write(text: str, end: str = "\n") -> None:
    """A line on stderr, whole even if two threads speak. One that can't be written is counted in `loss`: no run ends for it."""
    try:
        sys.stderr.write(f"{text}{end}")
        sys.stderr.flush()
    except OSError as failure:  # its disk is full, its pipe or terminal is closed
        loss.lines += 1
        loss.reason = (failure.strerror or type(failure).__name__).lower()


class Phases:
    """How long each phase of a run took, in seconds; each is an event when it ends."""

    def __init__(self, say: Say) -> None:
        self.seconds: dict[str, float] = {}
        self._say = say

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time what happens inside. A phase that fails has no time."""
        started = monotonic()
        yield
        self.ended(name, started)

    def ended(self, name: str, started: float) -> None:
        """A phase that began at `started`, a moment of the monotonic clock, is over."""
        self.seconds[name] = round(monotonic() - started, 3)
        self._say(Line("", "phase", phase=name, seconds=self.seconds[name]))
