"""The third and fourth step of a run: data checks, and the report at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline import log
from pipeline.database.connection import new_cursor
from pipeline.database.parallel import Cursors
from pipeline.run import accounting
from pipeline.run.building import BuiltTables
from pipeline.run.loading import Loaded
from pipeline.run.publishing import NewRun
from pipeline.run.reporting import open_tables, write_report
from pipeline.transform import checks


@dataclass(frozen=True)
class Checked:
    """The results of checks on tables that passed every check of severity error."""

    outcomes: tuple[checks.Outcome, ...]
    accounting: tuple[dict[str, Any], ...]
    """One row accounting per input."""
    files: tuple[dict[str, Any], ...]
    """Lines, rows and entries of each file."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the checks of severity warn that found rows."""
        return tuple(f"{each.name}: {each.claim}: {each.broken} rows" for each in self.outcomes if not each.holds)


def check_beside_report(new: NewRun, loaded: Loaded, built: BuiltTables) -> Checked:
    """Run the checks while the report is written. Raises CheckFailed if a check of severity error does not pass."""
    reader = open_tables(new, built.shares.settings)
    accounts = accounting.accounting(reader)
    files = accounting.files(reader, loaded.log.loads)
    for rule, leads, entries in reader.execute("select rule, leads, entries from quality.scope").fetchall():
        log.info(f"out of scope by {rule}: {leads} leads with {entries} rows of history")
    log.info("checking")

    def check() -> tuple[checks.Outcome, ...]:
        with new.phases.timed("checks"):
            return checks.run_checks(reader, built.project.models, built.project.checks, cursors)

    with Cursors(reader, built.shares.queries) as cursors, new_cursor(reader) as pages:
        new.connections.add(cursors)
        new.connections.add(pages)
        notes = (*loaded.notes, *built.incomplete)
        outcomes = checks.require_beside(check, lambda: write_report(pages, new, notes, loaded.stale))
    reader.close()
    checks.log_outcomes(outcomes)
    return Checked(outcomes, accounts, files)
