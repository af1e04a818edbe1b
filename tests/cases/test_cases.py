"""Whole runs of the worked cases give every expected row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import runs
from tests.sample import Sample

CASE = "dimension = 'all'"
QUARTER = {
    "stage_spans": "from journey.stage_spans",
    "stage_flow_month": f"from marts.stage_flow where grain = 'month' and {CASE}",
    "conversion_month_all": f"from marts.conversion where grain = 'month' and {CASE}",
    "stage_arrivals_all_time": f"from marts.stage_arrivals where grain = 'all' and {CASE}",
    "lead_to_account_reached": f"from marts.lead_to_account where grain = 'all' and basis = 'reached' and {CASE}",
    "row_accounting": "from quality.row_accounting where input = 'crm_history'",
    "time_in_stage_all_time": f"""
        select completed.*, still_open from marts.time_in_stage as completed
        inner join marts.open_time_in_stage using (dimension, dimension_value, stage)
        where grain = 'all' and next_stage = 'all' and {CASE}""",
}
HOSPITAL = {
    "conversion_all_time": f"from marts.conversion where grain = 'all' and {CASE}",
    "stage_arrivals_all_time": QUARTER["stage_arrivals_all_time"],
    "time_in_stage_all_time": QUARTER["time_in_stage_all_time"],
    "totals": """
        select *, (select count(distinct lead_id) from journey.stage_spans) as leads,
            (select count(*) from journey.cycles) as cycles
        from quality.row_accounting""",
}
HOSPITAL_FLOW = QUARTER["stage_flow_month"]


@pytest.fixture(scope="module")
def hospital(shared_real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published folder of 10,000 real billing cases."""
    output = tmp_path_factory.mktemp("hospital")
    with runs.without_report():
        runs.run(shared_real / "hospital_billing" / "funnel.toml", output, as_of="2016-01-31T23:59:59")
    return output


def absent_and_extra(folder: Path, output: Path, name: str, sql: str) -> tuple[list[Any], int]:
    """The expected rows that the database lacks, and the number of its other rows."""
    expected = runs.read_expected(folder / "expected" / f"{name}.csv")
    actual = runs.ask(output, sql)
    return runs.missing(expected, actual), len(actual) - len(expected)


@pytest.mark.parametrize("name", QUARTER)
def test_sixteen_leads_of_one_quarter_give_the_expected_rows(quarter: Sample, name: str) -> None:
    """Sixteen leads, each for one rule, give exactly the rows of the rules."""
    assert ([], 0) == absent_and_extra(runs.QUARTER.parent, quarter.output, name, QUARTER[name])


@pytest.mark.real
@pytest.mark.parametrize("name", HOSPITAL)
def test_ten_thousand_real_cases_give_the_expected_rows(shared_real: Path, hospital: Path, name: str) -> None:
    """10,000 real cases give exactly the rows that were computed from the rules."""
    assert ([], 0) == absent_and_extra(shared_real / "hospital_billing", hospital, name, HOSPITAL[name])


@pytest.mark.real
def test_the_flow_of_ten_thousand_real_cases_reaches_as_of(shared_real: Path, hospital: Path) -> None:
    """The flow has every expected month, and only the month of as-of, without moves, in addition."""
    absent, extra = absent_and_extra(shared_real / "hospital_billing", hospital, "stage_flow_month", HOSPITAL_FLOW)
    unchanged_months = runs.ask(hospital, f"{HOSPITAL_FLOW} and period_start = '2016-01-01' and ins = 0 and outs = 0")
    assert ([], 16) == (absent, extra)
    assert 16 == len(unchanged_months)
