"""Write the files of all reports. There are no scripts and no remote files, and the same database produces the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config.configuration import Privacy
from pipeline.errors import FunnelError
from pipeline.privacy.masking import QueryConnection, masked
from pipeline.privacy.pseudonyms import Pseudonyms
from pipeline.report.archive.archive import NO_ARCHIVE, Archive, EarlierRun, carry_over, runs_of_report
from pipeline.report.data.tables import report_tables
from pipeline.report.outputs.email import build_email
from pipeline.report.outputs.email_html import render_email
from pipeline.report.outputs.files import write_exports, write_workbooks
from pipeline.report.query import ReportFilter, read_report, read_reports
from pipeline.report.site import Site, build_site
from pipeline.settings import shipped
from pipeline.waterfall.names import cut

if TYPE_CHECKING:
    from jinja2 import Environment

NO_MASKING = Privacy()
"""Masks nothing."""


@dataclass(frozen=True)
class _Connections:
    """The database with the masking of each output."""

    report: QueryConnection
    files: QueryConnection
    mail: QueryConnection
    is_mail_same_as_report: bool


def write_report(
    connection: QueryConnection,
    folder: Path,
    notes: tuple[str, ...] = (),
    archive: Archive = NO_ARCHIVE,
    report_url: str | None = None,
    stale: tuple[str, ...] = (),
    privacy: Privacy = NO_MASKING,
    hidden: Pseudonyms | None = None,
) -> tuple[Path, ...]:
    """Write pages, mail and files of every report, and return their paths, the index first.

    The report of all leads and the workbooks are in `folder`, each other report is in a subfolder with its name. `notes` are
    warnings of the run for the data-quality page. `report_url` is the address of `folder` for readers of the mail. The index
    names the `stale` inputs first. `privacy` sets what each output shows of personal data, and `hidden` has the pseudonyms.
    Raises FunnelError when a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = _carry_over(connection, folder, archive)
        report, files, mail = (
            masked(connection, each, privacy.database, hidden) for each in (privacy.report, privacy.files, privacy.mail)
        )
        connections = _Connections(report, files, mail, is_mail_same_as_report=privacy.mail == privacy.report)
        reports = read_reports(connection)
        written = [
            path
            for each in reports
            for path in _write_one_report(connections, folder, each, notes, earlier, report_url, stale)
        ]
        return (*written, *write_workbooks(files, folder, reports))
    except OSError as error:
        raise FunnelError(
            f"the report can't be written: {error.strerror or type(error).__name__}",
            where=str(error.filename or folder),
            next_step="free disk space or correct the permissions, then run `funnel report`",
        ) from error


def _write_one_report(
    connections: _Connections,
    folder: Path,
    report: ReportFilter,
    notes: tuple[str, ...],
    earlier: tuple[EarlierRun, ...],
    report_url: str | None,
    stale: tuple[str, ...],
) -> tuple[Path, ...]:
    report_folder = folder if report.is_all else folder / report.report
    report_folder.mkdir(parents=True, exist_ok=True)
    earlier_runs = earlier if report.is_all else runs_of_report(folder, report.report, earlier)
    url = report_url if report_url is None or report.is_all else f"{report_url.rstrip('/')}/{report.report}/"
    answers = read_report(connections.report, report.report)
    tables = report_tables(connections.report, report)
    site = build_site(answers, notes, tables, earlier_runs, stale)
    templates = environment()
    files = {report_folder / name: html.encode("utf-8") for name, html in _render(site, templates).items()}
    mail = answers if connections.is_mail_same_as_report else read_report(connections.mail, report.report)
    files |= {
        report_folder / name: content
        for name, content in render_email(build_email(mail, url, notes, stale), templates).items()
    }
    for target, content in files.items():
        target.write_bytes(content)
    return (*files, *write_exports(connections.files, report_folder, report, tables))


def render_site(
    connection: QueryConnection,
    notes: tuple[str, ...] = (),
    earlier: tuple[EarlierRun, ...] = (),
    report: str = "all",
) -> dict[str, str]:
    """Return file name → HTML of every page of one report, the index first."""
    answers = read_report(connection, report)
    site = build_site(answers, notes, report_tables(connection, answers.filter), earlier)
    return _render(site, environment())


def _render(site: Site, templates: Environment) -> dict[str, str]:
    css = _style()
    return {
        sheet.file: templates.get_template(f"pages/{sheet.template}").render(
            frame=site.frame, sheet=sheet, page=sheet.page, css=css
        )
        for sheet in site.sheets
    }


def _carry_over(connection: QueryConnection, folder: Path, archive: Archive) -> tuple[EarlierRun, ...]:
    template = environment().get_template("replacement.html")
    current_date = connection.execute("select as_of_date from report.overview").fetchall()[0][0]
    return carry_over(
        archive,
        folder,
        current_date=current_date.isoformat(),
        render=lambda page: template.render(page=page, css=_style()),
    )


def _style() -> str:
    return (shipped("reports") / "assets" / "style.css").read_text("utf-8")


@cache
def environment() -> Environment:
    """Return the Jinja environment. It escapes all values and raises for undefined names."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    site = Environment(
        loader=FileSystemLoader(shipped("reports") / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: cut(value) if type(value) is str else value,  # Markup is not user text
    )
    site.filters["n"] = coordinate
    return site


def coordinate(value: float) -> str:
    """Return a coordinate without trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
