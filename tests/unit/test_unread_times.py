"""The shapes of unreadable times, and the suggested format."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline.config.configuration import Input
from pipeline.database.connection import connect, quoted
from pipeline.ingest.rows import unread_times
from pipeline.ingest.rows.shapes import shape_sql
from pipeline.ingest.rows.unread_times import UnreadTimes
from pipeline.settings import Settings

CRM = Input("crm", "stage_entries", Path("entries.csv"))
DAYS = [datetime(2026, 1, 1, 8, 5) + timedelta(days=3 * number, hours=number) for number in range(40)]


def unread_times_of(texts: list[str | None], reads: Input = CRM) -> UnreadTimes:
    connection = connect(None, Settings("500MB", 1), reads_files=True)
    values = ", ".join("(null)" if text is None else f"({quoted(text)})" for text in texts)
    connection.execute(
        f"create temp table landing_rows as select text::varchar as unread_time, 'unreadable_time' as reason "
        f"from (values {values}) as given(text) union all select '2026-01-01', 'no_lead'"
    )
    return unread_times.describe(connection, reads)


@pytest.mark.parametrize(
    ("texts", "formats"),
    [
        (("2026-01-05 10:00", "2026-01-06T10:00:00Z"), ("iso",)),
        (("1/25/2026 9:00\u202fAM", "1/26/2026 9:00 PM"), ("%m/%d/%Y %I:%M %p",)),
        (("1/2/2026", "3/4/2026"), ("%m/%d/%Y", "%d/%m/%Y")),
        (("soon", "later"), ()),
    ],
)
def test_the_format_of_a_column_is_found(texts: tuple[str, ...], formats: tuple[str, ...]) -> None:
    """There are two if day and month are ambiguous, and none if most texts are no times."""
    connection = connect(None, Settings("500MB", 1), reads_files=True)
    values = ", ".join(f"({quoted(text)})" for text in texts)
    connection.execute(f"create temp table cells as select text as c0 from (values {values}) as given(text)")
    assert formats == unread_times.find_formats(connection, "cells", "c0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4/30/2026 9:15 PM", "9/99/9999 9:99 AA"),
        ("30-Apr-2026", "99-Aaa-9999"),
        ("00Q8d0000000AfI", "99A9a9999999AaA"),
        ("ß١É", "a9A"),
        ("x" * 50, "a" * 39 + "…"),
    ],
)
def test_a_shape_shows_no_digit_and_no_letter(text: str, expected: str) -> None:
    """This is so for any script; long shapes are truncated."""
    connection = connect(None, Settings("500MB", 1), reads_files=True)
    assert [(expected,)] == connection.execute(
        f"select {shape_sql('text')} from (select {quoted(text)} as text)"
    ).fetchall()


@pytest.mark.parametrize(
    "pattern",
    [
        "%m/%d/%Y %I:%M %p",
        "%m/%d/%Y",
        "%d/%m/%Y %H:%M",
        "%d.%m.%Y %H:%M:%S",
        "%m/%d/%y %H:%M",
        "%d-%b-%Y",
        "%b %d, %Y, %I:%M %p",
        "%B %d, %Y %H:%M",
        "%Y/%m/%d %H:%M:%S",
        "%Y%m%d",
        "%d/%m/%Y %H:%M +0200",
    ],
)
def test_the_format_of_the_texts_is_found(pattern: str) -> None:
    """It reads every text; %z reads offsets."""
    unread = unread_times_of([day.strftime(pattern) for day in DAYS])
    assert ((pattern.replace("+0200", "%z"),), len(DAYS)) == (unread.formats, unread.read)


def test_every_candidate_matches_its_own_texts() -> None:
    """The first comparison, of punctuation, excludes no text of its format."""
    texts = {each: DAYS[0].strftime(each.replace("%z", "+0200")) for each in unread_times._candidates()}
    assert [] == [each for each, text in texts.items() if not unread_times._reads_most(each, [text])]


def test_digits_without_leading_zeros_are_read() -> None:
    """Spreadsheets write such times."""
    unread = unread_times_of([f"{day.month}/{day.day}/{day.year} {day.hour}:{day.minute:02}" for day in DAYS])
    assert ("%m/%d/%Y %H:%M",) == unread.formats


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["46023", "46024.5"], "excel"),
        (["1767225600", "1767312000"], "epoch_s"),
        (["1767225600000", "1767312000000"], "epoch_ms"),
    ],
)
def test_numeric_formats_are_distinguished_by_their_years(texts: list[str], expected: str) -> None:
    """In the other two formats each would be another century."""
    assert (expected,) == unread_times_of(texts).formats


def test_iso_is_suggested_if_a_pattern_is_configured() -> None:
    """The export has changed back to ISO 8601."""
    reads = Input("crm", "stage_entries", Path("entries.csv"), time_format="%d/%m/%Y")
    assert ("iso",) == unread_times_of([day.isoformat() for day in DAYS], reads).formats


def test_a_day_above_twelve_decides_the_order_of_day_and_month() -> None:
    """Without such a day both formats are suggested."""
    early = [day.replace(day=1 + number % 9) for number, day in enumerate(DAYS)]
    assert ("%m/%d/%Y", "%d/%m/%Y") == unread_times_of([day.strftime("%d/%m/%Y") for day in early]).formats
    assert ("%d/%m/%Y",) == unread_times_of([*(day.strftime("%d/%m/%Y") for day in early), "13/01/2026"]).formats


def test_a_deciding_day_is_found_among_many_texts() -> None:
    """The formats are selected by some of the texts and tested on all."""
    texts = [
        f"{day:02}/{month:02}/{year}" for year in range(2000, 2020) for month in range(1, 13) for day in range(1, 13)
    ]
    assert ("%d/%m/%Y",) == unread_times_of([*texts, "13/01/2026"]).formats


def test_texts_of_no_usual_format_get_no_format() -> None:
    """Empty texts are counted separately, and the shapes are in order of count."""
    unread = unread_times_of(["soon", "later", "later", None])
    assert UnreadTimes(4, 1, (("aaaaa", 2), ("aaaa", 1))) == unread
    advice_text = unread_times.advice(unread, CRM, has_others=False)
    assert advice_text.splitlines() == [
        "  times look like `aaaaa` (2), `aaaa` (1)",
        "  1 without a time",
        "  no usual format reads them; write the pattern as `time_format` of this input",
    ]


@pytest.mark.parametrize(
    ("present", "format_found", "has_others", "expected"),
    [
        (None, "%m/%d/%Y", False, "%m/%d/%Y"),
        (None, "%m/%d/%Y", True, ["iso", "%m/%d/%Y"]),
        (("iso", "excel"), "%d.%m.%Y", True, ["iso", "excel", "%d.%m.%Y"]),
        ("%d/%m/%Y", "%m/%d/%Y", True, "%m/%d/%Y"),
        ("%d/%m/%Y", "%m/%d/%Y %H:%M", True, ["%d/%m/%Y", "%m/%d/%Y %H:%M"]),
    ],
)
def test_the_suggested_list_keeps_the_format_of_earlier_files(
    present: str | tuple[str, ...] | None, format_found: str, has_others: bool, expected: str | list[str]
) -> None:
    """It does not if the list would confuse day and month."""
    reads = Input("crm", "stage_entries", Path("entries.csv"), time_format=present)
    advice_text = unread_times.advice(UnreadTimes(1, 0, (("9", 1),), (format_found,), 1), reads, has_others=has_others)
    line = next(line for line in advice_text.splitlines() if "time_format =" in line)
    assert expected == json.loads(line.partition(" = ")[2].partition("   #")[0])
