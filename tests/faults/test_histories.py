"""docs/FAULTS.md, rows 66 to 70: whole runs of unexpected histories. No row is dropped or guessed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests import runs

CONFIGURATION = """
[funnel]
name = "Odd histories"
timezone = "UTC"
windows = [30]

[[stages]]
key = "mql"
definition = "Stage mql."
kind = "path"
team = "marketing"
qualifies = true

[[stages]]
key = "sal"
definition = "Stage sal."
kind = "path"
team = "sdr"

[[stages]]
key = "sql"
definition = "Stage sql."
kind = "path"
team = "sales"

[[stages]]
key = "nurture"
definition = "Stage nurture."
kind = "detour"
"""
ENTRIES = """lead_id,stage,entered_at
backwards,SAL,2026-01-05
backwards,MQL,2026-01-10
backwards,SQL,2026-01-20
again,MQL,2026-01-05
again,SAL,2026-01-06
again,nurture,2026-01-07
again,MQL,2026-01-08
again,SAL,2026-01-09
same,MQL,2026-01-05
same,MQL,2026-01-06
same,mql,2026-01-07
same,MQL,2026-01-07
same,nurture,2026-01-08
same,MQL,2026-01-09
deleted,MQL,2026-01-10
ghost,MQL,2026-01-11
Ada,MQL,2026-01-12
Ada-2,SAL,2026-01-20
"""
TABLES = {
    "stage_entries": ENTRIES,
    "leads": "lead_id,account_id\n"
    + "".join(
        f"{lead},{account}\n"
        for lead, account in (
            ("backwards", "A1"),
            ("again", "A1"),
            ("same", "nobody"),
            ("deleted", "A1"),
            ("Ada", "A1"),
            ("Ada-2", "A1"),
        )
    ),
    "accounts": "account_id,name\nA1,Acme\n",
    "deletions": "lead_id,deleted_at\ndeleted,2026-02-05\nnever seen,2026-02-05\n",
    "merges": "from_lead_id,into_lead_id,merged_at\n",
}
AS_OF = "2026-03-31T23:59:59"


class Company:
    """A folder of deliveries and the output folder of its runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        inputs = "".join(
            f'\n[[inputs]]\nname = "{table}"\ntable = "{table}"\npath = "{table}*.csv"\n' for table in TABLES
        )
        (folder / "funnel.toml").write_text(CONFIGURATION + inputs, "utf-8")
        for table, content in TABLES.items():
            (folder / f"{table}.csv").write_text(content, "utf-8")

    def deliver(self, name: str, content: str) -> None:
        (self.folder / name).write_text(content, "utf-8")

    def run(self, output: str = "out", **more: Any) -> Path:
        runs.run(self.folder / "funnel.toml", self.folder / output, as_of=more.pop("as_of", AS_OF), **more)
        return self.folder / output


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return Company(tmp_path_factory.mktemp("odd"))


@pytest.fixture(scope="module")
def output(company: Company) -> Path:
    return company.run()


def ask(output: Path, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in runs.ask(output, sql)]


def spans(output: Path, lead: str) -> list[tuple[Any, ...]]:
    """(stage, day of entry, cycle) of each span of a lead."""
    return ask(
        output,
        "select stage, day(entered_at)::integer, cycle_no from journey.stage_spans "
        f"where lead_id = '{lead}' order by span_no",
    )


def conversions(output: Path) -> dict[str, tuple[int, int]]:
    """The number of leads that entered MQL or SAL, and of those that converted."""
    rows = ask(
        output,
        "select from_stage, entered, converted from marts.conversion where grain = 'all' and dimension = 'all' "
        "and unit = 'lead' and window_days is null and (from_stage, to_stage) in (('mql', 'sal'), ('sal', 'sql'))",
    )
    return {stage: (entered, converted) for stage, entered, converted in rows}


def history(output: Path) -> list[tuple[Any, ...]]:
    """Every span of every lead, without internal numbers."""
    return ask(output, "select * exclude (lead_no) from journey.stage_spans order by lead_id, span_no")


