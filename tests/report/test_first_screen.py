"""The first screen: one sentence, one rate per pair with its trend, and the actions in words."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.report import text
from pipeline.report.headline.key_rates import changes_in_words
from pipeline.report.layout.trend_line import MIN_RANGE, axis_of, trend_line
from pipeline.report.query import Footnotes, Row
from pipeline.waterfall.definition import Pair
from tests.report.made_rows import made_row
from tests.report.reading import read
from tests.report.test_edges import entries, site_of, waterfall
from tests.sample import Sample

ROSE = made_row(
    headline_no=1,
    from_stage="mql",
    to_stage="sal",
    from_label="MQL",
    to_label="SAL",
    unit="cycle",
    window_days=30,
    target=None,
    first_month=date(2025, 9, 1),
    last_month=date(2025, 11, 1),
    entered=709,
    converted=538,
    rate=538 / 709,
    base="before",
    base_first_month=date(2025, 6, 1),
    base_last_month=date(2025, 8, 1),
    base_entered=622,
    base_converted=426,
    base_rate=426 / 622,
    change=0.074,
    direction="up",
)
SAME = ROSE._replace(headline_no=2, to_stage="sql", to_label="SQL", rate=0.32, direction="same")


class TestSentence:
    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ((ROSE,), "MQL → SAL rose to 76% in Sep–Nov 2025, from 68% in Jun–Aug 2025."),
            (
                (ROSE._replace(direction="down", rate=0.5),),
                "MQL → SAL fell to 50% in Sep–Nov 2025, from 68% in Jun–Aug 2025.",
            ),
            (
                (SAME, ROSE),
                "MQL → SAL rose to 76% in Sep–Nov 2025, from 68% in Jun–Aug 2025. No clear change in MQL → SQL (32%).",
            ),
            ((ROSE._replace(direction="few"),), "MQL → SAL: too few cycles to compare with earlier months."),
            ((ROSE._replace(direction=None, rate=None),), "MQL → SAL: no month is final yet."),
            (
                (ROSE._replace(direction=None),),
                "MQL → SAL is 76% in Sep–Nov 2025; there are no earlier months to compare with.",
            ),
            ((), ""),
            ((ROSE._replace(base="year"),), ""),
        ],
        ids=["up", "down", "same last", "few", "not final", "no base", "no pair", "other base"],
    )
    def test_direction_decides_the_words(self, rows: tuple[Row, ...], expected: str) -> None:
        """What moved comes first, then what did not, then what can't be compared."""
        assert expected == changes_in_words(rows, Footnotes(""))


class TestFormats:
    @pytest.mark.parametrize(
        ("value", "units", "expected"),
        [
            (0.7588, 709, "76"),
            (0.7588, 1000, "75.9"),
            (0.004, 50, "<1"),
            (0.997, 50, ">99"),
            (0.0, 5, "0"),
            (1.0, 5, "100"),
        ],
    )
    def test_a_percentage_is_whole_below_a_thousand_units(self, value: float, units: int, expected: str) -> None:
        """0 and 100% are exact; other shares never round to them."""
        assert f"{expected}%" == text.percent(value, units)

    @pytest.mark.parametrize(
        ("first", "last", "expected"),
        [
            (date(2025, 9, 1), date(2025, 11, 1), "Sep–Nov 2025"),
            (date(2025, 11, 1), date(2026, 1, 1), "Nov 2025–Jan 2026"),
            (date(2025, 5, 1), date(2025, 5, 1), "May 2025"),
            (None, None, text.DASH),
        ],
    )
    def test_a_range_of_months_names_the_year_once(self, first: date | None, last: date | None, expected: str) -> None:
        """Both years are named if they differ."""
        assert expected == Footnotes("").month_range(first, last)

    def test_a_month_before_the_complete_history_is_marked(self) -> None:
        """The sign follows the month at either end of a range."""
        footnotes = Footnotes("", frozenset({date(2025, 9, 1)}))
        assert "Sep†–Nov 2025" == footnotes.month_range(date(2025, 9, 1), date(2025, 11, 1))


