"""What a run warns of once its tables are built: history or leads that look incomplete. Each module reads one table."""

from __future__ import annotations

import duckdb

from pipeline.config.configuration import Configuration
from pipeline.run.findings import first_values, history_coverage, joins, missed_snapshots, reconciliation


def warnings(connection: duckdb.DuckDBPyConnection, configuration: Configuration, *, is_whole: bool) -> list[str]:
    """One sentence for each finding. With `is_whole` schema quality is built, too; without it only schema clean is read."""
    found = joins.without_a_record(connection, configuration)
    if is_whole:
        found += first_values.without_date(connection)
        found += history_coverage.looks_cut(connection)
        found += reconciliation.differing(connection, configuration)
        found += missed_snapshots.missing(connection)
    return found
