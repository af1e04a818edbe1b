"""Where the units of the headline are, for cycles, leads and accounts: the report agrees with the oracle (K9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import oracle
import pytest
from hypothesis import HealthCheck, given, settings
from oracle import case_files, strategies
from oracle.gap import headline_gap

from pipeline.waterfall.definition import Unit
from tests.sql.harness import built, records

COLUMNS = "headline_no, fate, reason, stage, units"


@pytest.mark.parametrize("unit", get_args(Unit))
def test_outcomes_of_random_histories(unit: Unit) -> None:
    """Each unit stands under one fate, one reason and one stage, as loops over the rules find them."""

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=strategies.cases(max_leads=20))
    def agree(case: tuple[Any, oracle.History]) -> None:
        waterfall, history = replace(case[0], unit=unit), case[1]
        connection = built(
            waterfall,
            history.as_of,
            case_files.raw_rows(waterfall, history),
            inputs=history.inputs,
            input_settings=history.input_settings,
            entry_columns=history.entry_columns,
            tables=("report.headline_gap",),
        )
        found = records(connection, f"select {COLUMNS} from report.headline_gap")
        connection.close()
        assert sorted(map(repr, headline_gap(waterfall, history))) == sorted(map(repr, found))

    agree()
