"""Rows whose entry another source dates by its priority, on random leads of five inputs, against loops over the rule (E4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

from tests import oracle
from tests.oracle import case_files
from tests.oracle.entries import place
from tests.sql import made_up
from tests.sql.harness import built, records

PRIORITIES = {"crm": 1, "tool": 2, "old_tool": 2, "events": 3}
INPUTS = (*PRIORITIES, "sheet")
START = made_up.AS_OF - timedelta(days=60)
HOURS = (-96, -25, -24, -2, -1, 0, 0, 0, 1, 2, 24, 25, 96)


def a_history(leads: int, seed: int) -> oracle.History:
    """Each lead has a way through the stages, and each input its own times and gaps of it. Some leads are deleted."""
    random = Random(seed)
    entries: list[oracle.Entry] = []
    deletions = []
    for number in range(leads):
        lead_id, at = f"L{number:04}", START + timedelta(hours=random.randrange(200))
        for _ in range(random.randint(1, 5)):
            stage = random.choice(made_up.STAGES[:6])
            for name in random.sample(INPUTS, random.randint(1, len(INPUTS))):
                for _ in range(random.choice((1, 1, 1, 2))):
                    entry = oracle.Entry(name, INPUTS.index(name) + 1, 0, lead_id, stage, None)
                    entry = replace(entry, sequence=random.choice((None, None, 1, 2)))
                    entries.append(replace(entry, entered_at=at + timedelta(hours=random.choice(HOURS))))
            at += timedelta(hours=random.choice((1, 12, 24, 48, 240)))
        if random.random() < 0.2:
            deletions.append(oracle.Deletion(lead_id, at - timedelta(hours=random.choice((0, 1, 24)))))
    numbered = [replace(entry, row_number=number) for number, entry in enumerate(entries, 1)]
    return oracle.History(made_up.AS_OF, tuple(numbered), INPUTS, deletions=tuple(deletions), priorities=PRIORITIES)


def test_rows_that_another_source_dates_are_those_of_the_rule(tmp_path: Path) -> None:
    """Which rows they are, and the time and the input that count in their place."""
    history = a_history(leads=400, seed=11)
    waterfall = replace(made_up.waterfall(tmp_path), as_of=history.as_of)
    expected = {
        (row.entry.row_number, row.dated[0].replace(tzinfo=None), row.dated[1])
        for row in place(waterfall, history)
        if row.dated is not None
    }
    connection = built(
        waterfall,
        history.as_of,
        case_files.raw_rows(waterfall, history),
        inputs=history.inputs,
        input_settings=history.input_settings,
        tables=("clean.recorded_also",),
    )
    found = records(
        connection,
        "select also.row_number, also.kept_at, inputs.input from clean.recorded_also as also "
        "inner join waterfall.inputs as inputs on inputs.input_no = also.kept_input_no",
    )
    connection.close()
    assert len(expected) > 1_000
    assert expected == {tuple(row.values()) for row in found}
    assert len(found) == len(expected)


def test_without_priorities_no_row_is_recorded_also(tmp_path: Path) -> None:
    """The same rows count by their times alone."""
    history = replace(a_history(leads=20, seed=3), priorities={})
    waterfall = replace(made_up.waterfall(tmp_path), as_of=history.as_of)
    raw = case_files.raw_rows(waterfall, history)
    connection = built(waterfall, history.as_of, raw, inputs=history.inputs, tables=("clean.recorded_also",))
    assert [] == records(connection, "from clean.recorded_also")
    connection.close()
