"""What changed, on random histories: the models say what loops and fractions over the rule say (K4, K5)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import Any

import duckdb
import oracle
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from oracle import case_files, changes, strategies

from pipeline.config.configuration import ReportOfOne
from pipeline.transform.checks import run_checks
from tests.sql import large_months
from tests.sql.harness import built, project, records
from tests.sql.test_oracle_agrees import difference

MARTS = (
    "marts.conversion_counts",
    "marts.settle_days",
    "marts.conversion",
    "marts.headline_conversion",
    "marts.month_cohorts",
    "marts.time_in_stage",
    "marts.sla",
)
REPORT = (
    "report.months",
    "report.pairs_shown",
    "report.pair_windows",
    "report.rate_change",
    "report.rate_change_parts",
    "report.rate_change_split",
    "report.volume_change",
)


def models_of(waterfall: Any, history: oracle.History, cut: tuple[str, str] = changes.ALL) -> duckdb.DuckDBPyConnection:
    """The report of all leads and that of one cut (`cut`), their own checks asked."""
    connection = built(
        waterfall,
        history.as_of,
        case_files.raw_rows(waterfall, history),
        inputs=history.inputs,
        input_settings=history.input_settings,
        entry_columns=history.entry_columns,
        tables=(*MARTS, *REPORT),
        reports=(ReportOfOne("cut", "The cut", *cut),),
    )
    models = tuple(model for name in (*MARTS, *REPORT) for model in project().models if str(model.table) == name)
    checks = tuple(check for check in project().checks if check.name.startswith("report.rate_change"))
    assert (len(MARTS) + len(REPORT), 1) == (len(models), len(checks))
    assert [] == [outcome for outcome in run_checks(connection, models, checks) if not outcome.holds]
    return connection


def of_table(
    connection: duckdb.DuckDBPyConnection, table: str, report: str, expected: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of a report in a table, in the columns of the oracle."""
    columns = ", ".join(expected[0]) if expected else "*"
    return records(connection, f"select {columns} from {table} where report = '{report}'")


def differences(
    connection: duckdb.DuckDBPyConnection,
    waterfall: Any,
    history: oracle.History,
    cut: tuple[str, str] = changes.ALL,
) -> tuple[list[str], int, int]:
    """Where models and oracle differ, how many changes there were, and how many parts."""
    rates, parts = changes.rate_changes(waterfall, history, cut)
    volumes = changes.volume_changes(waterfall, history, cut)
    report = "all" if cut == changes.ALL else "cut"
    found = [
        *difference(changes.PAIR, rates, of_table(connection, "report.rate_change", report, rates)),
        *difference(changes.PART, parts, of_table(connection, "report.rate_change_parts", report, parts)),
        *difference(("stage",), volumes, of_table(connection, "report.volume_change", report, volumes)),
    ]
    return found, sum(row["change"] is not None for row in rates), len(parts)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=(Phase.generate,),  # a failing case is short enough to read, and shrinking it takes minutes
)
@given(case=strategies.cases())
def test_changes_are_those_of_the_oracle(case: tuple[Any, oracle.History]) -> None:
    """K4, K5: months, counts, rates, intervals and parts are those of the oracle, whatever the history."""
    connection = models_of(*case)
    assert [] == differences(connection, *case)[0]
    connection.close()


@pytest.fixture(scope="module")
def four_months(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, oracle.History]:
    """400 leads of twelve sources and three owners over four months, so that months are large and values are left over."""
    return large_months.four_months(tmp_path_factory.mktemp("four_months"))


@pytest.fixture(scope="module")
def models_of_four_months(four_months: tuple[Any, oracle.History]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Their models, with the report of all leads."""
    connection = models_of(*four_months)
    yield connection
    connection.close()


def test_many_leads_and_values(
    four_months: tuple[Any, oracle.History], models_of_four_months: duckdb.DuckDBPyConnection
) -> None:
    """K4, K5: of twelve sources eight have a row each, the parts of the others are in one."""
    connection = models_of_four_months
    found, known, parts = differences(connection, *four_months)
    assert ([], 6, 6 * (9 + 3)) == (found, known, parts)
    enough = connection.execute(
        "select bool_and(is_enough), (select bool_or(values_inside > 1) from report.rate_change_parts) from report.rate_change"
    ).fetchall()
    assert [(True, True)] == enough


@pytest.mark.parametrize("cut", [("owner", "Tom"), ("lead_source", "(none)"), ("owner", "nobody is called so")])
def test_the_report_of_a_cut(four_months: tuple[Any, oracle.History], cut: tuple[str, str]) -> None:
    """K4, K5: where the report shows one cut, the changes are those of its units and stays, and there is no split by dimension."""
    connection = models_of(*four_months, cut)
    found, known, parts = differences(connection, *four_months, cut)
    connection.close()
    assert ([], 0) == (found, parts)
    assert (known == 0) == (cut[1] == "nobody is called so")


@pytest.mark.parametrize(
    "damage",
    [
        "update report.rate_change_parts set rate_part = rate_part + 1e-9 where value_no = 3",
        "update report.rate_change_parts set latest_converted = latest_converted - 1 where value_no = 3",
        "delete from report.rate_change_parts where dimension = 'owner'",
    ],
)
def test_parts_that_do_not_add_up_stop_the_run(models_of_four_months: duckdb.DuckDBPyConnection, damage: str) -> None:
    """A billionth, one unit or a whole dimension less, and the check of the parts fails."""
    connection = models_of_four_months
    checks = tuple(check for check in project().checks if check.name.startswith("report.rate_change"))
    assert [True] == [outcome.holds for outcome in run_checks(connection, (), checks)]
    connection.execute("begin")
    connection.execute(damage)
    damaged = [outcome.holds for outcome in run_checks(connection, (), checks)]
    connection.execute("rollback")
    assert [False] == damaged


def test_parts_add_up_exactly() -> None:
    """On random counts mix and rates of the oracle add up to the change, exactly."""
    random = Random(3)
    for _ in range(300):
        latest, previous = (
            {
                name: (random.randint(0, n), n)
                for name in "abcdef"[: random.randint(1, 6)]
                if (n := random.choice((1, 2, 5, 40, 900)))
            }
            for _ in range(2)
        )
        both = changes.parts(latest, previous)
        now, then = (
            Fraction(sum(part for part, _ in month.values()), sum(whole for _, whole in month.values()))
            for month in (latest, previous)
        )
        assert now - then == sum(mix + rates for mix, rates in both.values())


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 20), 0.6791, 1.0)],
)
def test_newcombe_as_printed(first: tuple[int, int], second: tuple[int, int], low: float, high: float) -> None:
    """K4: the intervals of the examples in Newcombe's paper (1998, table II, method 10)."""
    assert (low, high) == tuple(round(bound, 4) for bound in changes.newcombe(first, second))
