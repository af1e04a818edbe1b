"""A command whose log is read by a program: every line on stderr is one JSON object, and the last says how it ended."""

from __future__ import annotations

from collections.abc import Sequence

import click

from pipeline import console, log
from pipeline.database import interrupt
from pipeline.errors import FunnelError, Interrupted
from pipeline.publish import attempts


def main(cli: click.Group, arguments: Sequence[str]) -> int:
    """Run a command of `cli`. Returns its exit code, after the lines that tell of an error and of the end."""
    interrupt.last_words = _last_words
    try:
        # Not by `cli.main`, which writes an empty line at Ctrl-C.
        with console.for_a_program(), cli.make_context("funnel", list(arguments)) as context:
            cli.invoke(context)
    except click.exceptions.Exit as end:  # --help
        return end.exit_code
    except BaseException as failure:
        code = _exit_code(failure)
        log.write("\n".join(_told(failure, code)))
        return code
    log.write(log.as_json(log.Line("", "ended", exit_code=0)))
    return 0


def _told(failure: BaseException, code: int) -> tuple[str, str]:
    """The line of the error and the last line of all."""
    fields: dict[str, str] = {"kind": type(failure).__name__}
    if isinstance(failure, FunnelError):
        fields |= {"message": failure.in_logs, "where": failure.where, "next_step": failure.next_step}
    elif isinstance(failure, click.ClickException):
        fields |= {"message": failure.format_message(), "next_step": "`--help` after the command lists its options"}
    else:
        fields |= {"message": attempts.unexpected(failure)}
    error = log.Line("", "error", "error", **fields, exit_code=code)
    return log.as_json(error), log.as_json(log.Line("", "ended", "error", exit_code=code))


def _last_words(failure: Interrupted) -> str:
    return "\n".join(_told(failure, failure.exit_code))


def _exit_code(failure: BaseException) -> int:
    if isinstance(failure, SystemExit):
        return failure.code if isinstance(failure.code, int) else 1
    if isinstance(failure, click.ClickException):
        return 2
    return 130 if isinstance(failure, click.exceptions.Abort) else attempts.exit_code(failure)
