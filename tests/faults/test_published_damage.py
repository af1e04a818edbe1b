"""docs/FAULTS.md, 105 and 114: damage of the published run is found, reported, and not published again."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import duckdb
import pytest

from pipeline.explore import query
from tests import runs
from tests.cli import commands
from tests.cli.commands import funnel

CORRUPT = "the database file is corrupt (truncated, or changed on the disk)"
REBUILD = "next: rebuild it from the landing log with `funnel run --from-log`"
FLIPS = range(12)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with inputs (in) and a published run (out)."""
    folder = tmp_path_factory.mktemp("published")
    toml = commands.copy_of_quarter(folder / "in")
    with runs.without_report():
        runs.run(toml, folder / "out", as_of=runs.QUARTER_AS_OF)
    return folder


@pytest.fixture
def out(published: Path, tmp_path: Path) -> Path:
    """A copy of the published run."""
    shutil.copytree(published / "out", tmp_path / "out", symlinks=True)
    return tmp_path / "out"


def flip_bit(output: Path, number: int, file: str = "funnel.duckdb") -> None:
    """Flip one bit of the file; each number flips another bit, spread over the file."""
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
    """F105: `report` stops with the command that rebuilds, even if it reads another block; the published run stays."""
    before = run_of(out)
    flip_bit(out, number)
    answer = funnel("report", "--config", published / "in" / "funnel.toml", "--output", out)
    assert (3, before) == (answer.code, run_of(out))
    assert f"{CORRUPT}\n  {REBUILD}\n" in answer.err
    assert [] == [path.name for path in (out / "runs").glob("*.*")]


QUESTIONS = (
    ("sql", "select count(*) as rows, sum(hash(each)) as content from clean.entry_rows as each", "--format", "csv"),
    ("sql", "from marts.conversion order by all", "--format", "csv"),
    ("explain", "L01"),
)


@pytest.fixture(scope="module")
def right_answers(published: Path) -> list[commands.Answer]:
    """The answers of the undamaged file to the questions."""
    return [funnel(*each, "--output", published / "out") for each in QUESTIONS]


@pytest.mark.parametrize("number", FLIPS)
def test_a_query_gives_the_right_rows_or_an_error(right_answers: list[commands.Answer], out: Path, number: int) -> None:
    """F105: A query that reads the damaged block is exit code 3; others give the same rows as before."""
    flip_bit(out, number)
    for question, before in zip(QUESTIONS, right_answers, strict=True):
        answer = funnel(*question, "--output", out)
        if answer.code == 0:
            assert before == answer
        else:
            assert (3, "") == (answer.code, answer.out)
            assert f"{CORRUPT}\n  {REBUILD}\n" in answer.err


def test_an_error_of_the_base_class_about_a_block_is_damage(out: Path) -> None:
    """F105: DuckDB raises the wrong checksum of a block as its base class if a small table has the block."""
    failure = duckdb.Error("Corrupt database file: computed checksum 1 does not match stored checksum 2 in block")
    with query.opened(out) as connection:
        damage = query.damaged(connection, failure)
    assert damage is not None
    assert CORRUPT == damage.what


def test_a_file_damaged_in_every_block_gives_an_error(out: Path) -> None:
    """F105: No query of such a file succeeds, so the test above can fail."""
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
@pytest.mark.usefixtures("without_report")
def test_the_next_run_builds_everything_from_the_log(published: Path, out: Path, number: int) -> None:
    """F105: The run logs the damage and publishes the right tables, and the run after it is incremental."""
    before = run_of(out)
    flip_bit(out, number)
    arguments = ("run", "--config", published / "in" / "funnel.toml", "--output", out, *commands.AS_OF)
    answer = funnel(*arguments)
    assert 0 == answer.code
    assert "every table is built from the whole log: the published database is corrupt" in answer.err
    assert f"warning: {out / 'runs' / before / 'funnel.duckdb'}: {CORRUPT}; this run builds" in answer.err
    assert before != run_of(out)
    assert commands.contents(published / "out") == commands.contents(out)
    next_answer = funnel(*arguments)
    assert 0 == next_answer.code
    assert "whole log" not in next_answer.err


def test_a_selection_stops_if_the_published_run_is_damaged(published: Path, out: Path) -> None:
    """F105: `--select` copies the published tables, so it stops like `report`."""
    before = run_of(out)
    flip_bit(out, 7)
    toml = published / "in" / "funnel.toml"
    answer = funnel("run", "--config", toml, "--output", out, *commands.AS_OF, "--select", "marts.conversion")
    assert (3, before) == (answer.code, run_of(out))
    assert CORRUPT in answer.err


def test_an_error_in_a_query_is_not_reported_as_damage(out: Path) -> None:
    """F105: The message is DuckDB's, and the file is not read to verify it."""
    answer = funnel("sql", "select * from read_csv('/nowhere.csv')", "--output", out)
    assert 2 == answer.code
    assert CORRUPT not in answer.err


@pytest.mark.usefixtures("history_only")
def test_a_published_file_without_a_checksum_is_rebuilt(published: Path, out: Path) -> None:
    """F105: Its content can't be verified, so a run rebuilds everything."""
    path = out / "current" / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    del content["database"]
    path.chmod(0o644)
    path.write_text(json.dumps(content), "utf-8")
    answer = funnel("run", "--config", published / "in" / "funnel.toml", "--output", out, *commands.AS_OF)
    assert 0 == answer.code
    assert "the manifest of the published run has no checksum of the database" in answer.err


@pytest.mark.parametrize("content", ["", "{}", "null"])
@pytest.mark.usefixtures("history_only")
def test_an_empty_manifest_of_the_published_run_stops_every_command(published: Path, out: Path, content: str) -> None:
    """F114: Without it the required loads are unknown, so every command but --from-log stops and names it."""
    toml = published / "in" / "funnel.toml"
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
