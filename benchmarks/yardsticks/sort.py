"""One sort of integers by lead and time: the least work to put a history in order."""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.yardsticks.facts import Facts


def ready(facts: Facts, scratch: Path, memory: str, threads: int) -> duckdb.DuckDBPyConnection:
    """Return a connection with the history as integers. The conversion is not measured."""
    connection = duckdb.connect()
    connection.execute(f"set memory_limit = '{memory}'")
    connection.execute(f"set threads = {threads}")
    connection.execute(f"set temp_directory = '{scratch / 'spill'}'")
    files = ", ".join(f"'{file}'" for file in facts.stage_entries)
    connection.execute(
        f"""
        create table moves as
        with delivered as (select lead_id, stage_alias, entered_at from read_parquet([{files}], union_by_name = true)),
        leads as (select lead_id, row_number() over () as lead_no from (select distinct lead_id from delivered)),
        stages as (select stage_alias, row_number() over () as stage_no from (select distinct stage_alias from delivered))
        select lead_no::integer as lead_no, stage_no::tinyint as stage_no, entered_at
        from delivered inner join leads using (lead_id) inner join stages using (stage_alias)
        """
    )
    return connection


def run(facts: Facts, answers: Path, connection: duckdb.DuckDBPyConnection) -> int:
    """Return the number of rows sorted."""
    connection.execute("create table sorted as select * from moves order by lead_no, entered_at")
    row = connection.execute("select count(*) from sorted").fetchone()
    return int(row[0]) if row else 0


def stop(connection: duckdb.DuckDBPyConnection) -> None:
    """Release the memory."""
    connection.close()
