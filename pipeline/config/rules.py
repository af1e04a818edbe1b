"""Rules on columns of leads and accounts: who is out of scope, which origin a lead counts under, and which persona it is.

A condition asks one thing of one column. What it asks is checked here; that an input has the column, when it runs.
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

ASKS = ("equals", "in", "matches", "is_null")
MOST_RULES = 100


def _value(text: str) -> str:
    if text == "" or text != text.strip():
        raise ValueError("must be text without space around it; for a missing value ask is_null = true")
    return text


def _values(texts: list[str]) -> list[str]:
    if not texts:
        raise ValueError("must name at least one")
    return texts


class ConditionBlock(Block):
    """`where = { column = "email", matches = "@example\\\\.com$" }`: a column, one thing asked of it, perhaps `not`."""

    column: Word
    equals: Annotated[str, AfterValidator(_value)] | None = None
    one_of: Annotated[list[Annotated[str, AfterValidator(_value)]], AfterValidator(_values)] | None = Field(
        default=None, alias="in"
    )
    matches: str | None = None
    is_null: bool | None = None
    negated: bool = Field(default=False, alias="not")


class ExportedConditionBlock(ConditionBlock):
    """A condition on a column as the file calls it."""

    column: AsExported


class ScopeBlock(Block):
    """One `[[scope]]`. `where` is read by itself, so that its mistakes are told at their own place."""

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
    """The scope rules in the order of the file; the first that matches names why a lead is out."""
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
    """The origin rules in the order of the file; the first that matches decides."""
    blocks, problems = document.blocks(OriginBlock, "origins"), document.problems
    _not_too_many("origins", len(blocks), problems)
    found = [(block.origin, condition(("origins", number, "where"), block.where, problems)) for number, block in blocks]
    return tuple(OriginRule(origin, where) for origin, where in found if where is not None)


def read_personas(document: Document) -> tuple[PersonaRule, ...]:
    """The persona rules in the order of the file; the first that matches decides."""
    blocks, problems = document.blocks(PersonaBlock, "personas"), document.problems
    _not_too_many("personas", len(blocks), problems)
    found = [(block.name, condition(("personas", number, "where"), block.where, problems)) for number, block in blocks]
    return tuple(PersonaRule(name, where) for name, where in found if where is not None)


def without_column(
    configuration: Configuration, lead_columns: Iterable[str], account_columns: Iterable[str]
) -> list[Problem]:
    """The rules that ask for a column which no input of their table has."""
    waterfall, file = configuration.waterfall, configuration.path.name
    there = {"leads": sorted(lead_columns), "accounts": sorted(account_columns)}
    asked = [(f"scope.{rule.name}.where.column", rule.table, rule.where.column) for rule in waterfall.scope]
    asked += [
        (f"origins.#{no}.where.column", "leads", rule.where.column) for no, rule in enumerate(waterfall.origins, 1)
    ]
    asked += [(f"personas.{rule.persona}.where.column", "leads", rule.where.column) for rule in waterfall.personas]
    return [
        Problem(f"{file}: {place}", f"no input of {table} has a column `{column}`{did_you_mean(column, there[table])}")
        for place, table, column in asked
        if column not in there[table]
    ]


def _not_too_many(name: str, count: int, problems: Problems) -> None:
    if count > MOST_RULES:
        problems.add((name,), f"names {count} rules; {MOST_RULES} is the most")


def condition(
    place: tuple[str | int, ...], raw: dict[str, Any], problems: Problems, *, as_exported: bool = False
) -> Condition | None:
    """The condition that the block `raw` at `place` asks; None where it asks none, which is noted in `problems`."""
    block, found = read(ExportedConditionBlock if as_exported else ConditionBlock, raw)
    for inner, what in found:
        problems.add((*place, *inner), what)
    if block is None:
        return None
    asked = [ask for ask in ASKS if ask in raw]
    if len(asked) != 1:
        given = f"it has {' and '.join(asked)}" if asked else "it has none"
        problems.add(place, f"must ask exactly one of {', '.join(ASKS)}; {given}")
        return None
    if block.is_null is not None:
        return Condition(block.column, "is_null", is_negated=block.negated == block.is_null)
    if block.matches is not None:
        complaint = _why_no_pattern(block.matches)
        if complaint:
            problems.add((*place, "matches"), f"is no regular expression: {complaint}")
        return Condition(block.column, "matches", (block.matches,), block.negated)
    values = (block.equals,) if block.equals is not None else tuple(block.one_of or ())
    return Condition(block.column, "one_of", values, block.negated)


def _why_no_pattern(pattern: str) -> str | None:
    """What DuckDB's RE2, which will run it, has against the pattern, or None."""
    import duckdb  # only here: most configurations have no pattern, and `funnel --help` must answer at once

    if not pattern:
        return "it is empty"
    literal = "'" + pattern.replace("'", "''") + "'"
    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"select regexp_matches('x', {literal})")
    except duckdb.Error as error:
        return str(error).splitlines()[0].partition("Error: ")[2] or "it can't be read"
    return None
