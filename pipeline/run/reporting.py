"""The fourth step of a run: writes the report from the built tables."""

from __future__ import annotations

import duckdb

from pipeline import log
from pipeline.database.connection import connect_published
from pipeline.errors import FunnelError
from pipeline.publish import intact, manifest, run_folder
from pipeline.publish.manifest import require_published
from pipeline.run.publishing import NewRun, Summary, require_same_privacy
from pipeline.settings import Settings


def write_report(
    reader: duckdb.DuckDBPyConnection, new: NewRun, notes: tuple[str, ...], stale: tuple[str, ...]
) -> None:
    """Write every page and file of the report. It shows `notes` with the inputs and marks `stale` inputs."""
    from pipeline.report import text
    from pipeline.report.archive.archive import Archive
    from pipeline.report.outputs import html  # a late import: `funnel check` does not need it

    configuration = new.options.configuration
    log.info("writing the report")
    with new.phases.timed("report"), text.written_in(configuration.locale):
        written = html.write_report(
            reader,
            new.folder.reports,
            notes,
            Archive(new.published.reports if new.published else None, configuration.keep_reports),
            configuration.mail.report_url if configuration.mail else None,
            stale,
            configuration.privacy,
            new.options.pseudonyms,
        )
    pages = sum(1 for path in written if path.suffix == ".html")
    log.info(f"{pages} pages and {len(written) - pages} files in {new.phases.seconds['report']:.1f} s")


def rewrite_report(new: NewRun) -> Summary:
    """Write the report again, into a new run with a copy of the published tables."""
    published = require_published(new.published, new.options.output)
    before = published.manifest
    intact.copy(published.database, before, new.folder.database)
    require_same_privacy(new.options, published)
    reader = open_tables(new, new.options.settings)
    try:
        write_report(reader, new, tuple(before["notes"]), tuple(before.get("stale", ())))
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise FunnelError(
            "an earlier version built the published tables, and the report needs newer ones",
            where=str(published.database),
            next_step="build them again from the log: `funnel run --from-log`",
        ) from error
    reader.close()
    manifest.write(new.folder, {**before, "run": new.folder.id})
    return Summary()


def open_tables(new: NewRun, settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the built tables read-only. A signal interrupts their queries."""
    try:
        reader = connect_published(new.folder.database, settings)
    except duckdb.Error as failure:
        raise run_folder.open_errors(new.folder.database, failure) from failure
    new.connections.add(reader)
    return reader
