"""Standard streams of a command: a failure of stderr is ignored, a failure of stdout raises an error of the pipeline."""

from __future__ import annotations

import errno
import io
import os
import sys

from pipeline.errors import FunnelError

_ENCODING = getattr(sys.__stdout__, "encoding", None) or "utf-8"


class OutputError(FunnelError):
    """The output of a command can't be written, for example because the disk is full."""

    exit_code = 1


class OutputClosed(Exception):
    """The reader of the output closed it, for example `| head`."""


def prepare() -> None:
    """Replace stdout and stderr of a command, unless other code has replaced them already.

    A closed descriptor is opened for reading only. So no other file gets its number, and writing to it still fails.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _Output()
    if sys.stderr is sys.__stderr__:
        # Unbuffered: a line that can't be written must not fail again later.
        sys.stderr = io.TextIOWrapper(_raw(2), _ENCODING, "backslashreplace", write_through=True)


def flush_output() -> None:
    """Write buffered output. Raises OutputError or OutputClosed, and then drops the buffer."""
    try:
        sys.stdout.flush()
    except (OutputError, OutputClosed):
        forget_output()
        raise


def forget_output() -> None:
    """Drop buffered output, so that the interpreter does not write it at exit."""
    if isinstance(sys.stdout, _Output):
        null_device = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null_device, 1)
        os.close(null_device)


class _Output(io.TextIOWrapper):
    """Standard output with its own errors, so that they differ from errors of other files."""

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
        next_step="free disk space, or redirect the output to another place",
    )
