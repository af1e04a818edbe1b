"""Errors for the user: what happened, where, and what to do next. Each kind has its own exit code.

No message contains a value of a row: logs and mails may be read by people who must not see the data.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


class FunnelError(Exception):
    """An error that the user can act on. Printed without a traceback."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        self.what = what
        self.where = where
        self.next_step = next_step
        self.in_logs = what
        """`what` without ids, for run records and machine-readable logs."""
        super().__init__(str(self))

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  next: {self.next_step}" if self.next_step else head


class CheckFailed(FunnelError):
    """A check found rows that break its claim. Nothing was published."""

    exit_code = 1


@dataclass(frozen=True)
class Problem:
    """One problem in a configuration. `where` is `file:line: key`."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ConfigurationError(FunnelError):
    """The configuration can't be used. Lists every problem, not only the first."""

    exit_code = 2

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(
            "\n".join(str(problem) for problem in self.problems),
            next_step=f"correct the {'line' if count == 1 else f'{count} lines'} above, then `funnel check`",
        )


class UsageError(FunnelError):
    """A command was called with a wrong argument or in a wrong state."""

    exit_code = 2


class InputError(FunnelError):
    """An input can't be read, or its rows do not add up."""

    exit_code = 3


class ModelError(FunnelError):
    """A SQL model failed; the message names the model and its file."""

    exit_code = 4


class LockHeld(FunnelError):
    """Another run uses the same output folder."""

    exit_code = 5


class MailError(FunnelError):
    """The run is published, but a mail about it could not be written or sent."""

    exit_code = 6


class Interrupted(FunnelError):
    """SIGINT or SIGTERM ended the run. The published run stays."""

    exit_code = 130


def exit_code(failure: BaseException) -> int:
    """Return the exit code of a command that ends with this failure."""
    if isinstance(failure, FunnelError):
        return failure.exit_code
    return 130 if isinstance(failure, KeyboardInterrupt) else 1


def describe(failure: BaseException) -> str:
    """Describe an unexpected exception by type and last line in this package. Its message may contain data."""
    if isinstance(failure, KeyboardInterrupt):
        return "stopped by SIGINT"
    place = ""
    for frame in traceback.extract_tb(failure.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(_PACKAGE):
            place = f" in {path.relative_to(_PACKAGE.parent)}, line {frame.lineno}"
    return f"unexpected {type(failure).__name__}{place}"
