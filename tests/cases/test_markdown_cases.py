"""Each Markdown file of this folder is a claim about the numbers, with given and expected rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.markdown_case import HERE, Case, Then, format_value, read_case
from tests.sql.harness import built, checked, project, records

FILES = sorted(HERE.glob("*.md"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_case(path: Path, tmp_path: Path) -> None:
    """The models give exactly the expected rows of the case, and every check of the tables behind them passes."""
    case = read_case(path)
    expected = {heading(then): (then.columns, sorted(then.rows)) for then in case.thens}
    actual, broken = outcome(case, tmp_path)
    assert expected == actual
    assert [] == broken


def outcome(case: Case, folder: Path, sql: Path | None = None) -> tuple[dict[str, object], list[str]]:
    """The rows that a case expects, as text, and every failed check; one build per as-of.

    A build has the tables that the case names, and those that their checks read. `sql` is a folder of models that
    replaces the shipped one.
    """
    configuration = case.configuration(folder)
    histories = [each for each in configuration.inputs if each.table == "stage_entries"]
    actual: dict[str, object] = {}
    broken = []
    for as_of in sorted({then.as_of for then in case.thens}):
        thens = [then for then in case.thens if then.as_of == as_of]
        tables = {then.table for then in thens}
        tables |= {str(read) for check in project(sql).checks if check.name in tables for read in check.reads}
        connection = built(
            configuration.waterfall,
            case.moment(as_of),
            case.raw_rows(),
            inputs=tuple(each.name for each in histories),
            input_settings={
                each.name: {"precision": each.precision, "priority": each.priority, "format": each.format}
                for each in histories
            },
            tables=tables,
            sql=sql,
            reports=configuration.reports,
        )
        for then in thens:
            rows = records(connection, then.query)
            rows_found = sorted(tuple(format_value(value) for value in row.values()) for row in rows)
            actual[heading(then)] = (then.columns, rows_found)
        broken += [f"{each.name}: {each.claim}" for each in checked(connection) if not each.holds]
        connection.close()
    return actual, broken


def heading(then: Then) -> str:
    """The name of a table of expected rows in a failure."""
    return f"{then.table} of {then.report} where {then.condition} as of {then.as_of}"


def test_every_case_states_its_own_claim() -> None:
    """No two cases have the same title."""
    claims = [read_case(path).claim for path in FILES]
    assert sorted(set(claims)) == sorted(claims)
