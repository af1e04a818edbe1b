"""Compares the numbers of a page with the database.

A number must be in the rows of the query that is printed for its figure, or of the questions below for text without a
printed query. Text, and attributes that screen readers read, count alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

import duckdb

from pipeline.report import text
from tests.report.tree import Node, parse_tree

THIN = text.THIN
TOKEN = re.compile(
    rf"\d{{4}}-\d\d-\d\d|(?:{'|'.join(text.MONTHS)}) (?:\d{{4}}|’\d\d)"
    rf"|(?<![\w.])(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+)(?:\.\d+)?(?:%|{THIN}(?:pts|h|d|:{THIN}1)(?!\w))?(?![\w])"
)
"""A date, a month, or a number with its unit. Digits next to letters are a word: an id, `90th`."""
RANGE = re.compile(r"(\d[\d.,]*)–(?=[<>]?\d[\d.,]*%)")
"""The lower bound of an interval; the per cent sign is after the upper one."""
DIFFERENCE = re.compile(rf"(\d[\d.]*) to (?=[+−±]\d[\d.]*{THIN}pts)")
"""The lower bound of the interval of a difference; the unit is after the upper one."""

SAID = re.compile(
    r"95% interval|about 95% is expected|[Mm]ay exceed 100%|0 to 100%|1:1 and 5:1|fewer than 20[ .]|contains 0\."
    r"|1\.96²|(?:a day has|days of) 86,400 s|Kitagawa 1955|Newcombe 1998"
    r"|the query gives up to 25 months, the table the last 12|the years 2000 to 2099|difference excludes 0"
    r"|(?<![\d.])3–4(?![\d.])|5 or more|^5\+$|^1 lead$|1 lead:|(?:^|; )2:"
)
"""Words with digits that are no figures: names of measures, edges of classes."""
ORDINALS = ("_no",)
"""Ends of columns that number things and that no page prints."""
UNREAD = frozenset({"style", "pattern", "pre", "head"})
ALOUD = ("aria-label", "title")

Row = dict[str, Any]


@dataclass(frozen=True)
class Printed:
    """A text with numbers, and its element."""

    where: Node
    words: str


class Database:
    """The published file, with cached queries."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.cached_rows = cache(self._rows)
        stages = self.cached_rows("select stage_no, stage from waterfall.stages")
        self.stages = {str(row["stage_no"]): str(row["stage"]) for row in stages}
        self.cached_forms = cache(self._row_forms)
        self.pool = cache(self._pool)

    def _rows(self, sql: str) -> tuple[Row, ...]:
        """The rows of a query."""
        answer = self.connection.execute(sql)
        names = [column[0] for column in answer.description or []]
        return tuple(dict(zip(names, row, strict=True)) for row in answer.fetchall())

    def _row_forms(self, sql: str) -> tuple[frozenset[str], ...]:
        """For each row of a query, every form of its values on a page."""
        return tuple(
            frozenset().union(
                *(
                    forms(value / 24 if name.endswith("_hours") and value else value)
                    for name, value in row.items()
                    if not name.endswith(ORDINALS)
                )
            )
            for row in self.cached_rows(sql)
        )

    def _pool(self, sql: str, heading: str) -> frozenset[str]:
        """The forms of the rows with this heading, or of all rows if no row has it."""
        rows = self.cached_forms(sql)
        matching = [row for row in rows if heading in row]
        return frozenset().union(*(matching or rows))


def of_all_leads(sql: str) -> str:
    """A question of a test, over the rows of the report of all leads in tables of schema report."""
    return re.sub(r"\b(from|join) (report\.\w+)", r"\1 (from \2 where report = 'all')", sql)


def tokens(words: str) -> list[str]:
    """The numbers in a text, with their units."""
    whole = RANGE.sub(r"\1% – ", SAID.sub(" ", words.replace(f"{THIN}points", f"{THIN}pts")))
    return TOKEN.findall(DIFFERENCE.sub(rf"\1{THIN}pts to ", whole))


def forms(value: Any) -> frozenset[str]:
    """Every form in which a page may write a value."""
    if isinstance(value, list | tuple):
        return frozenset(map(str, value))
    return _forms(value)


@lru_cache(maxsize=None, typed=True)
def _forms(value: Any) -> frozenset[str]:
    if value is None or isinstance(value, bool):
        return frozenset()
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return frozenset((text.day(value), text.month(value), text.short_month(value)))
    if isinstance(value, int):
        return frozenset((text.count(value), text.count(abs(value))))
    if isinstance(value, Decimal | float):
        number = float(value)
        cached_forms = (
            text.rate(number),
            text.percent(number),
            text.points(number),
            text.days(number),
            text.whole_days(number),
            text.ratio(number),
            text.number(number),
        )
        return frozenset(token for each in cached_forms for token in tokens(each))
    return frozenset((value, *tokens(value))) if isinstance(value, str) else frozenset()


def printed(page: Node) -> Iterator[Printed]:
    """Every text of a page with a number, and every such attribute that screen readers read."""
    for node in page.walk():
        texts = [words for words in (node.own_words, *map(node.attributes.get, ALOUD)) if words and tokens(words)]
        if texts and not any(each.tag in UNREAD for each in node.ancestors()):
            yield from (Printed(node, words) for words in texts)


def query_of(node: Node) -> str | None:
    """The query that is printed for a figure: in the footnote of its table, else of the closest element with one."""
    for inner in node.ancestors():
        if "source" in inner.classes:
            return _query(inner)
        if {"scroll", "note"} & set(inner.classes) and inner.parent is not None:
            for each in _after(inner):
                if "source" in each.classes:
                    return _query(each)
                if "note" not in each.classes:
                    break
        if "figure" in inner.classes:
            return _query(inner.find("details", "source")[0])
        own = [each for each in inner.elements if "source" in each.classes and not _is_of_a_table(each)]
        if own:
            return _query(own[0])
    return None


def _query(source: Node) -> str:
    return source.find("code", "query")[0].words


def _after(node: Node) -> list[Node]:
    assert node.parent is not None
    beside = node.parent.elements
    return beside[beside.index(node) + 1 :]


def _is_of_a_table(source: Node) -> bool:
    """Whether a footnote belongs to a table."""
    assert source.parent is not None
    before = source.parent.elements[: source.parent.elements.index(source)]
    return any("scroll" in each.classes for each in [*(e for e in reversed(before) if "note" not in e.classes)][:1])


def heading_at(each: Printed) -> str:
    """The subject of a number: the heading of its row or line, else the start of its text, as in `Jan 2025: 3`."""
    table_row = next((node for node in each.where.ancestors() if node.tag == "tr"), None)
    if table_row is not None:
        return heading_of(table_row)
    named = next((name for node in each.where.ancestors() if node.tag == "li" for name in _names(node)), "")
    if named and ": " not in each.words:
        return named
    beginning = each.words.partition(": ")[0].strip()
    return "" if beginning.isdigit() else beginning


def _names(item: Node) -> list[str]:
    """The names of a legend entry or a chart line."""
    return [each.words.strip() for each in item.elements if each.tag == "bdi" or "name" in each.classes]


def heading_of(table_row: Node) -> str:
    """The first cell of a row, without small lines and without the mark of an incomplete month."""
    return cell_words(table_row.elements[0]).removesuffix(text.PARTIAL_SUFFIX)


def cell_words(cell: Node) -> str:
    """The main line of a cell."""
    return "".join(each.words for each in cell.elements if each.tag in ("bdi", "a")) or cell.own_words


def page_of(html: str) -> Node:
    """The tree of the <body> of a page."""
    return parse_tree(html).find("body")[0]
