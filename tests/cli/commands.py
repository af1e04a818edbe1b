"""Calls of `funnel` with their exit code, stdout and stderr; and copies of the quarter that a test may change."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from pipeline import cli
from pipeline.explore import query
from tests import runs

AS_OF = ("--as-of", runs.QUARTER_AS_OF)


@dataclass(frozen=True)
class Answer:
    """The exit code and both streams of a command."""

    code: int
    out: str
    err: str


def process(
    *arguments: object, cwd: Path | None = None, stdin: str = "", history_only: bool = False, **environment: str
) -> Answer:
    """Run the command in its own process. Slower, but tests imports, exits and the environment."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.history_only" if history_only else "pipeline.cli", *map(str, arguments)],
        cwd=cwd or runs.REPOSITORY,
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def funnel(*arguments: object, stdin: str = "") -> Answer:
    """Run the command in this process, through the same `main`."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.object(sys, "argv", ["funnel", *map(str, arguments)]),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
    return Answer(code, out.getvalue(), err.getvalue())


def copy_of_quarter(folder: Path, more: str = "", **files: str) -> Path:
    """A copy of the quarter's configuration and inputs, with `more` at the end of the TOML and `files` (name → CSV)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("stage_entries.csv", "leads.csv"):
        shutil.copyfile(runs.QUARTER.parent / name, folder / name)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    toml = folder / "funnel.toml"
    toml.write_text(runs.QUARTER.read_text("utf-8") + more, encoding="utf-8")
    return toml


def reads(name: str, table: str) -> str:
    """An `[[inputs]]` block that reads `<table>.csv`."""
    return f'\n[[inputs]]\nname = "{name}"\ntable = "{table}"\npath = "{table}.csv"\n'


def tree(folder: Path) -> list[tuple[str, int]]:
    """Every path under a folder with its modification time."""
    return sorted((str(path.relative_to(folder)), path.lstat().st_mtime_ns) for path in folder.rglob("*"))


def tables(output: Path, schemas: str = "'waterfall', 'clean', 'journey', 'marts', 'quality', 'report'") -> list[str]:
    """Names of the published tables and views."""
    sql = (
        "select table_schema || '.' || table_name as name from information_schema.tables"
        f" where table_schema in ({schemas}) order by name"
    )
    return [row["name"] for row in runs.ask(output, sql)]


def contents(
    output: Path, schemas: str = "'waterfall', 'clean', 'journey', 'marts', 'quality', 'report'"
) -> dict[str, object]:
    """The row count and an order-independent checksum of every published table of some schemas."""
    names = tables(output, schemas)
    with query.open_published(output) as connection:
        return {
            name: connection.execute(f"select count(*), sum(hash(each)) from {name} as each").fetchone()
            for name in names
        }


def page(output: Path) -> bytes:
    """The published report."""
    return (output / "reports" / "index.html").read_bytes()
