"""The page has the expected final rate (K6), and how earlier estimates compared."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.report.conversion.estimate import sentence
from pipeline.report.query import Row
from pipeline.waterfall.definition import Pair
from tests.report.made_rows import made_row
from tests.report.test_edges import entries, site_of, waterfall

THIN = chr(0x202F)
HEADLINE = (Pair("a", "b", 1.0),)
# Cycles that reach A in January; L1 and L2 convert after two and four days, L3 is lost after five, L4 after eight.
JANUARY = (("L1", "a", 1), ("L1", "b", 3), ("L2", "a", 1), ("L2", "b", 5), ("L3", "a", 1), ("L3", "lost", 6))
SETTLED = (*JANUARY, ("L4", "a", 1), ("L4", "lost", 9))


def expected_way(page: Any) -> list[str]:
    """The line of the expected final rate in the other ways to count; empty if there is none."""
    ways: list[list[str]] = page.tables["table-ways-1"]
    return next((row for row in ways if row[0] == "Expected final rate, all months"), [])


def month(page: Any, number: int) -> list[str]:
    """A row of the months of the first pair."""
    rows: list[list[str]] = page.tables["table-pair-months-1"]
    return rows[number]


def test_the_estimate_is_in_ways_grid_and_months() -> None:
    """One of three that waited longer than L5 converted, so L5 counts a third, beside 0 of 1."""
    html, page = site_of(waterfall(headline=HEADLINE), {"stage_entries": entries(*SETTLED, ("L5", "a", 86))})
    # 1 January is day 0, so as-of is day 89 and L5 has waited three days and fifteen hours.
    assert ["all", "46.7%", "2", "5", "1", "40.0–60.0%"] == expected_way(page)[1:7]
    assert "expected 33.3% (0–100%)" in html
    position = page.tables["table-pair-months-1"][0].index("Expected final rate")
    assert ("33.3%", "–") == (month(page, 1)[position], month(page, 3)[position])


def test_without_open_units_there_is_no_estimate() -> None:
    """If all cohorts are final, there is no such way and no estimate in the grid."""
    html, page = site_of(waterfall(headline=HEADLINE), {"stage_entries": entries(*SETTLED)})
    assert ([], False) == (expected_way(page), "<bdi>expected " in html)


def test_the_longest_wait_may_still_convert() -> None:
    """L4 waits longer than every converted lead, so 0 is expected, but the interval does not exclude a conversion."""
    html, _ = site_of(waterfall(headline=HEADLINE), {"stage_entries": entries(*JANUARY, ("L4", "a", 1))})
    assert "expected 50.0% (50.0–75.0%)" in html


def test_without_a_conversion_there_is_no_estimate() -> None:
    """The line has a dash and the reason."""
    html, page = site_of(waterfall(headline=HEADLINE), {"stage_entries": entries(("L1", "a", 80))})
    assert "nobody has reached B yet: nothing to estimate from" in html
    assert ["all", "–", "0", "1", "1", "–"] == expected_way(page)[1:7]


def test_past_estimates_are_reported() -> None:
    """At the end of January thirty had waited longer than K's four without converting; in February all four converted."""
    longer = [move for n in range(30) for move in ((f"L{n + 9}", "a", 1), (f"L{n + 9}", "lost", 25))]
    late = [move for n in range(4) for move in ((f"K{n}", "a", 20), (f"K{n}", "b", 32))]
    definition = waterfall(headline=HEADLINE, settle_days=(("a", "b", 45),))
    html, page = site_of(definition, {"stage_entries": entries(*SETTLED, *longer, *late)})
    (row,) = page.tables["table-settled-record"][1:]
    assert ["A → B", "1", "0", "0%"] == row[:4]
    assert ["0", "1", f"+10.5{THIN}pts", "2026-01-31 to 2026-01-31"] == row[5:]
    assert "Of 1 past estimate 0 held what came (0%; about 95% is expected)." in html


def record(estimates: int, held: int, is_too_narrow: bool | None) -> Row:
    """The record of a pair: `held` of these estimates were right."""
    return made_row(estimates=estimates, held=held, is_too_narrow=is_too_narrow)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([record(0, 0, None)], "No past estimate can be judged yet."),
        ([record(1, 1, False)], "Of 1 past estimate 1 held what came (100%; about 95% is expected)."),
        (
            [record(10, 10, False), record(10, 9, False)],
            "Of 20 past estimates 19 held what came (95.0%; about 95% is expected).",
        ),
        (
            [record(10, 10, False), record(40, 20, True)],
            "Of 50 past estimates 30 held what came (60.0%; about 95% is expected). "
            "That is too few for chance: read the interval as too narrow.",
        ),
    ],
)
def test_the_sentence_names_poor_coverage(records: list[Row], expected: str) -> None:
    """The sentence has the summed counts and their share, and says so if coverage is poor."""
    assert expected == sentence(records)
