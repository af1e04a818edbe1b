"""The SQL and the naive oracle, put to the same random histories, must give the same rows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import oracle
import pytest
from hypothesis import HealthCheck, given, settings
from oracle import case_files, strategies

from pipeline.transform import partitions
from tests.sql.harness import ALL_BUT_REPORT, built, checked, records

HISTORIES = 104
MAX_LEADS = 24
PARTS = 8


def rows_of_both(
    waterfall: Any, history: oracle.History, sql: Path | None = None, tables: Iterable[str] = ()
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Per table the rows of the SQL and of the oracle in the columns of the oracle, and every broken check.

    `sql` is a folder of models that replaces the shipped one; `tables` limits the comparison to some tables.
    """
    expected = oracle.numbers(waterfall, history, tables=tables)
    connection = built(
        waterfall,
        history.as_of,
        case_files.raw_rows(waterfall, history),
        inputs=history.inputs,
        input_settings=history.input_settings,
        entry_columns=history.entry_columns,
        tables=tables or ALL_BUT_REPORT,
        sql=sql,
    )
    actual = {}
    for table in expected:
        if expected[table]:
            columns = ", ".join(expected[table][0])
            order = ", ".join(f"{column} nulls first" for column in oracle.KEYS[table])
            mine = "where table_name = 'stage_entries'" if table == "quality.row_accounting" else ""
            actual[table] = records(connection, f"select {columns} from {table} {mine} order by {order}")
        else:
            actual[table] = records(connection, f"from {table}")
    broken = [f"{outcome.name}: {outcome.claim}" for outcome in checked(connection) if not outcome.holds]
    connection.close()
    return expected, actual, broken


def differences(expected: dict[str, Any], actual: dict[str, Any]) -> dict[str, list[str]]:
    """The tables on which the two differ, each with its first differences."""
    found = {table: difference(oracle.KEYS[table], rows, actual[table]) for table, rows in expected.items()}
    return {table: words for table, words in found.items() if words}


def difference(key: tuple[str, ...], expected: list[dict[str, Any]], actual: list[dict[str, Any]]) -> list[str]:
    """What one list has and the other lacks, row by row of the table's key, in words; the first few."""
    theirs = {tuple(row[column] for column in key): row for row in expected}
    ours = {tuple(row[column] for column in key): row for row in actual}
    found = [f"only the oracle has {each}" for each in theirs if each not in ours]
    found += [f"only the SQL has {each}" for each in ours if each not in theirs]
    found += [
        f"{each}: {column} is {row[column]} in the oracle, {ours[each][column]} in the SQL"
        for each, row in theirs.items()
        if each in ours
        for column in row
        if not same(row[column], ours[each][column])
    ]
    if len(ours) != len(actual):
        found.append("the SQL repeats a key")
    return found[:4]


def same(expected: Any, actual: Any) -> bool:
    """Equal; for days and shares to nine digits, since the order in which doubles are added is nobody's meaning."""
    if isinstance(expected, float) and isinstance(actual, float):
        return math.isclose(expected, actual, rel_tol=1e-9, abs_tol=1e-12)
    return bool(expected == actual) and (expected is None) == (actual is None)


@pytest.mark.parametrize("part", range(PARTS))
def test_sql_and_oracle_agree_on_random_histories(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table of the contract has the rows that loops over the specification give, and every check holds.

    Of every second part the compared tables alone are built, as if a few leads were all that fits into the memory.
    """
    if part % 2:
        monkeypatch.setattr(partitions, "MAX_PARTITION_SHARE", 1e-5)
    tables = tuple(oracle.KEYS) if part % 2 else ()

    @settings(
        max_examples=HISTORIES // PARTS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=strategies.cases(MAX_LEADS))
    def agree(case: tuple[Any, oracle.History]) -> None:
        expected, actual, broken = rows_of_both(*case, tables=tables)
        assert differences(expected, actual) == {}
        assert broken == []

    agree()
