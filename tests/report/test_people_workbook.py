"""funnel.xlsx, the workbook for people: every cell equals the database, and headings are words."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import duckdb
import openpyxl
import pytest

from pipeline.config.configuration import Personal
from pipeline.explore import query
from pipeline.privacy.masking import masked
from pipeline.privacy.pseudonyms import Pseudonyms
from pipeline.report.outputs import people_sheets
from pipeline.report.outputs.people_workbook import write_people_workbook
from tests.sample import Sample
from tests.sql.harness import records

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def database(sample: Sample) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = query.open_published(sample.output)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def book(sample: Sample) -> openpyxl.Workbook:
    return openpyxl.load_workbook(sample.output / "reports" / "funnel.xlsx")


def lines(book: openpyxl.Workbook, name: str) -> Lines:
    """The rows of a sheet by heading; dates are dates."""
    headings, *rows = book[name].iter_rows(min_row=3, values_only=True)
    return [
        {
            str(heading): value.date() if isinstance(value, datetime) else value
            for heading, value in zip(headings, row, strict=True)
        }
        for row in rows
    ]


def column(rows: Lines, name: str) -> list[Any]:
    return [row[name] for row in rows]


def test_the_sheets_are_those_that_people_look_for(book: openpyxl.Workbook) -> None:
    """A summary first, three sheets for each headline pair, then the lists and the notes."""
    assert [
        "Summary", "MQL to SAL by month", "MQL to SAL by lead source", "MQL to SAL by owner", "MQL to SQL by month",
        "MQL to SQL by lead source", "MQL to SQL by owner", "Overdue", "Leads", "Notes",
    ] == book.sheetnames  # fmt: skip


def test_headings_are_words_and_numbers_have_formats(book: openpyxl.Workbook) -> None:
    """No heading is a column name, a rate is a percentage, and a date is a date."""
    for sheet in book:
        for heading, *cells in sheet.iter_cols(min_row=3):
            assert re.fullmatch(r"[A-Z0-9][^_]*", str(heading.value)), heading
            kinds = {type(cell.value) for cell in cells if cell.value is not None}
            if kinds == {datetime}:
                assert {"mmm yyyy", "mmm d, yyyy"} >= {cell.number_format for cell in cells if cell.value is not None}
            if kinds & {float} and ("ate" in str(heading.value) or heading.value == "Target"):
                assert {"0.0%"} == {cell.number_format for cell in cells if cell.value is not None}, heading


def test_the_summary_is_the_headline_rate(book: openpyxl.Workbook, database: duckdb.DuckDBPyConnection) -> None:
    """Counts, rate, target and both comparisons equal report.headline_change, and each pair has a chart."""
    summary = lines(book, "Summary")
    for base, prefix, change in (
        ("before", "Months before", "Change in points"),
        ("year", "A year ago", "Change on a year ago in points"),
    ):
        expected = records(
            database,
            f"from report.headline_change where report = 'all' and base = '{base}' order by headline_no",
        )
        assert [f"{row['from_label']} to {row['to_label']}" for row in expected] == column(summary, "From and to")
        for heading, name in (
            ("First month", "first_month"), ("Last month", "last_month"), ("Came in", "entered"),
            ("Converted", "converted"), ("Rate", "rate"), ("Target", "target"), (f"{prefix}: came in", "base_entered"),
            (f"{prefix}: converted", "base_converted"), (f"{prefix}: rate", "base_rate"),
        ):  # fmt: skip
            assert pytest.approx(column(expected, name)) == column(summary, heading) or column(
                expected, name
            ) == column(summary, heading)
        assert pytest.approx([100 * each for each in column(expected, "change")]) == column(summary, change)
    assert 2 == len(book["Summary"]._charts)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("pair", "from_stage", "to_stage", "days"), [("SAL", "mql", "sal", 30), ("SQL", "mql", "sql", 90)]
)
def test_months_are_the_cohorts(
    book: openpyxl.Workbook, database: duckdb.DuckDBPyConnection, pair: str, from_stage: str, to_stage: str, days: int
) -> None:
    """Each month has its counts; the rate of a month that is not final is in a column of its own."""
    cohorts = {
        row["cohort_start"]: row
        for row in records(
            database,
            "select cohorts.* from marts.month_cohorts as cohorts join waterfall.pairs as pairs using (pair_no)"
            f" where pairs.from_stage = '{from_stage}' and pairs.to_stage = '{to_stage}' and dimension = 'all'"
            f" and window_days = {days}",
        )
    }
    sheet = lines(book, f"MQL to {pair} by month")
    assert sorted(cohorts) == column(sheet, "Month")
    for row in sheet:
        cohort = cohorts[row["Month"]]
        shown, other = ("Rate", "Rate so far") if cohort["is_mature"] else ("Rate so far", "Rate")
        names = ("entered", "converted", "passed_over", "lost", "still_open")
        headings = ("MQL", f"{pair} in time", "Passed over", "Lost", "Still open")
        assert [cohort[name] for name in names] == [row[heading] for heading in headings]
        assert (pytest.approx(cohort["rate"]), None) == (row[shown], row[other])
    assert {"final", "not final"} == set(column(sheet, "State"))


def test_values_add_up_to_the_headline_rate(book: openpyxl.Workbook, database: duckdb.DuckDBPyConnection) -> None:
    """The rows of a dimension are those of report.value_rates; their counts add up to the summary."""
    for row in lines(book, "Summary"):
        to_label = str(row["From and to"]).rpartition(" ")[2]
        for dimension, heading in (("lead_source", "Lead source"), ("owner", "Owner")):
            sheet = lines(book, f"{row['From and to']} by {heading.lower()}")
            expected = records(
                database,
                f"from report.value_rates where report = 'all' and dimension = '{dimension}'"
                f" and to_stage = '{to_label.lower()}' order by value_no",
            )
            assert [each or "all others" for each in column(expected, "dimension_value")] == column(sheet, heading)
            assert column(expected, "entered") == column(sheet, "MQL")
            assert column(expected, "converted") == column(sheet, f"{to_label} in time")
            assert (row["Came in"], row["Converted"]) == (
                sum(column(sheet, "MQL")),
                sum(column(sheet, f"{to_label} in time")),
            )


def test_overdue_leads_are_the_longest_first(book: openpyxl.Workbook, database: duckdb.DuckDBPyConnection) -> None:
    """Every lead past its limit is there, with its owner."""
    expected = records(
        database,
        "from marts.open_leads where sla_state = 'open_overdue' order by overdue_hours desc, lead_id",
    )
    sheet = lines(book, "Overdue")
    for heading, name in (("Lead", "lead_id"), ("Account", "account_id"), ("In the stage since", "entered_date")):
        assert column(expected, name) == column(sheet, heading)
    assert [each or "(none)" for each in column(expected, "current_owner")] == column(sheet, "Owner")
    assert pytest.approx(column(expected, "overdue_hours")) == column(sheet, "Hours past the limit")


def test_leads_have_the_first_date_in_each_stage(book: openpyxl.Workbook, database: duckdb.DuckDBPyConnection) -> None:
    """Each lead has one row; its dates are those of the first arrivals on the waterfall's clock."""
    firsts: dict[str, dict[str, date]] = {}
    for lead_id, label, day in database.execute(
        "select lead_id, label, min(arrived_date) from journey.arrivals"
        " join waterfall.milestones on milestone = stage group by all"
    ).fetchall():
        firsts.setdefault(lead_id, {})[label] = day
    labels = [
        row[0] for row in database.execute("select label from waterfall.milestones order by milestone_no").fetchall()
    ]
    sheet = lines(book, "Leads")
    assert {row["Lead"]: {label: row[label] for label in labels if row[label]} for row in sheet} == firsts
    expected = records(database, "from marts.leads_wide order by lead_no")
    for heading, name in (
        ("Lead", "lead_id"), ("Owner", "current_owner"), ("Source", "lead_source"), ("Account name", "account_name"),
    ):  # fmt: skip
        assert column(expected, name) == column(sheet, heading)
    assert [each["is_deleted"] for each in expected] == [each["Current stage"] == "(deleted)" for each in sheet]


