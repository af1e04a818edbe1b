"""A command as a process: its log on stderr, its progress on a terminal, its errors, and its exit code."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import click

from pipeline import log, streams
from pipeline.errors import FunnelError, describe, exit_code

BAR_WIDTH = 24


class TerminalHandler(log.StderrHandler):
    """On a terminal, the models of a run are one line that moves; other records are lines as everywhere."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or draw the line of progress again."""
        fields = getattr(record, "fields", {})
        if getattr(record, "event", "") != "model":
            super().emit(record)
            return
        position, total = fields["position"], fields["of"]
        filled = BAR_WIDTH * position // total
        bar = "█" * filled + "·" * (BAR_WIDTH - filled)
        end = "\n" if position == total else ""
        self.write(f"\r\x1b[2K{bar} {position}/{total} {fields['model']} {log.row_count(fields['rows']).strip()}{end}")


def run_process(cli: click.Group, arguments: Sequence[str]) -> int:
    """Run a command of `cli` as the whole work of this process. Returns its exit code."""
    streams.prepare()
    # A stop is a Ctrl-C, before and after a run's own work too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if log.LOGGING_COMMANDS & set(arguments[:1]):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes takes the log with it, not the run
    try:
        code = run_command(cli, arguments)
        streams.flush_output()
    except streams.OutputClosed:
        streams.forget_output()
        code = 0
    except streams.OutputError as error:
        streams.forget_output()
        with log.logging_to(_handler("text")):
            code = _log_failure(error)
    return code


def run_command(cli: click.Group, arguments: Sequence[str]) -> int:
    """Run a command of `cli`. Returns its exit code, after the log has told of an error and of the end."""
    form = log.requested_format(arguments)
    with log.logging_to(_handler(form)):
        try:
            # Not by `cli.main`, which writes an empty line at Ctrl-C.
            with cli.make_context("funnel", list(arguments)) as context:
                cli.invoke(context)
        except click.exceptions.Exit as end:  # --help, and `sys.exit` of click
            return end.exit_code
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except (streams.OutputClosed, streams.OutputError):
            raise
        except BaseException as failure:
            if isinstance(failure, Exception) and _is_unexpected(failure) and os.environ.get("FUNNEL_TRACEBACK"):
                raise
            code = _log_failure(failure)
        else:
            code = 0
        log.event("ended", level=logging.ERROR if code else logging.INFO, exit_code=code)
    return code


def log_accounting(accounts: Sequence[dict[str, Any]]) -> None:
    """Log what became of every row: a table for people, an event for each input for programs."""
    for account in accounts:
        log.event("rows", **account)
    if not accounts:
        return
    names = [name for name in accounts[0] if name != "input"]
    width = max(len(account["input"]) for account in accounts)
    log.for_people(f"{'rows':<{width}}  " + "  ".join(f"{name:>12}" for name in names))
    for account in accounts:
        log.for_people(f"{account['input']:<{width}}  " + "  ".join(f"{account[name]:>12,}" for name in names))


def _handler(form: str) -> logging.Handler:
    handler = TerminalHandler() if form == "text" and sys.stderr.isatty() else log.StderrHandler()
    handler.setFormatter(log.JsonFormatter() if form == "json" else log.TextFormatter())
    return handler


def _is_unexpected(failure: BaseException) -> bool:
    return not isinstance(failure, (FunnelError, click.ClickException, click.exceptions.Abort, KeyboardInterrupt))


def _log_failure(failure: BaseException) -> int:
    """Log what ended the command. Returns the exit code.

    The text of an unexpected error stays out, since it may hold values of rows. With FUNNEL_TRACEBACK in the environment
    Python prints all of it instead.
    """
    code = exit_code(failure)
    fields: dict[str, Any] = {"message": describe(failure)}
    if isinstance(failure, FunnelError):
        text, fields = f"error: {failure}", log.failure_fields(failure)
    elif isinstance(failure, click.ClickException):
        code, shown = 2, io.StringIO()
        failure.show(shown)
        text = shown.getvalue().rstrip("\n")
        fields = {"message": failure.format_message(), "next_step": "`--help` after the command lists its options"}
    elif isinstance(failure, (click.exceptions.Abort, KeyboardInterrupt)):
        code, text = 130, "error: stopped by a signal"
    else:
        text = (
            f"error: {describe(failure)}\n"
            "  next: this is a fault of the program, please report this line; what was published stays. "
            "FUNNEL_TRACEBACK=1 tells more, perhaps with values of rows"
        )
    log.event("error", text, logging.ERROR, **{"kind": type(failure).__name__} | fields, exit_code=code)
    return code
