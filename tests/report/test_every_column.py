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

FATES = {
    "Entered": "entered",
    "Converted": "converted",
    "Passed over": "passed_over",
    "Lost": "lost",
    "Still open": "still_open",
}
LIMITS = {
    "Met": "met",
    "Breached": "breached",
    "Open, within": "open_within",
    "Open, overdue": "open_overdue",
    "Met share": "met_share",
}
DEPTHS = {"1 lead": "depth_1", "2": "depth_2", "3–4": "depth_3_4", "5+": "depth_5_plus"}
FLOW = {"Opening": "opening", "+ in": "ins", "− out": "outs", "= closing": "closing"}
FLOW |= {
    f"{way}: {word}": f"{way}_{word}"
    for way in ("in", "out")
    for word in (
        "new",
        "restored",
        "advanced",
        "sideways",
        "regressed",
        "held",
        "detoured",
        "exited",
        "returned",
        "deleted",
    )
}
Means = dict[str, str | tuple[str, ...]]
MEANS: dict[str, Means] = {
    "pair-months": {**FATES, "Rate, ever": "rate", "95 % interval": "rate_low", "Settled estimate": "settled_estimate"},
    "cut": FATES,
    "routes": {
        **FATES,
        "Rate, all cohorts": "rate",
        "Rate, final months": "mature_rate",
        "95 % interval": "mature_low",
    },
    "fates": {"Cycles": "units", "Share": "share"},
    "limits": LIMITS,
    "limit-months": LIMITS,
    "limit-owners": {
        **LIMITS,
        "95 % interval": "met_low",
        "Has now, within": "now_within",
        "Has now, overdue": "now_overdue",
    },
    "flow": FLOW,
    "balance": {
        "Opening": "opening",
        "+ new leads": "new_leads",
        "− deleted leads": "deleted_leads",
        "= closing": "closing",
    },
    "arrivals": {
        "Arrivals": "arrivals",
        "Through": "through",
        "Over": "over",
        "Began here": "began_here",
        "Arrivals at the stage before": "previous_arrivals",
        "Activity": "activity_rate",
    },
    "times": {
        "Completed stays": "completed",
        "Mean": "mean_days",
        "Median": "median_days",
        "90th percentile": "p90_days",
        "Open stays": "still_open",
        "Median age": "median_age_days",
        "90th percentile of age": "p90_age_days",
        "Median of all": "censored_median_days",
    },
    "depth": {
        "Leads": "leads",
        "with account": "leads_with_account",
        "without": "leads_without_account",
        "Accounts": "accounts",
        "Ratio": "ratio",
        **DEPTHS,
    },
    "depth-path": {
        "Accounts": "accounts",
        **DEPTHS,
        "Median": "median_depth",
        "Median, arrived by now": "median_reached",
    },
    "account-matching": {"Leads": "leads", "Share": "share"},
    "owners": {
        "Open": "open_leads",
        "Overdue": "overdue",
        "In a stage without limit": "without_limit",
        "Median age": "median_age_days",
        "Oldest": "oldest_age_days",
    },
    "owner": {"Since": "entered_date", "Age": "age_days", "Overdue by": "overdue_hours"},
    "accounting": {
        "Files": "loads",
        "Rows read": "rows_read",
        "= kept": "kept",
        "+ repeats": "repeats",
        "+ duplicates": "duplicates",
        "+ out of scope": "out_of_scope",
        "+ after as of": "after_as_of",
        "+ redelivered": "redelivered",
        "+ rejected": "rejected",
    },
    "unknown-stages": {"Rows": "entries", "Leads": "leads", "First": "first_date", "Last": "last_date"},
    "rejections": {"Rows": "rejected"},
    "dates": {"Leads": "leads", "Share": "share"},
    "coverage": {"Known": "known", "of stays": "stays", "Share": "share_known", "Different values": "distinct_values"},
    "settled-record": {
        "Judged": "estimates",
        "Held": "held",
        "Share": "held_share",
        "95 % interval": "held_low",
        "Fewer came": "below",
        "More came": "above",
        "Came − estimate, mean": "mean_miss",
    },
    "origins": {"Leads": "leads", "Share": "share"},
    "qualifications": {"Cycles": "cycles", "Share": "share"},
    "stages": {"Rank": "rank"},
    "summary": {
        "There now": "now",
        "Overdue": "overdue",
        "Came in": "ins",
        "Left": "outs",
        "At the month’s end": "closing",
        "To the next stage": "next_rate",
        "Median days": "median_days",
    },
    "volume-change": {
        "Arrivals, …": ("previous_arrivals", "latest_arrivals"),
        "Change": "said_change",
        "Median time, …": ("previous_median_days", "latest_median_days"),
        "Overdue now": "overdue",
    },
    "parts": {
        "n, …": ("previous_entered", "latest_entered"),
        "Share, …": ("previous_share", "latest_share"),
        "Rate, …": ("previous_rate", "latest_rate"),
        "Its own change": "own_change",
    },
    "pair-arrivals": {
        "Arrivals": "arrivals",
        "Through …": "through",
        "Over": "over",
        "Entered after": "entered_after",
        "Without …": "share_without",
    },
    "ways-in": {"Stays": "moves", "Share": "share", "Median": "median_days"},
    "ways-out": {"Stays": "moves", "Share": "share", "Median": "median_days"},
    "lengths": {"Stays that ended": "ended", "Open, by age": "waiting", "Share": ("ended_share", "waiting_share")},
    "time-months": {"Stays that ended": "completed", "Median": "median_days"},
    "accounts-now": {"Accounts": "accounts", "Share": "share", "Their leads": "leads"},
    "largest-accounts": {"Leads": "leads", "On the path or on hold": "leads_open"},
    "gate": {"Since": "entered_date", "Age": "age_days"},
    "ages": {"Entered": "entered"},
    "losses": {"Entered": "entered"},
    "mix": {"Entered": "cohort"},
}
"""Table without its number → heading → column of the query. Other headings have no numbers.

`…` stands for any words, for example a month; the first of several columns is under the first such heading.
"""
MADE = {
    "volume-change": "select *, case when is_enough then change end as said_change from ({query})",
    "parts": "select *, case when is_enough then latest_rate - previous_rate end as own_change from ({query})",
    "pair-arrivals": "select *, (over + entered_after) / nullif(arrivals, 0) as share_without from ({query})",
    "accounts-now": "select *, accounts / nullif(all_accounts, 0) as share from ({query})",
    "lengths": """
        select
            class_label,
            max(stays) filter (where basis = 'completed') as ended,
            max(share) filter (where basis = 'completed') as ended_share,
            max(stays) filter (where basis = 'open') as waiting,
            max(share) filter (where basis = 'open') as waiting_share
        from ({query})
        group by class_label
        """,
    "losses": "select month_start, sum(units) as entered from ({query}) group by month_start",
}
"""Table → how its columns are computed from the rows of the printed query, if they are no columns of it."""
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
DERIVED = {
    "pair-months": ("Within", "0 to 100 %", "Month"),
    "cut": ("n, final months", "Within", "95 % interval", "0 to 100 %"),
    "limits": ("Limit", "All stays"),
    "owners": ("Overdue in open",),
    "owner": ("Limit", "Account"),
    "rejections": ("First row numbers",),
    "settled-record": ("Given between",),
    "stages": ("Limit", "What it means", "Values that name it"),
    "unknown-stages": ("As delivered", "Nearest known"),
    "dates": ("Examples",),
    "accounting": ("Adds up",),
    "parts": ("Mix", "Rates", "Together"),
    "": ("Type", "Meaning"),
}
"""Headings, or their beginnings, of cells from several columns or rows: test_every_number.py tests them."""


