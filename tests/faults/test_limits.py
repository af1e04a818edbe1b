"""docs/FAULTS.md, 106, 109, 110, 112: unusual names, limits of the product, missing permissions, names in titles."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from delivery import HEADER, entry

from tests import runs
from tests.cli import commands
from tests.cli.commands import funnel
from tests.faults import hostile
from tests.unit.limits import NOBODY, without_rights

KEY = "a-key-that-is-long-enough"


def configuration(folder: Path, stages: int = 8, groups: int = 0, funnel_block: str = "") -> Path:
    """A configuration with path stages s0, s1 … and groups of two neighbours each."""
    text = f'[funnel]\nname = "Many"\n{funnel_block}\n'
    text += "".join(
        f'[[stages]]\nkey = "s{number}"\nkind = "path"\ndefinition = "Is here."\n' for number in range(stages)
    )
    text += "".join(
        f'[[groups]]\nkey = "g{number}"\ndefinition = "Either."\nstages = ["s{number % 7}", "s{number % 7 + 1}"]\n'
        for number in range(groups)
    )
    text += '[[inputs]]\nname = "crm"\ntable = "stage_entries"\npath = "entries.csv"\n'
    folder.mkdir(exist_ok=True)
    toml = folder / "funnel.toml"
    toml.write_text(text, "utf-8")
    (folder / "entries.csv").write_text(HEADER + entry("L1", "s0") + entry("L1", "s7", "2026-01-09"), "utf-8")
    return toml


def pairs(count: int) -> str:
    pair_texts = [f'["s{low}", "s{high}"]' for low in range(20) for high in range(low + 1, 20)]
    return f"headline = [{', '.join(pair_texts[:count])}]"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stages": 101}, "stages: there are 101 stages; 100 is the most"),
        ({"groups": 101}, "groups: there are 101 groups; 100 is the most"),
        ({"stages": 20, "funnel_block": pairs(51)}, "funnel.headline: names 51 pairs; 50 is the most"),
        (
            {"funnel_block": f"dimensions = {[f'd{each}' for each in range(13)]}".replace("'", '"')},
            "funnel.dimensions: names 13 dimensions; 12 is the most",
        ),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_more_than_the_limit_is_refused(tmp_path: Path, command: str, settings: dict[str, int], message: str) -> None:
    """F109: The exit code is 2, with the number and the limit, before anything is read."""
    answer = funnel(command, "--config", configuration(tmp_path / "in", **settings))
    assert 2 == answer.code
    assert message in answer.err
    assert not (tmp_path / "in" / "build").exists()


def test_as_many_as_the_limit_are_published(tmp_path: Path) -> None:
    """F109: Of 100 stages and 100 groups each has its own number, and every pair a number that fits."""
    toml = configuration(tmp_path / "in", stages=100, groups=100)
    assert 0 == funnel("run", "--config", toml, "--output", tmp_path / "out", *commands.AS_OF).code
    query = """
        select count(*) as milestones, count(distinct milestone_no) as numbers, (select count(*) from waterfall.pairs) as pairs
        from waterfall.milestones"""
    (row,) = runs.ask(tmp_path / "out", query)
    assert (200, 200) == (row["milestones"], row["numbers"])
    assert 4950 < row["pairs"] < 32_767


def load_of(folder: Path) -> Path:
    return next((folder / "out" / "landing" / "crm_history").iterdir())


def run_of(folder: Path) -> Path:
    return (folder / "out" / "current").resolve()


PLACES: dict[str, tuple[Callable[[Path], Path], int, str, int]] = {
    "the landing log": (lambda folder: folder / "out" / "landing", 0o555, "change", 2),
    "an input's loads": (lambda folder: folder / "out" / "landing" / "crm_history", 0o555, "change", 2),
    "a load": (load_of, 0o600, "enter", 2),
    "rows of a load": (lambda folder: load_of(folder) / "rows.parquet", 0, "read", 2),
    "a load's manifest": (lambda folder: load_of(folder) / "manifest.json", 0, "read", 2),
    "runs": (lambda folder: folder / "out" / "runs", 0o300, "read", 2),
    "the published run": (run_of, 0, "read", 2),
    "its database": (lambda folder: run_of(folder) / "funnel.duckdb", 0, "read", 2),
    "its manifest": (lambda folder: run_of(folder) / "manifest.json", 0, "read", 2),
    "its reports": (lambda folder: run_of(folder) / "reports", 0o400, "enter", 2),
    "a folder of an input": (lambda folder: folder / "in" / "files", 0o300, "read", 3),
    "a folder inside it": (lambda folder: folder / "in" / "files" / "more", 0o600, "enter", 3),
}


@pytest.fixture(scope="module")
def valid_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published run whose history is files/*/*.csv; all files belong to user `nobody`."""
    folder = tmp_path_factory.mktemp("sound") / "all"
    toml = commands.copy_of_quarter(folder / "in")
    (folder / "in" / "files" / "more").mkdir(parents=True)
    shutil.move(folder / "in" / "stage_entries.csv", folder / "in" / "files" / "more" / "a.csv")
    toml.write_text(toml.read_text("utf-8").replace('"stage_entries.csv"', '"files/*/*.csv"'), "utf-8")
    runs.run(toml, folder / "out", as_of=runs.QUARTER_AS_OF)
    return folder


