"""docs/FAULTS.md, 80 to 83: random text in names, values, headers and file names is text in every output."""

from __future__ import annotations

import tempfile
from dataclasses import fields
from functools import cache, partial
from pathlib import Path
from unicodedata import category

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from pipeline.waterfall.names import cut
from tests import runs
from tests.faults.hostile import Names, assert_harmless, body, pages, run_and_compose
from tests.report.tree import Node, parse_tree

PIECES = (
    "<script>alert(1)</script>", "</title><img src=x onerror=alert(1)>", '"', "'", ";", "--", "=HYPERLINK(1)", "+1", "@x",
    "{{ 7 * 7 }}", "{% raw %}", "\n", "\r\n", "\t", "\u202e", "\u200f", "\u2028", "\x85", "\x00", "\x1b[31m", "\ufffe", "../../x",
    "'; drop table clean.leads; --", "&amp;", "]]>", "<!--", "\\", "%s", "😀", "é", "x" * 3000,
)  # fmt: skip
TEXT = st.lists(
    st.one_of(st.sampled_from(PIECES), st.text(st.characters(codec="utf-8"), max_size=8)), min_size=1, max_size=6
).map("".join)
CONFIGURED = ("title", "label", "stage_name", "definition")


def without_invalid_characters(name: str, text: str) -> str:
    """The text without the characters that this name can't have.

    A configuration has no control characters, except in an alias, which must equal the export's text. A file name has no `/`
    and NUL. A row with a NUL is rejected, so only the row of the unknown stage has one.
    """
    if name in CONFIGURED:
        return f"{name} " + "".join(letter for letter in text if category(letter) != "Cc" or letter in "\t\r\n")
    if name == "alias":
        return f"{name} " + "".join(letter for letter in text if ord(letter) >= 32 or letter in "\t\r\n")
    if name == "file":
        return "f" + "".join(letter for letter in text if letter not in "/\0")[:60] + ".csv"
    return f"{text}{name}" if name == "unknown" else f"{text}{name}".replace("\0", "")


def all_of(text: str) -> Names:
    return Names(**{field.name: without_invalid_characters(field.name, text) for field in fields(Names)})


NAMES = st.builds(
    Names, **{field.name: TEXT.map(partial(without_invalid_characters, field.name)) for field in fields(Names)}
)


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # a failing example is short enough to read, and shrinking takes minutes
)
@example(all_of("".join(PIECES)))
@example(all_of("".join(reversed(PIECES))))
@given(NAMES)
def test_hostile_text(names: Names) -> None:
    """A run with random names publishes every row but that of the unknown stage.

    Pages, files and mail are harmless, have only the elements of other runs, and show the names.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = run_and_compose(Path(folder), names)
        assert 0 == answer.code, answer.err
        out = Path(folder) / "out"
        assert_harmless(out)
        assert [{"entries": 18, "leads": 12, "stages": 2}] == runs.ask(
            out,
            "select (select count(*) from clean.stage_entries) as entries, (select count(*) from clean.leads) as leads,"
            " (select count(*) from waterfall.stages) as stages",
        )
        trees = {name: parse_tree(html) for name, html in {**pages(out), "mail": body(out)}.items()}
        for name, page in trees.items():
            assert set() == elements_and_attributes(page) - elements_of_a_plain_run(), name
        for text in (names.label, names.stage_name, names.definition):
            assert cut(one_line(text)) in one_line(trees["definitions.html"].words)


@cache
def elements_of_a_plain_run() -> frozenset[str]:
    with tempfile.TemporaryDirectory() as folder:
        assert 0 == run_and_compose(Path(folder), Names()).code
        out = Path(folder) / "out"
        return frozenset().union(
            *(elements_and_attributes(parse_tree(html)) for html in (*pages(out).values(), body(out)))
        )


def elements_and_attributes(page: Node) -> set[str]:
    """Every tag, and every attribute with its tag."""
    tags = {node.tag for node in page.walk()}
    return tags | {f"{node.tag} {attribute}" for node in page.walk() for attribute in node.attributes}


def one_line(text: str) -> str:
    """The text as a browser shows it, with white space as one space."""
    return " ".join(text.split())
