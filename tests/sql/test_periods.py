"""The calendar of the models is the one that walking from day to day gives (V2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.calendar import Calendar, calendar
from oracle.cuts import GRAINS

from pipeline.waterfall.definition import Stage, Waterfall
from tests.sql.harness import built, checked, records

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
STAGES = (Stage("a", "A", "A", "x", "path", 1), Stage("b", "B", "B", "x", "path", 2))
CHANGES = {
    "UTC": datetime(2024, 2, 29),
    "America/New_York": datetime(2026, 3, 8, 7),
    "Europe/Berlin": datetime(2026, 10, 25, 1),
    "America/Havana": datetime(2026, 11, 1, 5),  # back to midnight
    "America/St_Johns": datetime(2009, 11, 1, 2, 31),  # a minute past midnight, back into yesterday and last month
    "Pacific/Apia": datetime(2011, 12, 30, 10),  # over a day that never was
    "Pacific/Kiritimati": datetime(2026, 1, 1),  # 14 hours before UTC
    "Etc/GMT+12": datetime(2026, 1, 1),  # 12 hours behind it
    "Asia/Kathmandu": datetime(2026, 4, 1),
}


@st.composite
def moments(draw: st.DrawFn, zone: str) -> datetime:
    """An instant (aware UTC): near a change of the clocks, near a local midnight that opens a month, or any."""
    here = ZoneInfo(zone)
    odd = CHANGES[zone].replace(tzinfo=UTC)
    midnight = datetime(draw(st.sampled_from((2024, 2026))), draw(st.integers(1, 12)), 1, tzinfo=here).astimezone(UTC)
    by_chance = datetime(2025, 1, 1, tzinfo=UTC) + draw(st.integers(0, 700 * 86_400)) * SECOND
    near = st.sampled_from((0, -1, -2, 1, 1800, -1800, 3600, -3600, 86_400, -86_400))
    return draw(st.sampled_from((odd, midnight, by_chance))) + draw(near) * SECOND


@st.composite
def runs(draw: st.DrawFn) -> tuple[Waterfall, datetime | None, datetime]:
    """A waterfall, the first entry (None: no history) and as-of, up to two years apart."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    definition = Waterfall(
        "Periods", zone, STAGES, week_start=draw(st.integers(1, 7)), fiscal_year_start=draw(st.integers(1, 12))
    )
    as_of = draw(moments(zone)) + draw(st.sampled_from((0, 0, 500_000))) * timedelta(microseconds=1)
    before = draw(st.one_of(st.none(), st.sampled_from((0, 1, 86_400)), st.integers(0, 500 * 86_400)))
    return definition, None if before is None else as_of - before * SECOND, as_of


def of_models(definition: Waterfall, first: datetime | None, as_of: datetime) -> Calendar:
    """The calendar that the models make, its own checks asked, too."""
    entry = {"input": "crm", "load_no": 1, "row_number": 1, "lead_id": "L1", "stage": "a"}
    rows = [] if first is None else [{**entry, "entered_at": first.replace(tzinfo=None)}]
    connection = built(definition, as_of, {"stage_entries": rows}, tables=("waterfall.*",))
    assert [] == [outcome for outcome in checked(connection) if not outcome.holds]
    tables: list[list[dict[str, Any]]] = [
        records(connection, f"from waterfall.{table} order by {order}")
        for table, order in (("days", "day"), ("day_periods", "day, grain"), ("periods", "grain, period_start nulls first"))
    ]  # fmt: skip
    connection.close()
    return Calendar(*tables)


@settings(max_examples=70, deadline=None, database=None)
@given(runs())
def test_calendar_is_that_of_a_walk(run: tuple[Waterfall, datetime | None, datetime]) -> None:
    """V2: days, the period of every day, and every period's edges, name and partiality, for any settings, zone and as-of."""
    assert calendar(*run) == of_models(*run)


@settings(max_examples=20, deadline=None, database=None)
@given(runs())
def test_periods_neither_overlap_nor_leave_gaps(run: tuple[Waterfall, datetime | None, datetime]) -> None:
    """V2: of each grain one period ends where the next begins, every local day is in exactly one, and only the last is partial."""
    found = of_models(*run)
    days = [row["day"] for row in found.days]
    assert days == [days[0] + number * DAY for number in range(len(days))]
    for grain in GRAINS:
        periods = [row for row in found.periods if row["grain"] == grain]
        assert [] == [
            earlier["period_start"]
            for earlier, later in pairwise(periods)
            if earlier["period_end"] != later["period_start"] or earlier["is_partial"]
        ]
        for row in found.day_periods:
            if row["grain"] == grain:
                holding = [
                    period["period_start"]
                    for period in periods
                    if grain == "all" or period["period_start"] <= row["day"] < period["period_end"]
                ]
                assert [row["period_start"]] == holding


def test_names_of_fiscal_periods() -> None:
    """V2: the fiscal year from February 2026 ends in January 2027: FY2027, whose fourth quarter is November to January."""
    definition = Waterfall("Periods", "UTC", STAGES, fiscal_year_start=2)
    last_second = datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC)
    for as_of, is_partial in ((last_second, False), (last_second - SECOND, True)):
        periods = of_models(definition, datetime(2026, 11, 1, tzinfo=UTC), as_of).periods
        shown = {row["grain"]: (row["label"], row["is_partial"]) for row in periods if row["grain"] != "day"}
        assert {
            "week": ("week of 2027-01-25", is_partial),
            "month": ("Jan 2027", is_partial),
            "quarter": ("FY2027 Q4", is_partial),
            "year": ("FY2027", is_partial),
            "all": ("all time", False),
        } == shown
