"""Tables of accounts that contradict the leads per account, or the leads themselves, stop the run (A1, A3)."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.sql import made_up
from tests.sql.harness import built, checked


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every mart of fifty made-up leads."""
    waterfall = made_up.waterfall(tmp_path_factory.mktemp("accounts"))
    connection = built(waterfall, made_up.AS_OF, made_up.history(50, seed=7), tables=("clean.leads", "marts.*"))
    yield connection
    connection.close()


def broken_after(connection: duckdb.DuckDBPyConnection, change: str) -> set[str]:
    """The checks of marts that do not hold once `change` is made; the change is taken back."""
    connection.execute("begin")
    try:
        connection.execute(change)
        names = {outcome.name for outcome in checked(connection, "marts") if not outcome.holds}
    finally:
        connection.execute("rollback")
    return {name for name in names if name.startswith("marts.account_")}


def test_accounts_of_a_good_run_hold(whole: duckdb.DuckDBPyConnection) -> None:
    """There are accounts to check, and nothing is broken as the models made them."""
    found = whole.execute("select count(*), count(stage) from marts.account_stages").fetchone()
    assert found is not None
    assert min(found) > 0
    assert set() == broken_after(whole, "select 1")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("delete from marts.account_arrivals where rowid = 0", "marts.account_arrivals"),
        (
            "update marts.account_arrivals set leads_reached = leads_reached + 1 where rowid = 0",
            "marts.account_arrivals",
        ),
        ("delete from marts.account_stages where rank > 1", "marts.account_stages"),
        (
            "update marts.account_stages set rank = rank - 1 where rank = (select max(rank) from marts.account_stages)",
            "marts.account_stages",
        ),
    ],
)
def test_a_contradiction_is_found(whole: duckdb.DuckDBPyConnection, change: str, name: str) -> None:
    """An account too few, a lead too many, an account below its lead: each breaks the check of its table."""
    assert {name} == broken_after(whole, change)
