"""Sentences about changes: a direction only if significant, none for few units, and parts that add up."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.changes import volumes
from pipeline.report.changes.changes import Parts, apportioned, sentence, split_line, tenths
from pipeline.report.layout.bars import two_sided_bar
from pipeline.report.query import Answer, Footnotes, Row
from tests.report.made_rows import made_row

ROW = made_row(
    headline_no=1, from_stage="mql", to_stage="sal", from_label="MQL", to_label="SAL", unit="cycle", window_days=30,
    is_headline_window=True,
    latest_month=date(2025, 10, 1), latest_entered=267, latest_converted=209, latest_rate=209 / 267,
    previous_month=date(2025, 9, 1), previous_entered=219, previous_converted=156, previous_rate=156 / 219,
    change=209 / 267 - 156 / 219, change_low=-0.0068, change_high=0.1482, is_noise=True, is_enough=True,
)  # fmt: skip
WEB = made_row(
    headline_no=1, window_days=30, dimension="lead_source", value_no=1, dimension_value="web", values_inside=1,
    latest_entered=69, latest_share=0.26, latest_rate=53 / 69, previous_entered=66, previous_share=0.3,
    previous_rate=44 / 66, mix_part=0.0013, rate_part=0.0284, change_low=-0.05, change_high=0.248, is_noise=True,
    is_enough=True,
)  # fmt: skip
FAIR = WEB._replace(value_no=2, dimension_value="fair", latest_entered=12, previous_entered=9, is_enough=False)
STAGE = made_row(
    stage="mql", label="MQL", latest_month=date(2025, 12, 1), latest_arrivals=95, previous_month=date(2025, 11, 1),
    previous_arrivals=172, change=-77, is_noise=False, is_enough=True, latest_ended=0, latest_median_days=None,
    previous_ended=0, previous_median_days=None, overdue=None,
)  # fmt: skip


def plain(text: str) -> str:
    return text.replace("\u202f", " ")


class TestSentence:
    def test_a_change_that_is_not_significant_has_no_direction(self) -> None:
        expected = (
            "MQL → SAL within 30 days: 78.3% of 267 cycles in Oct 2025 after 71.2% of 219 in Sep 2025: +7.0 pts, "
            "no clear change (95% interval −0.7 pts to +14.8 pts)."
        )
        assert expected.replace("−0.7 pts", "−0.7") == plain(sentence(ROW, Footnotes("now")))

    @pytest.mark.parametrize(("factor", "word"), [(1, "up 7.0 pts"), (-1, "down 7.0 pts")])
    def test_a_significant_change_has_a_direction(self, factor: int, word: str) -> None:
        row = ROW._replace(change=factor * 0.07, change_low=0.01, change_high=0.13, is_noise=False)
        text = plain(sentence(row, Footnotes("now")))
        assert text.startswith("MQL → SAL within 30 days: ")
        assert f": {word} (95% interval +1.0 to +13.0 pts)." in text
        assert "no clear change" not in text

    def test_too_few_give_counts_and_no_rate(self) -> None:
        row = ROW._replace(latest_entered=12, is_enough=False)
        assert "MQL → SAL within 30 days: too few to say: 12 cycles in Oct 2025, 219 in Sep 2025." == sentence(
            row, Footnotes("now")
        )

    def test_a_single_final_month_has_no_comparison(self) -> None:
        row = ROW._replace(previous_month=None, previous_entered=None, change=None, is_noise=None, is_enough=False)
        assert "Oct 2025 is the first final month" in sentence(row, Footnotes("now"))
        assert "no complete month is final yet" in sentence(row._replace(latest_month=None), Footnotes("now"))


class TestSplit:
    def test_the_largest_part_of_enough_units_is_named(self) -> None:
        """The part of `fair` is larger, but 9 and 12 units are too few."""
        parts = parts_of(((1, 28), WEB), ((-4, 45), FAIR))
        expected = (
            "By lead source: mix −0.3 pts, rates +7.3 pts; the largest part with enough cycles is web: +2.9 pts, "
            "by its share +0.1 pts and by its rate +2.8 pts; its own rate rose, 66.7% of 66 → 76.8% of 69, no clear change."
        )
        assert expected == plain(split_line(ROW, parts))

    def test_a_part_that_rose_by_its_share_names_its_falling_rate(self) -> None:
        """The value adds points, although its own rate fell."""
        fell = WEB._replace(latest_rate=0.15, previous_rate=0.2, latest_entered=20, previous_entered=100)
        text = plain(split_line(ROW, parts_of(((174, -15), fell), ((0, -14), FAIR))))
        assert "web: +15.9 pts, by its share +17.4 pts and by its rate −1.5 pts; its own rate fell, 20.0%" in text

    def test_a_significant_part_is_reported(self) -> None:
        parts = parts_of(((1, 28), WEB._replace(is_noise=False)), ((-4, 45), FAIR))
        assert split_line(ROW, parts).endswith("69, a clear change.")

    def test_no_value_with_too_few_units_is_named(self) -> None:
        text = split_line(ROW, parts_of(((1, 28), FAIR._replace(value_no=1)), ((-4, 45), FAIR)))
        assert text.endswith("of no single value are there enough cycles to say more.")
        assert "fair" not in text

    def test_other_values_together_are_never_the_largest(self) -> None:
        """They are several values, so their rate is not compared."""
        others = WEB._replace(value_no=9, dimension_value=None, values_inside=4, is_noise=None)
        assert "enough cycles is web:" in split_line(ROW, parts_of(((1, 2), WEB), ((0, 67), others)))

    def test_a_right_to_left_name_is_isolated(self) -> None:
        text = split_line(ROW, parts_of(((1, 28), WEB._replace(dimension_value="שיווק")), ((0, 41), FAIR)))
        assert "\u2068שיווק\u2069" in text


def parts_of(*values: tuple[tuple[int, int], Row]) -> Parts:
    answer = Answer(tuple(value for _, value in values), "", "report.rate_change_parts", "latest_entered")
    return Parts(answer, "lead_source", "lead source", tuple(each for each, _ in values))


class TestRounding:
    @given(st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=1, max_size=9))
    def test_printed_parts_add_up_and_are_off_by_less_than_a_tenth(self, shares: list[float]) -> None:
        total = tenths(sum(shares))
        parts = apportioned(shares, total)
        assert total == sum(parts)
        assert all(abs(part - share * 1000) < 1 + 1e-6 for part, share in zip(parts, shares, strict=True))

    def test_the_largest_remainder_is_rounded_up(self) -> None:
        """0.14, 0.13 and 0.13 points add up to 0.4 and are 0.1 each: the first gets the missing tenth."""
        assert (2, 1, 1) == apportioned((0.0014, 0.0013, 0.0013), 4)

    def test_zero_stays_zero(self) -> None:
        assert (0, 3, -1) == apportioned((0.0, 0.00251, -0.0008), 2)

    def test_the_first_of_equal_parts_is_rounded_up(self) -> None:
        """Two parts of 0.15 add up to 0.3; the order decides which is 0.2, not the last bit of a double."""
        assert (2, 1) == apportioned((0.0015, 0.0015 + 1e-17), 3)


class TestVolume:
    def test_stages_are_grouped_by_the_direction_of_their_change(self) -> None:
        stages = (
            STAGE,
            STAGE._replace(label="SAL", latest_arrivals=178, previous_arrivals=206, change=-28, is_noise=True),
            STAGE._replace(
                label="Won", latest_arrivals=3, previous_arrivals=2, change=1, is_noise=True, is_enough=False
            ),
            STAGE._replace(label="SQL", latest_arrivals=300, previous_arrivals=200, change=100),
        )
        assert (
            "Arrivals in Dec 2025 against Nov 2025: clear changes at MQL, down 77 (172 → 95) and SQL, up 100 (200 → 300); "
            "no clear change at SAL; too few to say at Won."
        ) == volumes.sentence(stages)

    def test_without_two_months_there_is_no_comparison(self) -> None:
        row = STAGE._replace(previous_month=None, previous_arrivals=None, change=None, is_noise=None, is_enough=None)
        assert "Arrivals: there are no two complete months to compare yet." == volumes.sentence((row,))


class TestBar:
    @pytest.mark.parametrize(
        ("rates", "mix", "expected"),
        [
            (0.3, 0.1, [("rates", 50.0, 37.5), ("mix", 87.5, 12.5)]),
            (0.4, -0.2, [("rates", 50.0, 50.0), ("mix", 25.0, 25.0)]),
            (0.0, 0.0, []),
        ],
        ids=["one sign in a row", "opposite signs on both sides", "nothing"],
    )
    def test_parts_begin_in_the_middle(
        self, rates: float, mix: float, expected: list[tuple[str, float, float]]
    ) -> None:
        bar = two_sided_bar((("rates", rates, ""), ("mix", mix, "")), 0.4)
        assert expected == [(each.tone, each.x, each.width) for each in bar.rects]
