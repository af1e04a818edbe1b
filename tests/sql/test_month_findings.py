"""report.month_findings: months that stand out against those around them, their explanation, and runs in one direction."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import duckdb
import pytest

from pipeline.explore import query
from pipeline.report.changes.findings import findings
from pipeline.report.query import read_report
from tests.report.reading import read
from tests.sample import Sample
from tests.sql.harness import records
from tests.sql.test_actions import OWNERS, History, quiet


def found(history: History) -> list[dict[str, Any]]:
    connection = history.build("report.month_findings")
    rows = records(connection, "from report.month_findings")
    connection.close()
    return rows


def trend(*converting: int) -> History:
    """A history with sixty leads of one source a month, beginning in January. `converting` has the conversions of each month."""
    history = History()
    for month, converted in enumerate(converting, 1):
        history.month(month, 60, converted, "web", "Ana")
    return history


def test_a_poor_month_stands_out_and_a_source_explains_it() -> None:
    """Each month has 120 leads, and 60 of them convert. May has 60 more leads from events, and none of these converts."""
    history = quiet()
    for owner in OWNERS:
        history.month(5, 15, 0, "event", owner)
    (row,) = found(history)
    assert ("low", date(2025, 5, 1), 180, 60) == tuple(
        row[name] for name in ("finding", "month_start", "entered", "converted")
    )
    around = tuple(row[name] for name in ("base_first_month", "base_last_month", "base_entered", "base_converted"))
    assert (date(2025, 2, 1), date(2025, 8, 1), 720, 360) == around
    pooled = 420 / 900
    z = (0.5 - 60 / 180) / math.sqrt(pooled * (1 - pooled) * (1 / 180 + 1 / 720))
    assert math.isclose(math.erfc(z / math.sqrt(2)), row["p_value"], abs_tol=2e-7)
    assert ("lead_source", "event", 100) == (row["dimension"], row["dimension_value"], row["value_entered"])
    shares = [row[name] for name in ("value_share", "value_base_share", "value_rate", "value_base_rate")]
    assert pytest.approx([100 / 180, 1 / 3, 0.2, 0.5]) == shares
    mix = (100 / 180 - 1 / 3) * ((0.2 + 0.5) / 2 - (1 / 3 + 0.5) / 2)
    own = (100 / 180 + 1 / 3) / 2 * (0.2 - 0.5)
    assert pytest.approx(mix + own) == row["part"]


def test_a_good_month_stands_out_too() -> None:
    """50 of 60 convert in June, 30 of 60 in the other months."""
    (row,) = found(trend(*[30] * 5, 50, *[30] * 5))
    assert ("high", date(2025, 6, 1), 50, 180) == tuple(
        row[name] for name in ("finding", "month_start", "converted", "base_converted")
    )


@pytest.mark.parametrize(
    "converting",
    [
        pytest.param([30] * 11, id="equal months"),
        pytest.param([30, 30, 30, 30, 30, 40, 30, 30, 30, 30, 30], id="a difference that chance explains"),
        pytest.param([30, 30, 50], id="two months around"),
        pytest.param([30, 30, 30, 30, 30, 31, 31, 32, 33, 34, 35], id="four rises in a row"),
        pytest.param([30, 30, 30, 30, 31, 32, 33, 34, 35, 36, 35], id="a run that has ended"),
    ],
)
def test_ordinary_trends_have_no_finding(converting: list[int]) -> None:
    """Neither a small difference nor an incomplete run is a finding."""
    assert [] == found(trend(*converting))


@pytest.mark.parametrize(("step", "finding"), [(1, "rising"), (-1, "falling")])
def test_five_changes_in_one_direction_are_a_run(step: int, finding: str) -> None:
    """The base is the month before the first of the five changes; December is not final."""
    (row,) = found(trend(*[30] * 6, *(30 + step * number for number in range(1, 6)), 10))
    assert (finding, date(2025, 11, 1), 30 + 5 * step) == (row["finding"], row["month_start"], row["converted"])
    assert (date(2025, 6, 1), 60, 30) == (row["base_first_month"], row["base_entered"], row["base_converted"])
    assert (None, None) == (row["p_value"], row["dimension"])


def test_a_run_is_said_in_words() -> None:
    """The sentence has both ends of the run, with their counts."""
    connection = trend(*[30] * 6, 31, 32, 33, 34, 35).build(
        "report.overview", "report.headline", "report.month_findings", "quality.period_coverage"
    )
    report = read_report(connection)
    (pair,) = report.rows("report.headline", "entered", where="is_headline_window").rows
    (said,) = findings(report, pair)
    expected = "MQL → SAL has risen five months in a row: 50.0% of 60 cycles in Jun 2025, 58.3% of 60 in Nov 2025."
    assert expected == said


def test_the_sample_explains_its_poor_month(sample: Sample) -> None:
    """The page of the first pair names May and its events."""
    connection: duckdb.DuckDBPyConnection = query.open_published(sample.output)
    rows = records(connection, "from report.month_findings where report = 'all'")
    connection.close()
    assert [("low", date(2025, 5, 1), "event")] == [
        (row["finding"], row["month_start"], row["dimension_value"]) for row in rows
    ]
    page = read((sample.reports / "pair-mql-sal.html").read_text("utf-8")).text
    assert "May 2025 stands out: 58.4% of the 281 that became MQL went on to SAL, 67.0% of 1,233" in page
    assert "“event”, 37.0% of 92, in the months around it 67.7%" in page
