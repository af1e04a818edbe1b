"""A small run in which every name is hostile, and checks of all its outputs."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import openpyxl

from tests import runs
from tests.cli.commands import Answer, funnel
from tests.report.tree import Node, parse_tree

AS_OF = "2026-03-31"
RUNNING = frozenset({"script", "iframe", "object", "embed", "form", "base", "link", "input", "button", "foreignObject"})
"""Elements that run code, fetch or ask for input; our pages have none of them."""

STARTS = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
"""The first characters of a formula; a negative number has one too."""


def toml_string(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@dataclass(frozen=True)
class Names:
    """The names of a run: every text that a user or a CRM may choose freely."""

    title: str = "Night"
    label: str = "MQL"
    stage_name: str = "Qualified"
    definition: str = "Ready."
    alias: str = "Qualified by marketing"
    lead: str = "L"
    owner: str = "dana"
    source: str = "web"
    account: str = "Acme"
    header: str = "Extra"
    value: str = "x"
    unknown: str = "Nobody knows this stage"
    file: str = "entries.csv"

    @staticmethod
    def all_of(text: str) -> Names:
        """The same text in every name, with suffixes that keep leads, stages and headers distinct."""
        return Names(
            text, text, f"{text} name", text, f"{text} alias", text, text, text, text, f"{text} h", text, f"{text}?"
        )


def configuration(folder: Path, names: Names, more: str = "") -> Path:
    """Write the configuration of such a run into `folder`."""
    toml = folder / "funnel.toml"
    toml.write_text(
        f"""
[funnel]
name = {toml_string(names.title)}
dimensions = ["owner", "lead_source"]
headline = [["mql", "sal"]]

[[stages]]
key = "mql"
label = {toml_string(names.label)}
name = {toml_string(names.stage_name)}
definition = {toml_string(names.definition)}
aliases = [{toml_string(names.alias)}]
qualifies = true
sla = {{ within = "2 days", clock = "calendar" }}

[[stages]]
key = "sal"
label = {toml_string(names.label + " 2")}
definition = {toml_string(names.definition)}

[[inputs]]
name = "history"
table = "stage_entries"
path = "inbox/*"

[[inputs]]
name = "people"
table = "leads"
path = "leads.csv"

[[inputs]]
name = "companies"
table = "accounts"
path = "accounts.csv"

