"""The page of a headline pair: ages, losses, arrivals and origins of its cohorts equal the marts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pytest

from pipeline.report import text
from pipeline.report.layout.bars import stacked_bar, target_bar
from pipeline.report.outputs import html as render
from pipeline.report.pair.ages import ramp_of
from pipeline.settings import shipped
from pipeline.transform.macros import create_macros, discover_macros
from pipeline.waterfall.definition import Pair
from tests.report import reading
from tests.report.test_edges import entries, site_of, waterfall
from tests.sql import harness, made_up

THIN = chr(0x202F)
HEADLINE = (Pair("a", "b", 1.0),)
MONTHS = tuple(date(2025, month, 1) for month in range(12, 0, -1))
NAMES = [text.month(month) for month in MONTHS]


@dataclass(frozen=True)
class Year:
    """A year of generated leads: the database, and the page of its pair MQL → SAL."""

    connection: duckdb.DuckDBPyConnection
    html: str
    page: reading.Read

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.connection.execute(sql).fetchall()

    def table(self, key: str) -> list[list[str]]:
        """The rows of a table of the page, without its heading."""
        return self.page.tables[f"table-{key}"][1:]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    definition = made_up.waterfall(
        tmp_path_factory.mktemp("year"), dimensions=("owner", "campaign"), windows=(30, 60, 90)
    )
    connection = harness.built(definition, made_up.AS_OF, made_up.history(220, seed=11), inputs=("crm",))
    create_macros(connection, discover_macros(shipped("sql")))
    html = render.render_site(connection)["pair-mql-sal.html"]
    yield Year(connection, html, reading.read(html))
    connection.close()


def of_pair(where: str) -> str:
    return f"from_stage = 'mql' and to_stage = 'sal' and {where}"


def headline_no(year: Year) -> int:
    return int(year.rows(f"select headline_no from report.pairs_shown where {of_pair('is_headline')}")[0][0])


def test_every_query_gives_the_printed_row(year: Year) -> None:
    """Every printed query of the page gives the printed value."""
    assert [] == reading.failing_queries(year.page, year.connection)
    printed_queries = "\n".join(sql for sql, _, _ in year.page.queries)
    for table in ("cohort_ages", "headline_gap_months", "headline_arrivals", "cohort_mix"):
        assert f"from report.{table}" in printed_queries


def test_ages_equal_the_rates_within_windows(year: Year) -> None:
    """The columns of 30, 60 and 90 days equal marts.conversion in these windows (K2), and are blank for younger cohorts."""
    shown_by_month = {
        row[0].replace(text.PARTIAL_SUFFIX, ""): row[1:] for row in year.table(f"ages-{headline_no(year)}")
    }
    # As-of is the first instant of 2026, so January is a month too, without arrivals.
    assert [*NAMES] == [name for name in shown_by_month if name != "Jan 2026"]
    for position, window in enumerate((30, 60, 90), 1):
        rates = {
            text.month(month): (entered, rate)
            for month, entered, rate in year.rows(
                "select cohort_start, entered, rate from marts.conversion where "
                + of_pair(f"unit = 'cycle' and grain = 'month' and dimension = 'all' and window_days = {window}")
            )
        }
        for month, name in zip(MONTHS, NAMES, strict=True):
            entered, rate = rates[name]
            assert entered == reading.plain(shown_by_month[name][0])
            is_reached = (date(2026, 1, 1) - month).days >= window
            if shown_by_month[name][position]:
                assert text.rate(rate) == shown_by_month[name][position]
            assert is_reached or not shown_by_month[name][position]
    assert ["", ""] == shown_by_month["Nov 2025"][3:5]
    assert all(shown_by_month["Jan 2025"][1:11])


def test_ages_are_between_those_of_the_triangle(year: Year) -> None:
    """30 days are between one and two months, so the conversions by an age are between those of the two months."""
    ages: dict[tuple[date, int], tuple[int, int]] = {
        (month, age): (entered, converted)
        for month, age, entered, converted in year.rows(
            "select month_start, age_no, entered, converted from report.cohort_ages where "
            + of_pair("is_mature and entered > 0")
        )
    }
    triangle = {
        (month, age): (entered, converted)
        for month, age, entered, converted in year.rows(
            "select cohort_start, age, entered, converted from cohort_triangle('mql', 'sal')"
        )
    }
    assert len(ages) > 60
    last = {month: max(age for start, age in triangle if start == month) for month, _ in triangle}
    for (month, age_no), (entered, converted) in ages.items():
        assert entered == triangle[month, 0][0]
        assert converted <= triangle[month, min(age_no + 1, last[month])][1]
        assert age_no == 1 or triangle[month, age_no - 2][1] <= converted


def test_losses_add_up_to_the_marts(year: Year) -> None:
    """In each month the outcomes add up to entered, converted equals the mart, and all months are the headline (K3, K9)."""
    table = year.table(f"losses-{headline_no(year)}")
    marts = {
        text.month(month): (entered, converted)
        for month, entered, converted in year.rows(
            "select cohort_start, entered, converted from marts.conversion where "
            + of_pair("unit = 'cycle' and grain = 'month' and dimension = 'all' and window_days is null")
        )
    }
    numbers = {row[0].replace(text.PARTIAL_SUFFIX, ""): [reading.plain(cell) for cell in row[1:]] for row in table}
    for name in NAMES:
        assert marts[name] == tuple(numbers[name][:2])
    assert all(row[0] == sum(row[1:]) for row in numbers.values())
    months = [row for name, row in numbers.items() if name != "All months"]
    assert numbers["All months"] == [sum(column) for column in zip(*months, strict=True)]


def test_the_sentence_on_losses_has_the_counts(year: Year) -> None:
    """The sentence has the counts of the last twelve complete months."""
    (counts,) = year.rows(
        "select sum(entered), sum(entered - converted), sum(lost), sum(passed_over), sum(still_open) "
        "from marts.conversion where "
        + of_pair("unit = 'cycle' and grain = 'month' and dimension = 'all' and window_days is null")
    )
    entered, missing, lost, passed, waiting = (text.count(int(count)) for count in counts)
    assert (
        f"Of {entered} cycles that reached MQL from Jan 2025 to Dec 2025, {missing} have not gone on to SAL: {lost} lost, "
        f"{passed} passed over, {waiting} still open."
    ) in year.page.text


def test_arrivals_equal_the_mart(year: Year) -> None:
    """Through, over and entered after of each month equal marts.stage_arrivals (K7), and the sentence has their sums."""
    marts = {
        text.month(month): list(arrivals)
        for month, *arrivals in year.rows(
            'select period_start, through, "over", entered_after from marts.stage_arrivals where '
            + of_pair("grain = 'month' and dimension = 'all'")
        )
    }
    shown_by_month = {
        row[0]: [reading.plain(cell) for cell in row[1:5]] for row in year.table(f"pair-arrivals-{headline_no(year)}")
    }
    for name in NAMES:
        assert [sum(marts[name]), *marts[name]] == shown_by_month[name]
    everyone = sum(sum(arrivals) for arrivals in marts.values())
    over, after = sum(arrivals[1] for arrivals in marts.values()), sum(arrivals[2] for arrivals in marts.values())
    assert (
        f"{text.count(over + after)} of {text.count(everyone)} arrivals at SAL from Jan 2025 to Dec 2025"
        in year.page.text
    )
    assert f"{over} began below MQL and passed over it, {after} began at or above MQL, without it" in year.page.text


@pytest.mark.parametrize("dimension", ["owner", "campaign"])
def test_the_mix_equals_the_mart(year: Year, dimension: str) -> None:
    """The counts of each month by value equal the slices of marts.conversion, and add up to the cohort."""
    table = year.page.tables[f"table-mix-{headline_no(year)}-{dimension}"]
    marts = {
        (text.month(month), value): entered
        for month, value, entered in year.rows(
            "select cohort_start, dimension_value, entered from marts.conversion where "
            + of_pair(f"unit = 'cycle' and grain = 'month' and dimension = '{dimension}' and window_days is null")
        )
    }
    rows = [row for row in table[1:] if row[0] in NAMES]
    shown_by_month = {
        (row[0], value): reading.plain(cell)
        for row in rows
        for value, cell in zip(table[0][2:], row[2:], strict=True)
        if reading.plain(cell)
    }
    assert marts == shown_by_month
    assert all(reading.plain(row[1]) == sum(map(reading.plain, row[2:])) for row in rows)


def test_young_cohorts_are_blank_or_hatched() -> None:
    """At the end of March: January is 30 days old, partly 60 days and hatched; March is younger and blank, not 0."""
    moves = (("L1", "a", 1), ("L1", "b", 2), ("L2", "a", 30), ("L3", "a", 40), ("L5", "a", 75))
    html, site = site_of(waterfall(headline=HEADLINE), {"stage_entries": entries(*moves)})
    assert [
        ["Month", "Entered", f"30{THIN}d", f"60{THIN}d"],
        ["Mar 2026", "1", "", ""],
        ["Feb 2026", "1", "0%", ""],
        ["Jan 2026", "2", "50.0%", "50.0%"],
    ] == [row[:4] for row in site.tables["table-ages-1"]]
    heat = html.partition('id="table-ages-1"')[2].partition("</table>")[0]
    rows = [re.findall(r'class="number (young|immature|heat-.)"', row) for row in heat.split("<tr>")[2:]]
    assert [["young", "young"], ["heat-0", "young"], ["heat-9", "immature"]] == [row[:2] for row in rows]


def test_a_heat_map_without_old_cohorts_says_so() -> None:
    """The heat map has neither columns nor a ramp."""
    html, site = site_of(waterfall(headline=HEADLINE), {"stage_entries": entries(("L1", "a", 80))})
    assert [["Month", "Entered"], ["Mar 2026", "1"]] == site.tables["table-ages-1"]
    assert "No cycle of these months is 30 days old yet." in html
    assert '<p class="heat-scale">' not in html


def test_values_beyond_the_eighth_are_combined() -> None:
    """Of ten owners eight have names, in order of size and name; the last two are other values."""
    sizes = {f"owner {letter}": 12 - number for number, letter in enumerate("abcdefghij")}
    rows = [
        row
        for owner, size in sizes.items()
        for row in entries(*((f"{owner}{n}", "a", 80) for n in range(size)), owner=owner)
    ]
    for number, row in enumerate(rows, 1):
        row["row_number"] = number
    _, site = site_of(waterfall(headline=HEADLINE, dimensions=("owner",)), {"stage_entries": rows})
    heading, month = site.tables["table-mix-1-owner"]
    assert ["Month", "Entered", *list(sizes)[:8], "2 other values"] == heading
    assert ["Mar 2026", "75", *map(str, range(12, 4, -1)), "7"] == month


def test_arrivals_that_all_entered_after_are_named_without_a_rate() -> None:
    """For sales-created leads only, the sentence has one kind of arrival, and no rate counts them."""
    _, site = site_of(waterfall(headline=HEADLINE), {"stage_entries": entries(("L1", "b", 80), ("L2", "b", 81))})
    assert "2 of 2 arrivals at B in Mar 2026 came without A, 100%: all began at or above A, without it." in site.text
    assert "Nobody has arrived at A in these months." in site.text


@pytest.mark.parametrize(
    ("rates", "rate", "tone"),
    [
        ([0.52, 0.78], 0.52, 0),
        ([0.52, 0.78], 0.65, 5),
        ([0.52, 0.8], 0.8, 9),
        ([0.0], 0.0, 0),
        ([1.0], 1.0, 9),
        ([0.3], 0.3, 0),
    ],
)
def test_ramps_span_the_shares_that_occur(rates: list[float], rate: float, tone: int) -> None:
    """A ramp goes from a multiple of ten to another, so that different months look different."""
    assert f"heat-{tone}" == ramp_of(rates).tone(rate)


def test_the_parts_of_a_bar_add_up() -> None:
    """Parts are shares of the whole behind each other; a part of size 0 is not drawn, and a whole of 0 draws nothing."""
    bar = stacked_bar((("a", 1, "one"), ("b", 0, "none"), ("c", 3, "three")), 8)
    assert [("track", 0, 100), ("a", 0.0, 12.5), ("c", 12.5, 37.5)] == [
        (each.tone, each.x, each.width) for each in bar.rects
    ]
    assert "one; none; three" == bar.alt_text
    assert ["track"] == [each.tone for each in stacked_bar((("a", 0, "none"),), 0).rects]


@pytest.mark.parametrize(("target", "places"), [(0.75, [75.0]), (1.0, [99.8]), (None, []), (0.0, [])])
def test_a_bar_has_a_line_at_its_target(target: float | None, places: list[float]) -> None:
    """The line is inside the bar; there is none without a target."""
    assert places == [line.x1 for line in target_bar((), 8, target, "says").lines]


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` or `#rgb` (WCAG 2.2)."""
    digits = colour.lstrip("#")
    pairs = [digit * 2 for digit in digits] if len(digits) == 3 else [digits[at : at + 2] for at in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (int(pair, 16) / 255 for pair in pairs)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_heat_is_readable(scheme: int) -> None:
    """Text on every tone has a contrast of at least 4.5, and the ten tones cover the whole ramp."""
    css = (shipped("reports") / "assets" / "style.css").read_text("utf-8")
    colours = dict(
        re.findall(r"--([\w-]+): (#[0-9a-f]+)", css.split("prefers-color-scheme: dark")[scheme].split("}")[0])
    )
    assert [str(number) for number in range(10)] == re.findall(r"\.heat-(\d) \{ background: var\(--heat-\1\); \}", css)
    assert ".heat td { color: var(--heat-ink); }" in css
    ink = luminance(colours["heat-ink"])
    tones = [luminance(colours[f"heat-{number}"]) for number in range(10)]
    assert tones == sorted(tones, reverse=scheme == 0)
    for number, tone in enumerate(tones):
        assert (max(tone, ink) + 0.05) / (min(tone, ink) + 0.05) >= 4.5, number
