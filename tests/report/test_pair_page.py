"""The page of a headline pair: ages, losses, arrivals and origins of its cohorts say what the marts say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pytest

from pipeline.report import text
from pipeline.report.layout.charts import trend
from pipeline.report.layout.columns import Part, Stack, count_ceiling, stacked_columns
from pipeline.report.outputs import html as render
from pipeline.report.pair.ages import ramp_of
from pipeline.report.rows import CohortMonth
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
    """A year of made-up leads: the database, and the page of its pair MQL → SAL."""

    connection: duckdb.DuckDBPyConnection
    html: str
    page: reading.Read

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self.connection.execute(sql).fetchall()

    def table(self, key: str) -> list[list[str]]:
        """The rows of a table of the page, its heading left out."""
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
    return int(year.ask(f"select headline_no from report.pairs_shown where {of_pair('is_headline')}")[0][0])


def test_every_query_answers(year: Year) -> None:
    """The printed queries of the page say what is promised of them, those of the new figures among them."""
    assert [] == reading.unanswered(year.page, year.connection)
    asked = "\n".join(sql for sql, _, _ in year.page.queries)
    for table in ("cohort_ages", "headline_gap_months", "headline_arrivals", "cohort_mix"):
        assert f"from report.{table}" in asked


def test_ages_are_the_rates_within_windows(year: Year) -> None:
    """The columns of 30, 60 and 90 days are marts.conversion in these windows (K2); blank where nobody is that old."""
    shown = {row[0].replace(text.PARTIAL_SUFFIX, ""): row[1:] for row in year.table(f"ages-{headline_no(year)}")}
    # As-of is the first instant of 2026, so January is a month, too, in which nobody has arrived.
    assert [*NAMES] == [name for name in shown if name != "Jan 2026"]
    for position, window in enumerate((30, 60, 90), 1):
        rates = {
            text.month(month): (entered, rate)
            for month, entered, rate in year.ask(
                "select cohort_start, entered, rate from marts.conversion where "
                + of_pair(f"unit = 'cycle' and grain = 'month' and dimension = 'all' and window_days = {window}")
            )
        }
        for month, name in zip(MONTHS, NAMES, strict=True):
            entered, rate = rates[name]
            assert entered == reading.plain(shown[name][0])
            is_reached = (date(2026, 1, 1) - month).days >= window
            if shown[name][position]:
                assert text.rate(rate) == shown[name][position]
            assert is_reached or not shown[name][position]
    assert ["", ""] == shown["Nov 2025"][3:5]
    assert all(shown["Jan 2025"][1:11])


def test_ages_stand_between_those_of_the_triangle(year: Year) -> None:
    """30 days lie between one and two months: who converted by an age had by a later month, and who had by an earlier had by it."""
    ages: dict[tuple[date, int], tuple[int, int]] = {
        (month, age): (entered, converted)
        for month, age, entered, converted in year.ask(
            "select month_start, age_no, entered, converted from report.cohort_ages where "
            + of_pair("is_mature and entered > 0")
        )
    }
    triangle = {
        (month, age): (entered, converted)
        for month, age, entered, converted in year.ask(
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
    """In each month the fates add up to entered; converted is the mart's; all months are the headline (K3, K9)."""
    table = year.table(f"losses-{headline_no(year)}")
    marts = {
        text.month(month): (entered, converted)
        for month, entered, converted in year.ask(
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


def test_losses_in_a_sentence(year: Year) -> None:
    """The counts of the last twelve complete months."""
    (counts,) = year.ask(
        "select sum(entered), sum(entered - converted), sum(lost), sum(passed_over), sum(still_open) "
        "from marts.conversion where "
        + of_pair("unit = 'cycle' and grain = 'month' and dimension = 'all' and window_days is null")
    )
    entered, missing, lost, passed, waiting = (text.count(int(count)) for count in counts)
    assert (
        f"Of {entered} cycles that reached MQL from Jan 2025 to Dec 2025, {missing} have not gone on to SAL: {lost} lost, "
        f"{passed} passed over, {waiting} still open."
    ) in year.page.text


def test_arrivals_are_the_mart(year: Year) -> None:
    """Through, over and entered after of each month are those of marts.stage_arrivals (K7), and the sentence sums them."""
    marts = {
        text.month(month): list(ways)
        for month, *ways in year.ask(
            'select period_start, through, "over", entered_after from marts.stage_arrivals where '
            + of_pair("grain = 'month' and dimension = 'all'")
        )
    }
    shown = {
        row[0]: [reading.plain(cell) for cell in row[1:5]] for row in year.table(f"pair-arrivals-{headline_no(year)}")
    }
    for name in NAMES:
        assert [sum(marts[name]), *marts[name]] == shown[name]
    everyone = sum(sum(ways) for ways in marts.values())
    over, after = sum(ways[1] for ways in marts.values()), sum(ways[2] for ways in marts.values())
    assert (
        f"{text.count(over + after)} of {text.count(everyone)} arrivals at SAL from Jan 2025 to Dec 2025"
        in year.page.text
    )
    assert f"{over} began below MQL and passed over it, {after} began at or above MQL, without it" in year.page.text


@pytest.mark.parametrize("dimension", ["owner", "campaign"])
def test_mix_is_the_mart(year: Year, dimension: str) -> None:
    """Each month's counts by value are the cuts of marts.conversion, and add up to the cohort."""
    table = year.page.tables[f"table-mix-{headline_no(year)}-{dimension}"]
    marts = {
        (text.month(month), value): entered
        for month, value, entered in year.ask(
            "select cohort_start, dimension_value, entered from marts.conversion where "
            + of_pair(f"unit = 'cycle' and grain = 'month' and dimension = '{dimension}' and window_days is null")
        )
    }
    rows = [row for row in table[1:] if row[0] in NAMES]
    shown = {
        (row[0], value): reading.plain(cell)
        for row in rows
        for value, cell in zip(table[0][2:], row[2:], strict=True)
        if reading.plain(cell)
    }
    assert marts == shown
    assert all(reading.plain(row[1]) == sum(map(reading.plain, row[2:])) for row in rows)


def test_estimates_are_drawn_and_judged(year: Year) -> None:
    """A diamond for each month that is not final and has an estimate, with its interval; the record beside (K6)."""
    expected = year.ask(
        "select month_start, settled_estimate, settled_low, settled_high from report.conversion_months where "
        + of_pair("window_days is null and is_trend and settled_estimate is not null")
    )
    months = year.html.partition('<section id="months"')[2].partition("</section>")[0]
    assert 0 < len(expected) == months.count('<svg class="d-expected"') == months.count('<line class="expected"')
    for _, estimate, low, high in expected:
        assert f"settled estimate {text.rate(estimate)}, 95 % interval {text.interval(low, high)}" in months
    assert "settled estimate of a month that is not final, with its 95 % interval" in months
    ((estimates, held),) = year.ask(
        f"select estimates, held from report.settled_record where headline_no = {headline_no(year)}"
    )
    judged = (
        f"Of {text.plural(estimates, 'past estimate')} {text.count(held)} held"
        if estimates
        else "No past estimate can be"
    )
    assert judged in months


def test_the_estimate_stands_where_its_share_is() -> None:
    """On the scale of the rates: between the ends of its interval, as far from them as in the numbers."""
    cohort = CohortMonth(
        date(2026, 3, 1), None, 10, 2, 0, 2, 6, is_mature=False, is_partial=False, is_shown=True, is_trend=True, rate=0.2,
        rate_low=0.1, rate_high=0.4, still_open_share=0.6, settled_estimate=0.5, settled_low=0.4, settled_high=0.7,
    )  # fmt: skip
    drawn = trend([cohort], "says", height=136)  # from 0 at 114 to 80 % at 14
    assert [(51.5, "diamond")] == [(dot.y, dot.shape) for dot in drawn.dots]
    assert [(64.0, 26.5)] == [(line.y1, line.y2) for line in drawn.lines if line.tone == "expected"]


def test_without_an_immature_month_no_estimate_is_promised() -> None:
    """Neither legend nor record where there is no diamond."""
    html, _ = site_of(waterfall(headline=HEADLINE), {"stage_entries": entries(("L1", "a", 1), ("L1", "b", 2))})
    months = html.partition('<section id="months"')[2].partition("</section>")[0]
    assert ("d-expected" in months, "settled estimate of a" in months, "past estimate" in months) == (False,) * 3


def test_young_cohorts_are_blank_or_hatched() -> None:
    """At the end of March: all of January are 30 days old, one of two 60, hatched; of March none: blank, not nought."""
    moves = (("L1", "a", 1), ("L1", "b", 2), ("L2", "a", 30), ("L3", "a", 40), ("L5", "a", 75))
    html, site = site_of(waterfall(headline=HEADLINE), {"stage_entries": entries(*moves)})
    assert [
        ["Month", "Entered", f"30{THIN}d", f"60{THIN}d"],
        ["Mar 2026", "1", "", ""],
        ["Feb 2026", "1", f"0{THIN}%", ""],
        ["Jan 2026", "2", f"50.0{THIN}%", f"50.0{THIN}%"],
    ] == [row[:4] for row in site.tables["table-ages-1"]]
    heat = html.partition('id="table-ages-1"')[2].partition("</table>")[0]
    rows = [re.findall(r'class="number (young|immature|heat-.)"', row) for row in heat.split("<tr>")[2:]]
    assert [["young", "young"], ["heat-0", "young"], ["heat-9", "immature"]] == [row[:2] for row in rows]


def test_nobody_is_old_enough_yet() -> None:
    """The heat map says so, without columns and without a ramp."""
    html, site = site_of(waterfall(headline=HEADLINE), {"stage_entries": entries(("L1", "a", 80))})
    assert [["Month", "Entered"], ["Mar 2026", "1"]] == site.tables["table-ages-1"]
    assert "No cycle of these months is 30 days old yet." in html
    assert '<p class="heat-scale">' not in html


def test_values_beyond_the_eighth_are_together() -> None:
    """Ten owners: eight by name, by size and then by name; the last two as other values."""
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


def test_all_arrivals_came_without_the_first_stage() -> None:
    """Sales-created leads only: one way is named, and no rate counts them."""
    _, site = site_of(waterfall(headline=HEADLINE), {"stage_entries": entries(("L1", "b", 80), ("L2", "b", 81))})
    assert (
        f"2 of 2 arrivals at B in Mar 2026 came without A, 100{THIN}%: all began at or above A, without it."
        in site.text
    )
    assert "Nobody has arrived at A in these months." in site.text


@pytest.mark.parametrize(("most", "top"), [(0, 2), (1, 2), (3, 4), (7, 8), (10, 10), (11, 20), (101, 200), (262, 300)])
def test_scales_end_at_a_round_number(most: int, top: int) -> None:
    """Just above the highest column; its half is whole."""
    assert (top, 0) == (count_ceiling(most), top % 2)


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
    """From whole ten to whole ten, so that months that differ look different."""
    assert f"heat-{tone}" == ramp_of(rates).tone(rate)


def test_columns_stand_on_each_other() -> None:
    """Parts add up to the height of the column; one without size is not drawn; untitled ones are a shape per tone."""
    stacks = (Stack("Jan", (Part("a", 1, "one"), Part("b", 0, "none"), Part("c", 3, "three"))), Stack("Feb", ()))
    titled = stacked_columns(stacks, 4, (), "says", height=136)
    assert [("a", 25, 89), ("c", 75, 14)] == [(each.tone, each.height, each.y) for each in titled.rects]
    plain = stacked_columns([Stack("Jan", (Part("a", 1),)), Stack("Feb", (Part("a", 2),))], 4, (), "says", height=136)
    assert [("a", 2)] == [(area.tone, area.path.count("M")) for area in plain.areas]


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
    """Text on every tone has a contrast of 4.5 or more, and the ten tones go from one end of the ramp to the other."""
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
