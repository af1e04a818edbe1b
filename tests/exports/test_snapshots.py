"""Snapshots of leads beside the history of a CRM: the date of a change, and the effect of a late snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exports.loading import ENTRIES, Loaded, loaded

CONFIGURATION = """
[funnel]
name = "Copies"
preset = "mcl-mel-mql-sal-sql"

[[inputs]]
name = "copies"
format = "stage_snapshots"
path = "leads_*.csv"

[[inputs]]
name = "crm"
table = "stage_entries"
path = "crm.csv"
"""
COPIES = {
    1: "lead_id,status\n101,MQL\n102,MQL\n103,MQL\n",
    2: "lead_id,status\n101,SAL\n102,MQL\n103,MQL\n",
    3: "lead_id,status\n101,SAL\n102,SAL\n103,SAL\n",
}
CRM = "lead_id,stage,entered_at\n103,MQL,2026-05-01T09:00:00\n103,SAL,2026-05-03T17:00:00\n"
ROWS = "select lead_id, stage, entered_at, input from clean.stage_entries order by all"
TABLES = "+clean.stage_entries +quality.stage_snapshots"


def build_after_snapshots(folder: Path, *days: int) -> Loaded:
    """The models after snapshots of these days of May, loaded one per run."""
    folder.mkdir()
    toml = folder / "funnel.toml"
    toml.write_text(CONFIGURATION, "utf-8")
    (folder / "crm.csv").write_text(CRM, "utf-8")
    for day in days:
        (folder / f"leads_2026-05-{day:02}.csv").write_text(COPIES[day], "utf-8")
        result = loaded(toml, folder / "build", TABLES)
    return result


def test_the_exact_time_is_kept_and_the_snapshot_is_a_duplicate(tmp_path: Path) -> None:
    """103 became SAL on 3 May at 17:00; the snapshot of that day, dated to its start, is no entry."""
    built = build_after_snapshots(tmp_path / "in", 1, 2, 3)
    assert built.rows(ENTRIES) == [
        ("101", "marketing_qualified", "05-01 00:00"),
        ("101", "sales_accepted", "05-02 00:00"),
        ("102", "marketing_qualified", "05-01 00:00"),
        ("102", "sales_accepted", "05-03 00:00"),
        ("103", "marketing_qualified", "05-01 09:00"),
        ("103", "sales_accepted", "05-03 17:00"),
    ]
    counts = (
        "select rows.disposition, count(*) from clean.entry_rows as rows join clean.loads as loads using (load_no) "
        "where loads.input = 'copies' group by all order by all"
    )
    assert built.rows(counts) == [("duplicate", 3), ("kept", 4), ("repeat", 2)]


@pytest.mark.parametrize("days", [(1, 3, 2), (3, 2, 1), (2, 1, 3)])
def test_late_snapshots_give_the_rows_of_snapshots_in_order(tmp_path: Path, days: tuple[int, ...]) -> None:
    """The entries do not depend on the order of the snapshots."""
    late, in_order = build_after_snapshots(tmp_path / "late", *days), build_after_snapshots(tmp_path / "in", 1, 2, 3)
    snapshots = "from quality.stage_snapshots"
    assert late.rows(ROWS) == in_order.rows(ROWS)
    assert late.rows(snapshots) == in_order.rows(snapshots)
    assert late.rows("select snapshots, missed from quality.stage_snapshots") == [(3, 0)]


def test_a_missing_snapshot_dates_the_change_with_the_next_one(tmp_path: Path) -> None:
    """101 became SAL on 2 May, and only the snapshot of the 3rd shows it; the history of the CRM stays exact."""
    built = build_after_snapshots(tmp_path / "in", 1, 3)
    assert [row for row in built.rows(ENTRIES) if row[1] == "sales_accepted"] == [
        ("101", "sales_accepted", "05-03 00:00"),
        ("102", "sales_accepted", "05-03 00:00"),
        ("103", "sales_accepted", "05-03 17:00"),
    ]