@pytest.mark.parametrize("place", PLACES)
def test_a_missing_permission_is_reported_before_the_run_reads_anything(
    valid_run: Path, tmp_path: Path, place: str
) -> None:
    """F110: The message has the path and the missing permission; the run reads, builds and leaves nothing."""
    find, mode, right, code = PLACES[place]
    folder = tmp_path / "all"
    shutil.copytree(valid_run, folder, symlinks=True)
    path = find(folder)
    if os.geteuid() == 0:
        for each in (folder, *folder.rglob("*")):
            os.chown(each, NOBODY, NOBODY, follow_symlinks=False)
    path.chmod(mode)
    with without_rights(tmp_path):
        answer = funnel("run", "--config", folder / "in" / "funnel.toml", "--output", folder / "out", *commands.AS_OF)
    path.chmod(0o700)
    assert code == answer.code
    assert f"error: {path}: this user has no right to {right} it\n  next: run as its owner" in answer.err
    assert 2 == len(answer.err.splitlines())
    assert [run_of(folder).name] == [each.name for each in (folder / "out" / "runs").iterdir()]


OF_ONE = '\n[[reports]]\nname = "one"\ndimension = "owner"\nvalue = "Dana Doe"\n'
HASHED = '{ owners = "hash" }'


@pytest.mark.parametrize("output", ["report", "files", "mail", "database"])
def test_a_report_of_one_owner_needs_a_title(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    """F112: With hashed owners, a title with the owner's name is refused for every output, also as part of a longer title."""
    monkeypatch.setenv("FUNNEL_PRIVACY_KEY", KEY)
    people = hostile.Names(owner="Dana Doe")
    for title in ("", 'title = "Leads of dana doe"\n'):
        answer = hostile.run_and_compose(tmp_path, people, f"{OF_ONE}{title}[privacy]\n{output} = {HASHED}\n")
        assert 2 == answer.code
        assert f'privacy.{output}.owners: must be "keep" while the report `one`' in answer.err


def test_a_title_replaces_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F112: No hashed output has the owner's name, nor a name that was in the column of stages."""
    monkeypatch.setenv("FUNNEL_PRIVACY_KEY", KEY)
    people = hostile.Names(owner="Dana Doe", unknown="Petra Privat")
    hidden = "".join(f"{output} = {HASHED}\n" for output in ("report", "files", "mail"))
    answer = hostile.run_and_compose(tmp_path, people, f'{OF_ONE}title = "Team North"\n[privacy]\n{hidden}')
    assert 0 == answer.code
    reports = tmp_path / "out" / "reports"
    pages = [
        path for path in reports.rglob("*") if path.is_file() and path.suffix in (".html", ".txt", ".csv", ".json")
    ]
    assert any(b"Team North" in path.read_bytes() for path in pages)
    for name in (b"Dana Doe", b"Petra Privat"):
        assert [] == [str(path) for path in pages if name in path.read_bytes()]


def test_unknown_stages_in_the_database_are_hashed_with_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F112: The setting of owners applies to unknown stages; stages of the waterfall stay unchanged."""
    monkeypatch.setenv("FUNNEL_PRIVACY_KEY", KEY)
    people = hostile.Names(owner="Dana Doe", unknown="Petra Privat")
    assert 0 == hostile.run_and_compose(tmp_path, people, f"[privacy]\ndatabase = {HASHED}\n").code
    (row,) = runs.ask(tmp_path / "out", "select stage_alias, stage_text from quality.unknown_stages")
    assert "petra" not in f"{row}".lower()
    assert 0 < runs.ask(tmp_path / "out", "select count(*) as kept from clean.stage_entries")[0]["kept"]


def test_a_run_with_a_file_name_that_is_not_utf8_is_published(tmp_path: Path) -> None:
    """F106: The run publishes, and its manifest has the refused file."""
    toml = commands.copy_of_quarter(tmp_path / "in")
    (tmp_path / "in" / "entries").mkdir()
    shutil.move(tmp_path / "in" / "stage_entries.csv", tmp_path / "in" / "entries" / "a.csv")
    toml.write_text(toml.read_text("utf-8").replace('path = "stage_entries.csv"', 'path = "entries/*.csv"'), "utf-8")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/in/entries/\xff.csv")).write_text(HEADER, "utf-8")
    answer = funnel("run", "--config", toml, "--output", tmp_path / "out", *commands.AS_OF)
    assert 0 == answer.code
    assert "\\xff.csv: its name is not UTF-8" in answer.err
    manifest = json.loads((tmp_path / "out" / "current" / "manifest.json").read_text("utf-8"))
    assert [f"{tmp_path}/in/entries/\\xff.csv"] == [each["file"] for each in manifest["refused"]]
