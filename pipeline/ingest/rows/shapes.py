"""Mask the digits and letters of a text, so that a message can show its shape but not its value."""

from __future__ import annotations

MAX_SHAPE_LENGTH = 40
"""Characters of a shape in a message."""


def shape_sql(column: str) -> str:
    """Return SQL for the shape of a text: `4/30/2026 9:15 PM` is `9/99/9999 9:99 AA`, `00Q8d` is `99A9a`."""
    masked = column
    for letters, mask in ((r"\p{N}", "9"), (r"[\p{Ll}\p{Lt}\p{Lm}\p{Lo}]", "a"), (r"\p{Lu}", "A")):
        masked = f"regexp_replace({masked}, '{letters}', '{mask}', 'g')"
    return f"case when length({column}) > {MAX_SHAPE_LENGTH} then left({masked}, {MAX_SHAPE_LENGTH - 1}) || '…' else {masked} end"
