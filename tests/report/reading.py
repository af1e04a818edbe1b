"""A page as a reader's program sees it: its tags in order, its tables, its anchors, the queries that it prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import duckdb

VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})
WITHOUT_CHILDREN = frozenset({"rect", "line", "path", "circle"})


@dataclass
class Read:
    """What was found on a page."""

    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    queries: list[tuple[str, str, str]] = field(default_factory=list)
    """(SQL, column, value of that column in the first row, as text)."""
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    """Rows of cells by the table's id; a cell's small second line is left out."""
    terms: list[tuple[str, str]] = field(default_factory=list)
    """(dt, dd) pairs of the headline equations, in order."""
    tags: set[str] = field(default_factory=set)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    unclosed: list[str] = field(default_factory=list)
    text: str = ""


def read(html: str) -> Read:
    """Parse a page. AssertionError when a tag closes that isn't the open one."""
    parser = _Page()
    parser.feed(html)
    parser.close()
    parser.found.unclosed = parser.open
    return parser.found


@dataclass
class ReadSite:
    """All pages of a site, and what they hold together."""

    pages: dict[str, Read]
    folder: Path | None = None
    """Where they lie, when they were read from files: links may then lead to other reports there."""

    @property
    def tables(self) -> dict[str, list[list[str]]]:
        """The tables of all pages by id; a table that stands on two pages says the same on both."""
        found: dict[str, list[list[str]]] = {}
        for page in self.pages.values():
            for name, table in page.tables.items():
                assert found.setdefault(name, table) == table, f"{name} differs between pages"
        return found

    @property
    def terms(self) -> list[tuple[str, str]]:
        """(dt, dd) of the index."""
        return self.pages["index.html"].terms

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

    def dead_links(self) -> list[tuple[str, str]]:
        """(page, link) of every link that leads to no page of the site or to no id on it; files beside them are not read."""
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
    """Parse every page in a folder; the mail about them is none of them."""
    pages = [path for path in sorted(folder.glob("*.html")) if path.name != "email.html"]
    return ReadSite({path.name: read(path.read_text("utf-8")) for path in pages}, folder)


def plain(text: str) -> int:
    """A count as shown, as a number."""
    return int(text.replace("\u202f", "").replace("−", "-"))


def unanswered(page: Read | ReadSite, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The queries of a page that fail, or whose first row says something else than the page promises."""
    wrong = []
    for sql, column, value in page.queries:
        answer = connection.execute(sql)
        names = [each[0] for each in answer.description or []]
        first = answer.fetchone()
        actual = "" if first is None else str(first[names.index(column)])
        if actual != value:
            wrong.append(sql)
    return wrong


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = Read()
        self.open: list[str] = []
        self.query: tuple[str, str] | None = None
        self.table = ""
        self.gathered = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)
        given = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th", "dt", "dd"):
            self.gathered = ""
        if tag == "table" and "id" in given:
            self.table = given["id"]
            self.found.tables[self.table] = []
        if tag == "tr" and self.table:
            self.found.tables[self.table].append([])
        if tag == "code" and given.get("class") == "query":
            self.query = (given["data-column"], given["data-value"])
            self.gathered = ""
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.found.headings.append(int(tag[1]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> at line {self.getpos()[0]} closes another tag"
        if tag == "table":
            self.table = ""
        if tag in ("td", "th") and self.table:
            self.found.tables[self.table][-1].append(self.gathered)
        if tag == "dt":
            self.term = self.gathered
        if tag == "dd":
            self.found.terms.append((self.term, self.gathered.strip()))
        if tag == "code" and self.query is not None:
            self.found.queries.append((self.gathered, *self.query))
            self.query = None

    def handle_data(self, data: str) -> None:
        self.found.text += data if "style" not in self.open else ""
        if "small" not in self.open and "title" not in self.open:
            self.gathered += data

    def _seen(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.tags.add(tag)
        for name, value in attrs:
            self.found.attributes.append((tag, name, value or ""))
            if name == "id":
                self.found.ids.append(value or "")
            if tag == "a" and name == "href":
                self.found.links.append(value or "")
