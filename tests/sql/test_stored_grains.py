"""Marts keep months and longer: a reader of one of them waits for nothing else, and days and weeks are there when asked."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from pipeline.transform.checks import run_checks
from tests.sql import made_up
from tests.sql.harness import built, project

KEPT = tuple(str(model.table) for model in project().models if model.header.stored_where)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of fifty made-up leads."""
    waterfall = made_up.waterfall(tmp_path_factory.mktemp("kept"), dimensions=("origin", "lead_source"))
    connection = built(waterfall, made_up.AS_OF, made_up.history(50, seed=7), tables=("marts.*", "journey.*"))
    yield connection
    connection.close()


@pytest.mark.parametrize("mart", KEPT)
def test_who_asks_for_months_reads_stored_rows_only(night: duckdb.DuckDBPyConnection, mart: str) -> None:
    """The plan for one kept grain reads one table."""
    (plan,) = night.execute(f"explain (format json) select * from {mart} where grain = 'month'").fetchall()
    assert plan[1].count("SEQ_SCAN") == 1


@pytest.mark.parametrize("mart", KEPT)
def test_days_and_weeks_are_there_when_asked(night: duckdb.DuckDBPyConnection, mart: str) -> None:
    """Every grain has rows, and none stands in it twice."""
    grains = night.execute(f"select grain from {mart} group by grain order by grain").fetchall()
    assert [name for (name,) in grains] == ["all", "day", "month", "quarter", "week", "year"]
    (counts,) = night.execute(
        f"select count(*), (select count(*) from (select distinct * from {mart})) from {mart}"
    ).fetchall()
    assert counts[0] == counts[1]


def test_no_check_waits_for_days(night: duckdb.DuckDBPyConnection) -> None:
    """Checks ask for stored rows: with every view of them broken, so that none can be read, they run and hold."""
    aside = night.cursor()
    aside.execute("begin transaction")
    for mart in KEPT:
        aside.execute(f"create or replace view {mart} as select error('days were asked for') as grain")
    checks = tuple(check for check in project().checks if check.name.startswith("marts."))
    assert any({str(table) for table in check.reads} & set(KEPT) for check in checks)
    marts = tuple(model for model in project().models if model.table.schema == "marts")
    outcomes = run_checks(aside, marts, checks)
    aside.execute("rollback")
    assert {check.name for check in checks} <= {outcome.name for outcome in outcomes}
    assert all(outcome.holds for outcome in outcomes)