def test_leads_beyond_the_limit_are_left_out_and_counted(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sheet has the last leads by id and says how many there are."""
    monkeypatch.setattr(people_sheets, "MAX_LEADS", 7)
    write_people_workbook(database, tmp_path / "x.xlsx")
    short = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert str(short["Leads"]["A1"].value).startswith("The last 7 of 3,975 leads by id, ")
    last = records(database, "select lead_id from marts.leads_wide order by lead_no desc limit 7")
    assert column(last, "lead_id") == column(lines(short, "Leads"), "Lead")[::-1]
    assert 7 == len(lines(short, "Overdue"))


def test_the_charts_show_final_months_and_the_target(sample: Sample) -> None:
    """Each chart has two series, and no part of the file is a formula or a link."""
    with ZipFile(io.BytesIO((sample.output / "reports" / "funnel.xlsx").read_bytes())) as parts:
        texts = {name: parts.read(name).decode("utf-8") for name in parts.namelist()}
    charts = [text for name, text in texts.items() if name.startswith("xl/charts/")]
    assert [2, 2] == [text.count("<c:ser>") for text in charts]
    assert "Monthly rate, MQL to SAL within 30 days" in charts[0]
    assert [] == [name for name, text in texts.items() if "<f>" in text or "hyperlink" in text]


def test_no_name_or_id_is_in_a_masked_workbook(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """With everything hashed, no sheet has an owner, an account name or a lead id; the counts are the same."""
    personal = Personal("hash", "hash", "hash", "hash")
    write_people_workbook(
        masked(database, personal, Personal(), Pseudonyms(b"a-key-that-is-long-enough")), tmp_path / "x"
    )
    hidden = openpyxl.load_workbook(io.BytesIO((tmp_path / "x").read_bytes()))
    cells = {cell.value for sheet in hidden for row in sheet.iter_rows() for cell in row}
    names = "select lead_id from clean.leads union select owner from clean.entry_words union select name from clean.accounts"
    assert set() == {name for (name,) in database.execute(names).fetchall() if name} & cells
    assert sum(column(lines(hidden, "MQL to SAL by owner"), "MQL")) == lines(hidden, "Summary")[0]["Came in"]
