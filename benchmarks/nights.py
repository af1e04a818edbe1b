"""Incremental runs after a full build: their time, the growth of the file, and equality with a full build."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import measure
from benchmarks.generate import as_of
from benchmarks.history import History

FULL = "--full"
DATABASE = "funnel.duckdb"
_SCHEMAS = ("waterfall", "clean", "journey", "marts", "stored", "quality", "report")


def run(history: History, scratch: Path, count: int, *, limit: float, budget: float) -> dict[str, Any]:
    """Run a full build, up to `count` daily deliveries within `budget` seconds, then a full build from the same log."""
    if FULL not in _help():
        return {"skipped": f"`funnel run` has no {FULL} yet"}
    shutil.rmtree(scratch, ignore_errors=True)
    exports, incremental, full = scratch / "exports", scratch / "incremental", scratch / "full"
    shutil.copytree(history.exports, exports, ignore=shutil.ignore_patterns("nights"))
    first = _run_day(exports, incremental, 0, limit, FULL)
    if first.is_stopped:
        return {"skipped": f"the full build took more than {limit:.0f} s"}
    runs, started = [], time.monotonic()
    for day in range(1, count + 1):
        if time.monotonic() - started > budget:
            break
        shutil.copytree(history.exports / "nights" / f"{day:02d}", exports, dirs_exist_ok=True)
        runs.append(_run_day(exports, incremental, day, limit))
    # The full build reads the same log, so that only the way of building differs.
    shutil.copytree(incremental / "landing", full / "landing")
    full_run = _run_day(exports, full, len(runs), limit, FULL)
    if full_run.is_stopped or any(each.is_stopped for each in runs):
        return {"skipped": f"a run took more than {limit:.0f} s"}
    compared, different = _compare_tables(incremental / DATABASE, full / DATABASE)
    file_bytes = (incremental / DATABASE).stat().st_size
    compacted_bytes = _compacted_bytes(incremental / DATABASE, scratch / "compacted")
    return {
        "first": [asdict(first)],
        "night": [asdict(each) for each in runs],
        "full_build": [asdict(full_run)],
        "file_bytes": file_bytes,
        "compacted_bytes": compacted_bytes,
        "growth": file_bytes / compacted_bytes,
        "compared": compared,
        "different": different,
    }


def _run_day(exports: Path, output: Path, day: int, limit: float, *options: str) -> measure.Measurement:
    arguments = ["--config", str(exports / "funnel.toml"), "--output", str(output), "--as-of", as_of(day), *options]
    return measure.command([sys.executable, "-m", "pipeline.cli", "run", *arguments], output, limit=limit)


def _help() -> str:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "run", "--help"], capture_output=True, text=True, check=True
    ).stdout


def _compare_tables(one: Path, other: Path) -> tuple[int, list[str]]:
    """Return the number of stored tables compared, and the names of those that differ.

    Views are left out, because they select from these tables, and views by day take longer than a run.
    """
    connection = duckdb.connect(config={"memory_limit": "8GB"})
    connection.execute(f"attach '{one}' as incremental (read_only)")
    connection.execute(f"attach '{other}' as rebuilt (read_only)")
    listed = connection.execute(
        "select table_catalog, table_schema, table_name from information_schema.tables "
        f"where table_schema in {_SCHEMAS} and table_type = 'BASE TABLE' order by all"
    ).fetchall()
    sides = {
        side: {(schema, name) for catalog, schema, name in listed if catalog == side}
        for side in ("incremental", "rebuilt")
    }
    different = [f"{schema}.{name}" for schema, name in sorted(sides["incremental"] ^ sides["rebuilt"])]
    for schema, name in sorted(sides["incremental"] & sides["rebuilt"]):
        one_table, other_table = f"incremental.{schema}.{name}", f"rebuilt.{schema}.{name}"
        row = connection.execute(
            f"select (select count(*) from (from {one_table} except all from {other_table})), "
            f"(select count(*) from (from {other_table} except all from {one_table}))"
        ).fetchone()
        if row != (0, 0):
            different.append(f"{schema}.{name}")
    connection.close()
    return len(sides["incremental"] & sides["rebuilt"]), different


def _compacted_bytes(database: Path, copy: Path) -> int:
    """Return the size of a copy of the database, written at once."""
    copy.unlink(missing_ok=True)
    connection = duckdb.connect()
    connection.execute(f"attach '{database}' as incremental (read_only)")
    connection.execute(f"attach '{copy}' as compacted (storage_version 'v1.5.0')")
    connection.execute("copy from database incremental to compacted")
    connection.execute("checkpoint compacted")
    connection.close()
    return copy.stat().st_size
