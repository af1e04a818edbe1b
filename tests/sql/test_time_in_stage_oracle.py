"""Stay lengths, moves and standings of accounts on random histories are what loops over stays give, in total and in a cut."""

from __future__ import annotations

from typing import Any

import oracle
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import case_files, stays, strategies

from pipeline.database.connection import quoted
from pipeline.transform.build import build
from pipeline.transform.checks import run_checks
from tests.sql.harness import built, project, records
from tests.sql.test_oracle_agrees import difference

MARTS = ("marts.time_in_stage", "marts.open_time_in_stage", "marts.stage_flow", "marts.account_stages")
ORACLES = {
    "report.stay_lengths": (("stage", "basis", "class_no"), stays.stay_lengths),
    "report.stage_moves": (("stage", "direction", "move_no"), stays.stage_moves),
    "report.account_standing": (("account_id",), stays.accounts_now),
}


def models(names: tuple[str, ...]) -> tuple[Any, ...]:
    """These models, in this order."""
    return tuple(model for name in names for model in project().models if str(model.table) == name)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=(Phase.generate,),  # a failing case is short enough to read, and shrinking it takes minutes
)
@given(case=strategies.cases(max_leads=20), data=st.data())
def test_stays_moves_and_accounts_are_those_of_the_oracle(
    case: tuple[Any, oracle.History], data: st.DataObject
) -> None:
    """T1, S2, A3: classes of length, moves in and out and standings of accounts; their checks against the marts hold."""
    waterfall, history = case
    connection = built(
        waterfall,
        history.as_of,
        case_files.raw_rows(waterfall, history),
        inputs=history.inputs,
        input_settings=history.input_settings,
        entry_columns=history.entry_columns,
        tables=("journey.*", *MARTS),
    )
    cuts = connection.execute("select dimension, dimension_value from journey.slices order by slice_no").fetchall()
    shown = models(tuple(ORACLES))
    checks = tuple(check for check in project().checks if any(check.name.startswith(name) for name in ORACLES))
    assert 3 == len(checks)
    one = data.draw(st.sampled_from(cuts))
    connection.execute(f"insert into waterfall.reports values (1, 'one', 'One', {', '.join(map(quoted, one))})")
    build(connection, shown, None)
    assert [] == [outcome for outcome in run_checks(connection, shown, checks) if not outcome.holds]
    for report, (dimension, value) in (("all", ("all", "all")), ("one", one)):
        cut = stays.shown(waterfall, history, dimension, value)
        for table, (key, counted) in ORACLES.items():
            expected = counted(cut)
            columns = ", ".join(expected[0]) if expected else "*"
            found = records(connection, f"select {columns} from {table} where report = '{report}'")
            assert [] == difference(key, expected, found), (table, dimension, value)
    connection.close()
