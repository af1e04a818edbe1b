"""The views of schema raw that the models read."""

from __future__ import annotations

from pathlib import Path

from delivery import HEADER, Inbox, entry, one_file

from pipeline.ingest.raw_tables import create_raw_views

GOOD = HEADER + entry("L1")
LEADS = "lead_id,origin,owner,score\n"


def test_every_raw_view_exists_without_a_load(tmp_path: Path) -> None:
    """The views are empty and have the documented columns."""
    connection = Inbox(tmp_path).raw_views()
    tables = "accounts deletions leads loads merges rejected_rows stage_entries"
    attributes = "account_attributes lead_attributes host_texts domains"
    for name in f"{tables} {attributes}".split():
        assert [(0,)] == connection.execute(f"select count(*) from raw.{name}").fetchall()
    columns = [row[0] for row in connection.execute("describe raw.stage_entries").fetchall()]
    ours = "input load_no row_number lead_id stage entered_at sequence owner source_system previous record_created_at"
    added = "recorded_at record_number stage_alias previous_alias time_note original given"
    assert [*ours.split(), *added.split()] == columns


def test_a_row_has_the_configured_dimensions_in_order(tmp_path: Path) -> None:
    """Entries have only columns of their load, leads all documented and extra columns; missing ones are null."""
    inbox = one_file(tmp_path, "lead_id,stage,entered_at,region\nL1,MQL,2026-01-05,north\n")
    inbox.put("leads.csv", LEADS + "L1,sales,dana,7\n")
    inbox.reads("leads.csv", "leads", name="leads")
    inbox.dimensions = ("owner", "origin", "score", "region", "team")
    inbox.land()
    assert [([None, None, None, "north", None],)] == inbox.rows("select given from raw.stage_entries")
    assert [(["dana", "sales", "7", None, None],)] == inbox.rows("select given from raw.leads")


def test_an_input_that_is_no_longer_configured_is_not_read(tmp_path: Path) -> None:
    """There is a warning, and the log keeps its rows."""
    inbox = one_file(tmp_path, GOOD)
    inbox.land()
    inbox.inputs = ()
    connection = inbox.raw_views()
    assert [(0,)] == connection.execute("select count(*) from raw.stage_entries").fetchall()
    (warning,) = create_raw_views(connection, inbox.configuration, inbox.log_folder)
    assert "`crm`" in warning
