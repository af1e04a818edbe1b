"""Rules on columns of leads and accounts: scope, origin and persona of a lead.

A condition tests one column. It is validated here; a run checks that an input has the column.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from pipeline.config.block import AsExported, Block, Document, Text, Word, must, read
from pipeline.config.configuration import Configuration
from pipeline.config.problems import Problems
from pipeline.errors import Problem
from pipeline.waterfall.definition import Condition, OriginRule, PersonaRule, ScopeRule
from pipeline.waterfall.names import did_you_mean

TESTS = ("equals", "in", "matches", "is_null")
MAX_RULES = 100


_Value = Annotated[
    str,
    must(
        lambda text: text and text == text.strip(),
        "must be text without spaces around it; for a missing value write is_null = true",
    ),
]
_Values = Annotated[list[_Value], must(len, "must name at least one")]


class ConditionBlock(Block):
    """`where = { column = "email", matches = "@example\\\\.com$" }`: a column, one test, and optionally `not`."""

    column: Word
    equals: _Value | None = None
    one_of: _Values | None = Field(default=None, alias="in")
    matches: str | None = None
    is_null: bool | None = None
    negated: bool = Field(default=False, alias="not")


class ExportedConditionBlock(ConditionBlock):
    """A condition on a column with its name in the file."""

    column: AsExported


class ScopeBlock(Block):
    """One `[[scope]]`. `where` is validated separately, so that its problems have their own place."""

    name: Word
    table: Literal["leads", "accounts"]
    where: dict[str, Any]
    reason: Text


class OriginBlock(Block):
    """One `[[origins]]`, on columns of leads."""

    origin: Text
    where: dict[str, Any]


class PersonaBlock(Block):
    """One `[[personas]]`, on columns of leads."""

    name: Text
    where: dict[str, Any]


SomeRule = TypeVar("SomeRule", ScopeBlock, OriginBlock, PersonaBlock)


def read_scope(document: Document) -> tuple[ScopeRule, ...]:
    """Return the scope rules in order of the file. The first rule that matches gives the reason."""
    rules: dict[str, ScopeRule] = {}
    first: dict[str, int] = {}
    for number, block, where in _read_rules(document, ScopeBlock, "scope"):
        if block.name in rules:
            document.problems.add_twice("name", block.name, ("scope", number, "name"), ("scope", first[block.name]))
        first.setdefault(block.name, number)
        if where is not None:
            rules.setdefault(block.name, ScopeRule(block.name, block.table, where, block.reason))
    return tuple(rules.values())


def read_origins(document: Document) -> tuple[OriginRule, ...]:
    """Return the origin rules in order of the file. The first rule that matches decides."""
    found = _read_rules(document, OriginBlock, "origins")
    return tuple(OriginRule(block.origin, where) for _, block, where in found if where is not None)


def read_personas(document: Document) -> tuple[PersonaRule, ...]:
    """Return the persona rules in order of the file. The first rule that matches decides."""
    found = _read_rules(document, PersonaBlock, "personas")
    return tuple(PersonaRule(block.name, where) for _, block, where in found if where is not None)


def without_column(
    configuration: Configuration, lead_columns: Iterable[str], account_columns: Iterable[str]
) -> list[Problem]:
    """Return a problem for each rule whose column no input of its table has."""
    waterfall, file = configuration.waterfall, configuration.path.name
    known = {"leads": sorted(lead_columns), "accounts": sorted(account_columns)}
    needed = [(f"scope.{rule.name}.where.column", rule.table, rule.where.column) for rule in waterfall.scope]
    needed += [
        (f"origins.#{no}.where.column", "leads", rule.where.column) for no, rule in enumerate(waterfall.origins, 1)
    ]
    needed += [(f"personas.{rule.persona}.where.column", "leads", rule.where.column) for rule in waterfall.personas]
    return [
        Problem(f"{file}: {place}", f"no input of {table} has a column `{column}`{did_you_mean(column, known[table])}")
        for place, table, column in needed
        if column not in known[table]
    ]


def _read_rules(document: Document, model: type[SomeRule], name: str) -> list[tuple[int, SomeRule, Condition | None]]:
    """Return the number, the block and the condition of each rule. The condition is None if it is invalid."""
    blocks, problems = document.blocks(model, name), document.problems
    if len(blocks) > MAX_RULES:
        problems.add((name,), f"names {len(blocks)} rules; {MAX_RULES} is the most")
    return [(number, block, condition((name, number, "where"), block.where, problems)) for number, block in blocks]


def condition(
    place: tuple[str | int, ...], raw: dict[str, Any], problems: Problems, *, as_exported: bool = False
) -> Condition | None:
    """Return the condition of the block `raw` at `place`. Returns None and adds a problem if it is invalid."""
    block, found = read(ExportedConditionBlock if as_exported else ConditionBlock, raw)
    for inner, what in found:
        problems.add((*place, *inner), what)
    if block is None:
        return None
    tests = [test for test in TESTS if test in raw]
    if len(tests) != 1:
        written = f"it has {' and '.join(tests)}" if tests else "it has none"
        problems.add(place, f"must have exactly one of {', '.join(TESTS)}; {written}")
        return None
    if block.is_null is not None:
        return Condition(block.column, "is_null", is_negated=block.negated == block.is_null)
    if block.matches is not None:
        error = _pattern_error(block.matches)
        if error:
            problems.add((*place, "matches"), f"is not a regular expression: {error}")
        return Condition(block.column, "matches", (block.matches,), block.negated)
    values = (block.equals,) if block.equals is not None else tuple(block.one_of or ())
    return Condition(block.column, "one_of", values, block.negated)


def _pattern_error(pattern: str) -> str | None:
    """Return the error of DuckDB's RE2 for the pattern, or None."""
    import duckdb  # a late import: most configurations have no pattern

    if not pattern:
        return "it is empty"
    literal = "'" + pattern.replace("'", "''") + "'"
    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"select regexp_matches('x', {literal})")
    except duckdb.Error as error:
        return str(error).splitlines()[0].partition("Error: ")[2] or "it can't be read"
    return None
