"""An unexpected exception ends a command with one sentence, and no name controls the terminal."""

from __future__ import annotations

import re
import sys

import pytest

from pipeline import cli, log

SECRET = "ada@example.com"


def _fail(*_: object) -> None:
    raise RuntimeError(f"could not parse {SECRET}")


def test_the_text_of_an_unexpected_exception_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message has its type, the last line of our code and the next step, because its text may contain values."""
    monkeypatch.delenv("FUNNEL_TRACEBACK", raising=False)
    monkeypatch.setattr(sys, "argv", ["funnel", "presets"])
    monkeypatch.setattr("pipeline.config.presets.overview", _fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    error_text = capsys.readouterr().err
    assert ended.value.code == 1
    assert re.search(r"^error: unexpected RuntimeError in pipeline/cli\.py, line \d+$", error_text, re.MULTILINE)
    assert "next: " in error_text
    assert SECRET not in error_text


def test_funnel_traceback_prints_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """With FUNNEL_TRACEBACK the exception is left to Python."""
    monkeypatch.setenv("FUNNEL_TRACEBACK", "1")
    monkeypatch.setattr(sys, "argv", ["funnel", "presets"])
    monkeypatch.setattr("pipeline.config.presets.overview", _fail)
    with pytest.raises(RuntimeError):
        cli.main()


def test_control_characters_are_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each control character of a name is printed as one replacement character."""
    handler = log.StderrHandler()
    handler.setFormatter(log.TextFormatter())
    with log.logging_to(handler):
        log.info("history: a\x1b[31m\x9b\x13b.csv is read\n  next: nothing\tto do")
    assert capsys.readouterr().err == "history: a\ufffd[31m\ufffd\ufffdb.csv is read\n  next: nothing\tto do\n"
