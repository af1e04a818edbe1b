"""What the page of a headline pair rests on, on random histories: the models agree with loops over the rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import oracle
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from oracle import case_files, strategies
from oracle.gap import headline_gap_months
from oracle.pairs import cohort_ages, cohort_mix, headline_arrivals

from pipeline.models.build import build
from pipeline.models.checks import run_checks
from pipeline.waterfall.definition import Unit
from tests.sql.harness import built, project, records
from tests.sql.test_oracle_agrees import difference

LAYERS = frozenset({"waterfall", "clean", "journey"})
MARTS = ("marts.conversion", "marts.stage_arrivals", "marts.settled_estimates")
REPORT = ("months", "pairs_shown", "settled", "conversion_months")
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
        entry_columns=history.entry_columns,
        layers=LAYERS,
    )
    models = tuple(model for name in WANTED for model in project().models if str(model.table) == name)
    build(connection, models, {}, lambda built: None)
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
