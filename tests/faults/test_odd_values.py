"""docs/FAULTS.md, 115: no inodes, ids of a megabyte, two addresses in one field."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from email.headerregistry import Address
from pathlib import Path

import pytest

from pipeline.config.mail import address
from tests.cli import commands
from tests.cli.commands import funnel
from tests.faults import machines


@pytest.fixture
def few_files(tmp_path: Path) -> Iterator[Path]:
    """A disk with free bytes and few inodes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500m,nr_inodes=40,mode=700", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.skipif(not machines.may_mount(), reason="this user may not mount")
def test_a_disk_without_inodes_stops_the_run(tmp_path: Path, few_files: Path) -> None:
    """F115: The message does not call the disk full, because bytes are free. The run leaves no file."""
    toml = commands.copy_of_quarter(tmp_path / "in")
    out = few_files / "out"
    for number in range(25):
        (few_files / f"file_{number}").touch()
    answer = machines.wait_for_exit(machines.funnel(toml, out))
    assert 1 == answer[0]
    assert f"error: {out}: the file system has too few inodes left for the files of a run" in answer[1]
    assert "`df -i`" in answer[1]


def test_ids_of_a_megabyte_are_counted(tmp_path: Path) -> None:
    """F115: They are read and counted in full; pages and messages truncate them."""
    long = "L" * 900_000
    toml = commands.copy_of_quarter(
        tmp_path / "in", commands.reads("merges", "merges"), merges="from_lead_id,into_lead_id\n"
    )
    with (tmp_path / "in" / "stage_entries.csv").open("a", encoding="utf-8") as entries:
        entries.write(f"{long},MCL,2026-03-01T14:00:00Z,{'O' * 50_000}\n")
    out = tmp_path / "out"
    assert 0 == funnel("run", "--config", toml, "--output", out, *commands.AS_OF).code
    query = "select max(length(lead_id)) as longest from clean.leads"
    assert "longest\n900000\n" == funnel("sql", query, "--format", "csv", "--output", out).out
    for page in (out / "reports").rglob("*.html"):
        assert "L" * 200 not in page.read_text("utf-8"), page.name
        assert "O" * 200 not in page.read_text("utf-8"), page.name
    assert any("L" * 199 + "…" in page.read_text("utf-8") for page in (out / "reports").rglob("*.html"))
    (tmp_path / "in" / "merges.csv").write_text(f"from_lead_id,into_lead_id\n{long},M\nM,{long}\n", "utf-8")
    answer = funnel("run", "--config", toml, "--output", out, *commands.AS_OF)
    assert 1 == answer.code
    assert "Merges form no loop" in answer.err
    assert "L" * 200 not in answer.err


@pytest.mark.parametrize(
    "text",
    [
        "a@x.com, b@y.com",
        "a@x.com;b@y.com",
        "a@x.com,",
        "a@x.com b@y.com",
        "A <a@x.com>, B <b@y.com>",
        "A <a@x.com> b@y.com",
    ],
)
def test_two_addresses_in_one_field_are_refused(text: str) -> None:
    """F115: Only the first address, or none, would get the mail."""
    with pytest.raises(ValueError, match="must be an address such as"):
        address(text)


@pytest.mark.parametrize("text", ["a@x.com", "Jane Doe <a@x.com>", '"Doe, Jane" <a@x.com>', " a+b@x-y.example.com "])
def test_one_address_is_accepted(text: str) -> None:
    """F115: It may have a name, also with a comma."""
    assert text.strip() == address(text)
    assert Address(addr_spec=text.strip().rpartition("<")[2].rstrip(">"))


def test_two_addresses_in_the_configuration_are_refused(tmp_path: Path) -> None:
    """F115: The message of `funnel check` has the line."""
    mail = '\n[mail]\nfrom = "f@example.com"\nto = ["a@example.com, b@example.com"]\nhost = "localhost"\n'
    answer = funnel("check", "--config", commands.copy_of_quarter(tmp_path, mail))
    assert 2 == answer.code
    assert "mail.to" in answer.err
    assert "must be an address such as" in answer.err
