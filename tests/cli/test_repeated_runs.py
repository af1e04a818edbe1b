"""Consecutive runs: what a run changes, and what it leaves unchanged."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from tests import runs
from tests.cli.commands import AS_OF, contents, copy_of_quarter, funnel, page, process
from tests.sample import Sample

ACCOUNT = "from quality.row_accounting where input = 'crm_history'"
COPIED = 'path = "stage_entries.csv"'


def test_no_value_of_a_row_reaches_stderr(tmp_path: Path) -> None:
    """A run over rows with unknown stages, bad times and no leads prints counts and reasons, but no values."""
    answer = process("run", "--config", runs.QUARTER, "--output", tmp_path / "build", *AS_OF)
    with (runs.QUARTER.parent / "stage_entries.csv").open(encoding="utf-8") as export:
        rows = list(csv.DictReader(export))
    logged_words = set(answer.err.replace(",", " ").replace(":", " ").split())
    values = {row[column].strip() for row in rows for column in ("lead_id", "entered_at", "owner")} - {""}
    assert 0 == answer.code
    assert {"Banana", "31/02/2026"} <= values | {row["stage"] for row in rows}
    assert set() == logged_words & (values | {"Banana", "banana"})


def test_the_same_inputs_again_change_nothing(quarter: Sample, tmp_path: Path) -> None:
    """A second run loads no row, and its tables and the bytes of its report are the same."""
    output = quarter.copied(tmp_path / "build")
    before, tables = page(output), contents(output)
    answer = funnel("run", "--config", runs.QUARTER, "--output", output, *AS_OF)
    assert 0 == answer.code
    assert "crm_history: stage_entries.csv is known as load 1, 0 new rows" in answer.err
    assert 1 == runs.ask(output, ACCOUNT)[0]["loads"]
    assert before == page(output)
    assert tables == contents(output)


def test_a_rebuild_needs_no_inputs(quarter: Sample, tmp_path: Path) -> None:
    """Without the exports, the landing log gives identical tables and an identical report."""
    toml = copy_of_quarter(tmp_path / "in")
    output = quarter.copied(tmp_path / "build")
    before, tables = page(output), contents(output)
    for name in ("stage_entries.csv", "leads.csv"):
        (toml.parent / name).unlink()
    answer = funnel("run", "--from-log", "--config", toml, "--output", output, *AS_OF)
    assert 0 == answer.code
    assert before == page(output)
    assert tables == contents(output)


def test_the_option_names_of_the_previous_release_are_accepted(tmp_path: Path) -> None:
    """The old names work, and the help lists only the new ones."""
    output = tmp_path / "build"
    old, new = (
        funnel("run", *options, "--config", runs.QUARTER, "--output", output, *AS_OF)
        for options in (("--rebuild", "--accept-drop"), ("--from-log", "--allow-incomplete"))
    )
    assert (3, old.err) == (new.code, new.err)
    help_text = funnel("run", "--help").out
    assert ["--from-log", "--allow-incomplete"] == re.findall(
        r"--(?:from-log|rebuild|allow-incomplete|accept-drop)\b", help_text
    )


def test_a_rebuild_without_a_log_is_refused(tmp_path: Path) -> None:
    """`--from-log` of an empty folder reports that there is no log to rebuild from."""
    answer = funnel("run", "--from-log", "--config", runs.QUARTER, "--output", tmp_path / "build", *AS_OF)
    assert 3 == answer.code
    assert "the landing log has no stage entries" in answer.err


@pytest.mark.usefixtures("history_only")
def test_an_overlapping_export_adds_only_what_is_new(tmp_path: Path) -> None:
    """An export with ten known and two new rows adds two entries; the others count as redelivered."""
    toml = copy_of_quarter(tmp_path / "in")
    toml.write_text(toml.read_text("utf-8").replace(COPIED, 'path = "stage_entries*.csv"'), encoding="utf-8")
    output = tmp_path / "build"
    runs.run(toml, output, as_of=runs.QUARTER_AS_OF)
    (first,) = runs.ask(output, ACCOUNT)
    header, *rows = (toml.parent / "stage_entries.csv").read_text("utf-8").splitlines()
    new = ["L07,MQL,2026-03-20T09:00:00Z,dana", "L21,MCL,2026-03-21T09:00:00Z,"]
    (toml.parent / "stage_entries_2.csv").write_text("\n".join([header, *rows[10:20], *new]) + "\n", encoding="utf-8")
    runs.run(toml, output, as_of=runs.QUARTER_AS_OF)
    (second,) = runs.ask(output, ACCOUNT)
    grown = {name: second[name] - first[name] for name in first if name != "input" and second[name] != first[name]}
    assert {"rows_read": 12, "redelivered": 10, "kept": 2, "loads": 1} == grown


@pytest.mark.usefixtures("history_only")
def test_a_corrected_alias_loads_rejected_rows(tmp_path: Path) -> None:
    """If an unknown stage becomes an alias, its rows are loaded from the log, also without the exports."""
    toml = copy_of_quarter(tmp_path / "in")
    output = tmp_path / "build"
    runs.run(toml, output, as_of=runs.QUARTER_AS_OF)
    (before,) = runs.ask(output, ACCOUNT)
    (toml.parent / "stage_entries.csv").unlink()
    text = toml.read_text("utf-8")
    toml.write_text(text.replace('aliases = ["On hold"]', 'aliases = ["On hold", "Banana"]'), encoding="utf-8")
    done = runs.run(toml, output, as_of=runs.QUARTER_AS_OF)
    (after,) = runs.ask(output, ACCOUNT)
    entries = runs.ask(output, "select stage from clean.stage_entries where lead_id = 'L15'")
    assert (3, 37) == (before["rejected"], before["kept"])
    assert (2, 38) == (after["rejected"], after["kept"])
    assert [{"stage": "on_hold"}] == entries
    assert any("stage_entries.csv: there is no such file" in warning for warning in done.warnings)


def test_a_selection_gives_the_same_tables(quarter: Sample, tmp_path: Path) -> None:
    """`--select marts.conversion+` builds that model and its readers, and every table stays the same."""
    output = quarter.copied(tmp_path / "build")
    before, tables = page(output), contents(output)
    answer = funnel("run", "--config", runs.QUARTER, "--output", output, *AS_OF, "--select", "marts.conversion+")
    assert 0 == answer.code
    assert " marts.conversion " in answer.err
    assert " report.headline " in answer.err
    assert " marts.stage_flow " not in answer.err
    assert before == page(output)
    assert tables == contents(output)


@pytest.mark.usefixtures("history_only")
def test_a_selection_after_a_changed_configuration_is_refused(tmp_path: Path) -> None:
    """Tables of a changed configuration would not match the others, so --select is refused."""
    toml = copy_of_quarter(tmp_path / "in")
    output = tmp_path / "build"
    runs.run(toml, output, as_of=runs.QUARTER_AS_OF)
    toml.write_text(toml.read_text("utf-8").replace("windows = [30]", "windows = [31]"), encoding="utf-8")
    before = page(output)
    with pytest.raises(UsageError, match="run once without --select"):
        runs.run(toml, output, as_of=runs.QUARTER_AS_OF, select="marts.conversion+")
    assert before == page(output)


def test_a_selection_names_the_nearest_model(quarter: Sample, tmp_path: Path) -> None:
    """An unknown model is refused with the nearest name."""
    output = quarter.copied(tmp_path / "build")
    answer = funnel("run", "--config", runs.QUARTER, "--output", output, *AS_OF, "--select", "marts.conversoin")
    assert 2 == answer.code
    assert "did you mean marts.conversion?" in answer.err


def test_threads_change_no_byte_and_no_row(sample: Sample, tmp_path: Path) -> None:
    """The sample gives the same report and marts at 4 threads as at 2. tests/faults compares 1 thread, too."""
    runs.run(runs.SAMPLE, tmp_path, threads=4)
    assert page(sample.output) == page(tmp_path)
    assert contents(sample.output, "'marts'") == contents(tmp_path, "'marts'")
