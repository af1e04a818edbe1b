"""Numbers as text: rounding shows 0% or 100% only if it is exact."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from pipeline.config.locale import locale_of
from pipeline.report import text

THIN = text.THIN


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (0.0, "0%"),
        (1.0, "100%"),
        (0.0002, "<0.1%"),
        (0.00049999, "<0.1%"),
        (0.0005, "0.1%"),
        (0.9994, "99.9%"),
        (0.9995, ">99.9%"),
        (0.9997, ">99.9%"),
        (0.999999999, ">99.9%"),
        (1.0001, ">100%"),
        (12.345, "1,234.5%"),
        (2 / 3, "66.7%"),
    ],
)
def test_a_rate_has_one_decimal(value: float | None, expected: str) -> None:
    """A rate is 0% or 100% only if it is exactly that."""
    assert expected == text.rate(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "–"), (0, "0"), (999, "999"), (1000, "1,000"), (-1234567, "−1,234,567")],
)
def test_a_count_has_thousands_separators(value: int | None, expected: str) -> None:
    """The separators are thin spaces, and a negative count has a real minus."""
    assert expected == text.count(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (0.0, f"0{THIN}h"),
        (0.0001, f"<0.1{THIN}h"),
        (1.5, f"36.0{THIN}h"),
        (2.0, f"2.0{THIN}d"),
        (1234.56, f"1,234.6{THIN}d"),
    ],
)
def test_a_duration_is_in_days_or_hours(value: float | None, expected: str) -> None:
    """A duration is in days, below two days in hours."""
    assert expected == text.days(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (0.0, f"±0.0{THIN}pts"),
        (0.0001, f"+<0.1{THIN}pts"),
        (-0.0212, f"−2.1{THIN}pts"),
    ],
)
def test_a_difference_of_rates_has_its_sign(value: float | None, expected: str) -> None:
    """A difference that is not zero is never rounded to zero."""
    assert expected == text.points(value)


def test_an_interval_has_its_unit_once() -> None:
    """The unit is after the upper bound."""
    assert "64.8–68.3%" == text.interval(0.648, 0.683)
    assert "–" == text.interval(None, None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("en-US", ("3,975", "78.4%", "Dec 31, 2025")),
        ("en-GB", ("3,975", "78.4%", "31 Dec 2025")),
        ("de-DE", ("3.975", "78,4\xa0%", "31 Dec 2025")),
        ("tr-TR", ("3.975", "78,4%", "31 Dec 2025")),
        ("fr-FR", ("3\u202f975", "78,4\xa0%", "31 Dec 2025")),
    ],
)
def test_a_locale_sets_separators_and_the_order_of_a_day(name: str, expected: tuple[str, str, str]) -> None:
    """The words stay English, and outside the block the default holds again."""
    with text.written_in(locale_of(name)):
        assert expected == (text.count(3975), text.rate(0.784), text.day_in_words(date(2025, 12, 31)))
    assert "3,975" == text.count(3975)


def test_an_unknown_locale_is_an_error() -> None:
    with pytest.raises(ValueError, match="must be a locale such as"):
        locale_of("xx-YY")


def test_months_and_days_in_tables_do_not_depend_on_the_locale() -> None:
    """Months are English words in any locale; days are ISO dates."""
    assert ("Dec 2025", "Dec ’25", "2025-12-01") == (
        text.month(date(2025, 12, 1)),
        text.short_month(date(2025, 12, 1)),
        text.day(date(2025, 12, 1)),
    )
    assert "Dec 31, 2025, 23:59:59" == text.moment(datetime(2025, 12, 31, 23, 59, 59))


def test_an_incomplete_month_is_marked() -> None:
    """An incomplete month has a text, or a sign if space is short; other months have only their name."""
    december = date(2025, 12, 1)
    assert ("Dec 2025 (so far)", "Dec 2025") == (text.period(december, True), text.period(december, False))
    assert ("Dec ’25*", "Dec ’25") == (text.short_period(december, True), text.short_period(december, False))
    assert "–" == text.period(None, True)


def test_a_right_to_left_name_is_isolated() -> None:
    """A name with right-to-left letters or direction marks can't reorder the sentence; other names stay unchanged."""
    assert "Ana (EMEA)" == text.isolated("Ana (EMEA)")
    assert "\u2068שיווק\u2069" == text.isolated("שיווק")
    assert "\u2068a\u202eb\u2069" == text.isolated("a\u202eb")


def test_a_ratio_has_two_decimals() -> None:
    """Leads per account is a dash without accounts."""
    assert (f"2.50{THIN}:{THIN}1", "–") == (text.ratio(2.5), text.ratio(None))
