"""The oracle against the expected rows of the worked case and of the public data: who checks must be checked first."""

from __future__ import annotations

import csv
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from . import KEYS, Row, numbers
from .case_files import read_case
from .history import Entry, History, Merge, MergeLoopError
from .journey import travel

CASES = Path(__file__).resolve().parent.parent / "cases"
QUARTER = CASES / "quarter"
TOTAL: Row = {"dimension": "all", "dimension_value": "all"}

HOSPITAL_END = "2016-01-31T23:59:59Z"
HOSPITAL_COMPARED = (
    "quality.row_accounting",
    "journey.stage_spans",
    "journey.cycles",
    "marts.conversion",
    "marts.stage_arrivals",
    "marts.stage_flow",
    "marts.time_in_stage",
    "marts.open_time_in_stage",
)
QUARTER_END = "2026-04-01T03:59:59Z"


@cache
def quarter() -> dict[str, list[Row]]:
    return numbers(*read_case(QUARTER / "funnel.toml", as_of=QUARTER_END))


@cache
def hospital(folder: Path) -> dict[str, list[Row]]:
    waterfall, history = read_case(folder / "hospital_billing" / "funnel.toml", as_of=HOSPITAL_END)
    return numbers(waterfall, history, tables=HOSPITAL_COMPARED, grains=("month", "all"))


def expected_rows(file: Path) -> list[tuple[str, ...]]:
    """The rows of an expected file without its header, sorted."""
    with file.open(newline="", encoding="utf-8") as lines:
        return sorted(tuple(row) for row in list(csv.reader(lines))[1:])


def header(file: Path) -> list[str]:
    with file.open(newline="", encoding="utf-8") as lines:
        return next(csv.reader(lines))


def as_written(value: Any) -> str:
    """The value as the expected files write it: rounded to six places, booleans in lower case, null as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(round(value, 6))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else str(value)


def written(rows: list[Row], columns: list[str], **only: Any) -> list[tuple[str, ...]]:
    """The given columns of the rows that hold these values, as an expected file has them."""
    chosen = [row for row in rows if all(row[column] == value for column, value in only.items())]
    return sorted(tuple(as_written(row[column]) for column in columns) for row in chosen)


def with_sums(rows: list[Row]) -> list[Row]:
    """Flow rows with all ways in and all ways out added up."""
    return [
        row
        | {
            "ins": sum(count for column, count in row.items() if column.startswith("in_")),
            "outs": sum(count for column, count in row.items() if column.startswith("out_")),
        }
        for row in rows
    ]


def with_open(tables: dict[str, list[Row]]) -> list[Row]:
    """All-time rows of time in stage with how many are still there."""
    totals = [row for row in tables["marts.open_time_in_stage"] if row["dimension"] == "all"]
    waiting = {row["stage"]: row["still_open"] for row in totals}
    return [
        row | {"still_open": waiting[row["stage"]]}
        for row in tables["marts.time_in_stage"]
        if (row["grain"], row["dimension"], row["next_stage"]) == ("all", "all", "all")
    ]


def chosen(tables: dict[str, list[Row]], file: Path) -> list[tuple[str, ...]]:
    """What the oracle says to an expected file, picked by the file's name."""
    columns = header(file)
    match file.stem:
        case "stage_spans":
            return written(tables["journey.stage_spans"], columns)
        case "conversion_month_all":
            return written(tables["marts.conversion"], columns, grain="month", **TOTAL)
        case "conversion_all_time":
            return written(tables["marts.conversion"], columns, grain="all", **TOTAL)
        case "stage_arrivals_all_time":
            return written(tables["marts.stage_arrivals"], columns, grain="all", **TOTAL)
        case "stage_flow_month":
            return written(with_sums(tables["marts.stage_flow"]), columns, grain="month", **TOTAL)
        case "time_in_stage_all_time":
            return written(with_open(tables), columns)
        case "lead_to_account_reached":
            return written(tables["marts.lead_to_account"], columns, grain="all", basis="reached", **TOTAL)
    raise AssertionError(f"no table is known for {file.name}")


QUARTER_TABLES = sorted(file.name for file in (QUARTER / "expected").glob("*.csv") if file.stem != "row_accounting")