def test_stages_out_of_order_are_kept_and_counted(output: Path) -> None:
    """F66: SAL before MQL is a move back and opens a cycle; a second pass opens one too."""
    assert [("sal", 5, 1), ("mql", 10, 2), ("sql", 20, 2)] == spans(output, "backwards")
    assert [("mql", 5, 1), ("sal", 6, 1), ("nurture", 7, 1), ("mql", 8, 2), ("sal", 9, 2)] == spans(output, "again")
    assert [("regressed", "sal", 1, ["backwards"]), ("skipped", "mql", 1, ["backwards"])] == ask(
        output, "select finding, stage, leads, examples from quality.stage_dates order by finding"
    )
    page = (output / "reports" / "quality.html").read_text("utf-8")
    assert "Moved back to a lower stage" in page
    assert "Moved up past a stage without entering it" in page


def test_the_same_stage_again_and_again_is_one_entry(output: Path) -> None:
    """F67: Repeated entries are one span from the first; after a detour a new cycle begins. Every row is accounted for."""
    assert [("mql", 5, 1), ("nurture", 8, 1), ("mql", 9, 2)] == spans(output, "same")
    assert [(18, 1, 2, 15)] == ask(
        output, "select rows_read, duplicates, repeats, kept from quality.row_accounting where input = 'stage_entries'"
    )


def test_a_deleted_lead_is_kept_with_its_deletion(output: Path) -> None:
    """F68: Its history stays; a deletion of an unknown id makes no lead."""
    assert [("deleted", datetime(2026, 2, 5))] == ask(
        output, "select lead_id, deleted_at from clean.leads where deleted_at is not null"
    )
    assert [("mql", 10, 1)] == spans(output, "deleted")
    assert [("deleted", datetime(2026, 2, 5))] == ask(
        output, "select exit_kind, exited_at from journey.stage_spans where lead_id = 'deleted'"
    )
    assert [] == ask(output, "select lead_id from marts.open_leads where lead_id = 'deleted'")
    assert [] == ask(output, "select lead_id from clean.leads where lead_id = 'never seen'")


def test_an_unknown_lead_or_account_is_kept_and_counted(output: Path) -> None:
    """F70: An entry of an unknown lead and a lead of an unknown account count, and the page has their number."""
    assert [("mql", 11, 1)] == spans(output, "ghost")
    assert [("nobody",)] == ask(output, "select account_id from clean.leads where lead_id = 'same'")
    assert [("nobody", False)] == ask(
        output, "select account_id, has_attributes from clean.accounts where account_id = 'nobody'"
    )
    assert [(1, 1)] == ask(output, "select history_only, bare_accounts from report.overview")
    page = (output / "reports" / "quality.html").read_text("utf-8")
    assert "1 lead known from history only" in page
    assert "1 account named by leads only" in page


@pytest.mark.usefixtures("without_report")
def test_a_merge_counts_for_the_survivor_and_can_be_taken_back(company: Company, output: Path) -> None:
    """F69: In three runs the leads are separate, one, and separate again with the same spans; as of an earlier day too."""
    before, rates = history(output), conversions(output)
    assert {"mql": (6, 1), "sal": (3, 1)} == rates
    company.deliver("merges-2.csv", "from_lead_id,into_lead_id,merged_at\nAda-2,Ada,2026-03-01\n")
    company.run()
    assert [("mql", 12, 1), ("sal", 20, 1)] == spans(output, "Ada")
    assert [] == spans(output, "Ada-2")
    assert {"mql": (6, 2), "sal": (3, 1)} == conversions(output)
    assert [("Ada-2",)] == ask(
        output, "select original_lead_id from clean.stage_entries where lead_id = 'Ada' and stage = 'sal'"
    )
    company.deliver("merges-3.csv", "from_lead_id,into_lead_id,merged_at\nAda-2,Ada-2,2026-03-15\n")
    company.run()
    assert (before, rates) == (history(output), conversions(output))
    company.run(as_of="2026-03-10T00:00:00")
    assert [("mql", 12, 1), ("sal", 20, 1)] == spans(output, "Ada")
