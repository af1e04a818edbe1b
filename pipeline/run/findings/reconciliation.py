"""How many leads are in another stage in their source than their history says."""

from __future__ import annotations

import duckdb

from pipeline.config.configuration import Configuration


def differing(connection: duckdb.DuckDBPyConnection, configuration: Configuration) -> list[str]:
    """One sentence when more leads than `max_unreconciled` allows differ or show an unknown stage, else none.

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
    said = f"{differs:,} of {compared:,} {'lead' if compared == 1 else 'leads'} {elsewhere} history says"
    if unknown:
        said += f", and {unknown:,} {'shows' if unknown == 1 else 'show'} a current_stage that no alias names"
    return [
        f"{said} (max_unreconciled allows {allowed * 100:g} %): look at quality.stage_reconciliation, "
        "then export the history again or add the aliases"
    ]
