"""Rules on columns of leads and accounts: scope, origin and persona of a lead.

A condition tests one column. It is validated here; a run checks that an input has the column.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from pipeline.config.block import AsExported, Block, Document, Text, Word, read
from pipeline.config.configuration import Configuration
from pipeline.config.problems import Problems
from pipeline.errors import Problem
from pipeline.waterfall.definition import Condition, OriginRule, PersonaRule, ScopeRule
from pipeline.waterfall.names import did_you_mean

TESTS = ("equals", "in", "matches", "is_null")
MAX_RULES = 100


def _value(text: str) -> str:
    if text == "" or text != text.strip():
        raise ValueError("must be text without spaces around it; for a missing value write is_null = true")
    return text


def _values(texts: list[str]) -> list[str]:
    if not texts:
        raise ValueError("must name at least one")
    return texts


class ConditionBlock(Block):
    """`where = { column = "email", matches = "@example\\\\.com$" }`: a column, one test, and optionally `not`."""

    column: Word
    equals: Annotated[str, AfterValidator(_value)] | None = None
    one_of: Annotated[list[Annotated[str, AfterValidator(_value)]], AfterValidator(_values)] | None = Field(
        default=None, alias="in"
    )
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


def read_scope(document: Document) -> tuple[ScopeRule, ...]:
    """Return the scope rules in order of the file. The first rule that matches gives the reason."""
    blocks, problems = document.blocks(ScopeBlock, "scope"), document.problems
    _not_too_many("scope", len(blocks), problems)
    rules: dict[str, ScopeRule] = {}
    lines: dict[str, int] = {}
    for number, block in blocks:
        if block.name in rules:
            problems.add(
                ("scope", number, "name"),
                f"the name `{block.name}` is used twice, here and in line {lines[block.name]}",
            )
        lines.setdefault(block.name, problems.line(("scope", number)))
        where = condition(("scope", number, "where"), block.where, problems)
        if where is not None:
            rules.setdefault(block.name, ScopeRule(block.name, block.table, where, block.reason))
    return tuple(rules.values())


def read_origins(document: Document) -> tuple[OriginRule, ...]:
    """Return the origin rules in order of the file. The first rule that matches decides."""
    blocks, problems = document.blocks(OriginBlock, "origins"), document.problems
    _not_too_many("origins", len(blocks), problems)
    found = [(block.origin, condition(("origins", number, "where"), block.where, problems)) for number, block in blocks]
    return tuple(OriginRule(origin, where) for origin, where in found if where is not None)


def read_personas(document: Document) -> tuple[PersonaRule, ...]:
    """Return the persona rules in order of the file. The first rule that matches decides."""
    blocks, problems = document.blocks(PersonaBlock, "personas"), document.problems
    _not_too_many("personas", len(blocks), problems)
    found = [(block.name, condition(("personas", number, "where"), block.where, problems)) for number, block in blocks]
    return tuple(PersonaRule(name, where) for name, where in found if where is not None)


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


def _not_too_many(name: str, count: int, problems: Problems) -> None:
    if count > MAX_RULES:
        problems.add((name,), f"names {count} rules; {MAX_RULES} is the most")


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
