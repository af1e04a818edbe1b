"""The sections of changes have the numbers of the database, and printed parts add up."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import oracle
import pytest
from oracle import case_files
from oracle.history import Entry

from pipeline.report import text
from pipeline.report.changes import changes, volumes
from pipeline.report.outputs import html
from pipeline.report.query import Footnotes, read_report
from pipeline.waterfall.definition import Pair
from tests.report import reading
from tests.sql import large_months, made_up
from tests.sql.harness import built, records

Site = tuple[reading.ReadSite, Any]


def site_of(waterfall: Any, history: oracle.History) -> Site:
    connection = built(
        waterfall, history.as_of, case_files.raw_rows(waterfall, history), entry_columns=history.entry_columns
    )
    return reading.read_site(html.render_site(connection)), connection


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("four_months")


@pytest.fixture(scope="module")
def site(folder: Path) -> Site:
    return site_of(*large_months.four_months(folder))


def in_tenths(cell: str) -> int:
    """`+2.9 pts` as 29; less than a tenth as 0."""
    if "<" in cell:
        return 0
    sign = -1 if cell.startswith("−") else 1
    return sign * round(float(cell.removesuffix("\u202fpts").lstrip("+−±")) * 10)


def test_tables_of_parts_equal_the_database(site: Site) -> None:
    """Counts, shares and rates of every value equal report.rate_change_parts, in its order."""
    page, connection = site
    names = [name for name in page.tables if name.startswith("table-parts-")]
    assert [
        "table-parts-1-lead_source",
        "table-parts-1-owner",
        "table-parts-2-lead_source",
        "table-parts-2-owner",
    ] == names
    for name in names:
        _, _, number, dimension = name.split("-")
        rows = records(
            connection,
            f"from report.rate_change_parts where headline_no = {number} and dimension = '{dimension}' "
            "and window_days = 10 order by value_no",
        )
        expected = [
            [
                row["dimension_value"] or f"{row['values_inside']} other values",
                text.count(row["previous_entered"]),
                text.count(row["latest_entered"]),
                text.rate(row["previous_share"]),
                text.rate(row["latest_share"]),
                text.rate(row["previous_rate"]),
                text.rate(row["latest_rate"]),
            ]
            for row in rows
        ]
        assert expected == [row[:7] for row in page.tables[name][1:-1]]


def test_printed_parts_add_up(site: Site) -> None:
    """Mix and rates add up to the part of each value, and these to the last line, the printed change of the pair."""
    page, connection = site
    rates = records(connection, "from report.rate_change where is_headline_window")
    printed = {row["headline_no"]: row["change"] for row in rates}
    for name, table in page.tables.items():
        if name.startswith("table-parts-"):
            parts = [[in_tenths(cell) for cell in row[8:11]] for row in table[1:]]
            assert all(mix + rates == together for mix, rates, together in parts), name
            assert parts[-1] == [sum(column) for column in zip(*parts[:-1], strict=True)], name
            assert text.points(printed[int(name.split("-")[2])]) == table[-1][10], name


def test_a_small_value_has_no_change_of_its_rate(site: Site) -> None:
    """With fewer than twenty units in a month the change of the rate is a dash, otherwise a number."""
    page, _ = site
    has_enough = set()
    for row in page.tables["table-parts-1-lead_source"][1:-1]:
        enough = min(int(row[1]), int(row[2])) >= changes.SMALL_SAMPLE
        has_enough.add(enough)
        assert (row[7] != text.DASH) == enough
    assert {True, False} == has_enough


def test_the_page_has_a_sentence_and_a_line_for_each_dimension(site: Site) -> None:
    """The page of each pair has the sentence of its window, and a line for each dimension."""
    page, connection = site
    compared = read_report(connection).rows("report.rate_change", "headline_no", order="headline_no").rows
    rows = [row for row in compared if row.is_headline_window]
    assert 2 == len(rows)
    for row in rows:
        text_of_page = page.pages[f"pair-{row.from_stage}-{row.to_stage}.html"].text
        assert changes.sentence(row, Footnotes("now")) in text_of_page
        assert (1, 1) == (text_of_page.count("By lead source: mix"), text_of_page.count("By owner: mix"))


def test_a_sentence_changes_with_its_number(site: Site, folder: Path) -> None:
    """If one accepted MQL of the last final month is lost instead, the sentence has one less."""
    _, connection = site
    waterfall, history = large_months.four_months(folder)
    (row,) = records(connection, "from report.rate_change where headline_no = 1 and is_headline_window")
    month = row["latest_month"]
    lead = next(
        entry.lead_id
        for entry, after in zip(history.entries, history.entries[1:], strict=False)
        if entry.stage == "mql" and entry.entered_at.date().replace(day=1) == month and after.stage == "sal"
    )
    remaining_entries = tuple(
        replace(entry, stage="lost") if entry.lead_id == lead and entry.stage == "sal" else entry
        for entry in history.entries
    )
    after, changed = site_of(waterfall, replace(history, entries=remaining_entries))
    (now,) = records(changed, "from report.rate_change where headline_no = 1 and is_headline_window")
    assert (row["latest_entered"], row["latest_converted"] - 1) == (now["latest_entered"], now["latest_converted"])
    rate = text.rate((row["latest_converted"] - 1) / row["latest_entered"])
    sentence = f"MQL → SAL within 10 days: {rate} of {row['latest_entered']} cycles"
    assert sentence in after.pages["pair-mql-sal.html"].text
    changed.close()


def test_card_and_section_agree_on_significance(site: Site) -> None:
    """The significance of the headline equals that of report.rate_change, in every window."""
    _, connection = site
    rows = records(
        connection,
        "select headline.is_within_noise, changes.change_low <= 0 and changes.change_high >= 0 as is_noise, "
        "headline.change = changes.change as is_same from report.headline as headline inner join report.rate_change as changes "
        "on changes.headline_no = headline.headline_no and changes.window_days is not distinct from headline.window_days",
    )
    assert (6, True, True) == (
        len(rows),
        all(row["is_within_noise"] == row["is_noise"] for row in rows),
        all(row["is_same"] is not False for row in rows),
    )


def test_the_index_says_how_arrivals_changed(site: Site) -> None:
    """The sentence of the index is that of report.volume_change."""
    page, connection = site
    rows = read_report(connection).rows("report.volume_change", "latest_arrivals", order="stage_no").rows
    assert volumes.sentence(rows) in page.pages["index.html"].text
    assert sum(row.latest_arrivals for row in rows) > 100


def test_every_query_of_the_sections_gives_the_printed_row(site: Site) -> None:
    """Every printed query runs, and its first row equals the page."""
    page, connection = site
    printed_queries = [sql for sql, _, _ in page.queries if "rate_change" in sql or "volume_change" in sql]
    assert len(printed_queries) == 3 + 4
    assert [] == reading.failing_queries(page, connection)


def test_a_significant_change_has_a_direction(folder: Path) -> None:
    """If every MQL of December is accepted, the sentence says up."""
    waterfall, history = large_months.four_months(folder)
    accepted = [
        replace(entry, stage="sal")
        if entry.stage == "lost" and before.stage == "mql" and _month(before) == 12
        else entry
        for before, entry in itertools.pairwise(history.entries)
    ]
    site, connection = site_of(waterfall, replace(history, entries=(history.entries[0], *accepted)))
    (ever,) = records(
        connection,
        "select change, latest_rate, is_within_noise from report.headline where headline_no = 1 and is_headline_window",
    )
    page = site.pages["pair-mql-sal.html"].text
    assert (1.0, False) == (ever["latest_rate"], ever["is_within_noise"])
    assert f": up {text.distance(ever['change'])} (95% interval +" in page
    connection.close()


def _month(entry: Entry) -> int:
    assert entry.entered_at is not None
    return entry.entered_at.month


def test_a_change_with_overlapping_intervals_can_be_significant(tmp_path: Path) -> None:
    """For 45 and 60 of 100 the intervals overlap at 50 to 55%, and that of the difference is 1 to 28 points."""
    entries: list[Entry] = []
    for month, converted in ((1, 45), (2, 60)):
        for number in range(100):
            start = datetime(2025, month, 1 + number % 20, tzinfo=UTC)
            for stage, days in (("mql", 0), ("sal" if number < converted else "lost", 2)):
                moment = start + timedelta(days=days)
                entries.append(Entry("crm", 1, len(entries) + 1, f"L{month}{number:03}", stage, moment))
    waterfall = replace(made_up.waterfall(tmp_path), headline=(Pair("mql", "sal"),))
    _, connection = site_of(waterfall, oracle.History(datetime(2025, 4, 1, tzinfo=UTC), tuple(entries), ("crm",)))
    (row,) = records(
        connection,
        "select headline.is_within_noise, round(changes.change_low, 3) as low, round(changes.change_high, 3) as high "
        "from report.headline as headline inner join report.rate_change as changes using (headline_no, window_days) "
        "where headline.window_days = 30",
    )
    assert {"is_within_noise": False, "low": 0.012, "high": 0.28} == row
    connection.close()
