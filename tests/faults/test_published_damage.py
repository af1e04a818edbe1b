"""docs/FAULTS.md, 105 and 114: damage of the published run is found, told, and neither built on nor published again."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from tests import runs
from tests.cli import commands
from tests.cli.commands import funnel

CORRUPT = "the database file is corrupt (truncated, or changed on the disk)"
REBUILD = "next: rebuild it from the landing log with `funnel run --from-log`"
FLIPS = range(12)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the inputs (in) and a published run (out)."""
    folder = tmp_path_factory.mktemp("published")
    toml = commands.copy_of_quarter(folder / "in")
    assert 0 == funnel("run", "--config", toml, "--output", folder / "out", *commands.AS_OF).code
    return folder


@pytest.fixture
def out(published: Path, tmp_path: Path) -> Path:
    """A copy of the published run."""
    shutil.copytree(published / "out", tmp_path / "out", symlinks=True)
    return tmp_path / "out"


def flipped(output: Path, number: int, file: str = "funnel.duckdb") -> None:
    """One bit of the file flips: for each number another one, spread over all of it."""
    path = (output / file).resolve()
    content = bytearray(path.read_bytes())
    dice = random.Random(number)
    step = len(content) / len(FLIPS)
    content[int(number * step + dice.random() * step)] ^= 1 << dice.randrange(8)
    path.chmod(0o644)
    path.write_bytes(content)


def run_of(output: Path) -> str:
    return (output / "current").readlink().name


@pytest.mark.parametrize("number", FLIPS)
def test_a_flipped_bit_is_not_published_again(published: Path, out: Path, number: int) -> None:
    """F105: Wherever it is, also where nothing reads it: `report` stops with the command that rebuilds, the run stays."""
    before = run_of(out)
    flipped(out, number)
    answer = funnel("report", "--config", published / "in" / "funnel.toml", "--output", out)
    assert (3, before) == (answer.code, run_of(out))
    assert f"{CORRUPT}\n  {REBUILD}\n" in answer.err
    assert [] == [path.name for path in (out / "runs").glob("*.*")]


@pytest.mark.parametrize("number", FLIPS)
def test_a_question_is_answered_right_or_not_at_all(published: Path, out: Path, number: int) -> None:
    """F105: What reads the damaged block stops with exit code 3; what does not gives what it gave before."""
    questions = [
        ("sql", "select count(*) as rows, sum(hash(each)) as content from clean.entry_rows as each", "--format", "csv"),
        ("sql", "from marts.conversion order by all", "--format", "csv"),
        ("explain", "L01"),
    ]
    sound = [funnel(*each, "--output", published / "out") for each in questions]
    flipped(out, number)
    for question, before in zip(questions, sound, strict=True):
        answer = funnel(*question, "--output", out)
        if answer.code == 0:
            assert before == answer
        else:
            assert (3, "") == (answer.code, answer.out)
            assert f"{CORRUPT}\n  {REBUILD}\n" in answer.err


def test_some_flips_are_met_by_a_question(out: Path) -> None:
    """F105: A file that is damaged in every block answers nothing: the test above can fail."""
    path = (out / "funnel.duckdb").resolve()
    content = bytearray(path.read_bytes())
    for at in range(3 * 4096 + 100, len(content), 4096):
        content[at] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    answer = funnel("sql", "select sum(hash(each)) from clean.entry_rows as each", "--output", out)
    assert 3 == answer.code
    assert CORRUPT in answer.err


@pytest.mark.parametrize("number", FLIPS[::5])
def test_the_next_run_builds_everything_from_the_log(published: Path, out: Path, number: int) -> None:
    """F105: It says so, publishes what an undamaged run has, and the run after it goes on from there."""
    before = run_of(out)
    flipped(out, number)
    asked = ("run", "--config", published / "in" / "funnel.toml", "--output", out, *commands.AS_OF)
    answer = funnel(*asked)
    assert 0 == answer.code
    assert "every table is built from the whole log: the published database is corrupt" in answer.err
    assert f"warning: {out / 'runs' / before / 'funnel.duckdb'}: {CORRUPT}; this run builds" in answer.err
    assert before != run_of(out)
    assert commands.contents(published / "out") == commands.contents(out)
    again = funnel(*asked)
    assert 0 == again.code
    assert "whole log" not in again.err


def test_a_selection_is_not_built_on_damage(published: Path, out: Path) -> None:
    """F105: `--select` copies the published tables, so it stops as `report` does."""
    before = run_of(out)
    flipped(out, 7)
    toml = published / "in" / "funnel.toml"
    answer = funnel("run", "--config", toml, "--output", out, *commands.AS_OF, "--select", "marts.conversion")
    assert (3, before) == (answer.code, run_of(out))
    assert CORRUPT in answer.err


def test_a_mistake_in_a_query_is_no_damage(out: Path) -> None:
    """F105: DuckDB's own message stays, and the file is not read for it."""
    answer = funnel("sql", "select * from read_csv('/nowhere.csv')", "--output", out)
    assert 2 == answer.code
    assert CORRUPT not in answer.err


def test_a_file_of_before_the_checksum_is_rebuilt(published: Path, out: Path) -> None:
    """F105: Nothing promises what it holds, so a run does not go on from it."""
    path = out / "current" / "manifest.json"
    held = json.loads(path.read_text("utf-8"))
    del held["database"]
    path.chmod(0o644)
    path.write_text(json.dumps(held), "utf-8")
    answer = funnel("run", "--config", published / "in" / "funnel.toml", "--output", out, *commands.AS_OF)
    assert 0 == answer.code
    assert "the manifest of the published run has no checksum of the database" in answer.err


@pytest.mark.parametrize("content", ["", "{}", "null"])
def test_an_emptied_manifest_of_the_published_run(tmp_path: Path, content: str) -> None:
    """F114: Without it nobody knows which loads must be there: every command stops and names it; --from-log goes on."""
    toml, out = commands.copy_of_quarter(tmp_path / "in"), tmp_path / "out"
    runs.run(toml, out, as_of=runs.QUARTER_AS_OF)
    manifest = (out / "current" / "manifest.json").resolve()
    manifest.chmod(0o644)
    manifest.write_text(content, "utf-8")
    for command in ("run", "report", "status"):
        answer = funnel(command, "--config", toml, "--output", out)
        assert 3 == answer.code, command
        assert f"{manifest}: the manifest of the published run can't be read" in answer.err
        assert "`funnel run --from-log`" in answer.err
    assert 0 == funnel("run", "--config", toml, "--output", out, "--from-log").code
    assert 0 == funnel("run", "--config", toml, "--output", out).code
