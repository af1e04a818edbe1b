"""Stores the files of sql/macros as macros in the published file: one SELECT per file, arguments in the header.

    -- What became of the units of each cohort between two stages.
    -- argument from_stage: stage or group that opens the measure
    -- argument grain = 'month': length of a cohort's period
    -- example: from conversion('mql', 'sal')
    -- as: value

`as: value` makes a scalar macro; the others are table macros, and `from help()` lists them.
A scalar macro that reads no table is a formula: it is created before the models, so that they can call it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

from pipeline.database.connection import identifier, literal, quoted
from pipeline.errors import ModelError
from pipeline.settings import shipped

_ARGUMENT = re.compile(r"argument ([a-z_]+)(?: = (.+?))?: (.+)")
_READS = re.compile(r"\bfrom\b")
_DEFAULT = re.compile(r"'[^']*'|null|-?\d+(\.\d+)?(e-?\d+)?")
HELP = "help"


@dataclass(frozen=True)
class Argument:
    """One argument of a macro. `default` is SQL text; None for a required argument."""

    name: str
    default: str | None
    text: str


@dataclass(frozen=True)
class Macro:
    """One file of sql/macros. `is_value` marks a scalar macro."""

    name: str
    path: Path
    sentence: str
    arguments: tuple[Argument, ...]
    example: str
    is_value: bool
    body: str

    @property
    def call(self) -> str:
        """Return the call with defaults: `conversion(from_stage, to_stage, grain := 'month')`."""
        written = [each.name if each.default is None else f"{each.name} := {each.default}" for each in self.arguments]
        return f"{self.name}({', '.join(written)})"

    @property
    def is_formula(self) -> bool:
        """Whether it is a scalar that reads no table."""
        return self.is_value and _READS.search(self.body) is None

    def calls(self, other: Macro) -> bool:
        """Whether the body calls `other`."""
        return re.search(rf"(?<![.\w]){other.name}\(", self.body) is not None


def discover_macros(folder: Path) -> tuple[Macro, ...]:
    """Read every macro below `folder`/macros, each after the macros it calls. Raises ModelError with the file name."""
    waiting = [_read(path) for path in sorted((folder / "macros").glob("*.sql"))]
    ordered: list[Macro] = []
    while waiting:
        ready = [macro for macro in waiting if not any(macro.calls(other) for other in waiting)]
        if not ready:
            raise ModelError(
                "macros call each other in a cycle",
                where=str(waiting[0].path),
                next_step="replace one of the calls by the SQL of that macro",
            )
        ordered += ready
        waiting = [macro for macro in waiting if macro not in ready]
    return tuple(ordered)


def create_macros(connection: duckdb.DuckDBPyConnection, macros: tuple[Macro, ...]) -> None:
    """Create `macros` and `help()` in the open database, with comments. Raises ModelError if DuckDB rejects one."""
    for macro in macros:
        _create(connection, macro)
        kind = "macro" if macro.is_value else "macro table"
        text = f"{macro.sentence} Example: {macro.example}"
        connection.execute(f"comment on {kind} {identifier(macro.name)} is {quoted(text)}")
    connection.execute(f"create or replace macro {HELP}() as table\n{help_query(macros)}")
    connection.execute(f"comment on macro table {HELP} is 'Every table macro with its arguments. Example: from help()'")


def create_formulas(connection: duckdb.DuckDBPyConnection, queries: Iterable[str]) -> None:
    """Create the formulas, without comments, if any of `queries` calls one. ModelError names the file that DuckDB refuses."""
    formulas = _formulas()
    if any(f"{formula.name}(" in query for query in queries for formula in formulas):
        for formula in formulas:
            _create(connection, formula)


def help_query(macros: tuple[Macro, ...]) -> str:
    """Return the SELECT of `help()`: one row per table macro with arguments, description and example."""
    rows = [
        (macro.name, macro.call.removeprefix(macro.name), macro.sentence, macro.example)
        for macro in sorted(macros, key=lambda macro: macro.name)
        if not macro.is_value
    ]
    values = ",\n".join(f"({', '.join(literal(value) for value in row)})" for row in rows)
    return f"select * from (values\n{values}\n) as macros (name, arguments, tells, example) order by macros.name"


@cache
def _formulas() -> tuple[Macro, ...]:
    return tuple(macro for macro in discover_macros(shipped("sql")) if macro.is_formula)


def _create(connection: duckdb.DuckDBPyConnection, macro: Macro) -> None:
    try:
        connection.execute(_statement(macro))
    except duckdb.Error as failure:
        raise ModelError(
            f"the macro {macro.name} failed: {str(failure).splitlines()[0]}",
            where=str(macro.path),
            next_step="open the file in `duckdb` and correct it",
        ) from failure


def _statement(macro: Macro) -> str:
    arguments = ", ".join(
        identifier(each.name) if each.default is None else f"{identifier(each.name)} := {each.default}"
        for each in macro.arguments
    )
    head = f"create or replace macro {identifier(macro.name)}({arguments}) as"
    if macro.is_formula:
        # As an expression: a SELECT without a table would be planned as a subquery of each row.
        return f"{head} (\n{macro.body.removeprefix('select')}\n)"
    return f"{head} (\n{macro.body}\n)" if macro.is_value else f"{head} table\n{macro.body}"


def _read(path: Path) -> Macro:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    header = []
    for line in lines:
        if not line.startswith("--"):
            break
        header.append(line.removeprefix("--").strip())
    arguments, prose, example, is_value = [], [], None, False
    for line in header:
        if line.startswith("argument "):
            arguments.append(_argument(line, path))
        elif line.startswith("example: "):
            example = line.removeprefix("example: ")
        elif line == "as: value":
            is_value = True
        elif line:
            prose.append(line)
    if not prose or example is None:
        raise ModelError(
            "the header of a macro needs a description and an example",
            where=str(path),
            next_step="write `-- What it returns.` and `-- example: from …`",
        )
    return Macro(path.stem, path, " ".join(prose), tuple(arguments), example, is_value, "\n".join(lines[len(header) :]))


def _argument(line: str, path: Path) -> Argument:
    found = _ARGUMENT.fullmatch(line)
    if found is None or not (found[2] is None or _DEFAULT.fullmatch(found[2])):
        raise ModelError(
            "this argument can't be read",
            where=str(path),
            next_step="write `-- argument name: text` or `-- argument name = 'default': text`",
        )
    return Argument(found[1], found[2], found[3])