class TestTrendLine:
    def test_the_axis_holds_every_value_between_whole_tenths(self) -> None:
        """68 to 83% gives 60 to 90%; no value gives 0 to 100%; equal values get the smallest range."""
        assert (0.6, 0.9) == (axis_of([0.68, 0.83]).low, axis_of([0.68, 0.83]).high)
        assert (0.0, 1.0) == (axis_of([]).low, axis_of([]).high)
        narrow = axis_of([1.0, 1.0])
        assert (0.8, 1.0) == (narrow.low, narrow.high)
        assert narrow.high - narrow.low == pytest.approx(MIN_RANGE)

    def test_an_axis_above_zero_shows_a_break(self) -> None:
        """Two strokes say that the scale does not begin at 0; a scale from 0 has none."""
        months = [_month(number, rate) for number, rate in ((1, 0.7), (2, 0.8))]
        assert 2 == len([line for line in trend_line(months, "high").lines if line.tone == "axis"])
        low = [_month(number, rate) for number, rate in ((1, 0.05), (2, 0.1))]
        assert [] == [line for line in trend_line(low, "low").lines if line.tone == "axis"]

    def test_only_the_last_final_month_has_its_rate_as_text(self) -> None:
        """An open month is a hatched range; a marked month has a ring."""
        months = [_month(1, 0.7), _month(2, 0.6), _month(3, 0.5, is_mature=False)]
        drawing = trend_line(months, "x", marked=frozenset({date(2025, 2, 1)}), target=0.75)
        assert ["60%"] == [label.text for label in drawing.labels if label.tone == "last"]
        assert ["hatch"] == [rect.tone for rect in drawing.rects]
        assert ["circle", "ring"] == [dot.shape for dot in drawing.dots]
        assert 1 == len([line for line in drawing.lines if line.tone == "goal"])

    def test_an_event_is_a_line_at_its_day_with_a_label(self) -> None:
        """A day outside the months of the chart has no line."""
        months = [_month(number, 0.7) for number in (1, 2, 3, 4)]
        happened = ((date(2024, 12, 31), "before"), (date(2025, 2, 1), "New team"), (date(2025, 4, 30), "Fair"))
        drawing = trend_line(months, "", events=happened)
        first, second = (line for line in drawing.lines if line.tone == "event")
        february, april = (dot.x for dot in drawing.dots[1::2])
        assert first.x1 < february
        assert second.x1 > april
        labels = [(label.text, label.anchor) for label in drawing.labels if label.tone == "event"]
        assert [("Feb 1: New team", "start"), ("Apr 30: Fair", "end")] == labels


def _month(number: int, rate: float, *, is_mature: bool = True) -> Row:
    return made_row(
        month_start=date(2025, number, 1),
        window_days=30,
        entered=100,
        converted=round(100 * rate),
        passed_over=0,
        lost=0,
        still_open=0 if is_mature else 20,
        is_mature=is_mature,
        is_partial=False,
        is_shown=True,
        is_trend=True,
        rate=rate,
        rate_low=max(0.0, rate - 0.05),
        rate_high=min(1.0, rate + 0.05),
        still_open_share=0.0 if is_mature else 0.2,
        settled_estimate=None,
        settled_low=None,
        settled_high=None,
    )


def test_the_sample_begins_with_its_story(sample: Sample) -> None:
    """The heading says what rose, and the first action names the owner of most overdue leads."""
    page = read((sample.reports / "index.html").read_text("utf-8"))
    begin = page.text.partition("What to do now")
    assert "MQL → SAL rose to" in begin[0]
    assert "No clear change in MQL → SQL" in begin[0]
    assert "overdue leads are with Tom Brannigan" in begin[2].partition("Find out why")[0]


def test_a_report_without_final_months_says_so() -> None:
    """A lead of the last week has no rate, no direction and no action."""
    _, site = site_of(waterfall(headline=(Pair("a", "b", 0.5, 30),)), {"stage_entries": entries(("L1", "a", 85))})
    index = site.pages["index.html"]
    assert "A → B: no month is final yet." in index.text
    assert "What to do now" not in index.text
