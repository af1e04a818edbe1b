"""The documents are correct: links have targets, names exist, every key and exit code is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline import errors
from pipeline.cli import cli
from pipeline.config import block, checks, funnel, inputs, output, privacy, stages
from pipeline.config.input_tables import CONTRACTS
from pipeline.transform.project import LAYERS
from tests import runs

DOCUMENTS = sorted(
    path
    for path in (
        *runs.REPOSITORY.glob("*.md"),
        *runs.REPOSITORY.glob("docs/**/*.md"),
        *runs.REPOSITORY.glob("data/**/*.md"),
        *runs.REPOSITORY.glob("sql/*.md"),
        *(page for page in runs.REPOSITORY.glob("tests/**/*.md") if "node_modules" not in page.parts),
    )
)
FOLDERS = (runs.REPOSITORY / "docs", runs.REPOSITORY / "docs" / "exports")
OURS = [path for path in DOCUMENTS if path.parent in (runs.REPOSITORY, *FOLDERS)]
LINK = re.compile(r"\[[^\]\[]*\]\(([^)\s]+)\)")
RULE = r"[ACEKSTV]\d{1,2}"
TABLE = re.compile(r"\b(clean|journey|marts|quality|report|waterfall)\.([a-z_]+)\b(?!\()")


def relative_path(path: Path) -> str:
    """The path of a document in the checkout."""
    return str(path.relative_to(runs.REPOSITORY))


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub creates them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative_path)
def test_every_link_has_a_target(path: Path) -> None:
    """Each relative link names an existing file, and each anchor a heading in it."""
    broken = []
    for link in LINK.findall(re.sub(r"`[^`\n]*`", "", path.read_text("utf-8"))):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert [] == broken


def published_columns() -> dict[str, set[str]]:
    """The columns of every published table, from the catalogue, which `make check` verifies."""
    tables = (runs.REPOSITORY / "docs" / "tables.md").read_text("utf-8").partition("\n## Macros\n")[0]
    parts = re.split(r"^### ", tables, flags=re.MULTILINE)[1:]
    return {part.splitlines()[0]: set(re.findall(r"^\| (\w+) \| \w", part, re.MULTILINE)) for part in parts}


@pytest.mark.parametrize("path", OURS, ids=relative_path)
def test_every_named_table_exists(path: Path) -> None:
    """Every `schema.table` of a published schema is in the catalogue."""
    tables = published_columns()
    text = path.read_text("utf-8")
    mentioned = {".".join(match) for match in TABLE.findall(text)}
    files = {f"{layer}.{kind}" for layer in ("report", "waterfall") for kind in ("md", "toml", "py", "html", "png")}
    assert [] == sorted(mentioned - set(tables) - files)


def test_the_catalogue_has_every_macro() -> None:
    """Each file of sql/macros is a heading of docs/tables.md, with its arguments."""
    headings = re.findall(r"^### (\w+)\(", (runs.REPOSITORY / "docs" / "tables.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(path.stem for path in runs.REPOSITORY.glob("sql/macros/*.sql")) == sorted(headings)


def test_the_catalogue_has_every_model() -> None:
    """Each model of sql/ is a table of the catalogue, and each has columns."""
    models = {
        f"{layer}.{path.stem}"
        for layer in LAYERS
        for path in (runs.REPOSITORY / "sql" / layer).rglob("*.sql")
        if "." not in path.stem
    }
    tables = published_columns()
    assert set() == models - set(tables)
    assert [] == [name for name, columns in tables.items() if not columns]


@pytest.mark.parametrize("path", OURS, ids=relative_path)
def test_every_named_command_exists(path: Path) -> None:
    """In code, the word after `funnel` is a command, and its options are options of that command."""
    wrong = []
    for line in re.findall(r"(?:^|`|bin/)funnel ([^`\n]+)", path.read_text("utf-8"), re.MULTILINE):
        words = line.split(" #")[0].split()
        if words[0].startswith("-") or words[0].isupper():
            continue
        command = cli.commands.get(words[0])
        options = {option for parameter in command.params for option in parameter.opts} if command else set()
        used = {word for word in words if re.fullmatch(r"--[a-z-]+", word)} - {"--help"}
        if command is None or used - options:
            wrong.append(line)
    assert [] == wrong


@pytest.mark.parametrize("name", ["README.md", "docs/commands.md", "docs/nightly.md"])
def test_every_exit_code_is_documented(name: str) -> None:
    """The tables of exit codes have 0 and the code of each error class."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.FunnelError)]
    documented = re.findall(r"^\| (\d+) \|", (runs.REPOSITORY / name).read_text("utf-8"), re.MULTILINE)
    assert sorted({0, *(kind.exit_code for kind in kinds)}) == [int(code) for code in documented]


@pytest.mark.parametrize(
    ("title", "block"),
    [
        ("[funnel]", funnel.FunnelBlock),
        ("[[stages]]", stages.StageBlock),
        ("[[groups]]", stages.GroupBlock),
        ("[[inputs]]", inputs.InputBlock),
        ("[output]", output.OutputBlock),
        ("[checks]", checks.ChecksBlock),
        ("[privacy]", privacy.PrivacyBlock),
    ],
)
def test_every_key_of_the_configuration_is_documented(title: str, block: type[block.Block]) -> None:
    """docs/configuration.md lists exactly the keys of each block."""
    text = (runs.REPOSITORY / "docs" / "configuration.md").read_text("utf-8")
    section = text.partition(f"## `{title}`\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    keys = sorted(field.alias or name for name, field in block.model_fields.items())
    assert keys == sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def test_every_input_table_is_documented() -> None:
    """The glossary of inputs in docs/configuration.md has each table with its columns."""
    text = (runs.REPOSITORY / "docs" / "configuration.md").read_text("utf-8").replace("**", "")
    rows = [f"| {table} | {', '.join(each.name for each in one.columns)} |" for table, one in CONTRACTS.items()]
    assert [] == [row for row in rows if row not in text]


@pytest.mark.parametrize("path", OURS, ids=relative_path)
def test_every_cited_rule_exists(path: Path) -> None:
    """A rule number in a document starts a paragraph of docs/RULES.md, or an entry of what is not built yet."""
    rules, _, not_built = (runs.REPOSITORY / "docs" / "RULES.md").read_text("utf-8").partition("## Not built yet")
    documented_rules = set(re.findall(rf"^({RULE})\.", rules, re.MULTILINE))
    missing = {rule for line in not_built.splitlines() if line.startswith("- ") for rule in re.findall(RULE, line)}
    assert set() == set(re.findall(rf"\b{RULE}\b", path.read_text("utf-8"))) - documented_rules - missing
