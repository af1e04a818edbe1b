"""docs/FAULTS.md, 47 and 98: when two header names are equal, and when a repeated name is an error."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from delivery import Inbox, one_file, refusal

from pipeline.config.configuration import Input
from pipeline.ingest.rows.columns import BindError, bind, normalise_header

MAPPED = {"lead_id": "Record ID", "stage": "Stage", "entered_at": "Changed at"}


def test_two_unmapped_columns_of_one_name_are_both_kept(tmp_path: Path) -> None:
    """F98: The second one gets a number."""
    inbox = one_file(
        tmp_path,
        "Record ID,Stage,Changed at,Lead Status,Lead status,lead_status\nA,MQL,2026-05-01,Open,x,y\n",
        columns=MAPPED,
    )
    (load,) = inbox.land().loads
    assert 1 == load.landed
    assert [("Open", "x", "y")] == inbox.rows("select lead_status, lead_status_2, lead_status_3 from raw.stage_entries")


@pytest.mark.parametrize(
    ("header", "columns", "twice"),
    [
        ("lead_id,stage,entered_at,Stage", {}, "Stage"),
        ("lead_id,stage,entered_at,owner,Owner", {}, "Owner"),
        ("Record ID,Stage,Changed at,Record-ID", MAPPED, "Record-ID"),
        ("lead_id,stage,entered_at,Region,region", {"area": "Region"}, "region"),
        ("lead_id,stage,entered_at,Sta\u200bge", {}, "Sta?ge"),
    ],
)
def test_a_repeated_mapped_column_is_refused(tmp_path: Path, header: str, columns: dict[str, str], twice: str) -> None:
    """F98: A required, optional or mapped column is ambiguous if it is there twice."""
    message = refusal(one_file(tmp_path, f"{header}\n", columns=columns))
    assert f"the header names a column twice: `{twice}`" in message


def test_a_repeated_column_is_accepted_if_another_header_is_mapped() -> None:
    """F98: The input reads the mapped header."""
    reads = Input("crm", "stage_entries", Path("a.csv"), columns={"owner": "Rep"})
    bound = bind(("lead_id", "stage", "entered_at", "Rep", "owner", "Owner"), reads)
    assert (3, {"owner_2": 4, "owner_3": 5}) == (bound.columns["owner"], bound.extras)
    with pytest.raises(BindError):
        bind(("lead_id", "stage", "entered_at", "Rep", "rep"), reads)


@pytest.mark.parametrize(
    "header_text",
    [
        "Lead\u00a0Größe",
        "Lead\u202fGröße",
        "\u200eLead Größe\u200f",
        "Lead Grö\u00adße",
        "\u202aLead Größe\u202c",
        "\u2066Lead Größe\u2069",
        "Le\u200bad\u200d Größe\u2060",
        "\ufeffLead\u3000 Größe",
        unicodedata.normalize("NFD", "Lead Größe"),
        " lead__grö\u00adße- ",
    ],
)
def test_invisible_characters_are_not_compared(tmp_path: Path, header_text: str) -> None:
    """F98: Any spaces, direction marks, soft hyphens and decomposed letters are equal, in file and configuration."""
    assert normalise_header("Lead Größe") == normalise_header(header_text)
    for number, (file_header, mapped) in enumerate(((header_text, "Lead Größe"), ("Lead Größe", header_text))):
        inbox = Inbox(tmp_path / str(number))
        inbox.put("a.csv", f"{file_header},stage,entered_at\nL1,MQL,2026-01-05\n")
        inbox.reads("a.csv", columns={"lead_id": mapped}).land()
        assert ["L1"] == inbox.leads()


def test_different_names_stay_different() -> None:
    """F98: Only invisible characters are removed, not a space or a letter."""
    assert len({normalise_header(name) for name in ("lead id", "leadid", "lead_íd", "lead id2")}) == 4
