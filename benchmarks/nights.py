"""Nights after a full history: what one costs, how the file grows, and whether it holds what a build anew would hold."""

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
_SCHEMAS = ("waterfall", "clean", "journey", "marts", "marts_kept", "quality", "report")


def run(history: History, scratch: Path, count: int, *, limit: float, budget: float) -> dict[str, Any]:
    """A full history, then up to `count` nights (or as many as begin within `budget` seconds), then all of it anew."""
    if FULL not in _help():
        return {"skipped": f"`funnel run` has no {FULL} yet"}
    shutil.rmtree(scratch, ignore_errors=True)
    exports, kept, anew = scratch / "exports", scratch / "kept", scratch / "anew"
    shutil.copytree(history.exports, exports, ignore=shutil.ignore_patterns("nights"))
    first = _night(exports, kept, 0, limit, FULL)
    if first.is_stopped:
        return {"skipped": f"the first night took more than {limit:.0f} s"}
    nights, started = [], time.monotonic()
    for night in range(1, count + 1):
        if time.monotonic() - started > budget:
            break
        shutil.copytree(history.exports / "nights" / f"{night:02d}", exports, dirs_exist_ok=True)
        nights.append(_night(exports, kept, night, limit))
    # The same log: what is built anew differs in how, not in what was delivered.
    shutil.copytree(kept / "landing", anew / "landing")
    rebuilt = _night(exports, anew, len(nights), limit, FULL)
    if rebuilt.is_stopped or any(each.is_stopped for each in nights):
        return {"skipped": f"a night took more than {limit:.0f} s"}
    compared, different = _different(kept / DATABASE, anew / DATABASE)
    file_bytes, compacted_bytes = (kept / DATABASE).stat().st_size, _compacted(kept / DATABASE, scratch / "compacted")
    return {
        "first": [asdict(first)],
        "night": [asdict(each) for each in nights],
        "anew": [asdict(rebuilt)],
        "file_bytes": file_bytes,
        "compacted_bytes": compacted_bytes,
        "growth": file_bytes / compacted_bytes,
        "compared": compared,
        "different": different,
    }


def _night(exports: Path, output: Path, night: int, limit: float, *more: str) -> measure.Measured:
    asked = ["--config", str(exports / "funnel.toml"), "--output", str(output), "--as-of", as_of(night), *more]
    return measure.command([sys.executable, "-m", "pipeline.cli", "run", *asked], output, limit=limit)


def _help() -> str:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "run", "--help"], capture_output=True, text=True, check=True
    ).stdout


def _different(one: Path, other: Path) -> tuple[int, list[str]]:
    """How many stored tables were compared, and the names of those whose rows differ.

    Views are left out: they are the same SELECTs over these tables, and those of days take longer than a night.
    """
    connection = duckdb.connect(config={"memory_limit": "8GB"})
    connection.execute(f"attach '{one}' as kept (read_only)")
    connection.execute(f"attach '{other}' as anew (read_only)")
    listed = connection.execute(
        "select table_catalog, table_schema, table_name from information_schema.tables "
        f"where table_schema in {_SCHEMAS} and table_type = 'BASE TABLE' order by all"
    ).fetchall()
    sides = {side: {(schema, name) for catalog, schema, name in listed if catalog == side} for side in ("kept", "anew")}
    different = [f"{schema}.{name}" for schema, name in sorted(sides["kept"] ^ sides["anew"])]
    for schema, name in sorted(sides["kept"] & sides["anew"]):
        one_table, other_table = f"kept.{schema}.{name}", f"anew.{schema}.{name}"
        row = connection.execute(
            f"select (select count(*) from (from {one_table} except all from {other_table})), "
            f"(select count(*) from (from {other_table} except all from {one_table}))"
        ).fetchone()
        if row != (0, 0):
            different.append(f"{schema}.{name}")
    connection.close()
    return len(sides["kept"] & sides["anew"]), different


def _compacted(database: Path, copy: Path) -> int:
    """The size of a file with the same content, written at once."""
    copy.unlink(missing_ok=True)
    connection = duckdb.connect()
    connection.execute(f"attach '{database}' as kept (read_only)")
    connection.execute(f"attach '{copy}' as compacted (storage_version 'v1.5.0')")
    connection.execute("copy from database kept to compacted")
    connection.execute("checkpoint compacted")
    connection.close()
    return copy.stat().st_size
