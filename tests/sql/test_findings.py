"""Findings that need a crowd: entries at a weekend by office workers, and fifty leads stamped within one minute.

The random histories of the oracle have eight leads and never get there; these are made just below, at and above each limit.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.waterfall.definition import Stage, Waterfall
from tests.sql.harness import built, records

STAGES = (Stage("a", "A", "A", "x", "path", 1), Stage("b", "B", "B", "x", "path", 2))
AS_OF = datetime(2026, 6, 30, 12, tzinfo=UTC)
MONDAY, FRIDAY, SATURDAY = datetime(2026, 1, 5, 9), datetime(2026, 1, 9, 9), datetime(2026, 1, 10, 9)
MINUTE = timedelta(minutes=1)

Move = tuple[str, str, datetime, str | None]
"""(lead, stage, entered at in UTC, owner)"""


def found(finding: str, moves: list[Move], zone: str = "UTC") -> list[dict[str, Any]]:
    """The rows of quality.stage_dates with this finding: stage, leads, entries, share, examples."""
    return found_all(moves, zone)[finding]


def found_all(moves: list[Move], zone: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of quality.stage_dates by finding."""
    rows = [
        {
            "input": "crm",
            "load_no": 1,
            "row_number": number,
            "lead_id": lead,
            "stage": stage,
            "entered_at": entered_at,
            "owner": owner,
        }
        for number, (lead, stage, entered_at, owner) in enumerate(moves, 1)
    ]
    connection = built(
        Waterfall("Findings", zone, STAGES), AS_OF, {"stage_entries": rows}, tables=("quality.stage_dates",)
    )
    by_finding = defaultdict(list)
    for row in records(
        connection, "select finding, stage, leads, entries, share, examples from quality.stage_dates order by stage"
    ):
        by_finding[row.pop("finding")].append(row)
    connection.close()
    return by_finding


def summed(concerned: dict[str, list[str]], moves: list[Move]) -> list[dict[str, Any]]:
    """What the table should say of the leads concerned, listed by stage once for each entry."""
    entered = defaultdict(set)
    for lead, stage, _, _ in moves:
        entered[stage].add(lead)
    return [
        {
            "stage": stage,
            "leads": len(set(leads)),
            "entries": len(leads),
            "share": len(set(leads)) / len(entered[stage]),
            "examples": sorted(set(leads))[:5],
        }
        for stage, leads in sorted(concerned.items())
    ]


# ---- weekends


def at_a_weekend(moves: list[Move], zone: str) -> dict[str, list[str]]:
    """The leads by stage that an owner entered on a Saturday or Sunday who hardly ever does, read off the sentence.

    Twenty entries or more from Monday to Friday, and fewer than one in twenty of all at a weekend.
    """

    def day(moment: datetime) -> date:
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()

    concerned = defaultdict(list)
    for lead, stage, entered_at, owner in moves:
        theirs = [each for each in moves if each[3] == owner]
        weekdays = [each for each in theirs if day(each[2]).strftime("%a") not in ("Sat", "Sun")]
        rests = len(theirs) - len(weekdays)
        if (
            owner
            and day(entered_at).strftime("%a") in ("Sat", "Sun")
            and len(weekdays) >= 20
            and rests * 20 < len(theirs)
        ):
            concerned[stage].append(lead)
    return concerned


