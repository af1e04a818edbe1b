"""Each Markdown file beside this one is a claim about the numbers, with the rows that show it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cases.markdown_case import HERE, Case, Then, read_case, shown
from tests.sql.harness import ALL_BUT_REPORT, built, checked, records

FILES = sorted(HERE.glob("*.md"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_case(path: Path, tmp_path: Path) -> None:
    """What the case expects is what comes out: these rows and no others; and every promise of the models holds."""
    case = read_case(path)
    expected = {heading(then): (then.columns, sorted(then.rows)) for then in case.thens}
    actual, broken = outcome(case, tmp_path)
    assert expected == actual
    assert [] == broken


def outcome(case: Case, folder: Path, sql: Path | None = None) -> tuple[dict[str, object], list[str]]:
    """The rows that a case asks for, as text, and every check that does not hold; one build for each as-of.

    `sql` is a folder of models in the place of the shipped ones.
    """
    configuration = case.configuration(folder)
    histories = [each for each in configuration.inputs if each.table == "stage_entries"]
    actual: dict[str, object] = {}
    broken = []
    for as_of in sorted({then.as_of for then in case.thens}):
        thens = [then for then in case.thens if then.as_of == as_of]
        # Journeys alone build in half the time; the whole is built where a mart is asked for.
        asked = {re.split(r"[._]", then.table)[0] for then in thens}
        layers = ALL_BUT_REPORT if asked & {"marts", "quality", "report"} else ALL_BUT_REPORT[:3]
        connection = built(
            configuration.waterfall,
            case.moment(as_of),
            case.raw_rows(),
            inputs=tuple(each.name for each in histories),
            input_settings={
                each.name: {"precision": each.precision, "priority": each.priority, "format": each.format}
                for each in histories
            },
            tables=None if "report" in asked else layers,
            sql=sql,
            reports=configuration.reports,
        )
        for then in thens:
            rows = records(connection, f"select {', '.join(then.columns)} from {then.table} where {then.condition}")
            found = sorted(tuple(shown(value) for value in row.values()) for row in rows)
            actual[heading(then)] = (then.columns, found)
        broken += [f"{each.name}: {each.claim}" for each in checked(connection) if not each.holds]
        connection.close()
    return actual, broken


def heading(then: Then) -> str:
    """What a table of expected rows is called in a failure."""
    return f"{then.table} where {then.condition} as of {then.as_of}"


def test_every_case_states_its_own_claim() -> None:
    """No two cases have the same title."""
    claims = [read_case(path).claim for path in FILES]
    assert sorted(set(claims)) == sorted(claims)
