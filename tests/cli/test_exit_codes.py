"""Each kind of failure has its exit code and a message with place and next step, and no traceback."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.publish import lock
from tests import runs
from tests.cli.commands import AS_OF, Answer, copy_of_quarter, page, process, reads
from tests.sample import Sample


def error_text(answer: Answer) -> str:
    """The error of a failed command, which prints nothing on stdout, no traceback, and a next step."""
    assert "" == answer.out
    assert "Traceback" not in answer.err
    assert "\n  next: " in answer.err
    return answer.err.partition("error: ")[2]


def test_0_when_everything_is_done(tmp_path: Path) -> None:
    """A run that publishes exits 0 and logs to stderr only."""
    answer = process("run", "--config", runs.QUARTER, "--output", tmp_path / "build", *AS_OF)
    assert (0, "") == (answer.code, answer.out)
    assert f"report    {tmp_path}/build/reports/index.html\n" in answer.err
    assert f"database  {tmp_path}/build/funnel.duckdb" in answer.err


def test_1_when_a_check_fails_and_the_published_run_stays(tmp_path: Path) -> None:
    """Merges that form a loop fail a check, which names the leads; the published run is unchanged."""
    output = tmp_path / "build"
    toml = copy_of_quarter(
        tmp_path / "in",
        reads("crm_merges", "merges"),
        merges="from_lead_id,into_lead_id,merged_at\nL07,L01,2026-02-01\n",
    )
    with runs.history_only():
        runs.run(toml, output, as_of=runs.QUARTER_AS_OF)
    before = page(output)
    (toml.parent / "merges.csv").write_text(
        "from_lead_id,into_lead_id,merged_at\nL07,L01,2026-02-01\nL01,L07,2026-02-01\n"
    )
    answer = process("run", "--config", toml, "--output", output, *AS_OF, history_only=True)
    error = error_text(answer)
    assert 1 == answer.code
    assert "Merges form no loop" in error
    assert "L01" in error
    assert "L07" in error
    assert "nothing was published" in error
    assert before == page(output)


def test_2_when_the_configuration_has_mistakes(tmp_path: Path) -> None:
    """The message names every unknown key with file, line and the nearest known key."""
    toml = copy_of_quarter(tmp_path)
    text = toml.read_text("utf-8").replace("timezone =", "timezne =").replace("qualifies =", "qualifys =")
    toml.write_text(text, encoding="utf-8")
    lines = text.splitlines()
    first = 1 + next(number for number, line in enumerate(lines) if line.startswith("timezne"))
    second = 1 + next(number for number, line in enumerate(lines) if line.startswith("qualifys"))
    answer = process("run", "--config", toml, "--output", tmp_path / "build")
    error = error_text(answer)
    assert 2 == answer.code
    assert f"{toml}:{first}: funnel.timezne: unknown key; did you mean `timezone`?" in error
    assert f"{toml}:{second}: stages.mql.qualifys: unknown key; did you mean `qualifies`?" in error
    assert not (tmp_path / "build").exists()


def test_2_when_there_is_no_configuration(tmp_path: Path) -> None:
    """Without a file at --config the message names `funnel init`."""
    answer = process("run", cwd=tmp_path)
    assert 2 == answer.code
    assert "funnel.toml: there is no such file; `funnel init DIR`" in error_text(answer)


@pytest.mark.parametrize("command", [("sql", "select 1"), ("explain", "L01"), ("report", "--config", runs.QUARTER)])
def test_2_when_nothing_is_published_yet(tmp_path: Path, command: tuple[object, ...]) -> None:
    """Queries of an empty output folder name `funnel run` as the next step."""
    answer = process(*command, "--output", tmp_path)
    assert 2 == answer.code
    assert "nothing is published yet\n  next: `funnel run` first" in error_text(answer)
    assert [] == list(tmp_path.iterdir())


def test_2_when_as_of_is_no_date() -> None:
    """`--as-of` takes only a date or a time."""
    answer = process("check", "--config", runs.QUARTER, "--as-of", "yesterday")
    assert 2 == answer.code
    assert "--as-of" in error_text(answer)


def test_2_when_a_dimension_is_no_column(tmp_path: Path) -> None:
    """A dimension that is no column of an input is an error of the configuration; the message names the nearest column."""
    toml = copy_of_quarter(tmp_path)
    toml.write_text(toml.read_text("utf-8").replace('"lead_source", "owner"', '"lead_sorce"'), encoding="utf-8")
    answer = process("run", "--config", toml, "--output", tmp_path / "build")
    assert 2 == answer.code
    assert "no input has a column lead_sorce; the nearest column is lead_source" in error_text(answer)


def test_3_when_an_input_never_came(tmp_path: Path) -> None:
    """A missing file stops the run before any number is computed; the message has its input and path."""
    toml = copy_of_quarter(tmp_path)
    (tmp_path / "leads.csv").unlink()
    answer = process("run", "--config", toml, "--output", tmp_path / "build", *AS_OF)
    assert 3 == answer.code
    assert f"crm_leads: {tmp_path}/leads.csv: there is no such file" in error_text(answer)
    assert not (tmp_path / "build" / "funnel.duckdb").exists()


def test_3_when_a_file_is_no_export(tmp_path: Path) -> None:
    """A login page saved as CSV is refused, and the message does not repeat its text."""
    toml = copy_of_quarter(tmp_path)
    (tmp_path / "stage_entries.csv").write_text("<html><body>Sign in, jane.doe@corp.example</body></html>\n")
    answer = process("run", "--config", toml, "--output", tmp_path / "build", *AS_OF)
    assert 3 == answer.code
    assert "crm_history: " in error_text(answer)
    assert "jane.doe" not in answer.err


def test_4_when_a_model_outgrows_the_memory(quarter: Sample, tmp_path: Path) -> None:
    """The message names the model, its file and the two settings that help; the published run stays."""
    output = quarter.copied(tmp_path / "build")  # the log knows the files: only models need memory
    before = page(output)
    answer = process(
        "run", "--config", runs.QUARTER, "--output", output, *AS_OF, FUNNEL_MEMORY="20MB", FUNNEL_THREADS="1"
    )
    error = error_text(answer)
    assert 4 == answer.code
    assert ".sql: " in error
    assert "does not fit into the memory limit\n  next: set FUNNEL_MEMORY higher" in error
    assert before == page(output)


def test_4_when_the_limit_of_the_configuration_is_too_small(tmp_path: Path) -> None:
    """A limit in `[output]` applies; the message names it, the environment may raise it, and spilled files are removed."""
    toml = copy_of_quarter(tmp_path / "given", '\n[output]\nmemory = "20MB"\nthreads = 1\n')
    output = tmp_path / "build"
    answer = process("run", "--config", toml, "--output", output, *AS_OF, history_only=True, FUNNEL_MEMORY="1GB")
    assert (0, "") == (answer.code, answer.out)
    answer = process("run", "--config", toml, "--output", output, *AS_OF)
    error = error_text(answer)
    assert 4 == answer.code
    assert re.search(r"sql/[\w/]+\.sql: \w+\.\w+ does not fit into the memory limit\n", error)
    assert "or `memory` and `threads` of [output] in the configuration" in error
    assert 1 == len(list((output / "runs").iterdir()))


def test_5_while_another_run_holds_the_folder(tmp_path: Path) -> None:
    """A second run stops at once and names the pid and start of the first."""
    with lock.hold(tmp_path, datetime(2026, 4, 2, 3, 0, tzinfo=UTC)):
        answer = process("run", "--config", runs.QUARTER, "--output", tmp_path, *AS_OF)
    assert 5 == answer.code
    assert "another run works here: pid " in error_text(answer)
    assert "started 2026-04-02 03:00:00 UTC" in answer.err


def test_130_when_interrupted(tmp_path: Path) -> None:
    """Ctrl-C during the models stops the run; nothing is published and no incomplete run remains."""
    run = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "run", "--config", runs.SAMPLE, "--output", tmp_path / "build"],
        cwd=runs.REPOSITORY, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.stderr is not None
    for line in run.stderr:
        if "journey.first_arrivals" in line:
            run.send_signal(signal.SIGINT)
            break
    rest = run.stderr.read()
    assert 130 == run.wait(timeout=30)
    assert "Traceback" not in rest
    assert not (tmp_path / "build" / "funnel.duckdb").exists()
    assert [] == list((tmp_path / "build" / "runs").iterdir())
