"""Rows of merges that name their object: leads or accounts (E3)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from delivery import HEADER, Inbox, connection_of_a_run, entry

from pipeline.config.configuration import Personal, Privacy
from pipeline.ingest.raw_tables import create_raw_views
from pipeline.privacy.pseudonyms import Pseudonyms
from tests import runs
from tests.unit.configurations import STAGES

KEY = Pseudonyms(b"a key of sixteen bytes or more, for tests only")
ROWS = "select from_lead_id, into_lead_id, object from raw.merges order by load_no, row_number"


def merges(folder: Path, content: str) -> Inbox:
    """An inbox with one input of merges, not loaded yet."""
    inbox = Inbox(folder)
    inbox.put("merges.csv", content)
    return inbox.reads("merges.csv", "merges", name="merges")


def test_an_object_that_is_neither_lead_nor_account_rejects_its_row(tmp_path: Path) -> None:
    """The object is read in any case; without one it is a lead."""
    inbox = merges(tmp_path, "from_lead_id,into_lead_id,object\n1,2,Lead\n3,4,ACCOUNT\n5,6,\n7,8,Contact\n")
    (load,) = inbox.land().loads
    assert {"unknown_object": 1} == load.rejected
    assert [("1", "2", "Lead"), ("3", "4", "ACCOUNT"), ("5", "6", None)] == inbox.rows(ROWS)


def test_a_lead_and_an_account_of_one_id_are_two_keys(tmp_path: Path) -> None:
    """Neither is a duplicate of the other in one file, nor a new version of the other in the next."""
    rows = "1,2,lead\n1,3,account\n"
    inbox = merges(tmp_path, "from_lead_id,into_lead_id,object\n" + rows)
    (load,) = inbox.land().loads
    assert (0, 2) == (load.duplicates, load.landed)
    inbox.put("merges.csv", "from_lead_id,into_lead_id,object\n" + rows + "1,4,Account\n9,8,\n9,7,lead\n")
    (load,) = inbox.land().loads
    # 1,4,Account replaces 1,3,account; of lead 9 the last row counts, with or without an object.
    assert (2, 1, 2) == (load.duplicates, load.redelivered, load.landed)


def test_the_short_headers_bind(tmp_path: Path) -> None:
    """`from_id` and `into_id` are read too; the headers of leads have priority."""
    inbox = merges(tmp_path, "From ID,into-id,object\nA2,A1,account\n")
    inbox.land()
    assert [("A2", "A1", "account")] == inbox.rows(ROWS)
    both = merges(tmp_path / "both", "from_id,from_lead_id,into_lead_id\nx,A2,A1\n")
    both.land()
    assert [("A2", "A1", None)] == both.rows(ROWS)


def test_masked_lead_ids_leave_the_ids_of_accounts(tmp_path: Path) -> None:
    """An account id stays equal to that in leads; an address in it is masked in the same way."""
    inbox = merges(tmp_path, "from_lead_id,into_lead_id,object\n1,2,lead\n1,2,Account\n3,4,\n5,a@b.example,account\n")
    inbox.put("leads.csv", "lead_id,account_id\nL,a@b.example\n")
    inbox.reads("leads.csv", "leads", name="leads").land()
    hidden = Privacy(database=Personal(lead_ids="hash", emails="hash"))
    connection = connection_of_a_run()
    create_raw_views(connection, replace(inbox.configuration, privacy=hidden), inbox.log_folder, KEY)
    one, two, three, four = (KEY.of(text) for text in "1234")
    address = KEY.of("a@b.example")
    assert [
        (one, two, "lead"), ("1", "2", "Account"), (three, four, None), ("5", address, "account"),
    ] == connection.execute(ROWS).fetchall()  # fmt: skip
    assert [(address,)] == connection.execute("select account_id from raw.leads").fetchall()


def write_configuration(folder: Path, **files: str) -> Path:
    """A configuration with one input for each file; a file is named like its table."""
    for table, content in files.items():
        (folder / f"{table}.csv").write_text(content, "utf-8")
    inputs = "".join(
        f'[[inputs]]\nname = "{table}"\ntable = "{table}"\npath = "{table}.csv"\n'
        + ('mode = "snapshot"\nlost_keys = 1.0\n' if table in ("leads", "accounts") else "")
        for table in files
    )
    head = '[funnel]\nname = "Accounts"\nas_of = "2026-03-31"\n'
    path = folder / "funnel.toml"
    path.write_text(f'{head}{STAGES}{inputs}[checks]\nunused_stages = ["sal", "sql"]\n', "utf-8")
    return path


@pytest.mark.usefixtures("without_report")
def test_a_merge_of_accounts_applies_to_leads_that_are_no_longer_exported(tmp_path: Path) -> None:
    """The second run lacks a lead whose account was merged: the lead counts with the surviving account."""
    output = tmp_path / "build"
    entries = HEADER + entry("L1") + entry("L2") + entry("L3")
    leads, accounts = "lead_id,account_id\nL1,A1\nL2,A2\nL3,A2\n", "account_id,name\nA1,X\nA2,X Inc\n"
    runs.run(write_configuration(tmp_path, stage_entries=entries, leads=leads, accounts=accounts), output)
    ratio = (
        "select leads, accounts, ratio from marts.lead_to_account "
        "where grain = 'all' and basis = 'reached' and stage = 'mql' and dimension = 'all'"
    )
    assert [{"leads": 3, "accounts": 2, "ratio": 1.5}] == runs.ask(output, ratio)
    second_delivery = {
        "stage_entries": entries,
        "leads": "lead_id,account_id\nL1,A1\nL2,A1\n",
        "accounts": "account_id,name\nA1,X\n",
        "merges": "from_id,into_id,object\nA2,A1,account\n",
    }
    runs.run(write_configuration(tmp_path, **second_delivery), output)
    assert [{"leads": 3, "accounts": 1, "ratio": 3.0}] == runs.ask(output, ratio)
    assert [{"lead_id": "L3", "account_id": "A1", "input_account_id": "A2"}] == runs.ask(
        output, "select lead_id, account_id, input_account_id from clean.leads where lead_id = 'L3'"
    )


@pytest.mark.usefixtures("without_report")
def test_a_loop_of_merged_accounts_stops_the_run_and_names_the_ids(tmp_path: Path) -> None:
    """The message has no id of the merges of leads."""
    toml = write_configuration(
        tmp_path,
        stage_entries=HEADER + entry("L1"),
        merges="from_id,into_id,object\nA1,A2,account\nA2,A1,account\nA1,A3,lead\n",
    )
    with pytest.raises(Exception, match=r"Merges of accounts form no loop.*A1, A2"):
        runs.run(toml, tmp_path / "build")
