"""`funnel init --from` writes a configuration that runs from the files of each folder, or names what is missing."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pipeline import init
from pipeline.errors import UsageError
from tests.exports.loading import DATA, Loaded, loaded

FOLDERS = sorted(folder.name for folder in DATA.iterdir() if any(folder.iterdir()))
LOCAL = [name for name in FOLDERS if len(list((DATA / name).iterdir())) > 1]
"""The folders that have files of their own beside the configuration."""


def files_of(name: str, folder: Path) -> list[Path]:
    """Copies of the exports of a folder."""
    inbox = folder / "in"
    shutil.copytree(DATA / name, inbox, ignore=shutil.ignore_patterns("funnel.toml"))
    return sorted(inbox.iterdir())


def started(files: list[Path], folder: Path, preset: str | None = None) -> tuple[Loaded, tuple[str, ...]]:
    """The files, loaded with the configuration that `funnel init` wrote for them, and its notes."""
    notes = init.write([*files, folder / "funnel"], preset, from_files=True)
    return loaded(folder / "funnel" / "funnel.toml", folder / "out", "waterfall.days"), notes


UNKNOWN = {
    "general_parts": "events.csv has no recognisable columns of ids, stages and times: what is in it?",
}
"""Folders with unrecognisable files, and the message."""


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unrecognisable_file_is_a_question(name: str, tmp_path: Path) -> None:
    """The message is one sentence, and nothing is written."""
    with pytest.raises(UsageError, match=re.escape(UNKNOWN[name])):
        started(files_of(name, tmp_path), tmp_path)
    assert not (tmp_path / "funnel").exists()


@pytest.mark.parametrize("name", [name for name in LOCAL if name not in UNKNOWN])
def test_the_written_configuration_runs(name: str, tmp_path: Path) -> None:
    """No file is refused or missing, rows are loaded, and at most one row is rejected."""
    result, _ = started(files_of(name, tmp_path), tmp_path)
    outcome = result.outcome
    assert ((), (), ()) == (outcome.refused, outcome.missing, outcome.rejected)
    assert sum(landed for *_, landed in result.account.values()) > 0
    assert sum(rejected for _, _, rejected, _ in result.account.values()) <= 1


def test_a_format_is_recognised_by_its_headers(tmp_path: Path) -> None:
    """For LeadHistory and Lead, formats, preset and counts are right."""
    result, notes = started(files_of("sf_leadhistory_status_only", tmp_path), tmp_path)
    assert "Lead.csv: format salesforce_leads; the file has Id, Status, ConvertedOpportunityId" in notes
    assert "LeadHistory.csv: format salesforce_lead_history; the file has LeadId, NewValue, CreatedDate" in notes
    assert "stages: preset salesforce-lead-opportunity; the preset knows the stage of 100% of the rows" in notes
    assert (11, 0, 0, 11) == result.account["leadhistory"]


def test_files_of_one_form_are_one_input(tmp_path: Path) -> None:
    """They are one input if a pattern matches them and no other file."""
    files_of("dlt_parquet", tmp_path)
    result, notes = started(sorted((tmp_path / "in").iterdir()), tmp_path)
    assert notes[0].startswith("x*.parquet: format hubspot_property_history")
    assert {"x": (5, 0, 0, 5)} == result.account


def test_files_without_a_pattern_of_their_own_are_separate_inputs(tmp_path: Path) -> None:
    """The pattern would match a third file of the folder too."""
    files = files_of("dlt_parquet", tmp_path)
    result, _ = started(files[:2], tmp_path)
    assert {"x": (2, 0, 0, 2), "x_2": (2, 0, 0, 2)} == result.account


def test_the_delimiter_the_encoding_and_lines_above_are_found(tmp_path: Path) -> None:
    """A column of no format is kept too."""
    export = tmp_path / "export.csv"
    lines = ["Report of today", "", "Lead;New Stage;Changed on;Owner"]
    lines += [f"L{number};{'MQL' if number % 2 else 'SAL'};{number + 12}.05.2026;Jürgen" for number in range(1, 9)]
    export.write_bytes("\r\n".join(lines).encode("cp1252"))
    result, notes = started([export], tmp_path)
    assert {"export": (8, 0, 0, 8)} == result.account
    text = (tmp_path / "funnel" / "funnel.toml").read_text("utf-8")
    for line in ('delimiter = ";"', 'encoding = "cp1252"', "skip_lines = 2", 'time_format = "%d.%m.%Y"'):
        assert line in text
    assert any("have no offset: is `timezone` the zone" in line for line in notes)


def test_an_ambiguous_order_of_day_and_month_is_a_question(tmp_path: Path) -> None:
    """The order is ambiguous if no day is above 12."""
    export = tmp_path / "export.csv"
    export.write_text("lead_id,stage,entered_at\nA,MQL,01/02/2026\nB,SAL,03/04/2026\n", "utf-8")
    _, notes = started([export], tmp_path)
    assert "to decide: export: %m/%d/%Y or %d/%m/%Y? No day is above 12" in notes


def test_stages_of_no_preset_are_ordered_by_their_moves(tmp_path: Path) -> None:
    """The order follows the moves of leads; a stage named like Lost ends the cycle."""
    export = tmp_path / "export.csv"
    moves = ("Anruf", "Termin", "Vertrag")
    rows = [f"L{lead},{stage},2026-05-{day + 1:02}" for lead in range(5) for day, stage in enumerate(moves[: lead + 1])]
    export.write_text("lead_id,stage,entered_at\n" + "\n".join([*rows, "L0,Lost,2026-06-01"]) + "\n", "utf-8")
    _, notes = started([export], tmp_path)
    text = (tmp_path / "funnel" / "funnel.toml").read_text("utf-8")
    assert ["anruf", "termin", "vertrag", "lost"] == [
        line.split('"')[1] for line in text.splitlines() if line.startswith("key = ")
    ]
    assert 'kind = "exit"' in text
    assert 'headline = [["anruf", "vertrag"]]' in text
    assert "to decide: are the stages in the right order, and of the right kind (path, hold, detour, exit)?" in notes


def test_a_named_preset_is_used(tmp_path: Path) -> None:
    """Other stages become a hold, with a question."""
    export = tmp_path / "export.csv"
    export.write_text("lead_id,stage,entered_at\nA,MQL,2026-05-01\nA,Pool,2026-05-02\n", "utf-8")
    _, notes = started([export], tmp_path, "mperativ")
    text = (tmp_path / "funnel" / "funnel.toml").read_text("utf-8")
    assert 'preset = "mperativ"' in text
    assert ['key = "pool"', 'kind = "hold"'] == [
        line for line in text.splitlines() if line.startswith(("key = ", "kind = "))
    ]
    assert any(line.startswith('to decide: the preset does not have "Pool"') for line in notes)


def test_a_file_without_a_history_is_reported(tmp_path: Path) -> None:
    """The message is one sentence, and nothing is written."""
    export = tmp_path / "export.csv"
    export.write_text("colour,shape\nred,round\n", "utf-8")
    with pytest.raises(UsageError, match=r"has no recognisable columns of ids, stages and times: what is in it\?"):
        init.write([export, tmp_path / "funnel"], None, from_files=True)
    assert not (tmp_path / "funnel").exists()


def test_a_file_that_can_not_be_read_is_reported(tmp_path: Path) -> None:
    """The note has the next step; other files are used."""
    (tmp_path / "empty.csv").write_text("", "utf-8")
    export = tmp_path / "export.csv"
    export.write_text("lead_id,stage,entered_at\nA,MQL,2026-05-01\n", "utf-8")
    _, notes = started([tmp_path / "empty.csv", export], tmp_path)
    assert any(line.startswith("to decide: empty.csv can't be read: the file is empty") for line in notes)


def test_the_order_of_arguments_is_checked(tmp_path: Path) -> None:
    """The folder comes last, files need --from, and an existing configuration stays."""
    export = tmp_path / "export.csv"
    export.write_text("lead_id,stage,entered_at\nA,MQL,2026-05-01\n", "utf-8")
    for paths, from_files, what in (
        ([tmp_path / "a"], True, "needs one file at least"),
        ([export, tmp_path / "a"], False, "only one folder is needed"),
        ([export, export], True, "the last argument is a file"),
    ):
        with pytest.raises(UsageError, match=what):
            init.write(paths, None, from_files=from_files)
    init.write([tmp_path / "a"], None, from_files=False)
    with pytest.raises(UsageError, match="there is a configuration already"):
        init.write([export, tmp_path / "a"], None, from_files=True)
