"""The relations of schema raw that the models read."""

from __future__ import annotations

from pathlib import Path

from delivery import HEADER, Inbox, entry, one_file

from pipeline.ingest.raw_tables import create_raw_views

GOOD = HEADER + entry("L1")
LEADS = "lead_id,origin,owner,score\n"


def test_every_relation_is_offered_when_nothing_was_delivered(tmp_path: Path) -> None:
    """Empty, with the columns of the contract."""
    connection = Inbox(tmp_path).raw_views()
    tables = "accounts deletions leads loads merges rejected_rows stage_entries"
    attributes = "account_attributes lead_attributes host_texts domains"
    for name in f"{tables} {attributes}".split():
        assert [(0,)] == connection.execute(f"select count(*) from raw.{name}").fetchall()
    columns = [row[0] for row in connection.execute("describe raw.stage_entries").fetchall()]
    ours = "input load_no row_number lead_id stage entered_at sequence owner source_system previous record_created_at"
    added = "recorded_at record_number stage_alias previous_alias time_note original given"
    assert [*ours.split(), *added.split()] == columns


def test_a_row_gives_the_configured_dimensions_in_their_order(tmp_path: Path) -> None:
    """Of entries only what a load brought; of leads every contract column and extra; null for what is not there."""
    inbox = one_file(tmp_path, "lead_id,stage,entered_at,region\nL1,MQL,2026-01-05,north\n")
    inbox.put("leads.csv", LEADS + "L1,sales,dana,7\n")
    inbox.reads("leads.csv", "leads", name="leads")
    inbox.dimensions = ("owner", "origin", "score", "region", "team")
    inbox.land()
    assert [([None, None, None, "north", None],)] == inbox.rows("select given from raw.stage_entries")
    assert [(["dana", "sales", "7", None, None],)] == inbox.rows("select given from raw.leads")


def test_inputs_that_are_no_longer_configured_are_not_offered(tmp_path: Path) -> None:
    """With a warning; the log keeps them."""
    inbox = one_file(tmp_path, GOOD)
    inbox.land()
    inbox.inputs = ()
    connection = inbox.raw_views()
    assert [(0,)] == connection.execute("select count(*) from raw.stage_entries").fetchall()
    (warning,) = create_raw_views(connection, inbox.configuration, inbox.log_folder)
    assert "`crm`" in warning
