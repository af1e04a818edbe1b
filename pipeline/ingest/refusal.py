"""Errors for files that can't be read."""

from __future__ import annotations


class FileRefusedError(Exception):
    """The file can't be read. Reason and next step contain no value of a row."""

    def __init__(self, reason: str, next_step: str) -> None:
        self.reason = reason
        self.next_step = next_step
        super().__init__(reason)


class MissingColumnsError(FileRefusedError):
    """The file lacks columns that the input needs."""
