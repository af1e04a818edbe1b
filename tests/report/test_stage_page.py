"""The page of a stage: spans by length, moves in and out, months of exit, its kind, and its leads and accounts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.report.stage.stays import holds_limit
from pipeline.waterfall.definition import Sla, WorkingCalendar
from tests.report import reading
from tests.report.made_rows import made_row
from tests.report.test_edges import entries, site_of, stage, waterfall
from tests.report.test_open_month import page_at

THIN = "\u202f"
STAGES = (
    stage("a", 1, sla=Sla(3, "day")),
    stage("b", 2, gate=True),
    stage("c", 3, sla=Sla(8, "hour", "business")),
    stage("won", 4),
    stage("hold", None, "hold"),
    stage("later", None, "detour"),
    stage("lost", None, "exit"),
    stage("never", None, "exit"),
)
# L1 returns from a later stage, L2 from lost; L3 and L4 are in the gate; L5 is on hold; L6 is open in a.
MOVES = (
    ("L1", "a", 0), ("L1", "later", 2), ("L1", "a", 32), ("L1", "b", 35), ("L1", "c", 36),
    ("L2", "a", 1), ("L2", "lost", 5), ("L2", "a", 40), ("L2", "lost", 45),
    ("L3", "a", 60), ("L3", "b", 61), ("L4", "b", 70),
    ("L5", "a", 3), ("L5", "hold", 4), ("L5", "a", 6), ("L5", "hold", 80),
    ("L6", "a", 85),
)  # fmt: skip


@pytest.fixture(scope="module")
def site() -> reading.ReadSite:
    definition = waterfall(STAGES, calendar=WorkingCalendar("UTC", 540, 1020, (1, 2, 3, 4, 5)))
    return site_of(definition, {"stage_entries": entries(*MOVES)})[1]


def table(site: reading.ReadSite, name: str) -> list[list[str]]:
    return site.tables[f"table-{name}"][1:]


def test_spans_are_counted_by_length(site: reading.ReadSite) -> None:
    """T1: Seven spans in A ended after 1, 1, 2, 3, 4, 5 and 74 days, each in its class; the open one is separate."""
    shown_rows = {row[0]: row[1:] for row in table(site, "lengths-1") if row[1] != "0" or row[3] != "0"}
    assert {
        "1–2 d": ["2", "28.6%", "0", "0%"],
        "2–4 d": ["2", "28.6%", "0", "0%"],
        "4–7 d": ["2", "28.6%", "1", "100%"],
        "60–90 d": ["1", "14.3%", "0", "0%"],
    } == shown_rows


def test_moves_in_and_out_are_ordered_by_count(site: reading.ReadSite) -> None:
    """S2: The moves into and out of A are in order of count, then of the configuration; first entries have no link."""
    came = [row[0] for row in table(site, "ways-in-1")]
    assert [("First entry", "5"), ("HOLD", "1"), ("LATER", "1"), ("LOST", "1")] == [
        (row[0], row[2]) for row in table(site, "ways-in-1")
    ]
    assert "First entry" == came[0]
    assert [
        ("B", "2", f"2.0{THIN}d"),
        ("HOLD", "2", f"37.5{THIN}d"),
        ("LOST", "2", f"4.5{THIN}d"),
        ("LATER", "1", f"2.0{THIN}d"),
    ] == [(row[0], row[2], row[4]) for row in table(site, "ways-out-1")]
    assert {"stage-hold.html", "stage-later.html", "stage-lost.html"} <= set(site.pages["stage-a.html"].links)


def test_moves_add_up_to_the_balance(site: reading.ReadSite) -> None:
    """V1: Moves in and out of each stage add up to in and out of the balance table."""
    for number, row in enumerate(table(site, "flow-all"), 1):
        for place, direction in ((2, "in"), (3, "out")):
            ways = site.tables.get(f"table-ways-{direction}-{number}", [])[1:]
            moves = sum(reading.plain(each[2]) for each in ways if len(each) > 1)
            assert reading.plain(row[place]) == moves, (row[0], direction)


def test_a_span_counts_in_the_month_of_its_exit(site: reading.ReadSite) -> None:
    """T1: The two spans that ended in February lasted 3 and 5 days; the newest month is first."""
    assert [
        ["Mar 2026", "2", f"37.5{THIN}d"],
        ["Feb 2026", "2", f"4.0{THIN}d"],
        ["Jan 2026", "3", f"2.0{THIN}d"],
    ] == table(site, "time-months-1")


def test_the_page_describes_the_kind_of_its_stage(site: reading.ReadSite) -> None:
    """A gate, a hold, a detour, an exit and a stage without arrivals have their sentence with counts."""
    sentences = {
        "should hold nobody. 2 leads sit in it now.": ["b"],
        "does not end it: 1 of 2 stays went back to the path.": ["hold"],
        "may begin another: 1 of 1 stay went back to the path.": ["later"],
        "1 of 2 stays were reopened": ["lost"],
        "No lead has ever entered this stage.": ["won", "never"],
    }
    for words, keys in sentences.items():
        assert [f"stage-{key}.html" for key in keys] == [
            name for name, page in site.pages.items() if words in page.text
        ], words


def test_the_page_of_a_stage_lists_the_leads_that_wait_in_it(site: reading.ReadSite) -> None:
    """The longest wait is first; the last path stage and stages off the path list none, except a hold."""
    here = {number: [row[0] for row in table(site, f"here-{number}")] for number in (1, 2, 3, 5)}
    assert {1: ["L6"], 2: ["L3", "L4"], 3: ["L1"], 5: ["L5"]} == here
    assert not {"table-here-4", "table-here-7"} & set(site.tables)


def test_the_class_of_the_limit_is_marked(site: reading.ReadSite) -> None:
    """A limit of three days is in the class of two to four days; a limit in business hours is in no class."""
    assert "2–4 dhere is its limit, 3 days" in site.pages["stage-a.html"].text
    assert "here is its limit" not in site.pages["stage-c.html"].text


@pytest.mark.parametrize(
    ("limit", "places"), [(3600, [1]), (3601, [2]), (14400, [2]), (14401, [3]), (None, [])], ids=str
)
def test_a_limit_is_in_one_class(limit: int | None, places: list[int]) -> None:
    """A limit at the upper edge belongs to the class below it; the last class has no upper edge."""
    edges = ((0, 3600), (3600, 14400), (14400, None))
    classes = [made_row(from_seconds=low, to_seconds=high, limit_seconds=limit) for low, high in edges]
    assert places == [number for number, row in enumerate(classes, 1) if holds_limit(row)]


def test_the_incomplete_month_of_exit_is_marked() -> None:
    """The number of the incomplete month has (so far)."""
    moves = (("L1", "a", 0), ("L1", "b", 40), ("L2", "a", 41), ("L2", "b", 62))
    _, site = page_at(datetime(2026, 3, 20, tzinfo=UTC), *moves)
    assert "Mar 2026 (so far)" == table(site, "time-months-1")[0][0]


def leads(accounts: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"input": "leads", "load_no": 2, "row_number": number, "lead_id": lead_id, "account_id": account_id}
        for number, (lead_id, account_id) in enumerate(accounts.items(), 1)
    ]


def test_an_account_is_at_its_highest_stage() -> None:
    """A3: Acme is at B with L1; Beta, whose only lead is lost, is at no stage; the larger account is first."""
    moves = entries(("L1", "a", 1), ("L1", "b", 2), ("L2", "a", 3), ("L3", "a", 4), ("L3", "lost", 5))
    rows = {"stage_entries": moves, "leads": leads({"L1": "Acme", "L2": "Acme", "L3": "Beta"})}
    _, site = site_of(waterfall(), rows)
    half = "50.0%"
    assert [
        ["A", "0", "0%", "0"],
        ["B", "1", half, "2"],
        ["C", "0", "0%", "0"],
        ["on no path stage", "1", half, "1"],
    ] == table(site, "accounts-now")
    assert [["Acme", "2", "2", "B", "B"], ["Beta", "1", "0", "–", "A"]] == table(site, "largest-accounts")


def test_the_share_of_few_decided_spans_is_grey() -> None:
    """T5: With one decided span the share is grey and its interval wide; with twenty it is not grey."""
    for stays, is_grey in ((19, True), (20, False)):
        moves = [(f"L{number}", key, day) for number in range(stays) for key, day in (("b", 1), ("c", 2))]
        html, site = site_of(waterfall(), {"stage_entries": entries(*moves)})
        assert [["dana", str(stays)]] == [row[:2] for row in table(site, "limit-owners-2")]
        start = html.index('<table id="table-limit-owners-2"')
        assert is_grey == ("small-n" in html[start : html.index("</table>", start)])
        assert "limit 2 days, calendar clock" in html[start:]
