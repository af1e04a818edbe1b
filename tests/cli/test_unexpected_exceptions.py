"""What nobody foresaw ends a command in one sentence, and nothing that other people named acts on a terminal."""

from __future__ import annotations

import re
import sys

import pytest

from pipeline import cli, log

SECRET = "ada@example.com"


def _fail(*_: object) -> None:
    raise RuntimeError(f"could not parse {SECRET}")


def test_no_word_of_an_unforeseen_error_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its kind, the last line of our own code, what to do next, and exit code 1: the words may hold values of rows."""
    monkeypatch.delenv("FUNNEL_TRACEBACK", raising=False)
    monkeypatch.setattr(sys, "argv", ["funnel", "presets"])
    monkeypatch.setattr("pipeline.config.presets.overview", _fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert re.search(r"^error: unexpected RuntimeError in pipeline/cli\.py, line \d+$", said, re.MULTILINE)
    assert "next: " in said
    assert SECRET not in said


def test_who_asks_gets_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """FUNNEL_TRACEBACK leaves the error to Python."""
    monkeypatch.setenv("FUNNEL_TRACEBACK", "1")
    monkeypatch.setattr(sys, "argv", ["funnel", "presets"])
    monkeypatch.setattr("pipeline.config.presets.overview", _fail)
    with pytest.raises(RuntimeError):
        cli.main()


def test_a_terminal_is_sent_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters in a name are shown as one replacement character each."""
    handler = log.StderrHandler()
    handler.setFormatter(log.TextFormatter())
    with log.logging_to(handler):
        log.info("history: a\x1b[31m\x9b\x13b.csv is read\n  next: nothing\tto do")
    assert capsys.readouterr().err == "history: a\ufffd[31m\ufffd\ufffdb.csv is read\n  next: nothing\tto do\n"
