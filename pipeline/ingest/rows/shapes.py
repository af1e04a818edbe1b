"""What a text looks like without what it says: digits and letters are masked, so that a message may show it."""

from __future__ import annotations

MAX_SHAPE_LENGTH = 40
"""Characters of a shape that a message shows."""


def shape_sql(column: str) -> str:
    """SQL for the shape of a text: `4/30/2026 9:15 PM` is `9/99/9999 9:99 AA`, `00Q8d` is `99A9a`."""
    masked = column
    for letters, mask in ((r"\p{N}", "9"), (r"[\p{Ll}\p{Lt}\p{Lm}\p{Lo}]", "a"), (r"\p{Lu}", "A")):
        masked = f"regexp_replace({masked}, '{letters}', '{mask}', 'g')"
    return f"case when length({column}) > {MAX_SHAPE_LENGTH} then left({masked}, {MAX_SHAPE_LENGTH - 1}) || '…' else {masked} end"
