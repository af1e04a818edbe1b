"""The page of a stage: stays by length, ways in and out, months of leaving, and what its kind means; who stands where."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.report.stage.rows import StayLength
from pipeline.report.stage.stays import sla_position
from pipeline.waterfall.definition import Sla, WorkingCalendar
from tests.report import reading
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
# L1 comes back from later, L2 from lost; L3 and L4 sit in the gate; L5 is on hold; L6 waits in a.
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


def test_stays_by_length(site: reading.ReadSite) -> None:
    """T1: seven stays in A ended after 1, 1, 2, 3, 4, 5 and 74 days, each in its class, and the open one stands apart."""
    percent = f"{THIN}%"
    shown = {row[0]: row[1:] for row in table(site, "lengths-1") if row[1] != "0" or row[3] != "0"}
    assert {
        "1–2 d": ["2", f"28.6{percent}", "0", f"0{percent}"],
        "2–4 d": ["2", f"28.6{percent}", "0", f"0{percent}"],
        "4–7 d": ["2", f"28.6{percent}", "1", f"100{percent}"],
        "60–90 d": ["1", f"14.3{percent}", "0", f"0{percent}"],
    } == shown


def test_ways_in_and_out(site: reading.ReadSite) -> None:
    """S2: who came to A and where they went, most first, equals by the order of the configuration; first entries lead nowhere."""
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


def test_ways_are_the_balance(site: reading.ReadSite) -> None:
    """V1: ways in and out of each stage add up to in and out of the table of balances."""
    for number, row in enumerate(table(site, "flow-all"), 1):
        for place, direction in ((2, "in"), (3, "out")):
            ways = site.tables.get(f"table-ways-{direction}-{number}", [])[1:]
            moves = sum(reading.plain(each[2]) for each in ways if len(each) > 1)
            assert reading.plain(row[place]) == moves, (row[0], direction)


def test_months_of_exit(site: reading.ReadSite) -> None:
    """T1: the month of exit counts: February's two stays in A lasted 3 and 5 days, and the newest month stands first."""
    assert [
        ["Mar 2026", "2", f"37.5{THIN}d"],
        ["Feb 2026", "2", f"4.0{THIN}d"],
        ["Jan 2026", "3", f"2.0{THIN}d"],
    ] == table(site, "time-months-1")


def test_kinds_in_words(site: reading.ReadSite) -> None:
    """What a gate, a hold, a detour, an exit and a stage without arrivals mean, with their counts."""
    said = {
        "should hold nobody. 2 leads sit in it now.": ["b"],
        "does not end it: 1 of 2 stays went back to the path.": ["hold"],
        "may begin another: 1 of 1 stay went back to the path.": ["later"],
        "1 of 2 stays were reopened": ["lost"],
        "No lead has ever entered this stage.": ["won", "never"],
    }
    for words, keys in said.items():
        assert [f"stage-{key}.html" for key in keys] == [
            name for name, page in site.pages.items() if words in page.text
        ], words


def test_who_sits_in_the_gate(site: reading.ReadSite) -> None:
    """Both leads that sit in gate B, longest first; a stage that may hold leads lists none."""
    assert ["L3", "L4"] == [row[0] for row in table(site, "gate-2")]
    assert "table-gate-1" not in site.tables


def test_business_limit_is_not_drawn(site: reading.ReadSite) -> None:
    """A calendar limit has its line and its legend; a limit of business hours is said to have no place there."""
    assert "limit of the stage, 3 days" in site.pages["stage-a.html"].text
    assert "limit of the stage" not in site.pages["stage-c.html"].text
    assert "The limit counts business hours" in site.pages["stage-c.html"].text
    assert "The limit counts business hours" not in site.pages["stage-a.html"].text


@pytest.mark.parametrize(
    ("limit", "place"), [(0, 0.0), (3600, 33.33), (9000, 50.0), (14400, 66.67), (14401, None), (None, None)]
)
def test_place_of_the_limit(limit: int | None, place: float | None) -> None:
    """On the edge it stands on the edge, within a class in proportion; beyond the last edge nowhere."""
    edges = ((0, 3600), (3600, 14400), (14400, None))
    classes = [
        StayLength("completed", number, "", low, high, 0, None, limit) for number, (low, high) in enumerate(edges, 1)
    ]
    assert place == sla_position(classes)


def test_month_so_far_is_no_part_of_the_line() -> None:
    """The open month of exit is a ring, and its number carries (so far)."""
    moves = (("L1", "a", 0), ("L1", "b", 40), ("L2", "a", 41), ("L2", "b", 62))
    html, site = page_at(datetime(2026, 3, 20, tzinfo=UTC), *moves)
    assert "Mar 2026 (so far)" == table(site, "time-months-1")[0][0]
    months = html[html.index('<figure class="months">') :]
    drawing = months[: months.index("</figure>")]
    assert (1, 1) == (len(re.findall('class="d-all"', drawing)), len(re.findall('class="d-rate"', drawing)))
    assert 'class="a-curve"' not in drawing


def leads(accounts: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"input": "leads", "load_no": 2, "row_number": number, "lead_id": lead_id, "account_id": account_id}
        for number, (lead_id, account_id) in enumerate(accounts.items(), 1)
    ]


def test_where_accounts_stand() -> None:
    """A3: Acme stands at B with L1, Beta, whose only lead is lost, on no stage; the larger one is first of the list."""
    moves = entries(("L1", "a", 1), ("L1", "b", 2), ("L2", "a", 3), ("L3", "a", 4), ("L3", "lost", 5))
    rows = {"stage_entries": moves, "leads": leads({"L1": "Acme", "L2": "Acme", "L3": "Beta"})}
    _, site = site_of(waterfall(), rows)
    half = f"50.0{THIN}%"
    assert [
        ["A", "0", f"0{THIN}%", "0"],
        ["B", "1", half, "2"],
        ["C", "0", f"0{THIN}%", "0"],
        ["on no path stage", "1", half, "1"],
    ] == table(site, "accounts-now")
    assert [["Acme", "2", "2", "B", "B"], ["Beta", "1", "0", "–", "A"]] == table(site, "largest-accounts")


def test_few_decided_stays_are_grey() -> None:
    """T5: with one decided stay the share is grey and its interval wide; nineteen more, and it is not."""
    for stays, is_grey in ((19, True), (20, False)):
        moves = [(f"L{number}", key, day) for number in range(stays) for key, day in (("b", 1), ("c", 2))]
        html, site = site_of(waterfall(), {"stage_entries": entries(*moves)})
        assert [["dana", str(stays)]] == [row[:2] for row in table(site, "limit-owners-2")]
        start = html.index('<table id="table-limit-owners-2"')
        assert is_grey == ("small-n" in html[start : html.index("</table>", start)])
        assert "limit 2 days, calendar clock" in html[start:]
