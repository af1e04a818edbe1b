"""The pages of earlier nights beside those of this one: archive/<as-of date>/, one a date, as links to the same files.

A night hands its pages on to the next, those that it was handed itself included, so a run folder holds all that its
links lead to and old run folders may go. Data files stay behind; the two pages that lead out of a night, to its files
and to the archive, are replaced by small ones that say so.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.report import links
from pipeline.report.links import VERSION

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NOT_COPIED = frozenset({links.ARCHIVE_FOLDER, links.DATA_FOLDER})


@dataclass(frozen=True)
class EarlierRun:
    """A night of the archive: the date it was true at, and its summary.json; of one of its reports where `report` names it."""

    as_of_date: str
    summary: dict[str, Any]
    report: str = ""

    @property
    def index(self) -> str:
        """Its first page, from the same report of the present site."""
        run = f"{links.ARCHIVE_FOLDER}/{self.as_of_date}"
        return f"../{run}/{self.report}/{links.INDEX}" if self.report else f"{run}/{links.INDEX}"


@dataclass(frozen=True)
class Archive:
    """Where earlier nights come from (the published reports, None before the first night) and how many are kept."""

    published: Path | None
    keep: int


NO_ARCHIVE = Archive(None, 0)


@dataclass(frozen=True)
class ReplacementPage:
    """A small page in the place of one that leads out of an earlier night."""

    file: str
    as_of_date: str
    back: str
    """The page of the present archive, from here."""
    anchors: tuple[tuple[str, str], ...]
    """(id, table) that pages of the night lead to."""


Render = Callable[[ReplacementPage], str]


def carry_over(archive: Archive, folder: Path, *, current_date: str, render: Render) -> tuple[EarlierRun, ...]:
    """Put the newest nights that are found in the published reports into `folder`; returns them, newest first.

    Never the `present` date (ISO), and of each date the latest run. A night whose files are gone or unreadable is left out.
    """
    runs = {run.as_of_date: (run, source) for run, source in _find_runs(archive.published)}
    runs.pop(current_date, None)
    copied: list[EarlierRun] = []
    for date in sorted(runs, reverse=True):
        if len(copied) == archive.keep:
            break
        run, source = runs[date]
        if _copy_run(source, folder / links.ARCHIVE_FOLDER / date, run, render):
            copied.append(run)
    return tuple(copied)


def runs_of_report(folder: Path, report: str, earlier: tuple[EarlierRun, ...]) -> tuple[EarlierRun, ...]:
    """Those of the carried nights that had this report, with its own summaries."""
    report_runs = ((run, _read_run(folder / links.ARCHIVE_FOLDER / run.as_of_date / report)) for run in earlier)
    return tuple(
        EarlierRun(run.as_of_date, report_run.summary, report)
        for run, report_run in report_runs
        if report_run is not None
    )


def _find_runs(published: Path | None) -> Iterator[tuple[EarlierRun, Path]]:
    """Nights of the published folder with where their pages lie; the published one last, so that it wins over an older run."""
    if published is None:
        return
    for folder in (*sorted((published / links.ARCHIVE_FOLDER).glob("*")), published):
        run = _read_run(folder)
        if run is not None and (folder == published or folder.name == run.as_of_date):
            yield run, folder


def _read_run(folder: Path) -> EarlierRun | None:
    """The night in a folder; None when what lies there is no night of ours."""
    try:
        summary = json.loads((folder / links.SUMMARY).read_text("utf-8"))
        date = summary["as_of_date"]
        is_whole = summary["version"] == VERSION and (folder / links.INDEX).is_file()
        if not is_whole or not _DATE.fullmatch(date):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return EarlierRun(date, summary)


def _copy_run(source: Path, target: Path, run: EarlierRun, render: Render) -> bool:
    is_archived = source.parent.name == links.ARCHIVE_FOLDER
    try:
        for path in _files(source):
            target_path = target / path
            target_path.parent.mkdir(parents=True, exist_ok=True)
            if path.name in (links.DATA, links.ARCHIVE) and not is_archived:
                target_path.write_text(render(_replacement_page(path, run)), "utf-8")
            else:
                link_or_copy(source / path, target_path)
    except (FileNotFoundError, PermissionError):
        shutil.rmtree(target, ignore_errors=True)
        return False
    return True


def _files(source: Path) -> Iterator[Path]:
    """Pages and summary of a night, from its folder, whatever folders its pages lie in."""
    for parent, folders, names in os.walk(source):
        folders[:] = sorted(set(folders) - _NOT_COPIED)
        for name in sorted(names):
            path = Path(parent, name)
            is_page = path.suffix == ".html" and name != links.EMAIL
            if (is_page or name == links.SUMMARY) and not path.is_symlink():
                yield path.relative_to(source)


def _replacement_page(path: Path, run: EarlierRun) -> ReplacementPage:
    up = "../" * (len(path.parts) + 1)  # out of archive/<date>/ and of the folders within
    tables = [each["table"] for each in run.summary.get("tables", ())] if path.name == links.DATA else []
    return ReplacementPage(
        file=path.name,
        as_of_date=run.as_of_date,
        back=f"{up}{links.ARCHIVE}",
        anchors=tuple((links.data_link(table).partition("#")[2], table) for table in tables),
    )


def link_or_copy(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the file system or the rights do not allow that."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
