"""The freshness and volume checks of an input, compared with a naive implementation on random logs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.configuration import Guard, Input
from pipeline.ingest.landing import freshness
from pipeline.ingest.landing.landing_log import Load

ZONE = ZoneInfo("America/New_York")
TODAY = datetime(2026, 4, 30, 8, 0)
CRM = Input("crm", "stage_entries", Path("entries.csv"))


def load(days_ago: float, rows: int, number: int = 1, **more: Any) -> Load:
    values: dict[str, Any] = {
        "input": "crm", "table": "stage_entries", "load_no": number, "file_name": "entries.csv", "sha256": "0" * 64,
        "size": 1, "loaded_at": TODAY - timedelta(days=days_ago), "reading": {}, "header": (), "columns": {}, "extras": {},
        "lines": None, "blank_lines": 0, "embedded_newlines": 0, "rows_read": rows,
    }  # fmt: skip
    return Load(**values | more)


def weeks(*rows: int) -> list[Load]:
    """Weekly deliveries, the last one a week ago."""
    return [load(7 * (len(rows) - number), each, number) for number, each in enumerate(rows)]


def drop(*loads: Load, reads: Input = CRM) -> str | None:
    return freshness.volume_problem(loads, reads, ZONE)


@pytest.mark.parametrize(("rows", "is_drop"), [(49, True), (50, False), (0, True), (500, False)])
def test_half_of_the_median_is_the_limit(rows: int, is_drop: bool) -> None:
    """Exactly half is enough; a first delivery of the whole history does not change the median."""
    assert is_drop is (drop(*weeks(10_000, 90, 100, 100), load(0, rows)) is not None)


def test_both_figures_are_reported() -> None:
    """The weekday is in the zone of the waterfall: 02:00 UTC is the previous day in New York."""
    assert "crm: 4 rows came, and 12.5 are usual on a Thursday" == drop(*weeks(9, 12, 13, 14), load(0, 4))
    delivery = [
        replace(each, loaded_at=each.loaded_at - timedelta(hours=6)) for each in (*weeks(9, 12, 13, 14), load(0, 1))
    ]
    assert "crm: 1 row came, and 12.5 are usual on a Wednesday" == drop(*delivery)


def test_volume_is_not_checked_with_fewer_than_three_deliveries_of_the_weekday() -> None:
    """Other weekdays, other inputs and deliveries older than eight weeks do not count."""
    assert None is drop(*weeks(100, 100), load(0, 1))
    assert None is drop(*weeks(100, 100), load(15, 100), load(63, 100), load(0, 1))
    assert None is drop(*weeks(100, 100), load(21, 100, input="other"), load(0, 1))
    assert None is not drop(*weeks(100, 100), load(56, 100), load(0, 1))


def test_files_of_one_day_are_one_delivery() -> None:
    """Files of an append input add up; of snapshots the last one counts."""
    usual = weeks(100, 100, 100)
    assert None is drop(*usual, load(0, 30), load(0, 30))
    whole = replace(CRM, mode="snapshot")
    assert "crm: 30 rows came" in (drop(*usual, load(0, 90), load(0, 30), reads=whole) or "")
    assert None is drop(*usual, load(0, 30), load(0, 90), reads=whole)


def test_a_repeated_load_is_no_delivery() -> None:
    """A load that replaces another because of other settings does not count; the first one still does."""
    again = load(0, 3, 9, supersedes=(0, 1, 2))
    assert None is drop(*weeks(100, 100, 100), again)
    assert () == freshness.incomplete_deliveries(weeks(100, 100, 100), [again], CRM, ZONE)
    assert "3 rows came" in (drop(*weeks(100, 100, 100), again, load(0, 3)) or "")


def test_the_newest_delivery_is_the_last_of_the_log() -> None:
    """It is not the one with the latest date, if the clock went back."""
    assert "1 row came" in (drop(load(-30, 100), *weeks(100, 100, 100), load(0, 1)) or "")


def test_least_rows_0_disables_the_volume_check() -> None:
    """Rare tables have `least_rows = 0`."""
    assert None is drop(*weeks(100, 100, 100), load(0, 0), reads=replace(CRM, guard=Guard(least_rows=0.0)))


@pytest.mark.parametrize(
    ("share", "lost", "of", "is_lost"),
    [(0.01, 1, 100, False), (0.01, 2, 100, True), (0.29, 29, 100, False), (0.07, 8, 100, True), (0.0, 1, 10**9, True)],
)
def test_a_share_of_lost_keys_is_exact(share: float, lost: int, of: int, is_lost: bool) -> None:
    """0.29 of 100 is 29 in spite of floating point."""
    reads = replace(CRM, mode="snapshot", guard=Guard(lost_keys=share))
    assert is_lost is (freshness.loss_problem(load(0, 1, missing=lost, lost=lost, lost_of=of), reads) is not None)


@pytest.mark.parametrize(
    ("hours", "words"), [(0.5, "30 minutes"), (1, "1 hour"), (47.9, "47 hours"), (48, "2 days"), (71.9, "2 days")]
)
def test_ages_are_whole_units(hours: float, words: str) -> None:
    """A page is the same a minute later."""
    assert words == freshness.age_in_words(timedelta(hours=hours))


def stale(
    reads: Input, loads: Sequence[Load], as_of: datetime, clock: datetime | None = None
) -> list[tuple[str, bool]]:
    stale = freshness.stale_inputs([reads], loads, as_of=as_of, clock=clock or as_of)
    return [(str(each), each.stops) for each in stale]


def test_an_age_is_that_of_the_newest_delivery_at_as_of() -> None:
    """Beyond warn_after there is a warning, beyond error_after a stop; each works alone; the limit itself is valid."""
    reads = replace(CRM, guard=Guard(timedelta(hours=36), timedelta(days=3)))
    loads = [load(9, 1), load(0, 1)]
    words = "crm is stale: its newest file came {} before as-of"
    assert [] == stale(reads, loads, TODAY + timedelta(hours=36))
    assert [(words.format("37 hours"), False)] == stale(reads, loads, TODAY + timedelta(hours=37))
    assert [(words.format("3 days"), False)] == stale(reads, loads, TODAY + timedelta(days=3))
    assert [(words.format("3 days"), True)] == stale(reads, loads, TODAY + timedelta(days=3, seconds=1))
    silent = replace(CRM, guard=Guard(None, timedelta(days=3)))
    assert [] == stale(silent, loads, TODAY + timedelta(days=2))
    assert [True] == [stops for _, stops in stale(silent, loads, TODAY + timedelta(days=4))]
    assert [] == stale(replace(CRM, guard=Guard(None, None)), loads, TODAY + timedelta(days=400))


def test_an_age_needs_a_delivery_and_an_as_of_that_is_not_far_ahead() -> None:
    """The end of today is not far ahead; a file that is read again is no new delivery."""
    later = TODAY + timedelta(days=9)
    assert [] == stale(CRM, [], later)
    assert [] == stale(CRM, [load(0, 1)], later, clock=later - timedelta(days=1, seconds=1))
    assert 1 == len(stale(CRM, [load(0, 1)], later, clock=later - timedelta(days=1)))
    assert 1 == len(stale(CRM, [load(0, 1), load(-9, 1, supersedes=(1,))], later))


def test_a_rare_table_may_have_an_empty_delivery() -> None:
    """A header alone gives a warning for history, leads and accounts, for others only if least_rows is set."""
    merges = Input("crm", "merges", Path("merges.csv"), guard=Guard(None, None, 0.0))
    assert ("crm: the newest delivery has no row",) == freshness.newest_delivery_notes([CRM], [load(0, 0)], ZONE)
    assert () == freshness.newest_delivery_notes([merges], [load(0, 0)], ZONE)
    configured = replace(merges, guard=Guard(None, None, 0.5))
    assert ("crm: the newest delivery has no row",) == freshness.newest_delivery_notes([configured], [load(0, 0)], ZONE)
    assert () == freshness.newest_delivery_notes([CRM], [load(1, 0), load(0, 1)], ZONE)


def naive_drop(loads: Sequence[Load], least: float) -> bool:
    """The same rule with floats and loops over local days."""
    by_day: dict[str, int] = {}
    for each in loads:
        if each.input == "crm" and not each.supersedes:
            day = each.loaded_at.replace(tzinfo=UTC).astimezone(ZONE).strftime("%Y-%m-%d")
            by_day[day] = by_day.get(day, 0) + each.rows_read
            last = datetime.strptime(day, "%Y-%m-%d")
    if not by_day:
        return False
    before = [last - timedelta(days=7 * back) for back in range(1, 9)]
    same = [by_day[day.strftime("%Y-%m-%d")] for day in before if day.strftime("%Y-%m-%d") in by_day]
    return len(same) >= 3 and by_day[last.strftime("%Y-%m-%d")] < least * statistics.median(same)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10), st.integers(0, 1), st.integers(0, 8), st.booleans()), max_size=25),
    st.integers(0, 4),
    st.sampled_from([0.25, 0.5, 1.0]),
)
def test_the_volume_check_equals_the_naive_one(
    drawn: list[tuple[int, int, int, bool]], came: int, least: float
) -> None:
    """The random logs have some weeks, other weekdays, inputs and repeated loads. Floats are exact for these shares."""
    loads = [
        load(
            7 * weeks_ago + days_ago,
            rows,
            number,
            input="other" if irregularity and rows % 2 else "crm",
            supersedes=(0,) if irregularity and not rows % 2 else (),
        )
        for number, (weeks_ago, days_ago, rows, irregularity) in enumerate(drawn)
    ]
    loads.append(load(0, came, len(loads)))
    reads = replace(CRM, guard=Guard(least_rows=least))
    assert naive_drop(loads, least) is (freshness.volume_problem(loads, reads, ZONE) is not None)


def test_an_input_without_a_delivery_is_not_checked() -> None:
    """Another message reports it as missing."""
    other = load(0, 1, input="other")
    assert None is drop()
    assert None is drop(other)
    assert () == freshness.incomplete_deliveries([other], [], CRM, ZONE)
    assert () == freshness.newest_delivery_notes([CRM], [other], ZONE)
