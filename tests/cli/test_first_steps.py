"""`init`, `check` and `presets`: from nothing to a configuration that reads the user's exports."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import presets
from tests import runs
from tests.cli.commands import copy_of_quarter, funnel, process, reads, tree


@pytest.mark.parametrize("name", presets.names())
def test_init_writes_a_configuration_that_only_lacks_its_exports(tmp_path: Path, name: str) -> None:
    """`init` of every preset writes a valid configuration; `check` then reports only missing files."""
    started = funnel("init", "--preset", name, tmp_path / "mine")
    checked = funnel("check", "--config", tmp_path / "mine" / "funnel.toml")
    assert (0, "") == (started.code, started.out)
    assert f"wrote {tmp_path}/mine/funnel.toml" in started.err
    assert ["funnel.toml"] == [path.name for path in (tmp_path / "mine").iterdir()]
    assert (3, "") == (checked.code, checked.out)
    assert f"crm_history: {tmp_path}/mine/data/stage_entries*.csv: there is no such file\n  next: " in checked.err
    assert f"crm_leads: {tmp_path}/mine/data/leads*.csv: there is no such file\n  next: " in checked.err


def test_init_names_the_nearest_preset(tmp_path: Path) -> None:
    """An unknown preset is refused with the nearest name, and no folder is created."""
    answer = funnel("init", "--preset", "hubspot-lifecicle", tmp_path / "mine")
    assert 2 == answer.code
    assert "hubspot-lifecycle" in answer.err
    assert not (tmp_path / "mine").exists()


def test_init_never_overwrites(tmp_path: Path) -> None:
    """An existing configuration stays unchanged."""
    (tmp_path / "funnel.toml").write_text("mine")
    answer = funnel("init", tmp_path)
    assert 2 == answer.code
    assert "there is a configuration already" in answer.err
    assert "mine" == (tmp_path / "funnel.toml").read_text()


def test_check_writes_nothing(tmp_path: Path) -> None:
    """`check` reads every input to the last row and leaves the folder unchanged."""
    toml = copy_of_quarter(tmp_path)
    before = tree(tmp_path)
    answer = process("check", "--config", toml)
    assert (0, "") == (answer.code, answer.out)
    assert "crm_history: stage_entries.csv: 43 rows" in answer.err
    assert "warning: crm_history: stage_entries.csv: rejected rows: 1 no_lead, 1 unreadable_time" in answer.err
    assert answer.err.endswith("every input was read; nothing was written\n")
    assert before == tree(tmp_path)


def test_check_adds_nothing_to_a_log(tmp_path: Path) -> None:
    """`check` loads nothing into the log of a published run, although a new row is available."""
    toml = copy_of_quarter(tmp_path)
    with runs.history_only():
        runs.run(toml, tmp_path / "build", as_of=runs.QUARTER_AS_OF)
    with (tmp_path / "stage_entries.csv").open("a", encoding="utf-8") as export:
        export.write("L01,Nurture,2026-03-01T10:00:00Z,\n")
    before = tree(tmp_path)
    answer = funnel("check", "--config", toml)
    assert 0 == answer.code
    assert "stage_entries.csv: 44 rows, 2 new, 40 redelivered" in answer.err
    assert before == tree(tmp_path)


def test_check_names_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    """An export without a required column is refused; the message names the columns that it has."""
    toml = copy_of_quarter(tmp_path, reads("crm_deletions", "deletions"), deletions="lead_id,removed\nL01,2026-02-01\n")
    answer = funnel("check", "--config", toml)
    assert 3 == answer.code
    assert f"crm_deletions: {tmp_path}/deletions.csv: " in answer.err
    assert "deleted_at" in answer.err


def test_presets_are_listed_with_their_summary() -> None:
    """`funnel presets` prints every preset on stdout."""
    answer = funnel("presets")
    assert (0, "") == (answer.code, answer.err)
    assert list(presets.names()) == [line for line in answer.out.splitlines() if line and not line.startswith(" ")]


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_is_explained_with_its_stages(name: str) -> None:
    """`funnel presets NAME` names every stage with its definition."""
    answer = funnel("presets", name)
    words = " ".join(answer.out.split())
    stages = presets.load(name).stages
    assert 0 == answer.code
    assert [] == [stage["key"] for stage in stages if stage["key"] not in words]
    assert [] == [stage["key"] for stage in stages if " ".join(stage["definition"].split()) not in words]


def test_an_unknown_preset_offers_the_nearest() -> None:
    """`funnel presets bowty` suggests bowtie."""
    answer = funnel("presets", "bowty")
    assert (2, "") == (answer.code, answer.out)
    assert "bowtie" in answer.err
