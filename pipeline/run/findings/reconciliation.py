"""Counts leads whose current stage in the source differs from their history."""

from __future__ import annotations

import duckdb

from pipeline.config.configuration import Configuration


def differing(connection: duckdb.DuckDBPyConnection, configuration: Configuration) -> list[str]:
    """Return a sentence if more leads than `max_unreconciled` allows differ or have an unknown stage, else nothing.

    Reads quality.stage_reconciliation.
    """
    compared, differs, unknown = connection.execute(
        "select count(*), count(*) filter (where outcome = 'differs'), count(*) filter (where outcome = 'unknown') "
        "from quality.stage_reconciliation"
    ).fetchall()[0]
    allowed = configuration.max_unreconciled
    if differs + unknown <= allowed * compared:
        return []
    elsewhere = "stands elsewhere than its" if differs == 1 else "stand elsewhere than their"
    sentence = f"{differs:,} of {compared:,} {'lead' if compared == 1 else 'leads'} {elsewhere} history says"
    if unknown:
        sentence += f", and {unknown:,} {'shows' if unknown == 1 else 'show'} a current_stage that no alias names"
    return [
        f"{sentence} (max_unreconciled allows {allowed * 100:g} %): look at quality.stage_reconciliation, "
        "then export the history again or add the aliases"
    ]
