"""The log of code that runs in a test."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pipeline import log


class _Collector(logging.Handler):
    def __init__(self, collect: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self.emit = collect  # type: ignore[method-assign]


@contextmanager
def logged() -> Iterator[list[str]]:
    """The lines for people that are logged inside, in a list that grows."""
    lines: list[str] = []
    with log.logging_to(_Collector(lambda record: lines.append(record.getMessage()) if record.getMessage() else None)):
        yield lines


@contextmanager
def events() -> Iterator[list[tuple[str, str, dict[str, Any]]]]:
    """The events that are logged inside: name, text, fields."""
    found: list[tuple[str, str, dict[str, Any]]] = []

    def collect(record: logging.LogRecord) -> None:
        found.append((record.__dict__["event"], record.getMessage(), record.__dict__["fields"]))

    with log.logging_to(_Collector(collect)):
        yield found
