"""Copy the pages of earlier runs into archive/<as-of date>/ as hard links, one run per date.

Each run copies the archive of the run before it, so that its folder is complete and old run folders can be deleted.
Data files are not copied. The two pages that link to data files and to the archive are replaced by short pages.
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
    """A run in the archive: its as-of date and its summary.json.

    `report` names one of its reports; it is empty for the report of all leads.
    """

    as_of_date: str
    summary: dict[str, Any]
    report: str = ""

    @property
    def index(self) -> str:
        """Path of its index page, relative to the same report of the current site."""
        run = f"{links.ARCHIVE_FOLDER}/{self.as_of_date}"
        return f"../{run}/{self.report}/{links.INDEX}" if self.report else f"{run}/{links.INDEX}"


@dataclass(frozen=True)
class Archive:
    """Source and size of the archive. `published` is None before the first run."""

    published: Path | None
    keep: int


NO_ARCHIVE = Archive(None, 0)


@dataclass(frozen=True)
class ReplacementPage:
    """A short page that replaces a page which the archive does not keep."""

    file: str
    as_of_date: str
    back: str
    """Relative path to the archive page of the current site."""
    anchors: tuple[tuple[str, str], ...]
    """(id, table) of the links that archived pages make to this page."""


Render = Callable[[ReplacementPage], str]


def carry_over(archive: Archive, folder: Path, *, current_date: str, render: Render) -> tuple[EarlierRun, ...]:
    """Copy the newest earlier runs into `folder` and return them, newest first.

    The run of `current_date` (ISO) is left out. Of each date, the latest run is kept. A run with missing or unreadable files is
    left out.
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
    """Return the archived runs that had this report, with its summaries."""
    report_runs = ((run, _read_run(folder / links.ARCHIVE_FOLDER / run.as_of_date / report)) for run in earlier)
    return tuple(
        EarlierRun(run.as_of_date, report_run.summary, report)
        for run, report_run in report_runs
        if report_run is not None
    )


def _find_runs(published: Path | None) -> Iterator[tuple[EarlierRun, Path]]:
    """Yield the archived runs and the published run, with their folders.

    The published run is last, so that it replaces an archived run of the same date.
    """
    if published is None:
        return
    for folder in (*sorted((published / links.ARCHIVE_FOLDER).glob("*")), published):
        run = _read_run(folder)
        if run is not None and (folder == published or folder.name == run.as_of_date):
            yield run, folder


def _read_run(folder: Path) -> EarlierRun | None:
    """Return the run in a folder, or None if the folder is not a complete run of this version."""
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
    """Yield the pages and the summary of a run, relative to its folder."""
    for parent, folders, names in os.walk(source):
        folders[:] = sorted(set(folders) - _NOT_COPIED)
        for name in sorted(names):
            path = Path(parent, name)
            is_page = path.suffix == ".html" and name != links.EMAIL
            if (is_page or name == links.SUMMARY) and not path.is_symlink():
                yield path.relative_to(source)


def _replacement_page(path: Path, run: EarlierRun) -> ReplacementPage:
    up = "../" * (len(path.parts) + 1)  # leaves archive/<date>/ and its subfolders
    tables = [each["table"] for each in run.summary.get("tables", ())] if path.name == links.DATA else []
    return ReplacementPage(
        file=path.name,
        as_of_date=run.as_of_date,
        back=f"{up}{links.ARCHIVE}",
        anchors=tuple((links.data_link(table).partition("#")[2], table) for table in tables),
    )


def link_or_copy(source: Path, target: Path) -> None:
    """Create a hard link, or a copy where hard links are not allowed."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
