"""Times as text become UTC, compared with zoneinfo value by value."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.rows import times
from pipeline.waterfall import zones

ZONES = (
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",  # half an hour
    "Pacific/Apia",  # skipped 30 December 2011
    "America/Sao_Paulo",  # changed at midnight
    "Africa/Cairo",
    "Africa/Casablanca",  # several changes a year
    "Asia/Kathmandu",
    "Etc/GMT+5",
)

CONNECTION = duckdb.connect()
CONNECTION.execute("set TimeZone = 'UTC'")


def read(
    texts: list[str], zone: str = "UTC", time_format: str | tuple[str, ...] | None = None
) -> list[tuple[datetime | None, str | None]]:
    time = times.time_sql("given", zone, time_format)
    tried = "(select unnest(?::varchar[]) as given)"
    for each in time.tries:
        tried = f"(select *, {each} from {tried})"
    return CONNECTION.execute(
        f"with steps as (select {', '.join(time.steps)} from {tried}) select {time.sql}, {time.note or 'null'} from steps",
        [texts],
    ).fetchall()


def oracle(local: datetime, zone: str) -> tuple[datetime, str | None]:
    """The first instant with this local time or, in a gap, with the next existing one."""
    rules = ZoneInfo(zone)

    def instants(moment: datetime) -> list[datetime]:
        candidates = []
        for fold in (0, 1):
            offset = moment.replace(tzinfo=rules, fold=fold).utcoffset()
            assert offset is not None
            instant = moment - offset
            if (instant.replace(tzinfo=ZoneInfo("UTC")).astimezone(rules)).replace(tzinfo=None) == moment:
                candidates.append(instant)
        return sorted(set(candidates))

    here = instants(local)
    if here:
        return here[0], "overlap" if len(here) > 1 else None
    later = local.replace(second=0, microsecond=0)
    while not (then := instants(later)):
        later += timedelta(minutes=1)
    return then[0], "gap"


def near_a_change(zone: str) -> st.SearchStrategy[datetime]:
    moments = [change.at + timedelta(seconds=change.before) for change in zones.changes(zone)[1]]
    anywhere = st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30))
    if not moments:
        return anywhere
    close = st.builds(
        lambda moment, seconds, microseconds: moment + timedelta(seconds=seconds, microseconds=microseconds),
        st.sampled_from(moments[:-1]),
        st.one_of(
            st.integers(-8000, 8000), st.integers(-90_000, 90_000), st.sampled_from([-3600, -1800, 0, 1800, 3600])
        ),
        st.sampled_from([0, 0, -1, 1, 999_999]),
    )
    return st.one_of(close, anywhere)


@pytest.mark.parametrize("zone", ZONES)
def test_local_times_agree_with_zoneinfo(zone: str) -> None:
    """A naive time is that of zoneinfo; in a gap the first valid instant, in an overlap the earlier one."""

    # A query with the rules of a zone costs the same for one time as for many.
    @settings(max_examples=8, deadline=None, derandomize=True)
    @given(st.lists(near_a_change(zone), min_size=40, max_size=80))
    def agrees(moments: list[datetime]) -> None:
        expected = [oracle(moment, zone) for moment in moments]
        assert expected == read([moment.isoformat(" ") for moment in moments], zone)

    agrees()


@pytest.mark.parametrize("zone", ZONES)
def test_the_days_of_a_zone_agree_with_its_changes(zone: str) -> None:
    """The offset from utc_days equals that of zoneinfo for each instant."""
    by_utc = {day[0]: day for day in zones.utc_days(zone, zones.FIRST_DAY, zones.LAST_DAY)}
    rules = ZoneInfo(zone)
    moments = [change.at for change in zones.changes(zone)[1]][:60]
    for moment in [*moments, datetime(2026, 1, 5, 12)]:
        for minutes in (-1500, -61, -60, -30, -1, 0, 1, 29, 30, 60, 1500):
            instant = moment + timedelta(minutes=minutes)
            _, before, at, after = by_utc[instant.date()]
            offset = before if at is None or instant < at else after
            assert instant.replace(tzinfo=ZoneInfo("UTC")).astimezone(rules).utcoffset() == timedelta(seconds=offset)


def test_the_days_cover_every_date() -> None:
    """The table has each date from 2000-01-01 to 2100-01-01 once."""
    days = [day[0] for day in zones.utc_days("Pacific/Apia", zones.FIRST_DAY, zones.LAST_DAY)]
    assert sorted(set(days)) == days
    assert (zones.FIRST_DAY, zones.LAST_DAY) == (days[0], days[-1])
    assert (days[-1] - days[0]).days + 1 == len(days)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-05", datetime(2026, 1, 5, 5)),
        ("2026-01-05 14:00", datetime(2026, 1, 5, 19)),
        ("2026-01-05T14:00:30.123456", datetime(2026, 1, 5, 19, 0, 30, 123456)),
        ("2026-01-05T14:00:00Z", datetime(2026, 1, 5, 14)),
        ("2026-01-05T14:00Z", datetime(2026, 1, 5, 14)),
        ("2026-01-05 14:00:00+02", datetime(2026, 1, 5, 12)),
        ("2026-01-05 14:00:00 +02:00", datetime(2026, 1, 5, 12)),
        ("2026-01-05T14:00:00.000+0000", datetime(2026, 1, 5, 14)),
        ("2026-01-05T14:00+05:30", datetime(2026, 1, 5, 8, 30)),
        ("2026-01-05T14:00:00-0330", datetime(2026, 1, 5, 17, 30)),
        ("2026-01-05T14:00:00+14:00", datetime(2026, 1, 5, 0)),
        ("2026-01-05 14:00:00.123456789", datetime(2026, 1, 5, 19, 0, 0, 123456)),
    ],
)
def test_iso_8601_is_read(text: str, expected: datetime) -> None:
    """ISO 8601 is read with and without an offset; an offset has priority over the input's zone."""
    assert [(expected, None)] == read([text], "America/New_York")


