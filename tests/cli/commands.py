"""`funnel` as a user meets it: arguments in; exit code, stdout and stderr out. And copies of the quarter to change."""

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
from tests import runs

AS_OF = ("--as-of", runs.QUARTER_AS_OF)


@dataclass(frozen=True)
class Answer:
    """What a command left: its exit code and both streams."""

    code: int
    out: str
    err: str


def process(*arguments: object, cwd: Path | None = None, stdin: str = "", **environment: str) -> Answer:
    """The command in a process of its own: slower, and the only way to see what it imports, exits and inherits."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *map(str, arguments)],
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
    """The same through the same `main`, in this process."""
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
    """An `[[inputs]]` block over `<table>.csv`."""
    return f'\n[[inputs]]\nname = "{name}"\ntable = "{table}"\npath = "{table}.csv"\n'


def tree(folder: Path) -> list[tuple[str, int]]:
    """Everything under a folder with its time of change."""
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
    """Every published table of some schemas as its count of rows and a sum over all their values, whatever their order."""
    return {
        name: runs.ask(output, f"select count(*) as rows, sum(hash(each)) as content from {name} as each")[0]
        for name in tables(output, schemas)
    }


def page(output: Path) -> bytes:
    """The published report."""
    return (output / "reports" / "index.html").read_bytes()
