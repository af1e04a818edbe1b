"""Laws of docs/RULES.md that hold for any history, and that a case survives being written to files."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings

from pipeline.waterfall.definition import Waterfall

from . import KEYS, Row, numbers
from .case_files import raw_rows, read_case, write_case
from .history import History
from .journey import travel
from .strategies import cases

Case = tuple[Waterfall, History]
thoroughly = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

FATES = ("converted", "passed_over", "lost", "still_open")
WAYS = ("through", "over", "entered_after")


def without(row: Row, *columns: str) -> tuple[Any, ...]:
    return tuple(value for column, value in row.items() if column not in columns)


@thoroughly
@given(cases())
def test_counts_add_up(case: Case) -> None:
    """E1, K3, K7 and V1: rows, cohorts, arrivals and flows are complete, whatever the history."""
    tables = numbers(*case, tables=("quality.row_accounting", "marts.conversion", "marts.stage_flow"))
    for row in tables["quality.row_accounting"]:
        assert row["rows_read"] == sum(without(row, "input", "rows_read"))
    for row in tables["marts.conversion"]:
        assert row["entered"] == sum(row[fate] for fate in FATES) > 0
        assert 0 <= row["rate_low"] <= row["rate"] <= row["rate_high"] <= 1
    unexplained: Counter[Any] = Counter()
    for row in tables["marts.stage_flow"]:
        ins = sum(count for column, count in row.items() if column.startswith("in_"))
        outs = sum(count for column, count in row.items() if column.startswith("out_"))
        assert row["closing"] == row["opening"] + ins - outs
        cut = (row["grain"], row["period_start"], row["dimension"])
        unexplained[cut] += ins - outs - row["in_new"] - row["in_restored"] + row["out_deleted"]
    # Nothing but new, restored and deleted leads changes the number of leads that are somewhere.
    assert not any(unexplained.values())


@thoroughly
@given(cases())
def test_cuts_add_up_to_the_total(case: Case) -> None:
    """docs/RULES.md section 9: the counts of the cuts of one dimension sum to the total."""
    counted = {
        "marts.conversion": ("entered", *FATES),
        "marts.stage_arrivals": WAYS,
        "marts.stage_flow": ("opening", "in_new", "in_returned", "out_advanced", "out_deleted", "closing"),
        "marts.time_in_stage": ("completed",),
        "marts.open_time_in_stage": ("still_open",),
        "marts.lead_to_account": ("leads", "leads_with_account"),
    }
    waterfall, history = case
    tables = numbers(waterfall, history, tables=counted)
    for table, counts in counted.items():
        sums: dict[str, Counter[Any]] = defaultdict(Counter)
        for row in tables[table]:
            key = tuple(row[column] for column in KEYS[table] if not column.startswith("dimension"))
            for count in counts:
                sums[row["dimension"]][key, count] += row[count]
        for dimension in waterfall.dimensions:
            assert +sums["all"] == +sums[dimension]


@thoroughly
@given(cases())
def test_spans_have_no_gaps(case: Case) -> None:
    """S1, C2, E10: spans of a lead join end to end, no two alike in a row, unless a deletion parts them; no cycle is skipped."""
    spans = numbers(*case, tables=["journey.stage_spans"])["journey.stage_spans"]
    for before, span in pairwise(spans):
        if before["lead_id"] != span["lead_id"]:
            continue
        if before["exit_kind"] == "deleted":
            assert (None, True) == (before["next_stage"], before["exited_at"] < span["entered_at"])
        else:
            assert (before["exited_at"], before["next_stage"]) == (span["entered_at"], span["stage"])
            assert before["stage"] != span["stage"]
        assert before["entered_at"] <= span["entered_at"]
        assert span["cycle_no"] - before["cycle_no"] in (0, 1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_a_case_written_to_files_is_the_same_case(case: Case) -> None:
    """The files of a case say all that its values say."""
    waterfall, history = case
    with TemporaryDirectory() as folder:
        from_files, history_from_files = read_case(write_case(Path(folder), waterfall, history))
    assert waterfall == from_files
    assert numbers(waterfall, history) == numbers(from_files, history_from_files)


@thoroughly
@given(cases())
def test_raw_rows_leave_no_row_out(case: Case) -> None:
    """Each delivered row is landed, rejected on landing or redelivered."""
    waterfall, history = case
    raw = raw_rows(waterfall, history)
    redelivered = [row for row in travel(waterfall, history).placed if row.disposition == "redelivered"]
    landed = raw["raw.stage_entries"] + raw["raw.rejected_rows"]
    assert len(history.entries) == len(landed) + len(redelivered)
    assert len(landed) == len({(row["input"], row["load_no"], row["row_number"]) for row in landed})
