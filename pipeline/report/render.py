"""A built database to reports/index.html: one file without scripts or anything remote, the same bytes for the same database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import FunnelError
from pipeline.report.figures import read_figures
from pipeline.report.pages import index_page
from pipeline.settings import shipped

if TYPE_CHECKING:
    import duckdb
    from jinja2 import Environment


def write_report(connection: duckdb.DuckDBPyConnection, folder: Path, notes: tuple[str, ...] = ()) -> tuple[Path, ...]:
    """Write the pages of the database behind `connection` into `folder` and return their paths.

    Reads only the connection's tables; `notes` are warnings of the run that the data-quality section repeats. FunnelError
    when a file can't be written.
    """
    html = render_index(connection, notes)
    target = folder / "index.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.write_bytes(html.encode("utf-8"))
    except OSError as error:
        raise FunnelError(
            f"the report can't be written: {error.strerror}",
            where=str(target),
            next_step="make room or correct the permissions, then `funnel report`",
        ) from error
    return (target,)


def render_index(connection: duckdb.DuckDBPyConnection, notes: tuple[str, ...] = ()) -> str:
    """The page as text."""
    page = index_page(read_figures(connection), notes)
    css = (shipped("reports") / "assets" / "style.css").read_text("utf-8")
    return environment().get_template("index.html").render(page=page, css=css)


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
