"""docs/FAULTS.md, 87: a database of somebody else in place of ours can be asked, and reaches nothing beside itself."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline.database.connection import quoted
from tests.cli.commands import Answer, funnel

SECRET = "the-secret-of-this-machine"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """An output folder whose funnel.duckdb has one honest table, and views where ours are that read a file of the machine."""
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "secret.txt").write_text(f"lead_id,survivor_id,lead_no\n{SECRET},{SECRET},1\n", "utf-8")
    file = quoted(str(tmp_path / "secret.txt"))
    with duckdb.connect(str(out / "funnel.duckdb")) as connection:
        connection.execute("create schema clean; create schema marts")
        connection.execute("create table marts.honest as select 7 as answer")
        connection.execute(f"create view marts.conversion as select * from read_csv({file})")
        connection.execute(f"create view clean.lead_ids as select * from read_csv({file})")
        connection.execute(f"create macro marts.told() as table select content from read_text({file})")
    return out


def asked(out: Path, query: str) -> Answer:
    answer = funnel("sql", query, "--output", out)
    assert SECRET not in answer.out + answer.err
    return answer


def test_tables_are_read_and_views_reach_no_file(theirs: Path) -> None:
    """F87: The table answers; a view or macro over a file is refused in words, and prints nothing of the file."""
    assert (0, True) == (asked(theirs, "from marts.honest").code, "7" in asked(theirs, "from marts.honest").out)
    for query in ("from marts.conversion", "from marts.told()", "from clean.lead_ids"):
        answer = asked(theirs, query)
        assert (2, "") == (answer.code, answer.out)
        assert "disabled" in answer.err


def test_explain_reads_tables_only(theirs: Path) -> None:
    """F87: A lead is asked of a view over a file: an error in words, no traceback and nothing of the file."""
    answer = funnel("explain", SECRET[:-1] + "x", "--output", theirs)
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
def test_nothing_opens_the_doors_again(
    theirs: Path, query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F87: Settings are locked, extensions stay outside, nothing is written: exit code 2 and an empty folder."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert (2, "") == (asked(theirs, query).code, asked(theirs, query).out)
    assert before == sorted(tmp_path.rglob("*"))
