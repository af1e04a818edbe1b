"""Whole runs in which the leads input and the history differ: the warnings of the run and the counts on the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import runs
from tests.cli.commands import funnel
from tests.unit.configurations import STAGES

ENTRIES = "lead_id,stage,entered_at\n1,mql,2026-03-01\n2,mql,2026-03-02\n3,mql,2026-03-03\n3,sql,2026-03-05\n"
LEADS = "Record ID,Lifecycle Stage\n1,SQL\n2,MQL\n3,Sql\n"
CURRENT = 'lead_id = "Record ID", current_stage = "Lifecycle Stage"'
UNKNOWN = "4,Customer\n"
WARNING = (
    "1 of 3 leads stands elsewhere than its history says (max_unreconciled allows 5 %): look at "
    "quality.stage_reconciliation, then export the history again or add the aliases"
)
LINE = "1 of 3 leads stands elsewhere than its history says, by the current stage that the source shows"


def write_configuration(folder: Path, entries: str, leads: str, columns: str, checks: str = "") -> Path:
    """A configuration with a history and a leads input, and their two files."""
    (folder / "entries.csv").write_text(entries, "utf-8")
    (folder / "leads.csv").write_text(leads, "utf-8")
    path = folder / "funnel.toml"
    path.write_text(
        f'[funnel]\nname = "Source"\nas_of = "2026-03-31"\n{STAGES}'
        '[[inputs]]\nname = "entries"\ntable = "stage_entries"\npath = "entries.csv"\n'
        f'[[inputs]]\nname = "people"\ntable = "leads"\npath = "leads.csv"\ncolumns = {{ {columns} }}\n'
        f'[checks]\nwarn_after = "never"\nunused_stages = ["sal", "sql"]\n{checks}',
        "utf-8",
    )
    return path


def test_a_lead_in_another_stage_than_its_history_gives_a_warning(tmp_path: Path) -> None:
    """Above max_unreconciled the run and the page have the count."""
    toml = write_configuration(tmp_path, ENTRIES, LEADS, CURRENT)
    finished_run = runs.run(toml, tmp_path / "build")
    assert [WARNING] == [each for each in finished_run.warnings if "elsewhere" in each]
    assert LINE in (tmp_path / "build" / "reports" / "quality.html").read_text("utf-8")
    outcomes = runs.ask(
        tmp_path / "build", "select lead_id, outcome from quality.stage_reconciliation order by lead_id"
    )
    assert [("1", "differs"), ("2", "agrees"), ("3", "agrees")] == [
        (row["lead_id"], row["outcome"]) for row in outcomes
    ]


@pytest.mark.parametrize(("allowed", "warned"), [(0.5, False), (0.49, True)])
def test_max_unreconciled_is_the_allowed_share(tmp_path: Path, allowed: float, warned: bool) -> None:
    """A share equal to max_unreconciled gives no warning; a lead with an unknown current stage counts."""
    toml = write_configuration(
        tmp_path, ENTRIES + "4,mql,2026-03-02\n", LEADS + UNKNOWN, CURRENT, f"max_unreconciled = {allowed}\n"
    )
    finished_run = runs.run(toml, tmp_path / "build")
    warning = "1 of 4 leads stands elsewhere than its history says, and 1 shows a current_stage that no alias names"
    assert warned == any(each.startswith(warning) for each in finished_run.warnings)
    page = (tmp_path / "build" / "reports" / "quality.html").read_text("utf-8")
    assert "1 lead with a current stage that no alias names." in page


def test_without_a_current_stage_nothing_is_reported(tmp_path: Path) -> None:
    """The run has no warning and the page no line."""
    toml = write_configuration(tmp_path, ENTRIES, LEADS, 'lead_id = "Record ID"')
    finished_run = runs.run(toml, tmp_path / "build")
    assert not any("elsewhere" in each for each in finished_run.warnings)
    assert "elsewhere than" not in (tmp_path / "build" / "reports" / "quality.html").read_text("utf-8")


def test_two_sources_of_the_same_moves_are_one_history(tmp_path: Path) -> None:
    """A copy that a tool wrote minutes later is no move back; the page counts its rows, `explain` names the dating input."""
    for name, minute in (("tool", 20), ("crm", 0)):
        (tmp_path / f"{name}.csv").write_text(
            f"lead_id,stage,entered_at\n1,mql,2026-03-01T10:{minute:02}\n1,sal,2026-03-01T10:{minute + 5:02}\n", "utf-8"
        )
    inputs = "".join(
        f'[[inputs]]\nname = "{name}"\ntable = "stage_entries"\npath = "{name}.csv"\npriority = {priority}\n'
        for name, priority in (("tool", 2), ("crm", 1))
    )
    toml = tmp_path / "funnel.toml"
    toml.write_text(f'[funnel]\nname = "Two"\nas_of = "2026-03-31"\n{STAGES}{inputs}', "utf-8")
    runs.run(toml, tmp_path / "build")
    assert [("mql", "crm"), ("sal", "crm")] == [
        (row["stage"], row["input"])
        for row in runs.ask(tmp_path / "build", "select stage, input from clean.stage_entries order by entry_no")
    ]
    page = (tmp_path / "build" / "reports" / "quality.html").read_text("utf-8")
    assert "2 rows record an entry that another input dates by its priority: quality.recorded_also." in page
    answer = funnel("explain", "1", "--output", str(tmp_path / "build")).out
    assert 2 == sum("duplicate" in line and line.split()[-3] == "crm" for line in answer.splitlines())


@pytest.mark.parametrize("emails", ["keep", "hash", "drop"])
def test_leads_with_one_address_are_counted_without_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emails: str
) -> None:
    """The page has one line, whatever the database stores of addresses; the two leads stay two."""
    leads = "lead_id,email\n1,ada@acme.example\n2,Ada@acme.example\n3,bo@acme.example\n"
    privacy = f'[privacy]\ndatabase = {{ emails = "{emails}" }}\n'
    toml = write_configuration(tmp_path, ENTRIES, leads, 'lead_id = "lead_id"', privacy)
    monkeypatch.setenv("FUNNEL_PRIVACY_KEY", "sixteen characters, or more")
    runs.run(toml, tmp_path / "build")
    page = (tmp_path / "build" / "reports" / "quality.html").read_text("utf-8")
    assert "1 e-mail address of more than one lead, with 2 leads together" in page
    assert [{"leads": 2, "deleted": 0, "examples": ["1", "2"]}] == runs.ask(
        tmp_path / "build", "select leads, deleted, examples from quality.shared_addresses"
    )
