"""report.sla_by_owner on random histories is what a loop over stays and open leads gives (T5)."""

from __future__ import annotations

from typing import Any

import oracle
from hypothesis import HealthCheck, Phase, given, settings
from oracle import case_files, strategies
from oracle.owners import sla_by_owner

from pipeline.transform.checks import run_checks
from tests.sql.harness import built, project, records
from tests.sql.test_oracle_agrees import difference

WANTED = ("marts.open_leads", "marts.sla", "report.sla_by_owner")


def of_models(waterfall: Any, history: oracle.History, columns: str) -> list[dict[str, Any]]:
    """The rows of the model, its own checks asked, too."""
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
    checks = tuple(check for check in project().checks if check.name.startswith("report.sla_by_owner"))
    assert (3, 1) == (len(models), len(checks))
    assert [] == [outcome for outcome in run_checks(connection, models, checks) if not outcome.holds]
    found = records(connection, f"select {columns} from report.sla_by_owner order by stage_no, owner_no")
    connection.close()
    return found


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=(Phase.generate,),  # a failing case is short enough to read, and shrinking it takes minutes
)
@given(case=strategies.cases(max_leads=20))
def test_owners_are_those_of_the_oracle(case: tuple[Any, oracle.History]) -> None:
    """T5: stays by the owner at entry, the to-do list by the owner now, in the order in which the report lists them."""
    expected = sla_by_owner(*case)
    columns = ", ".join(expected[0]) if expected else "*"
    assert [] == difference(("stage", "owner"), expected, of_models(*case, columns))
