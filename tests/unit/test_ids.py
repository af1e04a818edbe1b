"""An id is the same in the forms of spreadsheets, exports and connectors (E11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from delivery import Inbox, one_file

HEADER = "lead_id,stage,entered_at\n"


def ids_of(folder: Path, *file_ids: str, **settings: Any) -> list[str | None]:
    """The loaded ids."""
    lines = "".join(f"{each},MQL,2026-01-05\n" for each in file_ids)
    inbox = one_file(folder, HEADER + lines, **settings)
    inbox.land()
    return list(inbox.leads())


@pytest.mark.parametrize(
    ("file_ids", "expected"),
    [
        ('"=""00101"""', "00101"),
        ("'00103", "00103"),
        ("\u00a000104\u2003", "00104"),
        ("00\u200b105", "00105"),
        ("a\u00a0 b", "a b"),
        ("e\u0301", "é"),
        ("a+b@acme.example", "a+b@acme.example"),
        ("1E+1", "1E+1"),
    ],
)
def test_an_id_is_cleaned(tmp_path: Path, file_ids: str, expected: str) -> None:
    """White space, invisible characters, formulas and apostrophes are removed; the id is Unicode NFC."""
    assert [expected] == ids_of(tmp_path, file_ids)


@pytest.mark.parametrize("file_ids", ["null", "NULL", r"\N", "#N/A", "None", "(blank)", "'"])
def test_a_null_text_is_no_id(tmp_path: Path, file_ids: str) -> None:
    """The row is rejected because it has no lead."""
    inbox = one_file(tmp_path, f"{HEADER}{file_ids},MQL,2026-01-05\n")
    inbox.land()
    assert ["no_lead"] == [reason for _, reason, _ in inbox.rejected()]


@pytest.mark.parametrize("file_ids", ["1.01E+11", '"1,01E+11"', "1e+15"])
def test_a_damaged_id_is_rejected(tmp_path: Path, file_ids: str) -> None:
    """A spreadsheet has rounded it, so it is ambiguous."""
    inbox = one_file(tmp_path, f"{HEADER}{file_ids},MQL,2026-01-05\n")
    inbox.land()
    assert ["id_damaged_by_spreadsheet"] == [reason for _, reason, _ in inbox.rejected()]


def test_decimals_of_whole_numbers_are_removed(tmp_path: Path) -> None:
    """This is so if all ids of the column have them."""
    assert ["101", "102"] == ids_of(tmp_path / "a", "101.0", "102")
    assert ["101.0", "1.5"] == ids_of(tmp_path / "b", "101.0", "1.5")
    assert ["101.0", "A"] == ids_of(tmp_path / "c", "101.0", "A")


def test_decimals_are_removed_in_each_file_of_a_run(tmp_path: Path) -> None:
    """Two consecutive files have decimal ids."""
    inbox = Inbox(tmp_path)
    for number in (1, 2):
        inbox.put(f"e{number}.csv", f"{HEADER}{number}.0,MQL,2026-01-05\n")
    inbox.reads("e*.csv")
    inbox.land()
    assert ["1", "2"] == inbox.leads()


def test_each_id_column_is_tested_for_decimals(tmp_path: Path) -> None:
    """Account ids may be decimal and lead ids not."""
    inbox = Inbox(tmp_path)
    inbox.put("leads.csv", "lead_id,account_id\nL1,7.0\nL2,\n")
    inbox.reads("leads.csv", "leads")
    inbox.land()
    assert [("L1", "7"), ("L2", None)] == inbox.rows("select lead_id, account_id from raw.leads order by 1")


def test_both_lengths_of_a_salesforce_id_are_one(tmp_path: Path) -> None:
    """The last three of 18 characters encode the case of the others; other ids stay unchanged."""
    file_ids = ["001bm00001ZL8U9", "001bm00001ZL8U9AAL", "001bm00001ZL8U9aal", "L-1"]
    assert ["001bm00001ZL8U9AAL"] * 3 + ["L-1"] == ids_of(tmp_path, *file_ids, ids="salesforce")
    assert ["001bm00001ZL8U9"] == ids_of(tmp_path / "b", "001bm00001ZL8U9")


def test_case_makes_another_salesforce_id(tmp_path: Path) -> None:
    """Two ids of 15 characters that differ only in case are two records."""
    one, other = ids_of(tmp_path, "00QZ1000000000A", "00QZ1000000000a", ids="salesforce")
    assert (one, other) == ("00QZ1000000000AMAQ", "00QZ1000000000aMAA")


@pytest.mark.real
def test_the_checksum_is_that_of_salesforce(shared_real: Path, tmp_path: Path) -> None:
    """This holds for every lead of a real organisation."""
    lines = (shared_real / "salesforce_dev_org" / "Lead.csv").read_text("utf-8").splitlines()[1:]
    known = sorted({line.split(",")[0] for line in lines if line.startswith("00Q")})
    assert len(known) > 10
    assert known == sorted(ids_of(tmp_path, *(each[:15] for each in known), ids="salesforce"))
