"""The stage before a lead's first entry, where its creation is known only in part, and what the run says of it (E9)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb

from pipeline.run import findings
from tests.sql import made_up
from tests.sql.harness import built, checked, records

TABLES = ("clean.stage_entries", "journey.cycles", "quality.first_values")


def history(*rows: tuple[str, str | None, str, int, datetime | None]) -> list[dict[str, object]]:
    """Rows of history: (lead, old value, stage, day of January 2025, creation)."""
    return [
        {
            "input": "crm",
            "load_no": 1,
            "row_number": number,
            "lead_id": lead_id,
            "previous": previous,
            "stage": stage,
            "entered_at": datetime(2025, 1, day),
            "record_created_at": created_at,
        }
        for number, (lead_id, previous, stage, day, created_at) in enumerate(rows, 1)
    ]


def models(folder: Path, **rows: list[dict[str, object]]) -> duckdb.DuckDBPyConnection:
    return built(made_up.waterfall(folder), made_up.AS_OF, rows, inputs=("crm",), tables=TABLES)


def entries(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    rows = records(connection, "select lead_id, stage, entered_at, basis from clean.stage_entries order by all")
    return [tuple(row.values()) for row in rows]


def test_leads_whose_creation_nobody_knows_are_counted_by_input(tmp_path: Path) -> None:
    """Two leads have no creation date, one has: the run names the input, the number and the column to deliver."""
    rows = history(
        ("L1", "MEL", "MQL", 5, None), ("L2", "MEL", "MQL", 5, None), ("L3", "MEL", "MQL", 5, datetime(2025, 1, 2))
    )
    connection = models(tmp_path, stage_entries=rows)
    said = "crm: 2 leads have a first status without a date: deliver the leads with created_at, "
    assert findings.first_stages_without_a_date(connection) == [said + "or map record_created_at of this input"]


def test_one_lead_is_one_lead_and_none_is_silent(tmp_path: Path) -> None:
    """The sentence agrees in number, and there is none where every creation is known."""
    one = models(tmp_path, stage_entries=history(("L1", "MEL", "MQL", 5, None)))
    none = models(tmp_path, stage_entries=history(("L1", "MEL", "MQL", 5, datetime(2025, 1, 2))))
    assert [said[:16] for said in findings.first_stages_without_a_date(one)] == ["crm: 1 lead has "]
    assert findings.first_stages_without_a_date(none) == []


def test_a_row_of_a_merged_lead_does_not_borrow_the_survivors_creation(tmp_path: Path) -> None:
    """L1 was merged into L2. Its old value belongs to its own creation, which the record of L2 does not say."""
    leads = [{"input": "crm_leads", "load_no": 2, "row_number": 1, "lead_id": "L2", "created_at": datetime(2025, 1, 1)}]
    merges = [{"input": "merges", "load_no": 3, "row_number": 1, "from_lead_id": "L1", "into_lead_id": "L2"}]
    rows = history(("L1", "MEL", "MQL", 5, None), ("L2", "MQL", "SAL", 9, None))
    connection = models(tmp_path, stage_entries=rows, leads=leads, merges=merges)
    assert entries(connection) == [
        ("L2", "mql", datetime(2025, 1, 5), "observed"),
        ("L2", "sal", datetime(2025, 1, 9), "observed"),
    ]
    assert [each.name for each in checked(connection) if not each.holds] == []


def test_only_the_survivors_first_entry_has_an_older_value(tmp_path: Path) -> None:
    """Of a merged lead with two histories, the earlier one gives the entry at creation; the other's old value gives none."""
    merges = [{"input": "merges", "load_no": 3, "row_number": 1, "from_lead_id": "L1", "into_lead_id": "L2"}]
    rows = history(("L1", "MEL", "MQL", 5, datetime(2025, 1, 2)), ("L2", "MEL", "SAL", 9, datetime(2025, 1, 3)))
    connection = models(tmp_path, stage_entries=rows, merges=merges)
    assert entries(connection) == [
        ("L2", "mel", datetime(2025, 1, 2), "inferred"),
        ("L2", "mql", datetime(2025, 1, 5), "observed"),
        ("L2", "sal", datetime(2025, 1, 9), "observed"),
    ]


def test_a_hold_after_the_entry_at_creation_continues_its_cycle(tmp_path: Path) -> None:
    """MQL at creation, then a hold, then SAL: one cycle that began at MQL."""
    rows = history(("L1", "MQL", "waiting", 5, datetime(2025, 1, 2)), ("L1", "waiting", "SAL", 9, None))
    connection = models(tmp_path, stage_entries=rows)
    cycles = records(connection, "select cycle_no, entry_stage, furthest_stage from journey.cycles")
    assert cycles == [{"cycle_no": 1, "entry_stage": "mql", "furthest_stage": "sal"}]
