"""`--log-format json`: every line on stderr is an object, the last has the exit code, and no line has a value of a row."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests import runs
from tests.cli.commands import AS_OF, Answer, copy_of_quarter, funnel, process, reads

MARKER = "Zqx9"
ENTRIES = [
    f"{MARKER}lead1,MQL,2026-01-05T14:00:00Z,{MARKER}owner,{MARKER}more\n",
    f"{MARKER}lead1,SAL,2026-01-06T14:00:00Z,{MARKER}owner,{MARKER}more\n",
    f"{MARKER}lead1,SAL,2026-01-06T14:00:00Z,{MARKER}owner,{MARKER}more\n",
    f"{MARKER}lead2,Elsewhere,2026-01-05T14:00:00Z,{MARKER}owner,{MARKER}more\n",
    f"{MARKER}lead3,MQL,{MARKER}time,{MARKER}owner,{MARKER}more\n",
    f",MQL,2026-01-05T14:00:00Z,{MARKER}owner,{MARKER}more\n",
    f"{MARKER}lead4,MQL,2026-01-05T14:00:00Z,{MARKER}owner,{MARKER}more,{MARKER}toomany,{MARKER}toomany\n",
    f"{MARKER}lead5,MQL\n",
    f"{MARKER}lead1,SQL,2026-01-07T14:00:00Z,{MARKER}owner,{MARKER}more\n",
    f'{MARKER}lead6,"MQL,2026-01-05T14:00:00Z,{MARKER}owner,{MARKER}more\n',
]
LEADS = f"""lead_id,account_id,origin,lead_source,created_at,created_stage,owner,email,title,website,anything
{MARKER}lead1,{MARKER}account,{MARKER}origin,{MARKER}source,2026-01-05,{MARKER}stage,{MARKER}o,{MARKER}@{MARKER}.com,{MARKER}t,{MARKER}.com,{MARKER}
{MARKER}lead2,{MARKER}account,{MARKER}origin,{MARKER}source,{MARKER}time,{MARKER}stage,{MARKER}o,{MARKER}@{MARKER}.com,{MARKER}t,{MARKER}.com,{MARKER}
{MARKER}lead2,{MARKER}account,{MARKER}origin,{MARKER}source,2026-01-05,MQL,{MARKER}o,{MARKER}@{MARKER}.com,{MARKER}t,{MARKER}.com,{MARKER}
"""
ACCOUNTS = f"""account_id,name,domain,segment,region
{MARKER}account,{MARKER}name,{MARKER}.com,{MARKER}segment,{MARKER}region
{MARKER}account2,{MARKER}name,{MARKER}.com,{MARKER}segment,{MARKER}region
"""
MERGES = f"from_lead_id,into_lead_id,merged_at\n{MARKER}lead1,{MARKER}lead9,2026-02-01\n{MARKER}a,{MARKER}b,{MARKER}\n"
LOOP = f"{MERGES}{MARKER}lead9,{MARKER}lead1,2026-02-01\n"
DELETIONS = f"lead_id,deleted_at\n{MARKER}lead2,2026-02-01\n{MARKER}lead3,{MARKER}\n"
HEADLESS = "".join(ENTRIES[:3])


def events(answer: Answer) -> list[dict[str, Any]]:
    """The parsed lines of the log; each has time, level and event."""
    all_events = [json.loads(line) for line in answer.err.splitlines()]
    assert "" == answer.out
    assert all(each["time"].endswith("+00:00") for each in all_events)
    assert {each["level"] for each in all_events} <= {"info", "warning", "error"}
    assert [{"event": "ended", "exit_code": answer.code}] == [
        {name: each[name] for name in ("event", "exit_code")} for each in all_events if each["event"] == "ended"
    ]
    assert "ended" == all_events[-1]["event"]
    return all_events


def of_kind(all_events: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [each for each in all_events if each["event"] == event]


def marked_configuration(folder: Path) -> Path:
    """A configuration of five tables in which every value is marked, and of one file without a header."""
    blocks = "".join(reads(f"crm_{table}", table) for table in ("accounts", "merges", "deletions"))
    blocks += reads("crm_more", "stage_entries").replace("stage_entries.csv", "headless.csv")
    blocks += "\n[checks]\nmax_rejected = 1.0\n"
    toml = copy_of_quarter(folder, blocks, accounts=ACCOUNTS, merges=MERGES, deletions=DELETIONS, headless=HEADLESS)
    header = "lead_id,stage,entered_at,owner,anything\n"
    (folder / "stage_entries.csv").write_text(header + "".join(ENTRIES), "utf-8")
    (folder / "leads.csv").write_text(LEADS, "utf-8")
    return toml


def texts_beside_the_run(output: Path) -> str:
    """The text that a run writes for programs and operators beside its results."""
    texts = [path.read_text("utf-8") for path in (*output.glob("runs/*/*.json"), *output.glob("attempts/*"))]
    return "".join([*texts, funnel("status", "--output", output).out])


def test_the_log_of_a_run_has_each_event_with_its_counts(tmp_path: Path) -> None:
    """The log has loads with counts, models with rows and seconds, phases, checks, the run, warnings, rows, and the end."""
    answer = process("run", "--config", runs.QUARTER, "--output", tmp_path / "build", *AS_OF, FUNNEL_LOG_FORMAT="json")
    all_events = events(answer)
    assert 0 == answer.code
    assert [("crm_history", "stage_entries.csv", 44, 43, 2, 41), ("crm_leads", "leads.csv", 17, 16, 0, 16)] == [
        tuple(each[name] for name in ("input", "file", "lines", "rows_read", "rejected", "landed"))
        for each in of_kind(all_events, "load")
    ]
    manifest = json.loads((tmp_path / "build" / "current" / "manifest.json").read_text("utf-8"))
    assert {each["model"] for each in manifest["models"]} == {each["model"] for each in of_kind(all_events, "model")}
    assert ["load", "models", "checks", "report", "publish"] == sorted(
        (each["phase"] for each in of_kind(all_events, "phase")),
        key=["load", "models", "checks", "report", "publish"].index,
    )
    assert [(len(manifest["checks"]), 0)] == [(each["ran"], each["warned"]) for each in of_kind(all_events, "checks")]
    assert [manifest["run"]] == [each["run"] for each in of_kind(all_events, "published")]
    assert manifest["warnings"] == [each["message"] for each in of_kind(all_events, "warning")]
    assert manifest["row_accounting"] == [
        {name: value for name, value in each.items() if name not in ("time", "level", "event")}
        for each in of_kind(all_events, "rows")
    ]


def test_no_log_has_a_value_of_a_row(tmp_path: Path) -> None:
    """With marked values in every column, good, rejected and refused, neither a log nor a record has one.

    An unknown stage is named, because the user needs it for an alias.
    """
    toml = marked_configuration(tmp_path / "in")
    for more in (("--log-format", "json"), ("--full",)):
        answer = funnel("run", "--config", toml, "--output", tmp_path / "build", *AS_OF, *more)
        assert 3 == answer.code, answer.err
        assert MARKER not in answer.err
    (toml.parent / "headless.csv").write_text("lead_id,stage,entered_at,owner\n" + HEADLESS, "utf-8")
    for more in (("--log-format", "json"), ("--full",)):
        answer = funnel("run", "--config", toml, "--output", tmp_path / "build", *AS_OF, *more)
        assert 0 == answer.code, answer.err
        assert "rejected" in answer.err
        assert MARKER not in answer.err
    assert MARKER not in texts_beside_the_run(tmp_path / "build")
    (toml.parent / "merges.csv").write_text(LOOP, "utf-8")
    answer = funnel("run", "--config", toml, "--output", tmp_path / "build", *AS_OF, "--log-format", "json")
    (error,) = of_kind(events(answer), "error")
    assert (1, "CheckFailed", "checks") == (answer.code, error["kind"], error["where"])
    assert "Merges form no loop" in error["message"]
    assert error["next_step"]
    assert MARKER not in answer.err
    assert MARKER not in texts_beside_the_run(tmp_path / "build")


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (("run", "--log-format", "json", "--bogus"), 2, "NoSuchOption"),
        (("run", "--log-format=json", "--config", "nowhere.toml"), 2, "ConfigurationError"),
        (("check", "--log-format", "json", "--config", "nowhere.toml"), 2, "ConfigurationError"),
        (("report", "--log-format", "json", "--config", runs.QUARTER, "--output", "nowhere/below"), 2, "UsageError"),
        (("send", "--log-format", "json", "--config", runs.QUARTER), 2, "ConfigurationError"),
    ],
)
def test_an_error_is_a_json_object(arguments: tuple[str, ...], code: int, kind: str) -> None:
    """Each command that logs writes its error and then its end, also for an error in the command line."""
    answer = funnel(*arguments)
    all_events = events(answer)
    assert (code, [kind], [code]) == (
        answer.code,
        [each["kind"] for each in of_kind(all_events, "error")],
        [each["exit_code"] for each in of_kind(all_events, "error")],
    )
    assert all(each["message"] and each["next_step"] for each in of_kind(all_events, "error"))


def test_the_default_log_is_lines_of_text(tmp_path: Path) -> None:
    """The default is text without empty lines; other commands have no JSON log; an unknown format is refused."""
    answer = funnel("check", "--config", runs.QUARTER)
    assert answer.err.endswith("the configuration is valid and every input was read; nothing was written\n")
    assert all(answer.err.splitlines())
    assert "{" not in answer.err
    all_events = events(funnel("check", "--config", runs.QUARTER, "--log-format", "json"))
    assert ["load", "load", "warning", "warning"] == [each["event"] for each in all_events][:4]
    assert not answer.err.startswith("{")
    wrong = process("run", FUNNEL_LOG_FORMAT="xml")
    assert (2, True) == (wrong.code, "'xml' is not one of" in wrong.err)
    assert process("presets", "nothing", FUNNEL_LOG_FORMAT="json").err.startswith("error: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_last_line_of_a_stopped_run_has_the_signal(tmp_path: Path, number: signal.Signals) -> None:
    """After Ctrl-C or SIGTERM between two models the exit code is 130, and every line parses."""
    command = [sys.executable, "-m", "pipeline.cli", "run", "--config", str(runs.QUARTER), "--log-format", "json"]
    with subprocess.Popen(
        [*command, "--output", str(tmp_path / "build")],
        cwd=runs.REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        lines = ""
        while '"model"' not in lines:
            lines += running.stderr.readline()
        running.send_signal(number)
        lines += running.stderr.read()
    all_events = events(Answer(running.returncode, "", lines))
    assert (130, "Interrupted") == (running.returncode, all_events[-2]["kind"])
    assert f"stopped by {number.name}" == all_events[-2]["message"]


BY_HAND = """
import signal, sys, time, click
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests themselves were started to ignore it
from pipeline.console import run_command
from pipeline.database import interrupt
@click.group()
def group(): pass
@group.command()
def run():
    WORK
