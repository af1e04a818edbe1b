"""docs/exports: each configuration of a page runs on small files and gives the numbers and messages of the page.

A comment before a block of TOML names its folder of tests/exports/data: `<!-- files: NAME -->`. The run must give the tables
after the block. A comment `<!-- goes wrong: `old` -> `new` -->` changes the last block, `<!-- goes wrong in NAME … -->` its
files too; then the output of `funnel check` (after `goes wrong at run`: `funnel run`) must have each line of the next text block.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.config import formats
from tests import runs
from tests.cli.commands import funnel
from tests.exports.loading import DATA, Loaded, loaded

FOLDER = runs.REPOSITORY / "docs" / "exports"
PAGES = sorted(FOLDER.glob("*.md"))
PART = re.compile(
    r"^<!-- files: (?P<files>\w+) -->$"
    r"|^<!-- goes wrong(?: in (?P<other>\w+))?(?P<run> at run)?(?P<change>[^\n]*) -->$"
    r"|^```(?P<kind>toml|text)\n(?P<block>.*?)^```$"
    r"|^(?P<table>(?:\|[^\n]*\n)+)",
    re.MULTILINE | re.DOTALL,
)
ACCOUNT = ["input", "rows", "filtered", "rejected", "loaded"]
CONVERSION = ["from", "to", "entered", "converted"]
ENTRIES = ["lead", "stage", "entered", "basis"]


@dataclass(frozen=True)
class ExpectedMessage:
    """A change of an example, and the expected message."""

    folder: str
    toml: str
    is_run: bool
    lines: tuple[str, ...]


@dataclass
class Example:
    """A configuration with its files and its tables, each as rows of cells."""

    folder: str
    toml: str
    tables: list[list[list[str]]] = field(default_factory=list)
    wrong: list[ExpectedMessage] = field(default_factory=list)


def examples(page: Path) -> list[Example]:
    """The examples of a page, in their order."""
    result: list[Example] = []
    folder, change = "", None
    for part in PART.finditer(page.read_text("utf-8")):
        if part["files"]:
            folder = part["files"]
        elif part["change"] is not None:
            change = part
        elif part["kind"] == "toml" and folder:
            result.append(Example(folder, part["block"]))
            folder = ""
        elif part["kind"] == "text" and change is not None:
            toml = result[-1].toml
            for old, new in re.findall(r"`(.*?)` -> `(.*?)`", change["change"]):
                assert old.replace("\\n", "\n") in toml, f"{page.name}: nothing to change: {old}"
                toml = toml.replace(old.replace("\\n", "\n"), new.replace("\\n", "\n"))
            lines = tuple(part["block"].splitlines())
            result[-1].wrong.append(
                ExpectedMessage(change["other"] or result[-1].folder, toml, bool(change["run"]), lines)
            )
            change = None
        elif part["table"]:
            rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in part["table"].splitlines()]
            if rows[0] in (ACCOUNT, CONVERSION, ENTRIES):
                result[-1].tables.append([rows[0], *rows[2:]])
    return result


def write_configuration(folder: str, toml: str, into: Path) -> Path:
    """Write a configuration beside the files of a folder of data."""
    shutil.copytree(DATA / folder, into)
    (into / "funnel.toml").write_text(toml, "utf-8")
    return into / "funnel.toml"


def table_of_run(built: Loaded, table: list[list[str]]) -> list[list[str]]:
    """The rows of the run for a table of a page: all inputs, all entries of its leads, each of its pairs."""
    head, *rows = table
    if head == ACCOUNT:
        return [head, *([name, *map(str, counts)] for name, counts in built.account.items())]
    if head == CONVERSION:
        rows_found = built.rows(
            "select low.label, high.label, entered, converted from marts.conversion as pairs "
            "inner join waterfall.stages as low on low.stage = pairs.from_stage "
            "inner join waterfall.stages as high on high.stage = pairs.to_stage "
            "where grain = 'all' and dimension = 'all' and window_days is null and unit = 'cycle'"
        )
        printed_pairs = [tuple(row[:2]) for row in rows]
        pairs = {(low, high): [low, high, str(entered), str(converted)] for low, high, entered, converted in rows_found}
        return [head, *(pairs[pair] for pair in printed_pairs if pair in pairs)]
    leads = {row[0] for row in rows}
    rows_found = built.rows(
        "select lead_id, label, strftime(timezone(timezone, timezone('UTC', entered_at)), '%Y-%m-%d %H:%M'), basis "
        "from clean.stage_entries inner join waterfall.stages using (stage), waterfall.run order by lead_no, entry_no"
    )
    return [head, *(list(row) for row in rows_found if row[0] in leads)]


def test_each_format_has_a_page() -> None:
    """The overview links the page of every format, and the page names it."""
    overview = (FOLDER / "README.md").read_text("utf-8")
    linked = dict(re.findall(r"^\| .*?`(\w+)`.*? \| \[.*?\]\((\w+\.md)(?:#[\w-]+)?\) \|$", overview, re.MULTILINE))
    assert list(formats.names()) == sorted(linked)
    unnamed = [
        name for name, page in linked.items() if not re.search(rf'[`"]{name}[`"]', (FOLDER / page).read_text("utf-8"))
    ]
    assert [] == unnamed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_tables_of_a_page_equal_those_of_its_examples(page: Path, tmp_path: Path) -> None:
    """Every configuration has a table, and each table equals the result of the run."""
    expected_tables, actual_tables = [], []
    for number, example in enumerate(examples(page)):
        assert example.tables, f"an example of {page.name} has no table: {example.folder}"
        toml = write_configuration(example.folder, example.toml, tmp_path / str(number))
        built = loaded(toml, toml.parent / "out", "+clean.stage_entries +marts.conversion")
        expected_tables += example.tables
        actual_tables += [table_of_run(built, table) for table in example.tables]
    assert expected_tables == actual_tables


def test_the_configuration_of_the_readme_runs(tmp_path: Path) -> None:
    """Every lead of a small export has an entry in its first status."""
    (block,) = re.findall(
        r"^```toml\n(.*?)^```$", (runs.REPOSITORY / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    toml = write_configuration("sf_leadhistory_status_only", block, tmp_path / "files")
    built = loaded(toml, tmp_path / "out")
    counts = "select count(*), count(distinct lead_id) from clean.stage_entries where stage = 'open_not_contacted'"
    assert [(10, 10)] == built.rows(counts)


MISTAKES = [(page.stem, wrong) for page in PAGES for example in examples(page) for wrong in example.wrong]


@pytest.mark.parametrize("wrong", [wrong for _, wrong in MISTAKES], ids=[name for name, _ in MISTAKES])
def test_an_error_gives_the_message_of_the_page(wrong: ExpectedMessage, tmp_path: Path) -> None:
    """The output has each line of the page; `…` stands for any text."""
    toml = write_configuration(wrong.folder, wrong.toml, tmp_path / "files")
    answer = funnel("run" if wrong.is_run else "check", "--config", toml)
    output = answer.err.replace(f"{tmp_path / 'files'}/", "")
    unsaid = [
        line
        for line in wrong.lines
        if not re.search(".*".join(map(re.escape, line.strip().split("…"))), output, re.MULTILINE)
    ]
    assert [] == unsaid, output
