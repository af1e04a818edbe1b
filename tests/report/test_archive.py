"""The archive: each run keeps the pages of earlier runs, one per as-of date, and every link resolves."""

from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import FunnelError
from pipeline.report.archive import archive
from pipeline.report.archive.archive import NO_ARCHIVE, Archive, carry_over
from pipeline.run import run
from tests import runs
from tests.report import reading
from tests.sample import MAIL

DAYS = ("2026-02-27", "2026-02-28", "2026-03-31")


def write_report_again(output: Path, keep: int = 30) -> Path:
    """Run `funnel report` in an output folder. Returns the reports folder."""
    run_options = runs.options(runs.QUARTER, output, as_of=DAYS[2], clock=runs.CLOCK + timedelta(days=9))
    options_with_archive = replace(run_options, configuration=replace(run_options.configuration, keep_reports=keep))
    return run.report_again(options_with_archive).report.parent


def publish_reports(folder: Path, date: str, text: str = "a run", *, of: Archive = NO_ARCHIVE) -> Path:
    """Write the reports of a fictional run, with the archive that it takes from the published run."""
    folder.mkdir()
    carry_over(of, folder, current_date=date, render=lambda page: f"{page.file} of {page.as_of_date}: {page.back}")
    for name in ("index.html", "archive.html", "data.html", "stage-a.html"):
        (folder / name).write_text(f"{name}: {text}", "utf-8")
    (folder / "data").mkdir()
    (folder / "data" / "headline.csv").write_text("entered", "utf-8")
    (folder / "summary.json").write_text(json.dumps({"version": 1, "as_of_date": date, "tables": []}), "utf-8")
    return folder


