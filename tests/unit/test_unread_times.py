"""The shapes of times that can't be read, and the format that is offered for them."""

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


def look(texts: list[str | None], reads: Input = CRM) -> UnreadTimes:
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
    """Two of them where day and month can't be told apart; none where most texts are no times."""
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
    """Of any script; long ones are cut."""
    connection = connect(None, Settings("500MB", 1), reads_files=True)
    assert [(expected,)] == connection.execute(
        f"select {shape_sql('text')} from (select {quoted(text)} as text)"
    ).fetchall()


@pytest.mark.parametrize(
    "written",
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
def test_the_format_by_which_texts_were_written_is_found(written: str) -> None:
    """It reads every one of them; offsets are read by %z."""
    unread = look([day.strftime(written) for day in DAYS])
    assert ((written.replace("+0200", "%z"),), len(DAYS)) == (unread.formats, unread.read)


def test_every_candidate_is_tried_on_what_it_writes() -> None:
    """Its punctuation, which is compared first, leaves out no text of its own."""
    texts = {each: DAYS[0].strftime(each.replace("%z", "+0200")) for each in unread_times._candidates()}
    assert [] == [each for each, text in texts.items() if not unread_times._reads_most(each, [text])]


def test_digits_without_leading_zeros_are_read() -> None:
    """As spreadsheets write them."""
    unread = look([f"{day.month}/{day.day}/{day.year} {day.hour}:{day.minute:02}" for day in DAYS])
    assert ("%m/%d/%Y %H:%M",) == unread.formats


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["46023", "46024.5"], "excel"),
        (["1767225600", "1767312000"], "epoch_s"),
        (["1767225600000", "1767312000000"], "epoch_ms"),
    ],
)
def test_numbers_are_distinguished_by_the_years_that_they_mean(texts: list[str], expected: str) -> None:
    """Each would be another century by the other two."""
    assert (expected,) == look(texts).formats


def test_iso_is_offered_where_a_pattern_is_configured() -> None:
    """The export went back to ISO 8601."""
    reads = Input("crm", "stage_entries", Path("entries.csv"), time_format="%d/%m/%Y")
    assert ("iso",) == look([day.isoformat() for day in DAYS], reads).formats


def test_one_day_above_twelve_decides_which_comes_first() -> None:
    """Without one both are named; the text of a day-first date with it is no month-first date."""
    early = [day.replace(day=1 + number % 9) for number, day in enumerate(DAYS)]
    assert ("%m/%d/%Y", "%d/%m/%Y") == look([day.strftime("%d/%m/%Y") for day in early]).formats
    assert ("%d/%m/%Y",) == look([*(day.strftime("%d/%m/%Y") for day in early), "13/01/2026"]).formats


def test_a_day_that_decides_is_found_among_many_texts() -> None:
    """The formats are chosen by some of the texts and then tried on all."""
    texts = [
        f"{day:02}/{month:02}/{year}" for year in range(2000, 2020) for month in range(1, 13) for day in range(1, 13)
    ]
    assert ("%d/%m/%Y",) == look([*texts, "13/01/2026"]).formats


def test_texts_of_no_usual_format_get_none() -> None:
    """Empty ones are counted apart, and the shapes are told by their number."""
    unread = look(["soon", "later", "later", None])
    assert UnreadTimes(4, 1, (("aaaaa", 2), ("aaaa", 1))) == unread
    said = unread_times.advice(unread, CRM, has_others=False)
    assert said.splitlines() == [
        "  times look like `aaaaa` (2), `aaaa` (1)",
        "  1 without a time",
        "  no usual format reads them; write the pattern as `time_format` of this input",
    ]


@pytest.mark.parametrize(
    ("present", "found", "has_others", "expected"),
    [
        (None, "%m/%d/%Y", False, "%m/%d/%Y"),
        (None, "%m/%d/%Y", True, ["iso", "%m/%d/%Y"]),
        (("iso", "excel"), "%d.%m.%Y", True, ["iso", "excel", "%d.%m.%Y"]),
        ("%d/%m/%Y", "%m/%d/%Y", True, "%m/%d/%Y"),
        ("%d/%m/%Y", "%m/%d/%Y %H:%M", True, ["%d/%m/%Y", "%m/%d/%Y %H:%M"]),
    ],
)
def test_the_line_keeps_the_format_of_earlier_files(
    present: str | tuple[str, ...] | None, found: str, has_others: bool, expected: str | list[str]
) -> None:
    """Unless a list would mix up day and month."""
    reads = Input("crm", "stage_entries", Path("entries.csv"), time_format=present)
    said = unread_times.advice(UnreadTimes(1, 0, (("9", 1),), (found,), 1), reads, has_others=has_others)
    line = next(line for line in said.splitlines() if "time_format =" in line)
    assert expected == json.loads(line.partition(" = ")[2].partition("   #")[0])