@pytest.mark.parametrize("name", QUARTER_TABLES)
def test_the_quarter_comes_out_as_worked(name: str) -> None:
    """Sixteen leads by hand and by oracle give the same rows, all of them."""
    file = QUARTER / "expected" / name
    assert expected_rows(file) == chosen(quarter(), file)


def test_every_row_of_the_quarter_is_counted_once() -> None:
    """The dispositions are as worked and sum to the rows read."""
    file = QUARTER / "expected" / "row_accounting.csv"
    (accounting,) = quarter()["quality.row_accounting"]
    assert expected_rows(file) == written([accounting], header(file))
    counts = [count for column, count in accounting.items() if column not in ("input", "rows_read")]
    assert accounting["rows_read"] == sum(counts)


HOSPITAL_TABLES = ["conversion_all_time", "stage_arrivals_all_time", "time_in_stage_all_time"]


@pytest.mark.real
@pytest.mark.parametrize("name", HOSPITAL_TABLES)
def test_the_hospital_comes_out_as_published(name: str, shared_real: Path) -> None:
    """Ten thousand real cases give the expected rows, all of them."""
    file = shared_real / "hospital_billing" / "expected" / f"{name}.csv"
    assert expected_rows(file) == chosen(hospital(shared_real), file)


@pytest.mark.real
def test_the_hospital_flows_as_published(shared_real: Path) -> None:
    """The expected flow ends with the month of the last entry; ours goes on to that of as-of, where nothing moves."""
    file = shared_real / "hospital_billing" / "expected" / "stage_flow_month.csv"
    published = expected_rows(file)
    flow = chosen(hospital(shared_real), file)
    after = [tuple(row) for period, *row in flow if period > "2015-12-01"]
    before = [(stage, closing, "0", "0", closing) for period, stage, *_, closing in published if period == "2015-12-01"]
    assert published == [row for row in flow if row[0] <= "2015-12-01"]
    assert before == after


@pytest.mark.real
def test_every_row_of_the_hospital_is_counted_once(shared_real: Path) -> None:
    """Rows, leads and cycles are as many as published, and no other expected file is left unread."""
    file = shared_real / "hospital_billing" / "expected" / "totals.csv"
    tables = hospital(shared_real)
    (accounting,) = tables["quality.row_accounting"]
    accounting |= {
        "leads": len({row["lead_id"] for row in tables["journey.stage_spans"]}),
        "cycles": len(tables["journey.cycles"]),
    }
    assert expected_rows(file) == written([accounting], header(file))
    compared = sorted([*HOSPITAL_TABLES, "stage_flow_month", "totals"])
    assert compared == sorted(each.stem for each in file.parent.glob("*.csv"))


@pytest.mark.parametrize("table", KEYS)
def test_keys_are_unique_and_in_order(table: str) -> None:
    """No two rows share a key, and rows come sorted by it."""
    keys = [tuple((row[column] is not None, row[column]) for column in KEYS[table]) for row in quarter()[table]]
    assert sorted(set(keys)) == keys


def test_a_circle_of_merges_names_its_leads() -> None:
    """Two leads merged into each other can't be told apart, and that is an error."""
    waterfall, history = read_case(QUARTER / "funnel.toml", as_of=QUARTER_END)
    circle = History(history.as_of, (), (), merges=(Merge("L1", "L2"), Merge("L2", "L1")))
    with pytest.raises(MergeLoopError, match="L1, L2"):
        travel(waterfall, circle)


def test_a_row_of_an_earlier_load_is_redelivered_not_duplicate() -> None:
    """The same row in a later load of its input counts as redelivered, in the same load as duplicate."""
    waterfall, history = read_case(QUARTER / "funnel.toml", as_of=QUARTER_END)
    entered_at = datetime.fromisoformat("2026-01-05T14:00:00Z")
    rows = tuple(Entry("crm", load, row, "L01", "mql", entered_at) for load, row in ((1, 1), (1, 2), (2, 1)))
    placed = travel(waterfall, History(history.as_of, rows, ("crm",))).placed
    expected = ["kept", "duplicate", "redelivered"]
    assert expected == [row.disposition for row in placed]
