"""A built database to the pages under reports/: no scripts, nothing remote, the same bytes for the same database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import FunnelError
from pipeline.report.email import email
from pipeline.report.figures import read_figures
from pipeline.report.render_email import render_email
from pipeline.report.site import Site, site
from pipeline.settings import shipped

if TYPE_CHECKING:
    import duckdb
    from jinja2 import Environment


def write_report(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    notes: tuple[str, ...] = (),
    report_url: str | None = None,
) -> tuple[Path, ...]:
    """Write the pages of the database behind `connection` and the mail about them into `folder`.

    Returns their paths, the index first. Reads only the connection's tables; `notes` are warnings of the run that the
    data-quality page repeats; `report_url` is where readers of the mail find `folder`. FunnelError when a file can't be
    written.
    """
    figures = read_figures(connection)
    made = site(figures, notes)
    templates = environment()
    files = {name: html.encode("utf-8") for name, html in _render(made, templates).items()}
    files |= render_email(email(made, figures, report_url), templates)
    written = []
    for name, content in files.items():
        target = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            raise FunnelError(
                f"the report can't be written: {error.strerror}",
                where=str(target),
                next_step="make room or correct the permissions, then `funnel report`",
            ) from error
        written.append(target)
    return tuple(written)


def render_site(connection: duckdb.DuckDBPyConnection, notes: tuple[str, ...] = ()) -> dict[str, str]:
    """File name → HTML of every page, the index first."""
    return _render(site(read_figures(connection), notes), environment())


def _render(made: Site, templates: Environment) -> dict[str, str]:
    css = (shipped("reports") / "assets" / "style.css").read_text("utf-8")
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
