"""A built database to the sites under reports/: no scripts, nothing remote, the same bytes for the same database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import FunnelError
from pipeline.report.asked import read_reports
from pipeline.report.figures import read_figures
from pipeline.report.site import site
from pipeline.settings import shipped

if TYPE_CHECKING:
    import duckdb
    from jinja2 import Environment


def write_report(connection: duckdb.DuckDBPyConnection, folder: Path, notes: tuple[str, ...] = ()) -> tuple[Path, ...]:
    """Write every report of the database behind `connection` and return the paths, the index of all leads first.

    The report of all leads goes into `folder` itself, each other into the folder of its name in there. Reads only the
    connection's tables; `notes` are warnings of the run that the data-quality page repeats. FunnelError
    when a file can't be written.
    """
    written = []
    pages = (
        (folder if report.is_all else folder / report.report, name, html)
        for report in read_reports(connection)
        for name, html in render_site(connection, notes, report.report).items()
    )
    for place, name, html in pages:
        target = place / name
        try:
            place.mkdir(parents=True, exist_ok=True)
            target.write_bytes(html.encode("utf-8"))
        except OSError as error:
            raise FunnelError(
                f"the report can't be written: {error.strerror}",
                where=str(target),
                next_step="make room or correct the permissions, then `funnel report`",
            ) from error
        written.append(target)
    return tuple(written)


def render_site(
    connection: duckdb.DuckDBPyConnection, notes: tuple[str, ...] = (), report: str = "all"
) -> dict[str, str]:
    """File name → HTML of every page of one report, the index first."""
    made = site(read_figures(connection, report), notes)
    css = (shipped("reports") / "assets" / "style.css").read_text("utf-8")
    templates = environment()
    return {
        sheet.file: templates.get_template(f"pages/{sheet.template}").render(
            frame=made.frame, sheet=sheet, page=sheet.page, css=css
        )
        for sheet in made.sheets
    }


def environment() -> Environment:
    """Jinja with everything escaped and nothing undefined allowed."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(shipped("reports") / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["n"] = coordinate
    return made


def coordinate(value: float) -> str:
    """A coordinate without trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
