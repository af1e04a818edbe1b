"""docs/FAULTS.md, 87: a foreign database in place of ours can be queried and has no access to files."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline.database.connection import quoted
from tests.cli.commands import Answer, funnel

SECRET = "the-secret-of-this-machine"


@pytest.fixture
def foreign_output(tmp_path: Path) -> Path:
    """An output folder whose funnel.duckdb has one real table, and views under our names that read a file."""
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "secret.txt").write_text(f"lead_id,survivor_id,lead_no\n{SECRET},{SECRET},1\n", "utf-8")
    file = quoted(str(tmp_path / "secret.txt"))
    with duckdb.connect(str(out / "funnel.duckdb")) as connection:
        connection.execute("create schema clean; create schema marts")
        connection.execute("create table marts.honest as select 7 as answer")
        connection.execute(f"create view marts.conversion as select * from read_csv({file})")
        connection.execute(f"create view clean.lead_ids as select * from read_csv({file})")
        connection.execute(f"create macro marts.file_content() as table select content from read_text({file})")
    return out


def query_foreign(out: Path, query: str) -> Answer:
    answer = funnel("sql", query, "--output", out)
    assert SECRET not in answer.out + answer.err
    return answer


def test_tables_are_read_and_views_reach_no_file(foreign_output: Path) -> None:
    """F87: The table has rows; a view or macro over a file is refused, and nothing of the file is printed."""
    assert (0, True) == (
        query_foreign(foreign_output, "from marts.honest").code,
        "7" in query_foreign(foreign_output, "from marts.honest").out,
    )
    for query in ("from marts.conversion", "from marts.file_content()", "from clean.lead_ids"):
        answer = query_foreign(foreign_output, query)
        assert (2, "") == (answer.code, answer.out)
        assert "disabled" in answer.err


def test_explain_reads_tables_only(foreign_output: Path) -> None:
    """F87: If a view reads a file, `explain` prints an error without traceback and without content of the file."""
    answer = funnel("explain", SECRET[:-1] + "x", "--output", foreign_output)
    assert (3, "") == (answer.code, answer.out)
    assert SECRET not in answer.err
    assert "is not a funnel database" in answer.err


@pytest.mark.parametrize(
    "query",
    [
        "set enable_external_access = true",
        "reset enable_external_access",
        "set lock_configuration = false",
        "install httpfs",
        "load httpfs",
        "attach 'other.duckdb' as other",
        "copy marts.honest to 'stolen.csv'",
        "export database 'stolen'",
        "create table marts.mine as select 1",
        "select * from glob('/etc/*')",
        "select getenv('HOME')",
    ],
)
def test_no_query_enables_external_access(
    foreign_output: Path, query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F87: Settings are locked, extensions are refused, nothing is written; the exit code is 2."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert (2, "") == (query_foreign(foreign_output, query).code, query_foreign(foreign_output, query).out)
    assert before == sorted(tmp_path.rglob("*"))
