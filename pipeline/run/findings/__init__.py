"""Warnings about history or leads that look incomplete, from the built tables. Each module reads one table."""

from __future__ import annotations

import duckdb

from pipeline.config.configuration import Configuration
from pipeline.run.findings import first_values, history_coverage, joins, missed_snapshots, reconciliation


def warnings(connection: duckdb.DuckDBPyConnection, configuration: Configuration, *, is_whole: bool) -> list[str]:
    """Return one sentence per finding. Without `is_whole`, schema quality is not built and only schema clean is read."""
    sentences = joins.without_a_record(connection, configuration)
    if is_whole:
        sentences += first_values.without_date(connection)
        sentences += history_coverage.looks_cut(connection)
        sentences += reconciliation.differing(connection, configuration)
        sentences += missed_snapshots.missing(connection)
    return sentences
