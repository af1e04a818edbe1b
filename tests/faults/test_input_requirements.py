"""docs/FAULTS.md, 20 and 22 to 25: whole runs of late, small or incomplete deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.config.load import load_configuration
from pipeline.database.connection import connect
from pipeline.errors import InputError
from pipeline.ingest.landing import loading
from pipeline.publish import manifest, run_folder
from pipeline.settings import Settings
from tests import runs
from tests.cli.commands import funnel, page, process

CONFIGURATION = """
[funnel]
name = "Guarded"
[[stages]]
key = "mql"
definition = "Ready."
[[stages]]
key = "sal"
definition = "Taken."
[checks]
unused_stages = ["sal"]
"""
HISTORY = '[[inputs]]\nname = "crm"\ntable = "stage_entries"\npath = "entries-*.csv"\n'
LEADS = '[[inputs]]\nname = "people"\ntable = "leads"\npath = "leads.csv"\nmode = "snapshot"\n'
SNAPSHOTS = HISTORY.replace("-*", "") + 'mode = "snapshot"\n'
THURSDAY = datetime(2026, 4, 30, 3, 15, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def configured(folder: Path, more: str = HISTORY) -> Path:
    toml = folder / "funnel.toml"
    toml.write_text(CONFIGURATION + more, "utf-8")
    return toml


def write_entries(folder: Path, name: str, rows: int, first: int = 0) -> None:
    """Write a file of stage entries, one for each of `rows` leads."""
    lines = [f"L{lead},mql,2026-01-05T14:00:00Z,dana" for lead in range(first, first + rows)]
    (folder / f"entries{name}.csv").write_text("\n".join(["lead_id,stage,entered_at,owner", *lines]) + "\n", "utf-8")


def write_leads(folder: Path, leads: Iterable[int]) -> None:
    lines = [f"L{lead},web" for lead in leads]
    (folder / "leads.csv").write_text("\n".join(["lead_id,lead_source", *lines]) + "\n", "utf-8")


def land(toml: Path, output: Path, clock: datetime) -> None:
    """Load the inputs without the rest of the run."""
    connection = connect(None, Settings("500MB", 1), reads_files=True)
    read = load_configuration(toml, output=output)
    outcome = loading.load_inputs(connection, read, output / "landing", clock=clock, as_of=clock)
    connection.close()
    assert ((), ()) == (outcome.refused, outcome.dropped)


def three_weeks(folder: Path, toml: Path, until: datetime, rows: int = 20) -> Path:
    """Load three weekly deliveries of `rows` rows, the last one a week before `until`."""
    output = folder / "build"
    for week in (3, 2, 1):
        write_entries(folder, f"-{week}", rows, first=1000 * week)
        land(toml, output, until - week * WEEK)
    return output


def published_manifest(output: Path) -> dict[str, object]:
    published = run_folder.current(output)
    assert published is not None
    return manifest.read(published)


def loads(output: Path) -> list[str]:
    return [load.file_name for load in loading.open_log(output / "landing").loads]


@pytest.mark.usefixtures("history_only")
def test_a_delivery_of_less_than_half_stops_the_run_until_it_is_accepted(tmp_path: Path) -> None:
    """F24: The exit code is 3 with both counts in every run; nothing of the file is loaded, the published run stays."""
    toml, now = configured(tmp_path), datetime.now(UTC)
    output = three_weeks(tmp_path, toml, now)
    for week in (3, 2):  # and the day after each, if midnight falls in between
        write_entries(tmp_path, f"-{week}b", 20, first=1000 * week + 500)
        land(toml, output, now - week * WEEK + timedelta(days=1))
    write_entries(tmp_path, "-1b", 20, first=1500)
    runs.run(toml, output, clock=now - WEEK + timedelta(days=1))
    before, known = page(output), loads(output)
    write_entries(tmp_path, "-0", 9)
    for ask in (process, funnel):
        answer = ask("run", "--config", toml, "--output", output)
        assert 3 == answer.code
        assert "crm: 9 rows came, and 20 are usual on a " in answer.err
        assert "\n  next: nothing was published" in answer.err
        assert "--allow-incomplete" in answer.err
        assert (before, known) == (page(output), loads(output))
    answer = funnel("run", "--allow-incomplete", "--config", toml, "--output", output)
    assert 0 == answer.code
    assert "warning: accepted: crm: 9 rows came, and 20 are usual on a " in answer.err
    (accepted,) = published_manifest(output)["accepted_drops"]  # type: ignore[misc]
    assert accepted.startswith("crm: 9 rows came, and 20 are usual on a ")
    assert 129 == runs.ask(output, "select count(*) as entries from clean.stage_entries")[0]["entries"]


@pytest.mark.usefixtures("history_only")
def test_a_fuller_file_lets_the_run_continue(tmp_path: Path) -> None:
    """F24: Half of the usual rows is enough, and rows of the refused file count once."""
    toml = configured(tmp_path)
    output = three_weeks(tmp_path, toml, THURSDAY)
    write_entries(tmp_path, "-0", 9)
    with pytest.raises(InputError, match="crm: 9 rows came, and 20 are usual on a Thursday"):
        runs.run(toml, output, clock=THURSDAY)
    assert ["entries-3.csv", "entries-2.csv", "entries-1.csv"] == loads(output)
    assert 3 == len(list((output / "landing" / "crm").iterdir()))
    write_entries(tmp_path, "-0", 10)
    done = runs.run(toml, output, clock=THURSDAY)
    assert () == done.warnings
    assert 70 == runs.ask(output, "select count(*) as entries from clean.stage_entries")[0]["entries"]


def test_check_reports_it_too(tmp_path: Path) -> None:
    """F24: `funnel check` tests the volume of the file and writes nothing."""
    toml = configured(tmp_path)
    output = three_weeks(tmp_path, toml, THURSDAY)
    write_entries(tmp_path, "-0", 9)
    known = loads(output)
    from pipeline.run.loading import check

    with pytest.raises(InputError, match="9 rows came"):
        check(runs.options(toml, output, clock=THURSDAY))
    assert known == loads(output)


def test_a_header_alone_gives_a_warning_or_stops_the_run(tmp_path: Path) -> None:
    """F22: Without earlier deliveries, stderr and report have a warning; with them, the run stops."""
    toml = configured(tmp_path, HISTORY + LEADS)
    write_entries(tmp_path, "-4", 20)
    write_leads(tmp_path, ())
    output = tmp_path / "build"
    done = runs.run(toml, output, clock=THURSDAY - 4 * WEEK)
    assert ("people: the newest delivery has no row",) == done.warnings
    assert b"people: the newest delivery has no row" in (output / "reports" / "quality.html").read_bytes()
    before = page(output)
    toml = configured(tmp_path)
    three_weeks(tmp_path, toml, THURSDAY)
    write_entries(tmp_path, "-0", 0)
    with pytest.raises(InputError, match="crm: 0 rows came, and 20 are usual on a Thursday") as stopped:
        runs.run(toml, output, clock=THURSDAY)
    assert 3 == stopped.value.exit_code
    assert before == page(output)


@pytest.mark.usefixtures("history_only")
def test_no_export_stops_the_run_beyond_error_after(tmp_path: Path) -> None:
    """F23: The exit code is 3 with the input and its age; the published run stays complete."""
    toml, now = configured(tmp_path, HISTORY + 'error_after = "3 days"\n'), datetime.now(UTC)
    output = tmp_path / "build"
    write_entries(tmp_path, "-1", 20)
    runs.run(toml, output, clock=now - timedelta(days=4, hours=2))
    before = page(output)
    answer = process("run", "--config", toml, "--output", output)
    assert 3 == answer.code
    assert "error: crm is stale: its newest file came 4 days before as-of\n  next: nothing was published" in answer.err
    assert before == page(output)
    answer = funnel("run", "--from-log", "--config", toml, "--output", output)  # the loaded rows may always be rebuilt
    assert 0 == answer.code


def test_no_export_shows_a_banner_after_warn_after(tmp_path: Path) -> None:
    """F23: The first page and the mail show the age at as-of, so a later rerun writes the same bytes."""
    toml, output = configured(tmp_path), tmp_path / "build"
    write_entries(tmp_path, "-1", 20)
    warning = "crm is stale: its newest file came 40 hours before as-of"
    with runs.history_only():
        first = runs.run(toml, output, clock=THURSDAY)
    assert () == first.warnings
    as_of = (THURSDAY + timedelta(hours=40)).isoformat()
    (tmp_path / "entries-1.csv").unlink()
    pages: list[dict[str, bytes]] = []
    for hours in (40, 60):
        done = runs.run(toml, output, as_of=as_of, clock=THURSDAY + timedelta(hours=hours))
        assert warning in done.warnings
        assert [warning] == published_manifest(output)["stale"]
        read = {
            each.name: each.read_bytes() for each in (output / "reports").iterdir() if each.suffix in (".html", ".txt")
        }
        notices = read["index.html"].partition(b'<ul class="notices">')[2]
        assert notices.startswith(f'<li class="warn">{warning}. Newer numbers are not in here.'.encode())
        assert warning.encode() in read["email.txt"]
        assert warning.encode() in read["email.html"]
        assert warning.encode() in read["quality.html"]
        pages.append(read)
    assert pages[0] == pages[1]
    answer = funnel("report", "--config", toml, "--output", output)
    assert 0 == answer.code
    assert pages[0]["index.html"] == page(output)
    assert 20 == runs.ask(output, "select count(*) as entries from clean.stage_entries")[0]["entries"]


@pytest.mark.usefixtures("history_only")
def test_an_as_of_in_the_past_or_future_gives_no_freshness_warning(tmp_path: Path) -> None:
    """F23: A past as-of uses files that came later; for a future as-of every input would be stale."""
    toml, output = configured(tmp_path, HISTORY + 'error_after = "2 days"\n'), tmp_path / "build"
    write_entries(tmp_path, "-1", 20)
    for as_of in ("2026-02-01", "2026-12-31"):
        done = runs.run(toml, output, as_of=as_of, clock=THURSDAY)
        assert [] == [each for each in done.warnings if "stale" in each]


@pytest.mark.usefixtures("history_only")
def test_a_snapshot_that_lost_leads_stops_the_run(tmp_path: Path) -> None:
    """F25: Above 1 % the exit code is 3 with both counts, else there is a warning. A missing lead is kept and counted once."""
    toml, output = configured(tmp_path, HISTORY + LEADS), tmp_path / "build"
    write_entries(tmp_path, "-1", 200)
    write_leads(tmp_path, range(200))
    runs.run(toml, output, clock=THURSDAY)
    before, known = page(output), loads(output)
    write_leads(tmp_path, range(197))
    words = "people: the snapshot has lost 3 of the 200 leads of the one before; they are kept, not deleted"
    for _ in range(2):
        with pytest.raises(InputError, match=words) as stopped:
            runs.run(toml, output, clock=THURSDAY + timedelta(hours=1))
        assert 3 == stopped.value.exit_code
        assert (before, known) == (page(output), loads(output))
    done = runs.run(toml, output, clock=THURSDAY + timedelta(hours=2), allow_incomplete=True)
    assert {words, f"accepted: {words}"} <= set(done.warnings)
    assert [words] == published_manifest(output)["accepted_drops"]
    assert [(200,)] == [tuple(row.values()) for row in runs.ask(output, "select count(*) as leads from clean.leads")]
    write_leads(
        tmp_path, [*range(100), *range(101, 197), 198, 500]
    )  # two of three are still missing, one more is, one is new
    done = runs.run(toml, output, clock=THURSDAY + timedelta(hours=3))
    assert (words.replace("3 of the 200", "1 of the 197"),) == done.warnings
    assert 3 == loading.open_log(output / "landing").loads[-1].missing


@pytest.mark.usefixtures("history_only")
def test_missing_rows_of_history_are_counted_and_kept(tmp_path: Path) -> None:
    """F25: Rows that the newest snapshot of a CRM lacks still count."""
    toml, output = configured(tmp_path, SNAPSHOTS + "lost_keys = 0.1\n"), tmp_path / "build"
    write_entries(tmp_path, "", 50)
    runs.run(toml, output, clock=THURSDAY)
    write_entries(tmp_path, "", 50, first=6)
    with pytest.raises(InputError, match="crm: the snapshot has lost 6 of the 50 rows of history of the one before"):
        runs.run(toml, output, clock=THURSDAY + timedelta(hours=1))
    write_entries(tmp_path, "", 50, first=5)
    done = runs.run(toml, output, clock=THURSDAY + timedelta(hours=2))
    assert "crm: the snapshot has lost 5 of the 50 rows of history" in done.warnings[0]
    assert 55 == runs.ask(output, "select count(*) as entries from clean.stage_entries")[0]["entries"]


def test_a_clock_that_went_back_is_reported(tmp_path: Path) -> None:
    """F20: Stderr, report and manifest have a warning; the run is published, and the next one has no warning."""
    toml, output = configured(tmp_path), tmp_path / "build"
    write_entries(tmp_path, "-1", 20)
    with runs.history_only():
        runs.run(toml, output, clock=THURSDAY)
    done = runs.run(toml, output, clock=THURSDAY - timedelta(days=30))
    clock, as_of = done.warnings
    assert clock == (
        "the clock of this machine went back: the run started at 2026-03-31 03:15:00 UTC, and the published run at "
        "2026-04-30 03:15:00 UTC; set the clock"
    )
    assert as_of.startswith(
        "as-of 2026-03-31 03:15:00 UTC is before 2026-04-30 03:15:00 UTC, that of the published run"
    )
    assert b"the clock of this machine went back" in (output / "reports" / "quality.html").read_bytes()
    assert [clock, as_of] == published_manifest(output)["warnings"]
    with runs.history_only():
        assert () == runs.run(toml, output, clock=THURSDAY).warnings


def test_an_earlier_as_of_option_gives_a_warning_and_the_same_report(tmp_path: Path) -> None:
    """F20: Run and manifest have a warning; the pages equal those of that as-of byte for byte."""
    toml, output = configured(tmp_path), tmp_path / "build"
    write_entries(tmp_path, "-1", 20)
    runs.run(toml, output, as_of="2026-03-31", clock=THURSDAY)
    before = page(output)
    with runs.history_only():
        runs.run(toml, output, as_of="2026-04-29", clock=THURSDAY)
    done = runs.run(toml, output, as_of="2026-03-31", clock=THURSDAY)
    (warning,) = done.warnings
    assert warning.startswith("as-of 2026-03-31 23:59:59 UTC is before 2026-04-29 23:59:59 UTC")
    assert [warning] == published_manifest(output)["warnings"]
    assert before == page(output)
