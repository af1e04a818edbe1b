"""The headline of the sample equals a count over its raw rows, for every unit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import oracle
import pytest
from oracle.case_files import read_case
from oracle.conversion import candidates
from oracle.cuts import Dimensions, local_date
from oracle.journey import travel

from pipeline.report import text
from tests import runs
from tests.sample import Sample

UNITS = ("cycle", "lead", "account")
WINDOWS = {("mql", "sal"): 30, ("mql", "sql"): 90}


@dataclass
class Month:
    """The units that reached A in one month: the youngest arrival, their number, and the conversions within the window."""

    youngest_days: float = 1e9
    entered: int = 0
    converted: int = 0


@cache
def count_by_month() -> dict[tuple[str, str, str], dict[date, Month]]:
    """(unit, from, to) → month → counts, by loops over the CSV files without SQL."""
    waterfall, history = read_case(runs.SAMPLE)
    journey = travel(waterfall, history)
    months_by_pair: dict[tuple[str, str, str], dict[date, Month]] = {}
    for unit in candidates(journey, Dimensions(waterfall, history, journey)):
        for (low, high), window in WINDOWS.items():
            at_low = sorted(each.at for each in unit.arrivals if each.mark == low)
            if not at_low:
                continue
            at_high = [each.at for each in unit.arrivals if each.mark == high and each.at >= at_low[0]]
            month = months_by_pair.setdefault((unit.unit, low, high), defaultdict(Month))[
                local_date(waterfall, at_low[0]).replace(day=1)
            ]
            month.entered += 1
            month.converted += any(at - at_low[0] <= timedelta(days=window) for at in at_high)
            month.youngest_days = min(month.youngest_days, (history.as_of - at_low[0]) / timedelta(days=1))
    return months_by_pair


@pytest.fixture(scope="module", params=UNITS)
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A unit, and the sample published with it as the unit of the headline; the sample itself counts cycles."""
    if request.param == "cycle":
        sample: Sample = request.getfixturevalue("sample")
        return request.param, sample.output
    folder = tmp_path_factory.mktemp(request.param)
    configuration = runs.SAMPLE.read_text("utf-8").replace("[funnel]\n", f'[funnel]\nunit = "{request.param}"\n', 1)
    for file in runs.SAMPLE.parent.glob("*.csv"):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "funnel.toml").write_text(configuration, encoding="utf-8")
    runs.run(folder / "funnel.toml", folder / "build")
    return request.param, folder / "build"


def test_the_headline_adds_up_the_last_months_that_are_old_enough(published: tuple[str, Path]) -> None:
    """Its three months are the last whose youngest unit is as old as the window."""
    unit, output = published
    page = (output / "reports" / "index.html").read_text("utf-8")
    rows = runs.ask(output, "from report.headline where report = 'all' and is_headline_window order by headline_no")
    assert list(WINDOWS.values()) == [row["window_days"] for row in rows]
    for row in rows:
        months = count_by_month()[unit, row["from_stage"], row["to_stage"]]
        old = [month for month in sorted(months) if months[month].youngest_days >= row["window_days"]]
        last = [months[month] for month in old[-3:]]
        expected = (sum(month.converted for month in last), sum(month.entered for month in last))
        assert expected == (row["recent_converted"], row["recent_entered"])
        assert old[-1] == row["latest_month"]
        assert f"<b>{text.count(expected[0])} of {text.count(expected[1])}</b>" in page
        assert f"the unit is the {unit}" in page
        assert text.rate(expected[0] / expected[1]) in page


def test_final_months_are_the_oldest_without_gaps(published: tuple[str, Path]) -> None:
    """In every window, and without one, every final month is older than every month that is not final."""
    unit, output = published
    rows = runs.ask(
        output,
        f"""from marts.conversion
        where unit = '{unit}' and grain = 'month' and dimension = 'all'
        order by from_stage, to_stage, window_days nulls first, cohort_start""",
    )
    final: dict[tuple[str, str, int | None], list[bool]] = defaultdict(list)
    for row in rows:
        final[row["from_stage"], row["to_stage"], row["window_days"]].append(row["is_mature"])
    assert {None, 30, 90} == {window for _, _, window in final}
    assert [] == [pair for pair, months in final.items() if months != sorted(months, reverse=True)]
    assert all(any(final["mql", "sal", window]) for window in (None, 30, 90))


def test_the_oracle_reads_every_row_of_the_sample() -> None:
    """The count that the headline must equal uses all rows of the history."""
    _, history = read_case(runs.SAMPLE)
    assert isinstance(history, oracle.History)
    assert 18_074 == len(history.entries)
