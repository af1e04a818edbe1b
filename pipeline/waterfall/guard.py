"""What an input must deliver before a night may be made of it: the thresholds of `[checks]`, and of one `[[inputs]]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

LONGEST_DAYS = 3650
NEVER = "never"
RARE_TABLES = frozenset({"merges", "deletions"})
"""Tables of rare events: a day without any is an ordinary one, so `[checks]` says nothing about them."""

_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_UNITS["week"] = timedelta(weeks=1)
_AGE = re.compile(r"(\d{1,6}) *(minute|hour|day|week)s?")


@dataclass(frozen=True)
class Guard:
    """The thresholds of one input. Ages are those of its newest delivery at as-of; None means that none is too old.

    `least_rows` is a share of what is usual on a weekday (0: not judged), `lost_keys` one of the keys of the snapshot before,
    `max_rejected` one of the rows of a file (1: not judged).
    """

    warn_after: timedelta | None = timedelta(hours=36)
    error_after: timedelta | None = None
    least_rows: float = 0.5
    lost_keys: float = 0.01
    max_rejected: float = 0.05


def age(text: str) -> timedelta | None:
    """`36 hours` as a length of time, `never` as None. ValueError, in words for the user, when it is neither."""
    if text == NEVER:
        return None
    found = _AGE.fullmatch(text)
    if not found:
        raise ValueError('must be a number and a unit, such as "36 hours" or "3 days", or "never"')
    amount, unit = int(found.group(1)), found.group(2)
    if not timedelta(0) < amount * _UNITS[unit] <= timedelta(days=LONGEST_DAYS):
        raise ValueError(f'must be more than nothing and at most {LONGEST_DAYS} days, or "never"')
    return amount * _UNITS[unit]
