"""Every column of every table says what its heading says: each cell is that column of the query's row, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from pipeline import query
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
    for word in ("new", "advanced", "sideways", "regressed", "held", "detoured", "exited", "returned", "deleted")
}
MEANS: dict[str, dict[str, str]] = {
    "pair-months": {**FATES, "Rate, ever": "rate", "95 % interval": "rate_low", "Settled estimate": "settled_estimate"},
    "cut": FATES,
    "routes": {
        **FATES,
        "Rate, all cohorts": "rate",
        "Rate, mature months": "mature_rate",
        "95 % interval": "mature_low",
    },
    "fates": {"Cycles": "units", "Share": "share"},
    "limits": LIMITS,
    "limit-months": LIMITS,
    "limit-owners": {**LIMITS, "Has now, within": "now_within", "Has now, overdue": "now_overdue"},
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
}
"""Table without its number → heading → column of the query. A heading that is not here says nothing countable."""
CROSSED = frozenset({"grid", "ratio-months", "personas-now", "personas-arrived"})
"""Tables whose columns are values of a row's column: test_every_number.py and the gold pages hold them."""
DERIVED = {
    "pair-months": ("Within", "0 to 100 %", "Month"),
    "cut": ("n, mature months", "Rate, mature months", "95 % interval", "0 to 100 %"),
    "limits": ("Limit", "All stays"),
    "owners": ("Overdue in open",),
    "owner": ("Limit", "Account"),
    "rejections": ("First row numbers",),
    "settled-record": ("Given between",),
    "stages": ("Limit", "What it means", "Values that name it"),
    "unknown-stages": ("As delivered", "Nearest known"),
    "dates": ("Examples",),
    "accounting": ("Adds up",),
}
"""Headings, or what they begin with, whose cells are made of several columns or rows: test_every_number.py holds them."""


@pytest.fixture(scope="module")
def database(sample: Sample) -> Iterator[numbers.Database]:
    connection = query.open_published(sample.output)
    yield numbers.Database(connection)
    connection.close()


def test_every_cell_is_its_column(sample: Sample, database: numbers.Database) -> None:
    """Row by row there is a row of the query whose columns are the cells under their headings, all of them at once."""
    wrong = []
    checked = 0
    for file in sample.pages:
        for table in numbers.page_of(file.read_text("utf-8")).find("table"):
            name = _name(table)
            if name in CROSSED:
                continue
            printed = numbers.query_of(table)
            for row in table.find("tbody")[0].elements:
                cells = _cells(table, row, MEANS.get(name, {}))
                if "total" not in row.classes and cells:
                    assert printed, f"{file.name}: {name} has no query"
                    checked += len(cells)
                    wrong += [] if _is_answered(database, printed, row, cells) else [(file.name, name, cells)]
    assert [] == wrong
    assert checked > 2000


def test_every_heading_is_known(sample: Sample) -> None:
    """No column with numbers stands on a page without a word here about what it means."""
    unknown = set()
    for file in sample.pages:
        for table in numbers.page_of(file.read_text("utf-8")).find("table"):
            name = _name(table)
            if name in CROSSED:
                continue
            headings = [heading.words.strip() for heading in table.find("thead")[0].find("th")]
            for row in table.find("tbody")[0].elements:
                for heading, cell in list(zip(headings, row.elements, strict=False))[1:]:
                    known = heading in MEANS.get(name, {}) or heading.startswith(DERIVED.get(name, ()))
                    if numbers.tokens(numbers.cell_words(cell)) and not known:
                        unknown.add((name, heading))
    assert set() == unknown


def _name(table: Node) -> str:
    """The key of a table without the number of its pair or stage, and without its dimension."""
    name = re.sub(r"-(\d+|all)$", "", table.attributes.get("id", "").removeprefix("table-"))
    return "cut" if name.startswith("cut-") else name


def _cells(table: Node, row: Node, means: dict[str, str]) -> dict[str, str]:
    """Column of the query → the number that stands under its heading."""
    headings = [heading.words.strip() for heading in table.find("thead")[0].find("th")]
    pairs = zip(headings, row.elements, strict=False)
    return {means[heading]: numbers.cell_words(cell) for heading, cell in pairs if heading in means}


def _is_answered(database: numbers.Database, printed: str, row: Node, cells: dict[str, str]) -> bool:
    """Whether a row of the query has this heading, when any has it, and all of these values."""
    heading = numbers.heading_of(row)
    rows = list(zip(database.asked(printed), database.written(printed), strict=True))
    found = [values for values, written in rows if heading in written] or [values for values, _ in rows]
    return any(all(_says(words, name, values) for name, words in cells.items()) for values in found)


def _says(words: str, name: str, row: numbers.Row) -> bool:
    """Whether a cell writes this column; a cell of two bounds begins with the lower one, and nothing is a dash."""
    value = row[name]
    shown = numbers.tokens(words)
    if value is None or not shown:
        return not shown and (value is None or (name == "rate_low" and not row["is_mature"]))
    hours = isinstance(value, float) and name.endswith("_hours")
    return shown[0] in numbers.forms(value / 24 if hours else value)  # type: ignore[operator]
