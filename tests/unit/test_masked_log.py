"""What the models see of the landing log when `[privacy] database` hides who somebody is; the log itself stays as delivered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from delivery import HEADER, Inbox, connection_of_a_run, entry

from pipeline.config.configuration import Configuration, Personal, Privacy
from pipeline.ingest.raw_tables import create_raw_views
from pipeline.privacy.pseudonyms import Pseudonyms

KEY = Pseudonyms(b"a key of at least so many bytes, for tests only")
ADA = "ada@acme.com"


def landed(folder: Path) -> Inbox:
    inbox = Inbox(folder, dimensions=("owner", "region"))
    inbox.put("entries.csv", HEADER.strip() + ",region\n" + f"L1,MQL,2026-01-05T14:00:00Z,{ADA},EMEA\n")
    inbox.put("leads.csv", f"lead_id,email,owner,lead_source\nL1,{ADA},dana,asked {ADA}\n")
    inbox.put("accounts.csv", "account_id,name,domain\nA,Acme,acme.com\n")
    inbox.put("late.csv", HEADER + entry("L2").replace("2026-01-05T14:00:00Z", "never"))
    inbox.reads("entries.csv").reads("leads.csv", "leads", name="leads").reads(
        "accounts.csv", "accounts", name="accounts"
    )
    inbox.reads("late.csv", name="late").land()
    return inbox


def offered(inbox: Inbox, hidden: Pseudonyms | None = KEY, **personal: Any) -> duckdb.DuckDBPyConnection:
    connection = connection_of_a_run()
    configuration: Configuration = replace(inbox.configuration, privacy=Privacy(database=Personal(**personal)))
    create_raw_views(connection, configuration, inbox.log_folder, hidden)
    return connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def test_what_is_hashed_is_the_pseudonym_everywhere(tmp_path: Path) -> None:
    """Ids, owners (also as a dimension), names of accounts, and an address wherever one stands; the rest stays."""
    shown = offered(landed(tmp_path), lead_ids="hash", owners="hash", account_names="hash", emails="hash")
    lead, owner, ada = KEY.of("L1"), KEY.of(ADA), KEY.of(ADA)
    assert [(lead, "MQL", owner, [owner, "EMEA"])] == rows(
        shown, "select lead_id, stage, owner, given from raw.stage_entries"
    )
    assert [(lead, ada, KEY.of("dana"), KEY.of(f"asked {ADA}"))] == rows(
        shown, "select lead_id, email, owner, lead_source from raw.leads"
    )
    assert [("A", KEY.of("Acme"), "acme.com")] == rows(shown, "select account_id, name, domain from raw.accounts")
    assert [("unreadable_time", "(as delivered: in the landing log only)")] == rows(
        shown, "select reason, original from raw.rejected_rows"
    )


def test_what_is_dropped_is_empty_but_for_keys(tmp_path: Path) -> None:
    """A row without its lead would be none, so that is hashed."""
    shown = offered(landed(tmp_path), lead_ids="drop", owners="drop", account_names="drop", emails="drop")
    assert [(KEY.of("L1"), None, None, None)] == rows(shown, "select lead_id, email, owner, lead_source from raw.leads")
    assert [("A", None)] == rows(shown, "select account_id, name from raw.accounts")


@pytest.mark.parametrize("stage", ["Call@Desk.example", "call@desk.example"])
def test_a_stage_is_nobodys_address(tmp_path: Path, stage: str) -> None:
    """The waterfall's own spellings stay, whatever they look like."""
    inbox = landed(tmp_path)
    (mql, sal) = inbox.configuration.waterfall.stages
    waterfall = replace(inbox.configuration.waterfall, stages=(replace(mql, name=stage), sal))
    inbox.put("more.csv", HEADER + entry("L7", stage) + entry("L8", ADA))
    inbox.reads("more.csv", name="more").land()
    connection = connection_of_a_run()
    privacy = Privacy(database=Personal(emails="hash"))
    configuration = replace(inbox.configuration, privacy=privacy, waterfall=waterfall)
    create_raw_views(connection, configuration, inbox.log_folder, KEY)
    assert [("L7", stage), ("L8", KEY.of(ADA))] == rows(
        connection, "select lead_id, stage from raw.stage_entries where input = 'more' order by lead_id"
    )


def test_only_what_is_asked_for_is_masked(tmp_path: Path) -> None:
    """With addresses kept they stay, also where owners go."""
    shown = offered(landed(tmp_path), owners="drop")
    assert [("L1", ADA, None, f"asked {ADA}")] == rows(
        shown, "select lead_id, email, owner, lead_source from raw.leads"
    )


def test_a_lead_finds_its_account_by_the_address_as_delivered(tmp_path: Path) -> None:
    """No number moves by hiding: the domain is that of the address."""
    shown = offered(landed(tmp_path), emails="hash")
    assert [("acme.com", "acme.com")] == rows(shown, "select distinct host_text, domain from raw.domains")
    assert [("accounts",), ("leads",)] == rows(shown, "select table_name from raw.host_texts order by table_name")


def test_without_a_treatment_all_is_as_delivered(tmp_path: Path) -> None:
    """With a key and nothing to hide, and without a key."""
    inbox = landed(tmp_path)
    for hidden in (KEY, None):
        assert [("L1", ADA)] == rows(offered(inbox, hidden), "select lead_id, email from raw.leads")
