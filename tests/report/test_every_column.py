"""Every table column equals the query column of its heading, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline.explore import query
from pipeline.report import text
from tests.report import numbers
from tests.report.tree import Node
from tests.sample import Sample

COMPUTED: dict[str, tuple[str, dict[str, str]]] = {
    "parts": (
        "select *, case when is_enough then latest_rate - previous_rate end as own_change from ({query})",
        {"Its own change": "own_change"},
    ),
    "pair-arrivals": (
        "select *, (over + entered_after) / nullif(arrivals, 0) as share_without from ({query})",
        {"Without ": "share_without"},
    ),
    "accounts-now": (
        "select *, accounts / nullif(all_accounts, 0) as share from ({query})",
        {"Share": "share"},
    ),
    "lengths": (
        """
        select
            class_label,
            max(stays) filter (where basis = 'completed') as stays,
            max(share) filter (where basis = 'completed') as share,
            max(stays) filter (where basis = 'open') as waiting
        from ({query})
        group by class_label
        """,
        {"Open, by age": "waiting"},
    ),
    "losses": ("select month_start, sum(units) as entered from ({query}) group by month_start", {}),
}
"""Table → a query on its printed query that computes what cells show beside columns, and heading (its start) → column."""
FATE_WORDS = {
    "converted": r"Went on to .+",
    "passed_over": r"Passed over .+",
    "exited": r"Lost to {stage}",
    "detoured": r"Lost to {stage}, may come back",
    "regressed": r"Lost: moved back to {stage}",
    "deleted": r"Lost: deleted in the source",
    "completed": r"Lost: completed without .+",
    "overdue": r"Still open in {stage}, overdue",
    "within_limit": r"Still open in {stage}, within its limit",
    "no_limit": r"Still open in {stage}, which has no limit",
}
ACROSS: dict[str, tuple[Callable[[numbers.Row], str], str, Callable[[Any], str]]] = {
    "ages": (lambda row: rf"{row['age_days']}\W+d", "rate", text.rate),
    "mix": (
        lambda row: re.escape(row["dimension_value"] or text.plural(row["values_inside"], "other value")),
        "entered",
        text.count,
    ),
    "losses": (
        lambda row: FATE_WORDS[row["reason"]].format(stage=re.escape(row["stage_label"] or "a stage unknown")),
        "units",
        text.count,
    ),
}
"""Table with months as rows and values as columns → (the heading of a query row, its column, its format)."""
CROSSED = frozenset({"grid", "ratio-months", "personas-now", "personas-arrived"})
"""Tables whose columns are values of a query column: test_every_number.py and the golden files test them."""
COMBINED = {
    "pair-months": ("Within",),
    "cut": ("n, final months", "Within", "95% interval"),
    "limits": ("Limit",),
    "times": ("Limit",),
    "ways": ("Way to count", "Months", "Against"),
    "arrivals": ("Conversion",),
    "lengths": ("Share",),
    "rejections": ("First row numbers",),
    "settled-record": ("Given between",),
    "stages": ("Limit", "Values that name it"),
    "unknown-stages": ("Nearest known",),
    "parts": ("Mix", "Rates", "Together"),
    "": ("Type", "Meaning"),
}
"""Headings (their start) of cells from several columns or rows: test_every_number.py tests them."""


@pytest.fixture(scope="module")
def database(sample: Sample) -> Iterator[numbers.Database]:
    connection = query.open_published(sample.output)
    yield numbers.Database(connection)
    connection.close()


def test_every_cell_equals_its_column(sample: Sample, database: numbers.Database) -> None:
    """A column heading names the column of the query, and for every table row one query row equals all its cells."""
    wrong = []
    checked = 0
    for file in sample.pages:
        for table in numbers.page_of(file.read_text("utf-8")).find("table"):
            name = _name(table)
            if name in CROSSED:
                continue
            printed = numbers.query_of(table)
            if name in COMPUTED:
                printed = COMPUTED[name][0].format(query=printed)
            columns = _columns(table)
            for row in table.find("tbody")[0].elements:
                if "nothing" in row.elements[0].classes:
                    continue
                cells = {column: numbers.cell_words(row.elements[place]) for place, column in columns.items()}
                if "total" not in row.classes and cells and numbers.heading_of(row) != "Earlier months":
                    assert printed, f"{file.name}: {name} has no query"
                    checked += len(cells)
                    wrong += [] if _has_row(database, printed, row, cells) else [(file.name, name, cells)]
    assert [] == wrong
    assert checked > 2000


def test_every_cell_of_a_month_equals_its_value(sample: Sample, database: numbers.Database) -> None:
    """In a table of months by values each cell equals the row of its month and value; sums of months are sums of rows."""
    wrong = []
    checked = 0
    for file in sample.pages:
        for table in numbers.page_of(file.read_text("utf-8")).find("table"):
            if _name(table) not in ACROSS:
                continue
            word, column, format_value = ACROSS[_name(table)]
            printed = numbers.query_of(table)
            assert printed, f"{file.name}: {_name(table)} has no query"
            answered = database.cached_rows(printed)
            shown_months = {numbers.heading_of(row) for row in table.find("tbody")[0].elements}
            for row in table.find("tbody")[0].elements:
                month = numbers.heading_of(row)
                for heading, cell in list(zip(_headings(table), row.elements, strict=True))[2:]:
                    if "chart" in cell.classes:
                        continue
                    matching = [
                        each[column]
                        for each in answered
                        if re.fullmatch(word(each), heading)
                        and (month in (text.month(each["month_start"]), "All months")
                             or (month == "Earlier months" and text.month(each["month_start"]) not in shown_months))
                    ]  # fmt: skip
                    checked += 1
                    expected = (
                        format_value(sum(matching)) if column == "units" else _format_only(matching, format_value)
                    )
                    wrong += [] if numbers.cell_words(cell) == expected else [(file.name, month, heading, expected)]
    assert [] == wrong
    assert checked > 500


def _format_only(matching: list[Any], format_value: Callable[[Any], str]) -> str:
    """The format of the only value; empty if it is not known yet."""
    (value,) = matching
    return "" if value is None else format_value(value)


def test_every_number_has_a_column(sample: Sample) -> None:
    """A column with numbers names its column of the query, or is listed here."""
    unknown = set()
    for file in sample.pages:
        for table in numbers.page_of(file.read_text("utf-8")).find("table"):
            name = _name(table)
            if name in CROSSED or name in ACROSS:
                continue
            columns = _columns(table)
            for row in table.find("tbody")[0].elements:
                for place, (heading, cell) in list(enumerate(zip(_headings(table), row.elements, strict=False)))[1:]:
                    is_known = "chart" in cell.classes or place in columns or heading.startswith(COMBINED.get(name, ()))
                    if numbers.tokens(numbers.cell_words(cell)) and not is_known:
                        unknown.add((name, heading))
    assert set() == unknown


def _name(table: Node) -> str:
    """The key of a table without the number of its pair or stage, and without its dimension."""
    name = table.attributes.get("id", "").removeprefix("table-")
    of_dimension = re.fullmatch(r"(cut|mix|parts)-.*", name)
    return of_dimension[1] if of_dimension else re.sub(r"-(\d+|all)$", "", name)


def _headings(table: Node) -> list[str]:
    return [heading.words.strip() for heading in table.find("thead")[0].find("th")]


def _columns(table: Node) -> dict[int, str]:
    """Position of a heading → column of the query. The first cell is the heading of its row."""
    computed = COMPUTED.get(_name(table), ("", {}))[1]
    columns = {}
    for place, heading in enumerate(table.find("thead")[0].find("th")):
        column = heading.attributes.get("data-column") or next(
            (column for start, column in computed.items() if heading.words.strip().startswith(start)), ""
        )
        if column and place:
            columns[place] = column
    return columns


def _has_row(database: numbers.Database, printed: str, row: Node, cells: dict[str, str]) -> bool:
    """Whether a query row, with this heading if any row has it, has all of these values."""
    heading = numbers.heading_of(row)
    rows = list(zip(database.cached_rows(printed), database.cached_forms(printed), strict=True))
    matching = [values for values, row_forms in rows if heading in row_forms] or [values for values, _ in rows]
    return any(all(_cell_equals(words, name, values) for name, words in cells.items()) for values in matching)


def _cell_equals(words: str, name: str, row: numbers.Row) -> bool:
    """Whether a cell equals this column; a cell of two bounds begins with the lower one, and a null is a dash."""
    value = row[name]
    shown_numbers = numbers.tokens(words)
    if isinstance(value, str | list):
        return not shown_numbers or words == (value if isinstance(value, str) else " ".join(value))
    if value is None or not shown_numbers:
        return not shown_numbers and (value is None or (name == "rate_low" and not row["is_mature"]))
    if isinstance(value, int | float) and words.startswith(text.MINUS) != (value < 0):
        return False
    hours = isinstance(value, float) and name.endswith("_hours")
    return shown_numbers[0] in numbers.forms(value / 24 if hours else value)  # type: ignore[operator]