@pytest.mark.parametrize(
    "text",
    [
        "31/02/2026",
        "2026-02-30",
        "2026-1-5",
        "05/01/2026",
        "infinity",
        "epoch",
        "2026-01-05 24:00:00",
        "20260105",
        "now",
        "2026-01-05 14:00:00 America/New_York",
        "2026-01-05+02:00",
        "2026-01-05 14:60",
        "1767621600",
        " ",
        "2026-01-05T",
    ],
)
def test_no_other_format_is_guessed(text: str) -> None:
    """A text that is not ISO 8601 is unreadable; no other format is tried."""
    assert [(None, None)] == read([text], "America/New_York")


@pytest.mark.parametrize(
    ("text", "time_format", "expected"),
    [
        ("05/01/2026 14:00", "%d/%m/%Y %H:%M", datetime(2026, 1, 5, 13)),
        ("01/05/2026 02:00 PM", "%m/%d/%Y %I:%M %p", datetime(2026, 1, 5, 13)),
        ("05.01.2026 14:00 +0200", "%d.%m.%Y %H:%M %z", datetime(2026, 1, 5, 12)),
        ("25/13/2026", "%d/%m/%Y", None),
        ("1767621600", "epoch_s", datetime(2026, 1, 5, 14)),
        ("1767621600.5", "epoch_s", datetime(2026, 1, 5, 14, 0, 0, 500_000)),
        ("1767621600123", "epoch_ms", datetime(2026, 1, 5, 14, 0, 0, 123_000)),
        ("2026-01-05", "epoch_s", None),
        ("99999999999999999999999999", "epoch_ms", None),
        ("46027.583333333336", "excel", datetime(2026, 1, 5, 13)),
        ("46027", "excel", datetime(2026, 1, 4, 23)),
        ("1e5", "excel", None),
    ],
)
def test_a_declared_format_is_the_only_one(text: str, time_format: str, expected: datetime | None) -> None:
    """A declared strptime pattern, epoch or Excel serial is read; naive times are in the input's zone."""
    assert [(expected, None)] == read([text], "Europe/Berlin", time_format)


def test_a_bare_date_stays_on_its_day() -> None:
    """A date without a midnight begins at its first instant (Sao Paulo, 15 October 2017)."""
    assert [(datetime(2017, 10, 15, 3), "gap")] == read(["2017-10-15"], "America/Sao_Paulo")


def test_a_clock_change_around_midnight_affects_both_days() -> None:
    """Newfoundland put its clocks back at 00:01, so the repeated hour began on the previous day."""
    texts = ["2005-10-29 23:00:59", "2005-10-29 23:01:00", "2005-10-30 00:00:59", "2005-10-30 00:01:00"]
    expected = [oracle(datetime.fromisoformat(text), "America/St_Johns") for text in texts]
    assert [None, "overlap", "overlap", None] == [note for _, note in expected]
    assert expected == read(texts, "America/St_Johns")


def test_the_first_matching_format_of_a_list_is_used() -> None:
    """Each text has its own format: with an offset, local, or a number of seconds."""
    texts = ["2026-01-05T10:00:00+02:00", "05.01.2026 10:00", "1767607200", "soon"]
    formats = ("iso", "%d.%m.%Y %H:%M", "epoch_s")
    assert [
        (datetime(2026, 1, 5, 8), None),
        (datetime(2026, 1, 5, 9), None),
        (datetime(2026, 1, 5, 10), None),
        (None, None),
    ] == read(texts, "Europe/Berlin", formats)


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_begins_at_the_instant_of_its_date(zone: str) -> None:
    """The days of an input with day precision begin at the loaded instants of its dates (E2, E4)."""
    first, last = date(2000, 1, 1), date(2026, 12, 31)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    expected = dict.fromkeys(at for at, _ in read([day.isoformat() for day in days], zone))
    assert list(expected) == list(zones.midnights(zone, first, last))