@pytest.fixture(scope="module")
def database(sample: Sample) -> Iterator[numbers.Database]:
    connection = query.open_published(sample.output)
    yield numbers.Database(connection)
    connection.close()


def test_every_cell_equals_its_column(sample: Sample, database: numbers.Database) -> None:
    """For every table row, one query row equals all its cells under their headings."""
    wrong = []
    checked = 0
    for file in sample.pages:
        for table in numbers.page_of(file.read_text("utf-8")).find("table"):
            name = _name(table)
            if name in CROSSED:
                continue
            printed = numbers.query_of(table)
            if name in MADE:
                printed = MADE[name].format(query=printed)
            for row in table.find("tbody")[0].elements:
                cells = _cells(table, row, MEANS.get(name, {}))
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


def test_every_heading_is_known(sample: Sample) -> None:
    """Every column with numbers is listed here with its meaning."""
    unknown = set()
    for file in sample.pages:
        for table in numbers.page_of(file.read_text("utf-8")).find("table"):
            name = _name(table)
            if name in CROSSED:
                continue
            for row in table.find("tbody")[0].elements:
                for heading, cell in list(zip(_headings(table), row.elements, strict=False))[1:]:
                    known = bool(_columns([heading], MEANS.get(name, {}))) or heading.startswith(DERIVED.get(name, ()))
                    known = known or name in ACROSS
                    if numbers.tokens(numbers.cell_words(cell)) and not known:
                        unknown.add((name, heading))
    assert set() == unknown


def _name(table: Node) -> str:
    """The key of a table without the number of its pair or stage, and without its dimension."""
    name = table.attributes.get("id", "").removeprefix("table-")
    of_dimension = re.fullmatch(r"(cut|mix|parts)-.*", name)
    return of_dimension[1] if of_dimension else re.sub(r"-(\d+|all)$", "", name)


def _headings(table: Node) -> list[str]:
    return [heading.words.strip() for heading in table.find("thead")[0].find("th")]


def _cells(table: Node, row: Node, means: Means) -> dict[str, str]:
    """Column of the query → the number under its heading."""
    columns = _columns(_headings(table), means)
    return {columns[place]: numbers.cell_words(cell) for place, cell in enumerate(row.elements) if place in columns}


def _columns(headings: list[str], means: Means) -> dict[int, str]:
    """Position of a heading → column, for headings with one."""
    columns = {}
    for pattern, names in means.items():
        heading_pattern = re.compile(re.escape(pattern).replace("…", ".+"))
        places = [place for place, heading in enumerate(headings) if heading_pattern.fullmatch(heading)]
        columns |= dict(zip(places, (names,) if isinstance(names, str) else names, strict=False))
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
    if value is None or not shown_numbers:
        return not shown_numbers and (value is None or (name == "rate_low" and not row["is_mature"]))
    if isinstance(value, int | float) and words.startswith(text.MINUS) != (value < 0):
        return False
    hours = isinstance(value, float) and name.endswith("_hours")
    return shown_numbers[0] in numbers.forms(value / 24 if hours else value)  # type: ignore[operator]
