"""What the page of a headline pair rests on, on random histories: the models agree with loops over the rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import oracle
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from oracle import case_files, strategies
from oracle.gap import headline_gap_months
from oracle.pairs import cohort_ages, cohort_mix, headline_arrivals

from pipeline.config.configuration import ReportOfOne
from pipeline.transform.checks import run_checks
from pipeline.waterfall.definition import Unit
from tests.sql import made_up
from tests.sql.harness import built, project, records
from tests.sql.test_oracle_agrees import difference

MARTS = (
    "marts.conversion_counts",
    "marts.settle_days",
    "marts.conversion",
    "marts.headline_conversion",
    "marts.month_cohorts",
    "marts.stage_arrivals",
    "marts.settled_estimates",
)
REPORT = ("months", "pairs_shown", "pair_windows", "settled", "conversion_months")
TABLES = {
    "cohort_ages": (cohort_ages, ("headline_no", "month_start", "age_no")),
    "headline_arrivals": (headline_arrivals, ("headline_no", "month_start")),
    "headline_gap_months": (headline_gap_months, ("headline_no", "month_start", "fate", "reason", "stage")),
    "cohort_mix": (cohort_mix, ("headline_no", "dimension", "value_no", "month_start")),
}
WANTED = (*MARTS, *(f"report.{name}" for name in (*REPORT, *TABLES)))


def rows_of(waterfall: Any, history: oracle.History, columns: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each model in these columns; its own checks must hold."""
    connection = built(
        waterfall,
        history.as_of,
        case_files.raw_rows(waterfall, history),
        inputs=history.inputs,
        input_settings=history.input_settings,
        entry_columns=history.entry_columns,
        tables=WANTED,
    )
    models = tuple(model for name in WANTED for model in project().models if str(model.table) == name)
    checks = tuple(check for check in project().checks if check.name.removeprefix("report.").split(".")[0] in TABLES)
    assert (len(WANTED), 3) == (len(models), len(checks))
    assert [] == [outcome for outcome in run_checks(connection, models, checks) if not outcome.holds]
    found = {name: records(connection, f"select {columns[name]} from report.{name}") for name in TABLES}
    connection.close()
    return found


@pytest.mark.parametrize("unit", get_args(Unit))
def test_models_are_those_of_the_oracle(unit: Unit) -> None:
    """K2, K3, K5, K7 and section 9 by month of a headline pair, for cycles, leads and accounts."""

    @settings(
        max_examples=8,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=(Phase.generate,),  # a failing case is short enough to read, and shrinking it takes minutes
    )
    @given(case=strategies.cases())
    def agree(case: tuple[Any, oracle.History]) -> None:
        waterfall, history = replace(case[0], unit=unit), case[1]
        expected = {name: naive(waterfall, history) for name, (naive, _) in TABLES.items()}
        columns = {name: ", ".join(rows[0]) if rows else "*" for name, rows in expected.items()}
        actual = rows_of(waterfall, history, columns)
        for name, (_, key) in TABLES.items():
            assert (name, []) == (name, difference(key, expected[name], actual[name]))

    agree()


def test_a_report_counts_the_stays_of_its_value(tmp_path: Path) -> None:
    """In a report of one value every model counts the stays of that value only: the numbers are those of the marts' slice."""
    definition = made_up.waterfall(tmp_path, dimensions=("owner", "campaign"))
    connection = built(
        definition,
        made_up.AS_OF,
        made_up.history(200, seed=3),
        inputs=("crm",),
        reports=(ReportOfOne("priya", "Priya", "owner", "Priya"),),
        tables=(*MARTS, "marts.stage_arrivals", *(f"report.{name}" for name in TABLES)),
    )

    def first(sql: str) -> tuple[Any, ...]:
        return connection.execute(sql).fetchall()[0]

    def mart(table: str, columns: str, more: str) -> tuple[Any, ...]:
        return first(
            f"select {columns} from {table} as mart "
            "semi join (from report.pairs_shown where report = 'priya' and is_headline) as pair "
            "on pair.from_stage = mart.from_stage and pair.to_stage = mart.to_stage "
            f"where dimension = 'owner' and dimension_value = 'Priya' and grain = 'month' {more}"
        )

    cohorts = mart(
        "marts.conversion", "sum(entered), sum(converted), sum(lost)", "and unit = 'cycle' and window_days is null"
    )
    arrivals = mart("marts.stage_arrivals", 'sum(through), sum("over"), sum(entered_after)', "")
    assert cohorts[0] > 50
    assert cohorts[:1] == first("select sum(entered) from report.cohort_ages where report = 'priya' and age_no = 1")
    assert cohorts == first(
        "select sum(units), sum(units) filter (where fate = 'converted'), sum(units) filter (where fate = 'lost') "
        "from report.headline_gap_months where report = 'priya'"
    )
    assert arrivals == first(
        "select sum(through), sum(\"over\"), sum(entered_after) from report.headline_arrivals where report = 'priya'"
    )
    mix = "select sum(entered), max(dimension_value) from report.cohort_mix where report = 'priya' and dimension = "
    assert (cohorts[0], "Priya") == first(f"{mix}'owner'")
    assert cohorts[:1] == first(f"{mix}'campaign'")[:1]
    connection.close()
