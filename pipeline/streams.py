"""The standard streams as a command needs them: stderr may fail without a word, stdout fails with an error of ours."""

from __future__ import annotations

import errno
import io
import os
import sys

from pipeline.errors import FunnelError

_ENCODING = getattr(sys.__stdout__, "encoding", None) or "utf-8"


class OutputError(FunnelError):
    """What a command prints can't be written: the disk is full, the file may not grow."""

    exit_code = 1


class OutputClosed(Exception):
    """Nobody reads what a command prints any more, such as after `| head`."""


def prepare() -> None:
    """Replace the streams of a process that was started as a command; a stream that somebody replaced stays.

    A descriptor that is closed is opened for reading only: no file of ours gets its number, and with that our own lines,
    and to write to it fails as before.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _Output()
    if sys.stderr is sys.__stderr__:
        # Unbuffered: a line that can't be written is not kept for later, when it would fail again.
        sys.stderr = io.TextIOWrapper(_raw(2), _ENCODING, "backslashreplace", write_through=True)


def flush_output() -> None:
    """Write what waits. Raises OutputError or OutputClosed; then nothing waits any more."""
    try:
        sys.stdout.flush()
    except (OutputError, OutputClosed):
        forget_output()
        raise


def forget_output() -> None:
    """Let what still waits go nowhere, so that the interpreter does not try it again at its end."""
    if isinstance(sys.stdout, _Output):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)


class _Output(io.TextIOWrapper):
    """Standard output, whose faults are told apart from those of every other file."""

    def __init__(self) -> None:
        super().__init__(io.BufferedWriter(_raw(1)), _ENCODING, line_buffering=os.isatty(1))

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as failure:
            raise _fault(failure) from failure

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as failure:
            raise _fault(failure) from failure


def _raw(descriptor: int) -> io.FileIO:
    return io.FileIO(descriptor, "w", closefd=False)


def _fault(failure: OSError) -> Exception:
    if failure.errno in (errno.EPIPE, errno.EIO):  # EIO: the terminal is gone
        return OutputClosed()
    return OutputError(
        f"the output can't be written: {(failure.strerror or type(failure).__name__).lower()}",
        next_step="make room, or send it somewhere else",
    )
