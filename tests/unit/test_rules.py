"""Conditions of scope, origins and personas: valid forms, and errors with their line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.configuration import Configuration
from pipeline.config.rules import without_column
from pipeline.waterfall.definition import Condition, OriginRule, PersonaRule, ScopeRule
from tests.unit.configurations import funnel


def scope(where: str, more: str = 'reason = "Not ours."') -> str:
    """A configuration with one scope rule; its block starts in line 23, `where` is in line 26."""
    return funnel() + f'[[scope]]\nname = "ours"\ntable = "leads"\nwhere = {{ {where} }}\n{more}\n'


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ('equals = "a"', Condition("c", "one_of", ("a",))),
        ('in = ["a", "b"], not = true', Condition("c", "one_of", ("a", "b"), is_negated=True)),
        ('matches = "^a+$"', Condition("c", "matches", ("^a+$",))),
        ("is_null = true", Condition("c", "is_null")),
        ("is_null = false", Condition("c", "is_null", is_negated=True)),
        ("is_null = true, not = true", Condition("c", "is_null", is_negated=True)),
        ("is_null = false, not = true", Condition("c", "is_null")),
    ],
)
def test_each_form_of_a_condition_is_read(load: Any, where: str, expected: Condition) -> None:
    """`not` negates a condition."""
    loaded: Configuration = load(scope(f'column = "c", {where}'))
    assert (ScopeRule("ours", "leads", expected, "Not ours."),) == loaded.waterfall.scope


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ('equals = "a"', "26: scope.ours.where.column: is missing; the column that the condition tests"),
        (
            'column = "c"',
            "26: scope.ours.where: must have exactly one of equals, in, matches, is_null; it has none",
        ),
        (
            'column = "c", equals = "a", in = ["b"]',
            "26: scope.ours.where: must have exactly one of equals, in, matches, is_null; it has equals and in",
        ),
        ('column = "c", in = []', "26: scope.ours.where.in: must name at least one"),
        (
            'column = "c", equals = ""',
            "26: scope.ours.where.equals: must be text without spaces around it; for a missing value write is_null = true",
        ),
        ('column = "c", equals = 5', "26: scope.ours.where.equals: must be text in quotes"),
        (
            'column = "c", matches = "a("',
            "26: scope.ours.where.matches: is not a regular expression: missing ): a(",
        ),
        ('column = "c", matchs = "a"', "26: scope.ours.where.matchs: unknown key; did you mean `matches`?"),
    ],
)
def test_an_invalid_condition_is_refused(problems: Any, where: str, expected: str) -> None:
    """The only message is that of the error, with its line."""
    assert f"funnel.toml:{expected}" in problems(scope(where))


def test_two_rules_of_one_name_are_refused(problems: Any) -> None:
    """Rules of one name could not be distinguished in the counts by rule."""
    again = '[[scope]]\nname = "ours"\ntable = "accounts"\nwhere = { column = "d", equals = "x" }\nreason = "y"\n'
    expected = ["funnel.toml:29: scope.ours.name: the name `ours` is used twice, here and in line 23"]
    assert expected == problems(scope('column = "c", equals = "a"') + again)


def test_a_scope_rule_needs_a_reason(problems: Any) -> None:
    """The report shows the reason why leads are missing."""
    assert ["funnel.toml:23: scope.ours.reason: is missing; the report prints it"] == problems(
        scope('column = "c", equals = "a"', more="")
    )


def test_origins_keep_their_order(load: Any) -> None:
    """The order matters, because the first match decides."""
    blocks = "".join(
        f'[[origins]]\norigin = "{name}"\nwhere = {{ column = "lead_source", equals = "{name}" }}\n'
        for name in ("sales", "partner")
    )
    loaded: Configuration = load(funnel('origin_default = "marketing"') + blocks)
    expected = tuple(OriginRule(name, Condition("lead_source", "one_of", (name,))) for name in ("sales", "partner"))
    assert (expected, "marketing") == (loaded.waterfall.origins, loaded.waterfall.origin_default)


def test_a_rule_on_an_unknown_column_is_refused(load: Any) -> None:
    """A rule on a missing column would match no lead in silence."""
    loaded: Configuration = load(scope('column = "emial", is_null = true'))
    (problem,) = without_column(replace(loaded, path=Path("funnel.toml")), ["email", "title"], ["emial"])
    assert str(problem) == (
        "funnel.toml: scope.ours.where.column: no input of leads has a column `emial`; did you mean `email`?"
    )


def test_personas_keep_their_order_and_need_known_columns(load: Any) -> None:
    """The first match decides, several rules may have one persona, and a missing column is reported."""
    blocks = "".join(
        f'[[personas]]\nname = "buyer"\nwhere = {{ column = "{column}", matches = "(?i)chief" }}\n'
        for column in ("title", "role")
    )
    loaded: Configuration = load(funnel() + blocks)
    expected = tuple(PersonaRule("buyer", Condition(name, "matches", ("(?i)chief",))) for name in ("title", "role"))
    assert expected == loaded.waterfall.personas
    assert ("title", "role") == loaded.waterfall.rule_columns("leads")
    (problem,) = without_column(replace(loaded, path=Path("funnel.toml")), ["title", "roles"], [])
    assert str(problem) == (
        "funnel.toml: personas.buyer.where.column: no input of leads has a column `role`; did you mean `roles`?"
    )


def test_a_persona_needs_a_name(problems: Any) -> None:
    """The page shows the name of a rule."""
    block = '[[personas]]\nwhere = { column = "title", equals = "CEO" }\n'
    assert ["funnel.toml:23: personas.#1.name: is missing"] == problems(funnel() + block)