sys.exit(run_command(group, ["run"]))
"""


def log_of_this_process(work: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BY_HAND.replace("WORK", work)],
        env={**os.environ, "PYTHONPATH": str(runs.REPOSITORY), "FUNNEL_LOG_FORMAT": "json"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_last_line_of_a_run_that_ignores_the_signal_has_it_too() -> None:
    """The final log lines of a process that handles no interrupt are two objects."""
    work = (
        "with interrupt.interruptible():\n"
        "        try: print('works', flush=True); time.sleep(60)\n"
        "        finally: time.sleep(60)"
    )
    with log_of_this_process(work) as running:
        assert running.stdout is not None
        assert "works\n" == running.stdout.readline()
        running.send_signal(signal.SIGTERM)
        started = time.monotonic()
        _, lines = running.communicate(timeout=20)
    assert time.monotonic() - started < 2
    assert "stopped by SIGTERM" == events(Answer(running.returncode, "", lines))[-2]["message"]


def test_an_unexpected_exception_is_logged_by_type_and_location_only() -> None:
    """Its text may contain a value, so neither text nor traceback is logged; an early Ctrl-C is logged too."""
    with log_of_this_process(f"raise ValueError('{MARKER}')") as running:
        _, lines = running.communicate(timeout=20)
    error = events(Answer(running.returncode, "", lines))[-2]
    assert (1, "ValueError") == (running.returncode, error["kind"])
    assert re.fullmatch(r"unexpected ValueError in pipeline/console\.py, line \d+", error["message"])
    # In small steps: a signal right before a wait doesn't end the wait.
    with log_of_this_process("print('works', flush=True); [time.sleep(0.1) for _ in range(600)]") as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _, lines = running.communicate(timeout=20)
    error = events(Answer(running.returncode, "", lines))[-2]
    assert (130, "stopped by SIGINT") == (running.returncode, error["message"])
