"""Writes the rules of a waterfall as rows: scope, origin and persona of leads."""

from __future__ import annotations

from typing import Any

from pipeline.waterfall.definition import Condition, Waterfall

Columns = tuple[tuple[str, str, str], ...]

_CONDITION_COLUMNS: Columns = (
    ("column_name", "VARCHAR", "column that the rule tests"),
    ("ask", "VARCHAR", "one_of, matches or is_null"),
    ("texts", "VARCHAR[]", "the texts of one_of, or the regular expression of matches"),
    ("is_negated", "BOOLEAN", "the rule applies where the condition does not hold"),
)


def rule_tables(waterfall: Waterfall) -> tuple[tuple[str, str, Columns, tuple[tuple[Any, ...], ...]], ...]:
    """Return name, comment, columns and rows of waterfall.scope_rules, origin_rules and persona_rules."""
    return (
        (
            "scope_rules",
            "One row per rule that puts leads out of scope, in the order in which they are applied.",
            (
                ("rule_no", "SMALLINT", "position in the configuration; the first that matches is named"),
                ("rule", "VARCHAR", "name of the rule"),
                ("reason", "VARCHAR", "why such leads do not count"),
                ("table_name", "VARCHAR", "leads, or accounts: all leads of an account that matches"),
                *_CONDITION_COLUMNS,
            ),
            tuple(
                (number, rule.name, rule.reason, rule.table, *_condition_values(rule.where))
                for number, rule in enumerate(waterfall.scope, 1)
            ),
        ),
        (
            "origin_rules",
            "One row per rule that says a lead's origin, in the order in which they are applied.",
            (
                ("rule_no", "SMALLINT", "position in the configuration; the first that matches decides"),
                ("origin", "VARCHAR", "origin of leads that match"),
                *_CONDITION_COLUMNS,
            ),
            tuple(
                (number, rule.origin, *_condition_values(rule.where))
                for number, rule in enumerate(waterfall.origins, 1)
            ),
        ),
        (
            "persona_rules",
            "One row per rule that says which part a person plays in buying, in the order in which they are applied.",
            (
                ("rule_no", "SMALLINT", "position in the configuration; the first that matches decides"),
                ("persona", "VARCHAR", "persona of leads that match"),
                *_CONDITION_COLUMNS,
            ),
            tuple(
                (number, rule.persona, *_condition_values(rule.where))
                for number, rule in enumerate(waterfall.personas, 1)
            ),
        ),
    )


def _condition_values(condition: Condition) -> tuple[Any, ...]:
    return condition.column, condition.ask, condition.values, condition.is_negated