def week_of_work(owner: str | None, weekdays: int, weekends: int, saturday: datetime = SATURDAY) -> list[Move]:
    """So many entries of the owner from Monday to Friday at nine, and that many on a Saturday, each of another lead."""
    worked = [
        (f"{owner}{n:03}", "ab"[n % 2], MONDAY + timedelta(days=7 * (n // 5) + n % 5), owner) for n in range(weekdays)
    ]
    rested = [(f"{owner}S{n}", "a", saturday + timedelta(days=7 * n), owner) for n in range(weekends)]
    return [*worked, *rested]


@pytest.mark.parametrize(
    ("weekdays", "weekends", "is_odd"),
    [
        (19, 1, False),  # hardly anything is known of the owner
        (20, 1, True),  # at the limit: twenty on weekdays, and one of 21 is less than one in twenty
        (38, 2, False),  # exactly one in twenty
        (39, 2, True),  # a little less
        (37, 2, False),  # a little more
        (60, 0, False),
        (20, 20, False),  # somebody who works at weekends
    ],
)
def test_weekend_entry(weekdays: int, weekends: int, is_odd: bool) -> None:
    """An entry at a weekend is odd for an owner who works on weekdays: below, at and above both limits."""
    moves = week_of_work("dana", weekdays, weekends)
    expected = summed(at_a_weekend(moves, "UTC"), moves)
    assert is_odd == bool(expected)
    assert expected == found("weekend_entry", moves)


def test_weekend_is_that_of_the_zone() -> None:
    """Saturday 02:00 in UTC is Friday evening in New York, and Monday 02:00 is Sunday evening there."""
    zone = "America/New_York"
    evening = SATURDAY.replace(hour=2)
    saturdays = week_of_work("dana", 30, 1, evening)
    assert [] == found("weekend_entry", saturdays, zone) != found("weekend_entry", saturdays)
    sundays = week_of_work("dana", 30, 1, evening + timedelta(days=2))
    assert summed(at_a_weekend(sundays, zone), sundays) == found("weekend_entry", sundays, zone) != []
    assert [] == found("weekend_entry", sundays)


def test_nobody_is_no_owner() -> None:
    """Entries without an owner are nobody's habit, and each owner is judged alone."""
    moves = [*week_of_work(None, 40, 1), *week_of_work("erik", 25, 1), *week_of_work("finn", 10, 3)]
    assert ["erikS0"] == [lead for row in found("weekend_entry", moves) for lead in row["examples"]]


# ---- bulk stamps


def in_bulk(moves: list[Move]) -> dict[str, list[str]]:
    """The leads by stage that entered within a minute of the clock in which fifty leads did."""
    concerned = defaultdict(list)
    for lead, stage, entered_at, _ in moves:
        crowd = {each[0] for each in moves if each[1] == stage and f"{each[2]:%x%H%M}" == f"{entered_at:%x%H%M}"}
        if len(crowd) >= 50:
            concerned[stage].append(lead)
    return concerned


def stamped(leads: int, stage: str = "a", minute: datetime = FRIDAY, first: int = 0) -> list[Move]:
    """So many leads spread over the sixty seconds of one minute, its first and its last included."""
    return [
        (f"L{n:03}", stage, minute + timedelta(seconds=(n * 59) // max(first + leads - 1, 1)), None)
        for n in range(first, first + leads)
    ]


@pytest.mark.parametrize(("leads", "is_odd"), [(49, False), (50, True), (51, True)])
def test_bulk_stamp(leads: int, is_odd: bool) -> None:
    """Fifty leads in a stage within one minute are a script: below, at and above."""
    moves = [*stamped(leads), ("M1", "a", FRIDAY + timedelta(hours=3), None)]
    expected = summed(in_bulk(moves), moves)
    assert is_odd == bool(expected)
    assert expected == found("bulk_stamp", moves)


def test_bulk_is_of_one_stage_and_one_minute() -> None:
    """Fifty over two stages or over the turn of a minute are none; a lead that comes twice in the minute is one lead."""
    assert [] == found("bulk_stamp", [*stamped(25), *stamped(25, "b", first=25)])
    assert [] == found("bulk_stamp", [*stamped(49), ("L999", "a", FRIDAY + MINUTE, None)])
    twice = [
        *stamped(49),
        ("L000", "b", FRIDAY + timedelta(seconds=1), None),
        ("L000", "a", FRIDAY + timedelta(seconds=2), None),
    ]
    assert [] == found("bulk_stamp", twice)
    both = [
        *stamped(50),
        ("L000", "b", FRIDAY + timedelta(seconds=58), None),
        ("L000", "a", FRIDAY + timedelta(seconds=59), None),
    ]
    (row,) = found("bulk_stamp", both)
    assert (50, 51) == (row["leads"], row["entries"])


@pytest.mark.parametrize("seed", range(4))
def test_crowds_at_random(seed: int) -> None:
    """Both findings are those of the loops on crowds of random size, some just about at the limits."""
    random, zone = Random(seed), ("UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/New_York")[seed]
    moves: list[Move] = []
    for number, owner in enumerate(("dana", "erik", "finn")):
        moves += week_of_work(owner, random.choice((19, 20, 38, 39)), random.choice((1, 1, 2)))
        size, minute = random.choice((48, 49, 50, 55)), FRIDAY + timedelta(days=30 + number)
        moves += [(f"{owner}B{n:03}", "a", minute + timedelta(seconds=random.randrange(60)), None) for n in range(size)]
        moves += [
            (f"{owner}B{n:03}", "b", minute + timedelta(seconds=60 + random.randrange(70)), None) for n in range(size)
        ]
    both = found_all(moves, zone)
    assert summed(at_a_weekend(moves, zone), moves) == both["weekend_entry"]
    assert summed(in_bulk(moves), moves) == both["bulk_stamp"]