def dates(reports: Path) -> list[str]:
    """The as-of dates of an archive."""
    return sorted(path.name for path in (reports / "archive").glob("*"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def three_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder after three runs."""
    output = tmp_path_factory.mktemp("three")
    for number, day in enumerate(DAYS):
        runs.run(runs.QUARTER, output, as_of=day, clock=runs.CLOCK + timedelta(days=number))
    return output


def test_earlier_runs_are_archived_by_date(three_runs: Path) -> None:
    """The third of three runs has the published pages of the other two."""
    reports = three_runs / "reports"
    assert list(DAYS[:2]) == dates(reports)
    published = {
        json.loads((run / "manifest.json").read_text("utf-8"))["as_of"][:10]: run / "reports"
        for run in sorted((three_runs / "runs").iterdir())
    }
    assert 3 == len(published)
    for run_folder in published.values():
        day = json.loads((run_folder / "summary.json").read_text("utf-8"))["as_of_date"]
        if day == DAYS[2]:
            continue
        for page in run_folder.glob("*.html"):
            if page.name == MAIL:
                continue
            archived = reports / "archive" / day / page.name
            assert (archived.read_bytes() == page.read_bytes()) == (page.name not in ("data.html", "archive.html"))
            assert archived.samefile(page) == (page.name not in ("data.html", "archive.html"))


def test_an_archived_run_is_pages_and_its_summary(three_runs: Path) -> None:
    """An archived run has no data files and no archive, and all its files are final."""
    folder = (three_runs / "reports" / "archive").resolve()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {".html", ".json"} == {path.suffix for path in files}
    assert {2} == {len(path.relative_to(folder).parts) for path in files}
    assert {0o444} == {path.stat().st_mode & 0o777 for path in files}


def test_the_archive_page_has_the_summary_of_each_run(three_runs: Path) -> None:
    """Newest first, each with the headline rates and overdue leads of its own summary."""
    page = reading.read_folder(three_runs / "reports").pages["archive.html"]
    header, *rows = page.tables["table-nights"]
    assert ["As of", "Leads waiting", "Overdue", "MQL → SAL, within 30 days", "MQL → SQL, within 90 days"] == header
    assert [DAYS[1], DAYS[0]] == [row[0] for row in rows]
    assert [f"archive/{day}/index.html" for day in (DAYS[1], DAYS[0])] == [
        link for link in page.links if link.startswith("archive/")
    ]
    for row in rows:
        summary = json.loads((three_runs / "reports" / "archive" / row[0] / "summary.json").read_text("utf-8"))
        assert [summary["open_leads"], summary["overdue"]] == [reading.plain(cell) for cell in row[1:3]]
        for pair, cell in zip(
            (each for each in summary["headline"] if each["is_headline_window"]), row[3:], strict=True
        ):
            recent = next(each for each in pair["cohorts"] if each["cohort"] == "recent")
            shown_rate = float(cell.removesuffix("%")) / 100 if recent["entered"] else None
            assert shown_rate == pytest.approx(recent["rate"], abs=5e-4) if recent["entered"] else cell == "–"


def test_the_archive_page_of_the_first_run_has_no_table(three_runs: Path) -> None:
    """The archive page of the first run says that there is no earlier run."""
    first = sorted((three_runs / "runs").iterdir())[0] / "reports"
    assert "There is none yet" in (first / "archive.html").read_text("utf-8")
    assert not (first / "archive").exists()


def broken_links(folder: Path) -> list[tuple[str, str]]:
    """The links of all pages below a folder without a target file or a target id."""
    pages = {path: reading.read(path.read_text("utf-8")) for path in sorted(folder.rglob("*.html"))}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            file, _, fragment = link.partition("#")
            target = Path(os.path.normpath(path.parent / file)) if file else path
            there = target.is_file() and target.is_relative_to(folder)
            if not there or (fragment and fragment not in pages[target].ids):
                broken.append((str(path.relative_to(folder)), link))
    return broken


def test_every_link_resolves_everywhere(three_runs: Path) -> None:
    """On each page of the run and its archive, every link has a target file below reports/ and a target id."""
    reports = (three_runs / "reports").resolve()
    assert [] == broken_links(reports)
    links = [link for path in reports.rglob("*.html") for link in reading.read(path.read_text("utf-8")).links]
    files = {"data/headline.csv", "funnel.xlsx", "tables.xlsx", "summary.json", "data.html#file-ways_to_count"}
    assert files | {"../../archive.html"} <= set(links)


@pytest.fixture
def copied(three_runs: Path, tmp_path: Path) -> Path:
    """A copy of the output folder with three runs, which a test may change."""
    return Path(shutil.copytree(three_runs, tmp_path / "out", symlinks=True))


def test_a_rewritten_report_is_the_same_folder(three_runs: Path, copied: Path) -> None:
    """`funnel report` writes the same bytes of pages, files and archive."""
    assert contents(three_runs / "reports") == contents(write_report_again(copied))


def test_pages_do_not_depend_on_the_archive(three_runs: Path, copied: Path) -> None:
    """Without an archive (`keep_reports = 0`) only archive.html and archive/ differ."""
    among = contents(three_runs / "reports")
    alone = contents(write_report_again(copied, keep=0))
    assert set(alone) == {name for name in among if not name.startswith("archive/")}
    assert ["archive.html"] == [name for name, page in alone.items() if page != among[name]]


def test_pages_are_copied_if_links_are_refused(three_runs: Path, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copies have the same bytes."""
    monkeypatch.setattr(os, "link", failing(errno.EXDEV))
    reports = write_report_again(copied)
    assert contents(three_runs / "reports") == contents(reports)
    files = [path for path in (reports / "archive").rglob("*") if path.is_file()]
    assert {(1, 0o444)} == {(path.stat().st_nlink, path.stat().st_mode & 0o777) for path in files}


def test_a_full_disk_leaves_the_published_run(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the archive does not fit, the error has the next step, no file is left, and the old run is published."""
    before = contents(copied / "reports"), sorted((copied / "runs").iterdir())
    monkeypatch.setattr(archive, "link_or_copy", failing(errno.ENOSPC))
    with pytest.raises(FunnelError, match="the disk is full: the run needs about"):
        write_report_again(copied)
    assert before == (contents(copied / "reports"), sorted((copied / "runs").iterdir()))


def failing(number: int) -> Any:
    """A function that raises this system error."""

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_the_archive_keeps_the_latest_run_of_a_date(tmp_path: Path) -> None:
    """A later run of a date replaces the earlier one; the current date is not in the archive."""
    first = publish_reports(tmp_path / "1", DAYS[0], "first run")
    other = publish_reports(tmp_path / "2", DAYS[1], of=Archive(first, 30))
    back = publish_reports(tmp_path / "3", DAYS[0], "second run", of=Archive(other, 30))
    assert [DAYS[1]] == dates(back)
    last = publish_reports(tmp_path / "4", DAYS[2], of=Archive(back, 30))
    assert [DAYS[0], DAYS[1]] == dates(last)
    assert "index.html: second run" == (last / "archive" / DAYS[0] / "index.html").read_text("utf-8")


@pytest.mark.parametrize(("keep", "expected"), [(0, []), (1, [DAYS[1]]), (2, [DAYS[0], DAYS[1]])])
def test_the_configured_number_of_runs_is_kept(tmp_path: Path, keep: int, expected: list[str]) -> None:
    """Each run keeps the `keep` newest dates, not the latest runs."""
    second = publish_reports(tmp_path / "2", DAYS[1])
    first = publish_reports(tmp_path / "1", DAYS[0], of=Archive(second, 30))
    assert expected == dates(publish_reports(tmp_path / "3", DAYS[2], of=Archive(first, keep)))


def test_the_archive_outlives_the_run_folders(tmp_path: Path) -> None:
    """The archive of a later run has the pages, even if all earlier run folders are deleted."""
    published = publish_reports(tmp_path / "0", "2026-01-31", "the first of all")
    for number, day in enumerate(DAYS, 1):
        published = publish_reports(tmp_path / str(number), day, of=Archive(published, 30))
        shutil.rmtree(tmp_path / str(number - 1))
    assert ["2026-01-31", *DAYS[:2]] == dates(published)
    archived = published / "archive" / "2026-01-31"
    assert "index.html: the first of all" == (archived / "index.html").read_text("utf-8")
    assert "archive.html of 2026-01-31: ../../archive.html" == (archived / "archive.html").read_text("utf-8")


def test_pages_in_subfolders_are_archived_too(tmp_path: Path) -> None:
    """The links of a page in a subfolder lead back to the archive page."""
    first = publish_reports(tmp_path / "1", DAYS[0])
    (first / "emea").mkdir()
    for name in ("index.html", "archive.html"):
        (first / "emea" / name).write_text("EMEA", "utf-8")
    second = publish_reports(tmp_path / "2", DAYS[1], of=Archive(first, 30))
    archived = second / "archive" / DAYS[0] / "emea"
    assert "EMEA" == (archived / "index.html").read_text("utf-8")
    assert "archive.html of 2026-02-27: ../../../archive.html" == (archived / "archive.html").read_text("utf-8")


@pytest.mark.parametrize("damage", ["summary gone", "summary torn", "other date", "index gone", "a later version"])
def test_a_damaged_run_is_not_archived(tmp_path: Path, damage: str) -> None:
    """An incomplete or foreign run folder does not stop the run, and is not archived."""
    first = publish_reports(tmp_path / "1", DAYS[0])
    second = publish_reports(tmp_path / "2", DAYS[1], of=Archive(first, 30))
    folder = second / "archive" / DAYS[0]
    summary = folder / "summary.json"
    if damage == "index gone":
        (folder / "index.html").unlink()
    elif damage == "other date":
        folder.rename(folder.with_name("2020-01-01"))
    else:
        text = summary.read_text("utf-8")
        summary.unlink()
        if damage == "summary torn":
            summary.write_text(text[:9], "utf-8")
        if damage == "a later version":
            summary.write_text(text.replace('"version": 1', '"version": 2'), "utf-8")
    assert [DAYS[1]] == dates(publish_reports(tmp_path / "3", DAYS[2], of=Archive(second, 30)))


def test_a_run_whose_pages_vanish_is_not_archived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An incomplete run is not archived."""
    first = publish_reports(tmp_path / "1", DAYS[0])
    link = os.link

    def vanishing(source: Path, target: Path, **more: Any) -> None:
        (first / "stage-a.html").unlink(missing_ok=True)
        link(source, target, **more)

    monkeypatch.setattr(os, "link", vanishing)
    assert [] == dates(publish_reports(tmp_path / "2", DAYS[1], of=Archive(first, 30)))


def test_a_link_in_the_published_reports_is_not_followed(tmp_path: Path) -> None:
    """A link to a file outside does not get into the archive."""
    (tmp_path / "secret.html").write_text("secret", "utf-8")
    first = publish_reports(tmp_path / "1", DAYS[0])
    (first / "more.html").symlink_to(tmp_path / "secret.html")
    second = publish_reports(tmp_path / "2", DAYS[1], of=Archive(first, 30))
    assert [DAYS[0]] == dates(second)
    assert not (second / "archive" / DAYS[0] / "more.html").exists()
