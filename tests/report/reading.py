"""Parses a page: its tags, tables, anchors and printed queries."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import duckdb

VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})
WITHOUT_CHILDREN = frozenset({"rect", "line", "path", "circle"})


@dataclass
class Read:
    """The parsed content of a page."""

    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    queries: list[tuple[str, str, str]] = field(default_factory=list)
    """(SQL, column, value of that column in the first row, as text)."""
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    """The rows of cells by table id, without bars and the small second line of a cell."""
    tags: set[str] = field(default_factory=set)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    unclosed: list[str] = field(default_factory=list)
    text: str = ""


def read(html: str) -> Read:
    """Parse a page. Raises AssertionError if a closing tag does not match."""
    parser = _Page()
    parser.feed(html)
    parser.close()
    parser.result.unclosed = parser.open
    return parser.result


@dataclass
class ReadSite:
    """All pages of a site and their common content."""

    pages: dict[str, Read]
    folder: Path | None = None
    """The folder of the pages if they were read from files; links may then lead to other reports in it."""

    @property
    def tables(self) -> dict[str, list[list[str]]]:
        """The tables of all pages by id; a table on two pages must be equal on both."""
        result: dict[str, list[list[str]]] = {}
        for page in self.pages.values():
            for name, table in page.tables.items():
                assert result.setdefault(name, table) == table, f"{name} differs between pages"
        return result

    @property
    def attributes(self) -> list[tuple[str, str, str]]:
        """(tag, name, value) of all pages."""
        return [each for page in self.pages.values() for each in page.attributes]

    @property
    def ids(self) -> list[str]:
        """The ids of all pages, page by page."""
        return [each for page in self.pages.values() for each in page.ids]

    @property
    def text(self) -> str:
        """The text of all pages."""
        return "\n".join(page.text for page in self.pages.values())

    @property
    def queries(self) -> list[tuple[str, str, str]]:
        """The queries of all pages, each once."""
        return list(dict.fromkeys(query for page in self.pages.values() for query in page.queries))

    def outcomes(self, number: int) -> list[int]:
        """Entered, converted, passed over, lost and still open of a headline pair, from the list of its outcomes."""
        starts = ("All", "Went on", "Passed over", "Lost", "Still open")
        rows = self.tables[f"table-fates-{number}"][1:]
        return [sum(plain(units) for outcome, units, _ in rows if outcome.startswith(start)) for start in starts]

    def dead_links(self) -> list[tuple[str, str]]:
        """(page, link) of every link without a target page of the site, or without a target id on it."""
        dead = []
        for name, page in self.pages.items():
            for link in page.links:
                file, _, fragment = link.partition("#")
                if file.endswith((".csv", ".xlsx", ".json")):
                    continue
                if "/" in file and self.folder and (self.folder / file).is_file() and not fragment:
                    continue
                target = self.pages.get(file or name)
                if target is None or (fragment and fragment not in target.ids):
                    dead.append((name, link))
        return dead


def read_site(htmls: dict[str, str]) -> ReadSite:
    """Parse every page of a site."""
    return ReadSite({name: read(html) for name, html in htmls.items()})


def read_folder(folder: Path) -> ReadSite:
    """Parse every page in a folder, but not the mail."""
    pages = [path for path in sorted(folder.glob("*.html")) if path.name != "email.html"]
    return ReadSite({path.name: read(path.read_text("utf-8")) for path in pages}, folder)


def plain(text: str) -> int:
    """The number of a printed count."""
    return int(text.replace(",", "").replace("−", "-"))


def failing_queries(page: Read | ReadSite, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The queries of a page that fail, or whose first row differs from the page."""
    wrong = []
    for sql, column, value in page.queries:
        answer = connection.execute(sql)
        names = [each[0] for each in answer.description or []]
        first = answer.fetchone()
        actual = None if first is None else first[names.index(column)]
        actual = "" if actual is None else str(actual)
        if actual != value:
            wrong.append(sql)
    return wrong


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.result = Read()
        self.open: list[str] = []
        self.query: tuple[str, str] | None = None
        self.table = ""
        self.gathered = ""
        self.is_chart = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._record_attributes(tag, attrs)
        attributes = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.gathered = ""
            self.is_chart = "chart" in attributes.get("class", "").split()
        if tag == "table" and "id" in attributes:
            self.table = attributes["id"]
            self.result.tables[self.table] = []
        if tag == "tr" and self.table:
            self.result.tables[self.table].append([])
        if tag == "code" and attributes.get("class") == "query":
            self.query = (attributes["data-column"], attributes["data-value"])
            self.gathered = ""
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.result.headings.append(int(tag[1]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._record_attributes(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> at line {self.getpos()[0]} closes another tag"
        if tag == "table":
            self.table = ""
        if tag in ("td", "th") and self.table and not self.is_chart:
            self.result.tables[self.table][-1].append(self.gathered)
        if tag == "code" and self.query is not None:
            self.result.queries.append((self.gathered, *self.query))
            self.query = None

    def handle_data(self, data: str) -> None:
        self.result.text += data if "style" not in self.open else ""
        if "small" not in self.open and "title" not in self.open:
            self.gathered += data

    def _record_attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.result.tags.add(tag)
        for name, value in attrs:
            self.result.attributes.append((tag, name, value or ""))
            if name == "id":
                self.result.ids.append(value or "")
            if tag == "a" and name == "href":
                self.result.links.append(value or "")
