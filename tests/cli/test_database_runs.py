"""Whole runs with a database input: the output of `check` and `run`, and a server that is down (F102)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InputError
from tests import runs
from tests.cli import commands
from tests.postgres_server import PASSWORD, USER, VARIABLE, PostgresDatabase

TOML = """
[funnel]
name = "Warehouse"

[[stages]]
key = "mql"
definition = "Ready for sales."

[[stages]]
key = "sal"
definition = "Taken on by sales."

[[inputs]]
name = "warehouse"
table = "stage_entries"
source = "postgres"
dsn_variable = "FUNNEL_PG_DSN"
from_table = "stage_history"
cursor = "updated_at"
look_back = "1 day"
error_after = "3 days"
"""
ROWS = """
create table stage_history (lead_id text, stage text, entered_at timestamptz, updated_at timestamptz);
insert into stage_history values
 ('L1', 'MQL', '2026-03-01 09:00+00', '2026-03-01 09:00+00'),
 ('L1', 'SAL', '2026-03-02 09:00+00', '2026-03-02 09:00+00'),
 ('L2', 'MQL', '2026-03-03 09:00+00', '2026-03-03 09:00+00');
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "funnel.toml"
    path.write_text(TOML)
    return path


def account(output: Path) -> list[dict[str, object]]:
    return runs.ask(output, "select input, rows_read, redelivered, kept from quality.row_accounting")


def manifest(output: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(((output / "funnel.duckdb").resolve().parent / "manifest.json").read_text())
    return content


def test_a_run_reads_new_rows_and_counts_them_like_those_of_a_file(
    toml: Path, database: PostgresDatabase, tmp_path: Path
) -> None:
    """The second run reads the rows of the lookback window again and counts them as redelivered."""
    database.do(ROWS)
    output = tmp_path / "build"
    with runs.without_pages():
        runs.run(toml, output)
    assert [{"input": "warehouse", "rows_read": 3, "redelivered": 0, "kept": 3}] == account(output)
    database.do("insert into stage_history values ('L2', 'SAL', '2026-03-04 09:00+00', '2026-03-04 09:00+00')")
    runs.run(toml, output, clock=runs.CLOCK + timedelta(days=1))
    assert [{"input": "warehouse", "rows_read": 6, "redelivered": 2, "kept": 4}] == account(output)
    assert ["query-2026-04-02", "query-2026-04-03"] == [each["file"] for each in manifest(output)["inputs"]]
    everything = "".join(path.read_text("utf-8", "replace") for path in output.rglob("*.*") if path.is_file())
    assert PASSWORD not in everything


@pytest.mark.usefixtures("history_only")
def test_freshness_decides_whether_a_run_continues_while_the_server_is_down(
    toml: Path, database: PostgresDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F102: A run publishes with a warning until the input is too old, then it stops."""
    database.do(ROWS)
    output = tmp_path / "build"
    runs.run(toml, output)
    monkeypatch.setattr("pipeline.ingest.landing.databases.RETRY_PAUSES", ())
    monkeypatch.setenv(VARIABLE, f"host=127.0.0.1 port=1 user={USER} password={PASSWORD}")
    stale_run = runs.run(toml, output, clock=runs.CLOCK + timedelta(days=2))
    warnings = "\n".join(stale_run.warnings)
    assert "warehouse: FUNNEL_PG_DSN: the server is down" in warnings
    assert "warehouse is stale" in warnings
    assert [3] == [row["kept"] for row in account(output)]
    with pytest.raises(InputError, match="warehouse is stale"):
        runs.run(toml, output, clock=runs.CLOCK + timedelta(days=4))
    assert stale_run.run_id == manifest(output)["run"]


def test_check_reads_the_database_and_writes_nothing(toml: Path, database: PostgresDatabase, tmp_path: Path) -> None:
    database.do(ROWS)
    answer = commands.funnel("check", "--config", toml)
    assert (0, "") == (answer.code, answer.out)
    assert "warehouse: query-" in answer.err
    assert "3 rows, 3 new" in answer.err
    assert ["funnel.toml"] == [path.name for path in tmp_path.iterdir()]


def test_check_says_that_the_variable_is_not_set(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    answer = commands.funnel("check", "--config", toml)
    assert 3 == answer.code
    assert (
        "error: warehouse: FUNNEL_PG_DSN: this environment variable is not set\n  next: set it where the run starts: export "
        "FUNNEL_PG_DSN=postgresql://user:password@host:5432/database\n"
    ) in answer.err


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://{USER}:{PASSWORD}@127.0.0.1:1/sales",
        f"postgresql://{USER}:{PASSWORD} @127.0.0.1:1/sales",
        PASSWORD,
    ],
)
def test_no_output_has_the_password(
    toml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, dsn: str
) -> None:
    """F102: Neither a traceback, nor the JSON log, nor the run record has the password."""
    monkeypatch.setenv(VARIABLE, dsn)
    monkeypatch.setenv("FUNNEL_TRACEBACK", "1")
    monkeypatch.chdir(tmp_path)
    assert_without_password(commands.funnel(command, "--config", toml, "--log-format", "json"), tmp_path)


def test_no_stream_of_the_process_has_the_password(toml: Path, tmp_path: Path) -> None:
    """F102: The driver, which is not Python, writes no password to the streams of the process."""
    dsn = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:1/sales"
    answer = commands.process(
        "run", "--config", toml, "--log-format", "json", FUNNEL_PG_DSN=dsn, FUNNEL_TRACEBACK="1", cwd=tmp_path
    )
    assert_without_password(answer, tmp_path)


def assert_without_password(answer: commands.Answer, folder: Path) -> None:
    """The command failed to read an input, and neither its streams nor its files have the password."""
    assert 3 == answer.code
    assert PASSWORD not in answer.out + answer.err
    written = [path for path in folder.rglob("*") if path.is_file() and PASSWORD in path.read_text("utf-8", "replace")]
    assert [] == written


@pytest.mark.usefixtures("database")
def test_the_text_of_a_driver_error_is_not_printed(toml: Path) -> None:
    """F102: The text of an unexpected error may contain the connection string."""
    program = (
        "import sys\n"
        "from adbc_driver_postgresql import dbapi\n"
        "from pipeline import cli\n"
        "def connect(uri): raise dbapi.InternalError('cannot use ' + uri, status_code=9)\n"
        "dbapi.connect = connect\n"
        f"sys.argv = ['funnel', 'check', '--config', {str(toml)!r}]\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=runs.REPOSITORY,
        env={**os.environ, "FUNNEL_TRACEBACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 3 == done.returncode
    assert PASSWORD not in done.stdout + done.stderr
