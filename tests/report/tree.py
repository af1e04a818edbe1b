"""Parses a page into a tree of elements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from tests.report.reading import VOID


@dataclass(eq=False)
class Node:
    """An element; `inside` holds elements and text in order."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    parent: Node | None = None
    inside: list[Node | str] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """This element and all its descendants, in the order of the page."""
        yield self
        for each in self.elements:
            yield from each.walk()

    def ancestors(self) -> Iterator[Node]:
        """This element and its ancestors, innermost first."""
        at: Node | None = self
        while at is not None:
            yield at
            at = at.parent

    @property
    def elements(self) -> list[Node]:
        """The child elements."""
        return [each for each in self.inside if isinstance(each, Node)]

    @property
    def words(self) -> str:
        """The text of the element and its descendants."""
        return "".join(each if isinstance(each, str) else each.words for each in self.inside)

    @property
    def own_words(self) -> str:
        """The text of the element without its descendants."""
        return "".join(each for each in self.inside if isinstance(each, str))

    @property
    def classes(self) -> list[str]:
        """The classes of the element."""
        return self.attributes.get("class", "").split()

    def find(self, tag: str, kind: str = "") -> list[Node]:
        """The descendants with this tag and, if given, this class."""
        return [each for each in self.walk() if each.tag == tag and (not kind or kind in each.classes)]


def parse_tree(html: str) -> Node:
    """The tree of a page."""
    parser = _Grower()
    parser.feed(html)
    parser.close()
    return parser.root


class _Grower(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = self.at = Node("root")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.at = self.at.elements[-1]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.at.inside.append(Node(tag, {name: value or "" for name, value in attrs}, self.at))

    def handle_endtag(self, tag: str) -> None:
        assert self.at.parent is not None, f"</{tag}> closes nothing"
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.inside.append(data)
