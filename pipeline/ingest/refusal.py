"""Why a file can't be read at all."""

from __future__ import annotations


class FileRefusedError(Exception):
    """The file can't be read at all: a reason and what to do next, neither with a value of a row in it."""

    def __init__(self, reason: str, next_step: str) -> None:
        self.reason = reason
        self.next_step = next_step
        super().__init__(reason)


class MissingColumnsError(FileRefusedError):
    """The file does not have columns that the input needs."""