[mail]
from = "funnel@example.com"
to = ["reader@example.com"]
host = "localhost"
attach = ["headline.csv", "stuck_leads.csv", "open_by_owner.csv"]
{more}
""",
        "utf-8",
    )
    return toml


def deliver(folder: Path, names: Names) -> None:
    """Write the exports: twelve leads, half of them with a second stage, and one row of an unknown stage."""
    (folder / "inbox").mkdir(parents=True, exist_ok=True)
    entries = [["lead_id", "stage", "entered_at", "owner", "source_system", names.header]]
    people = [["lead_id", "account_id", "lead_source", "owner", "email", "title"]]
    for number in range(12):
        lead = f"{names.lead}{number}"
        owner = names.owner if number % 3 else f"{names.owner} {number}"
        entries.append([lead, names.alias, f"2026-01-{number + 1:02}T10:00:00Z", owner, names.source, names.value])
        if number % 2:
            entries.append([lead, "sal", f"2026-02-{number + 1:02}T10:00:00Z", owner, names.source, names.value])
        people.append([lead, f"{names.account}{number % 4}", names.source, owner, names.value, names.value])
    entries.append([f"{names.lead}0", names.unknown, "2026-01-20T10:00:00Z", names.owner, names.source, names.value])
    accounts = [["account_id", "name", "domain", "segment"]]
    accounts += [[f"{names.account}{number}", names.account, names.value, names.value] for number in range(4)]
    for path, rows in (
        (folder / "inbox" / names.file, entries),
        (folder / "leads.csv", people),
        (folder / "accounts.csv", accounts),
    ):
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)


def run(folder: Path, names: Names, more: str = "") -> Answer:
    """Write the exports, and run `funnel run`."""
    folder.mkdir(parents=True, exist_ok=True)
    toml = configuration(folder, names, more)
    deliver(folder, names)
    return funnel("run", "--config", toml, "--output", folder / "out", "--as-of", AS_OF)


def run_and_compose(folder: Path, names: Names, more: str = "") -> Answer:
    """Write the exports, run `funnel run` and `funnel send --dry-run`, and return their output."""
    ran = run(folder, names, more)
    if ran.code:
        return ran
    sent = funnel("send", "--dry-run", "--config", folder / "funnel.toml", "--output", folder / "out")
    return Answer(sent.code, ran.out + sent.out, ran.err + sent.err)


def pages(output: Path) -> dict[str, str]:
    """Every page and mail of the published run."""
    reports = output / "reports"
    return {str(path.relative_to(reports)): path.read_text("utf-8") for path in sorted(reports.rglob("*.html"))}


def message(output: Path) -> EmailMessage:
    """The mail of all leads, parsed as a mail program does."""
    read = message_from_bytes((output / "mail" / "all.eml").read_bytes(), policy=default)
    assert isinstance(read, EmailMessage)
    return read


def cells(output: Path) -> list[str]:
    """Every cell of every CSV file."""
    all_cells = []
    for path in sorted((output / "reports" / "data").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            all_cells += [cell for row in csv.reader(file, strict=True) for cell in row]
    return all_cells


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def assert_harmless(output: Path) -> None:
    """Pages and mail have no code, files no cell that a spreadsheet runs, and every table exists."""
    for name, html in {**pages(output), "mail": body(output)}.items():
        assert_page(name, parse_tree(html))
    for cell in cells(output):
        assert not STARTS.match(cell) or is_number(cell), "a cell of a CSV file is a formula"
    books = [openpyxl.load_workbook(output / "reports" / name) for name in ("funnel.xlsx", "tables.xlsx")]
    for sheet in (each for book in books for each in book):
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in row), "a cell of the workbook is a formula"
            own = [cell.hyperlink.location for cell in row if cell.hyperlink is not None]
            assert all(own), "a cell of the workbook leads out of it"
    json.loads((output / "reports" / "summary.json").read_text("utf-8"))
    assert_head(output)
    counts = runs.ask(
        output,
        "select (select count(*) from clean.stage_entries) as entries, (select count(*) from clean.lead_ids) as leads,"
        " (select count(*) from marts.conversion) > 0 as has_conversion,"
        " (select sum(rows_read) from quality.row_accounting) as rows_read",
    )
    assert counts[0]["has_conversion"]
    assert counts[0]["rows_read"] > 0


def body(output: Path) -> str:
    """The HTML of the mail."""
    part = message(output).get_body(("html",))
    assert part is not None
    html: Any = part.get_content()
    return str(html)


def assert_page(name: str, page: Node) -> None:
    for node in page.walk():
        assert node.tag not in RUNNING, f"{name} has an element {node.tag}"
        for attribute, value in node.attributes.items():
            assert not attribute.startswith("on"), f"{name} has an attribute {attribute}"
            if attribute in ("href", "src", "xlink:href"):
                scheme = value.partition(":")[0].lower() if ":" in value.split("/")[0] else ""
                assert scheme in ("", "cid", "https"), f"{name} leads to {scheme}:"


def assert_head(output: Path) -> None:
    """The mail has exactly our header fields, each once, and only our recipient."""
    mail = message(output)
    fields = [name.lower() for name in mail]
    assert sorted(set(fields)) == sorted(fields)
    assert {"subject", "from", "to", "date", "message-id", "auto-submitted"} < set(fields)
    assert not {"bcc", "cc", "reply-to"} & set(fields)
    assert "reader@example.com" == mail["To"]
    head = (output / "mail" / "all.eml").read_bytes().split(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(line[:1] in (b" ", b"\t") or b":" in line for line in head)
