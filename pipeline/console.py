"""What a command says on stderr: to a person, or to a program that asked for JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline import log

if TYPE_CHECKING:
    from pipeline.transform.build import Built

# The format is the process's, since threads speak, too.
_asked: list[str] = []


def say(text: str) -> None:
    """A line for the person, on stderr; or for a program, when one was asked for."""
    if wants_json():
        log.write(log.as_json(text))
    elif text:
        log.write(_printable(text))


def give_up(failure: Exception) -> int:
    """Say that the program has a fault, without the words of its error, which may hold values of rows. Returns the exit code.

    With FUNNEL_TRACEBACK in the environment Python tells all of it instead.
    """
    from pipeline.publish import attempts  # only here: a command that goes well needs none of it

    if os.environ.get("FUNNEL_TRACEBACK"):
        raise failure
    say(
        f"error: {attempts.unexpected(failure)}\n"
        "  next: this is a fault of the program, please report this line; what was published stays. "
        "FUNNEL_TRACEBACK=1 tells more, perhaps with values of rows"
    )
    return attempts.exit_code(failure)


def _printable(text: str) -> str:
    """Without what a terminal would act on: names of files come from other people."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)


def warn(text: str) -> None:
    """What deserves a look."""
    say(log.Line(f"warning: {text}", "warning", "warning", message=text))


def wants_json() -> bool:
    """Whether this command speaks to a program."""
    return _asked == ["json"]


@contextmanager
def for_a_program() -> Iterator[None]:
    """Until the context ends, every line is a JSON object, whichever thread says it."""
    _asked[:] = ["json"]
    try:
        yield
    finally:
        _asked.clear()


def progress() -> Callable[[Built], None]:
    """One line a model with its rows and seconds; on a terminal one line that moves."""
    if wants_json() or not sys.stderr.isatty():
        return lambda built: say(
            log.Line(
                f"{built.position:>3}/{built.of} {built.table:<28} {_rows(built)} {built.seconds:>7.2f} s",
                "model",
                model=built.table,
                rows=built.rows,
                seconds=round(built.seconds, 3),
            )
        )

    def move(built: Built) -> None:
        width = 24
        filled = width * built.position // built.of
        bar = "█" * filled + "·" * (width - filled)
        end = "\n" if built.position == built.of else ""
        log.write(f"\r\x1b[2K{bar} {built.position}/{built.of} {built.table} {_rows(built).strip()}", end)

    return move


def _rows(built: Built) -> str:
    return f"{'view':>12}" if built.rows is None else f"{built.rows:>7,} rows"


def print_accounting(accounts: tuple[dict[str, Any], ...]) -> None:
    """What became of every row, a line an input."""
    if not accounts:
        return
    if wants_json():
        for account in accounts:
            say(log.Line("", "rows", **account))
        return
    names = [name for name in accounts[0] if name != "input"]
    width = max(len(account["input"]) for account in accounts)
    say(f"{'rows':<{width}}  " + "  ".join(f"{name:>12}" for name in names))
    for account in accounts:
        say(f"{account['input']:<{width}}  " + "  ".join(f"{account[name]:>12,}" for name in names))
