"""The log of a command on stderr: lines for people, or one JSON object a line for a program that watches.

Both come from the same records of the standard library's `logging`: a record is an event with fields, and a text if
people are to read it. No record holds a value of a row.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from pipeline.errors import FunnelError

VARIABLE = "FUNNEL_LOG_FORMAT"
OPTION = "--log-format"
FORMATS = ("text", "json")
LOGGING_COMMANDS = frozenset({"run", "check", "report", "send"})
"""The commands that take `--log-format`."""

LOGGER = logging.getLogger("funnel")
LOGGER.setLevel(logging.INFO)
LOGGER.addHandler(logging.NullHandler())  # silent where Python code uses the package and did not ask for a log
LOGGER.propagate = False


def info(text: str) -> None:
    """Log a line for people."""
    event("note", text)


def warning(text: str) -> None:
    """Log what needs attention."""
    event("warning", f"warning: {text}", logging.WARNING, message=text)


def for_people(text: str) -> None:
    """Log a line that programs get as the fields of other events."""
    event("", text)


def event(name: str, text: str = "", level: int = logging.INFO, **fields: Any) -> None:
    """Log an event with its fields. An event without `text` is for programs only."""
    LOGGER.log(level, "%s", text, extra={"event": name, "fields": fields})


class TextFormatter(logging.Formatter):
    """The text of a record, without characters that a terminal would act on: file names come from other people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line end; empty where people have nothing to read."""
        return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in record.getMessage())


class JsonFormatter(logging.Formatter):
    """One JSON object: time (UTC), level, event, message, and the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object as one line of ASCII, so that a file name of any bytes passes in any locale."""
        text, name = record.getMessage().strip(), getattr(record, "event", "note")
        if not name:
            return ""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": name,
        }
        return json.dumps(line | ({"message": text} if text else {}) | getattr(record, "fields", {}), default=str)


@dataclass
class Loss:
    """Lines that stderr did not accept, and why, in the words of the system."""

    lines: int = 0
    reason: str = ""

    def as_json(self) -> dict[str, Any] | None:
        """For the records of a run; None when nothing was lost."""
        return asdict(self) if self.lines else None


loss = Loss()
"""Of this process: it has one stderr."""


class StderrHandler(logging.Handler):
    """Writes records to stderr. A line that can't be written is counted in `loss`: no run ends because of its log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as one whole line."""
        if line := self.format(record):
            self.write(f"{line}\n")

    def write(self, text: str) -> None:
        """Write `text` to the stderr of this moment."""
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError as failure:  # its disk is full, its pipe or terminal is closed
            loss.lines += 1
            loss.reason = (failure.strerror or type(failure).__name__).lower()


@contextmanager
def logging_to(handler: logging.Handler) -> Iterator[None]:
    """Send the log to `handler` until the context ends."""
    LOGGER.addHandler(handler)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)


def failure_fields(failure: FunnelError) -> dict[str, Any]:
    """The fields of the event `error`."""
    return {
        "kind": type(failure).__name__,
        "message": failure.in_logs,
        "where": failure.where,
        "next_step": failure.next_step,
    }


def final_lines(failure: FunnelError) -> str:
    """The last lines of a process that ends at once, as the log writes them. No lock is taken."""
    code = failure.exit_code
    events = [
        ("error", f"error: {failure}", failure_fields(failure) | {"exit_code": code}),
        ("ended", "", {"exit_code": code}),
    ]
    formatter = next((each.formatter for each in LOGGER.handlers if each.formatter), None) or TextFormatter()
    records = [
        LOGGER.makeRecord(
            LOGGER.name, logging.ERROR, "", 0, "%s", (text,), None, extra={"event": name, "fields": fields}
        )
        for name, text, fields in events
    ]
    return "\n".join(line for record in records if (line := formatter.format(record)))


def row_count(rows: int | None) -> str:
    """The rows of a table as a column of the log; a view has none."""
    return f"{'view':>12}" if rows is None else f"{rows:>7,} rows"


def requested_format(arguments: Sequence[str], environment: dict[str, str] | os._Environ[str] = os.environ) -> str:
    """The format that a command line asks for, before it is parsed: a usage error has that format, too."""
    if not LOGGING_COMMANDS & set(arguments[:1]):
        return "text"
    requested = environment.get(VARIABLE, "")
    for position, argument in enumerate(arguments):
        if argument == OPTION:
            requested = "".join(arguments[position + 1 : position + 2])
        elif argument.startswith(f"{OPTION}="):
            requested = argument.partition("=")[2]
    return requested if requested in FORMATS else "text"


class Phases:
    """The seconds that each phase of a run took. The end of a phase is an event."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time the block. A phase that fails has no time."""
        started = monotonic()
        yield
        self.seconds[name] = round(monotonic() - started, 3)
        event("phase", phase=name, seconds=self.seconds[name])
