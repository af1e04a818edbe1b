"""Captures the log of code that runs in a test."""

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
    """A list of the lines that are logged within the block; it grows while the block runs."""
    lines: list[str] = []
    with log.logging_to(_Collector(lambda record: lines.append(record.getMessage()) if record.getMessage() else None)):
        yield lines


@contextmanager
def events() -> Iterator[list[tuple[str, str, dict[str, Any]]]]:
    """A list of the events that are logged within the block: name, text, fields."""
    collected: list[tuple[str, str, dict[str, Any]]] = []

    def collect(record: logging.LogRecord) -> None:
        collected.append((record.__dict__["event"], record.getMessage(), record.__dict__["fields"]))

    with log.logging_to(_Collector(collect)):
        yield collected
