"""The errors a user can meet: what happened, where, and what to do next. Each kind has its own exit code.

No error carries a value of a row: a message may end in a log or a mail that travels further than the data may.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


class FunnelError(Exception):
    """A mistake or a fault that the user can act on; printed without a traceback."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        self.what = what
        self.where = where
        self.next_step = next_step
        self.in_logs = what
        """What happened, without the ids that a person is shown: for records and logs of programs."""
        super().__init__(str(self))

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  next: {self.next_step}" if self.next_step else head


class CheckFailed(FunnelError):
    """A check on the built tables returned rows; nothing was published."""

    exit_code = 1


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a configuration: `where` is `file:line: key`."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ConfigurationError(FunnelError):
    """The configuration can't be used. Carries every problem found, not only the first."""

    exit_code = 2

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(
            "\n".join(str(problem) for problem in self.problems),
            next_step=f"correct the {'line' if count == 1 else f'{count} lines'} above, then `funnel check`",
        )


class UsageError(FunnelError):
    """A command was called with something that doesn't fit."""

    exit_code = 2


class InputError(FunnelError):
    """An input can't be read at all, or its rows can't be accounted for."""

    exit_code = 3


class ModelError(FunnelError):
    """A SQL model failed; the message names the model and its file."""

    exit_code = 4


class LockHeld(FunnelError):
    """Another run works on the same output folder."""

    exit_code = 5


class MailError(FunnelError):
    """The night is published, and a mail about it could not be made or sent."""

    exit_code = 6


class Interrupted(FunnelError):
    """SIGINT or SIGTERM ended the run; what was published before stays."""

    exit_code = 130


def exit_code(failure: BaseException) -> int:
    """The exit code that a failure ends the command with."""
    if isinstance(failure, FunnelError):
        return failure.exit_code
    return 130 if isinstance(failure, KeyboardInterrupt) else 1


def describe(failure: BaseException) -> str:
    """Describe an unexpected exception by its type and the last line of our code that it passed; its text may hold data."""
    if isinstance(failure, KeyboardInterrupt):
        return "stopped by SIGINT"
    place = ""
    for frame in traceback.extract_tb(failure.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(_PACKAGE):
            place = f" in {path.relative_to(_PACKAGE.parent)}, line {frame.lineno}"
    return f"unexpected {type(failure).__name__}{place}"
