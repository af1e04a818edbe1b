"""`funnel init --from`: the files of each folder give a configuration that runs, or a sentence that says what is missing."""

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
    """Copies of the folder's exports."""
    inbox = folder / "in"
    shutil.copytree(DATA / name, inbox, ignore=shutil.ignore_patterns("funnel.toml"))
    return sorted(inbox.iterdir())


def started(files: list[Path], folder: Path, preset: str | None = None) -> tuple[Loaded, tuple[str, ...]]:
    """The files landed by the configuration that was written for them, and what was said."""
    said = init.write([*files, folder / "funnel"], preset, from_files=True)
    return loaded(folder / "funnel" / "funnel.toml", folder / "out", "waterfall.days"), said


UNKNOWN = {
    "general_parts": "events.csv has no recognisable columns of ids, stages and times: what is in it?",
}
"""Folders whose files can't be told, and what is said of them."""


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_can_not_be_recognised_is_asked(name: str, tmp_path: Path) -> None:
    """In a sentence; nothing is written."""
    with pytest.raises(UsageError, match=re.escape(UNKNOWN[name])):
        started(files_of(name, tmp_path), tmp_path)
    assert not (tmp_path / "funnel").exists()


@pytest.mark.parametrize("name", [name for name in LOCAL if name not in UNKNOWN])
def test_what_is_written_runs(name: str, tmp_path: Path) -> None:
    """No file is refused or missing, something of each is read, and hardly a row is rejected."""
    found, _ = started(files_of(name, tmp_path), tmp_path)
    outcome = found.outcome
    assert ((), (), ()) == (outcome.refused, outcome.missing, outcome.rejected)
    assert sum(landed for *_, landed in found.account.values()) > 0
    assert sum(rejected for _, _, rejected, _ in found.account.values()) <= 1


def test_a_format_is_known_by_its_headers(tmp_path: Path) -> None:
    """LeadHistory and Lead: the formats, the preset, and the right numbers."""
    found, said = started(files_of("sf_leadhistory_status_only", tmp_path), tmp_path)
    assert "Lead.csv: format salesforce_leads; the file has Id, Status, ConvertedOpportunityId" in said
    assert "LeadHistory.csv: format salesforce_lead_history; the file has LeadId, NewValue, CreatedDate" in said
    assert "stages: preset salesforce-lead-opportunity; the preset knows the stage of 100% of the rows" in said
    assert (11, 0, 0, 11) == found.account["leadhistory"]


def test_files_that_are_alike_are_one_input(tmp_path: Path) -> None:
    """Where a pattern has them and nothing else."""
    files_of("dlt_parquet", tmp_path)
    found, said = started(sorted((tmp_path / "in").iterdir()), tmp_path)
    assert said[0].startswith("x*.parquet: format hubspot_property_history")
    assert {"x": (5, 0, 0, 5)} == found.account


def test_files_that_a_pattern_can_not_distinguish_stay_apart(tmp_path: Path) -> None:
    """A third file of the folder would be read, too."""
    files = files_of("dlt_parquet", tmp_path)
    found, _ = started(files[:2], tmp_path)
    assert {"x": (2, 0, 0, 2), "x_2": (2, 0, 0, 2)} == found.account


def test_the_delimiter_the_encoding_and_lines_above_are_found(tmp_path: Path) -> None:
    """And a column that no format knows."""
    export = tmp_path / "export.csv"
    lines = ["Report of today", "", "Lead;New Stage;Changed on;Owner"]
    lines += [f"L{number};{'MQL' if number % 2 else 'SAL'};{number + 12}.05.2026;Jürgen" for number in range(1, 9)]
    export.write_bytes("\r\n".join(lines).encode("cp1252"))
    found, said = started([export], tmp_path)
    assert {"export": (8, 0, 0, 8)} == found.account
    text = (tmp_path / "funnel" / "funnel.toml").read_text("utf-8")
    for line in ('delimiter = ";"', 'encoding = "cp1252"', "skip_lines = 2", 'time_format = "%d.%m.%Y"'):
        assert line in text
    assert any("have no offset: is `timezone` the zone" in line for line in said)


def test_day_and_month_are_asked_for_where_nothing_tells(tmp_path: Path) -> None:
    """No day is above 12."""
    export = tmp_path / "export.csv"
    export.write_text("lead_id,stage,entered_at\nA,MQL,01/02/2026\nB,SAL,03/04/2026\n", "utf-8")
    _, said = started([export], tmp_path)
    assert "to decide: export: %m/%d/%Y or %d/%m/%Y? No day is above 12" in said


def test_stages_that_no_preset_knows_are_ordered_by_their_moves(tmp_path: Path) -> None:
    """As leads meet them; a name like Lost ends the cycle."""
    export = tmp_path / "export.csv"
    moves = ("Anruf", "Termin", "Vertrag")
    rows = [f"L{lead},{stage},2026-05-{day + 1:02}" for lead in range(5) for day, stage in enumerate(moves[: lead + 1])]
    export.write_text("lead_id,stage,entered_at\n" + "\n".join([*rows, "L0,Lost,2026-06-01"]) + "\n", "utf-8")
    _, said = started([export], tmp_path)
    text = (tmp_path / "funnel" / "funnel.toml").read_text("utf-8")
    assert ["anruf", "termin", "vertrag", "lost"] == [
        line.split('"')[1] for line in text.splitlines() if line.startswith("key = ")
    ]
    assert 'kind = "exit"' in text
    assert 'headline = [["anruf", "vertrag"]]' in text
    assert "to decide: are the stages in the right order, and of the right kind (path, hold, detour, exit)?" in said


def test_a_wanted_preset_is_taken(tmp_path: Path) -> None:
    """Stages that it does not have are a hold until somebody says what they are."""
    export = tmp_path / "export.csv"
    export.write_text("lead_id,stage,entered_at\nA,MQL,2026-05-01\nA,Pool,2026-05-02\n", "utf-8")
    _, said = started([export], tmp_path, "mperativ")
    text = (tmp_path / "funnel" / "funnel.toml").read_text("utf-8")
    assert 'preset = "mperativ"' in text
    assert ['key = "pool"', 'kind = "hold"'] == [
        line for line in text.splitlines() if line.startswith(("key = ", "kind = "))
    ]
    assert any(line.startswith('to decide: the preset does not have "Pool"') for line in said)


def test_a_file_without_a_history_is_reported(tmp_path: Path) -> None:
    """In one sentence, and nothing is written."""
    export = tmp_path / "export.csv"
    export.write_text("colour,shape\nred,round\n", "utf-8")
    with pytest.raises(UsageError, match=r"has no recognisable columns of ids, stages and times: what is in it\?"):
        init.write([export, tmp_path / "funnel"], None, from_files=True)
    assert not (tmp_path / "funnel").exists()


def test_a_file_that_can_not_be_read_is_reported(tmp_path: Path) -> None:
    """With the way out; the others are taken."""
    (tmp_path / "empty.csv").write_text("", "utf-8")
    export = tmp_path / "export.csv"
    export.write_text("lead_id,stage,entered_at\nA,MQL,2026-05-01\n", "utf-8")
    _, said = started([tmp_path / "empty.csv", export], tmp_path)
    assert any(line.startswith("to decide: empty.csv can't be read: the file is empty") for line in said)


def test_the_order_of_arguments_is_checked(tmp_path: Path) -> None:
    """A folder at the end, and files before it with --from alone; a configuration that is there stays."""
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
