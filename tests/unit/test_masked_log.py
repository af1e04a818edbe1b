"""The models read masked rows if `[privacy] database` is set; the landing log itself stays unmasked."""

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

KEY = Pseudonyms(b"a key of sixteen bytes or more, for tests only")
ADA = "ada@acme.com"


def load_inbox(folder: Path) -> Inbox:
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


def masked_views(inbox: Inbox, hidden: Pseudonyms | None = KEY, **personal: Any) -> duckdb.DuckDBPyConnection:
    connection = connection_of_a_run()
    configuration: Configuration = replace(inbox.configuration, privacy=Privacy(database=Personal(**personal)))
    create_raw_views(connection, configuration, inbox.log_folder, hidden)
    return connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def test_a_hashed_value_is_the_same_pseudonym_everywhere(tmp_path: Path) -> None:
    """Ids, owners (also as a dimension), account names and addresses in any text are hashed; the rest stays."""
    views = masked_views(load_inbox(tmp_path), lead_ids="hash", owners="hash", account_names="hash", emails="hash")
    lead, owner, ada = KEY.of("L1"), KEY.of(ADA), KEY.of(ADA)
    assert [(lead, "MQL", owner, [owner, "EMEA"])] == rows(
        views, "select lead_id, stage, owner, given from raw.stage_entries"
    )
    assert [(lead, ada, KEY.of("dana"), KEY.of(f"asked {ADA}"))] == rows(
        views, "select lead_id, email, owner, lead_source from raw.leads"
    )
    assert [("A", KEY.of("Acme"), "acme.com")] == rows(views, "select account_id, name, domain from raw.accounts")
    assert [("unreadable_time", "(as delivered: in the landing log only)")] == rows(
        views, "select reason, original from raw.rejected_rows"
    )


def test_a_dropped_value_is_empty_unless_it_is_a_key(tmp_path: Path) -> None:
    """The lead id is hashed, because a row needs it."""
    views = masked_views(load_inbox(tmp_path), lead_ids="drop", owners="drop", account_names="drop", emails="drop")
    assert [(KEY.of("L1"), None, None, None)] == rows(views, "select lead_id, email, owner, lead_source from raw.leads")
    assert [("A", None)] == rows(views, "select account_id, name from raw.accounts")


@pytest.mark.parametrize("stage", ["Call@Desk.example", "call@desk.example"])
def test_a_stage_is_not_masked(tmp_path: Path, stage: str) -> None:
    """The aliases of the waterfall stay, even if they look like an address."""
    inbox = load_inbox(tmp_path)
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


def test_only_configured_values_are_masked(tmp_path: Path) -> None:
    """Addresses that are kept stay, also if owners are dropped."""
    views = masked_views(load_inbox(tmp_path), owners="drop")
    assert [("L1", ADA, None, f"asked {ADA}")] == rows(
        views, "select lead_id, email, owner, lead_source from raw.leads"
    )


def test_a_lead_is_matched_by_its_unmasked_address(tmp_path: Path) -> None:
    """Masking changes no number, because the domain is that of the unmasked address."""
    views = masked_views(load_inbox(tmp_path), emails="hash")
    assert [("acme.com", "acme.com")] == rows(views, "select distinct host_text, domain from raw.domains")
    assert [("accounts",), ("leads",)] == rows(views, "select table_name from raw.host_texts order by table_name")


def test_without_a_treatment_no_value_is_masked(tmp_path: Path) -> None:
    """This is so with and without a key."""
    inbox = load_inbox(tmp_path)
    for hidden in (KEY, None):
        assert [("L1", ADA)] == rows(masked_views(inbox, hidden), "select lead_id, email from raw.leads")
