"""Passwords and keys have no place in a configuration: where one stands, the variable that holds it is named instead.

Never the value: what is printed ends in logs, and a configuration ends in a repository.
"""

from __future__ import annotations

import re
from typing import Any

from pipeline.config.problems import Problems

SMTP_USER, SMTP_PASSWORD = "FUNNEL_SMTP_USER", "FUNNEL_SMTP_PASSWORD"
PRIVACY_KEY = "FUNNEL_PRIVACY_KEY"

_SECRET = re.compile(
    r"(?:\w+_)?(?:pass|passwd|password|passphrase|pwd|secret|token|credentials?|(?:api|private|secret|hash|privacy)_?key)"
)
_LOGIN = re.compile(r"(?:smtp_)?(?:user|user_?name|login)")
_KEY = re.compile(r"key|salt|pepper")


def taken_out(document: dict[str, Any], problems: Problems) -> dict[str, Any]:
    """The document without what looks like a secret; each is noted in `problems` with its variable, never with its value."""
    return {
        name: _block(name, block, (name,), problems) for name, block in document.items() if not _top(name, problems)
    }


def _top(name: str, problems: Problems) -> bool:
    found = _SECRET.fullmatch(name.lower()) is not None
    if found:
        problems.add((name,), _told(SMTP_PASSWORD, PRIVACY_KEY))
    return found


def _block(name: str, block: Any, place: tuple[str | int, ...], problems: Problems) -> Any:
    if isinstance(block, list):
        return [_block(name, each, (*place, number), problems) for number, each in enumerate(block)]
    if not isinstance(block, dict):
        return block
    kept = {}
    for key, value in block.items():
        variables = _variables(name, key.lower())
        if variables:
            problems.add((*place, key), _told(*variables))
        else:
            kept[key] = value
    return kept


def _variables(block: str, key: str) -> tuple[str, ...]:
    """The variables that hold what this key would: none where the key is no secret."""
    if block == "privacy":
        return (PRIVACY_KEY,) if _SECRET.fullmatch(key) or _KEY.fullmatch(key) else ()
    if block == "mail" and _LOGIN.fullmatch(key):
        return (SMTP_USER,)
    if _SECRET.fullmatch(key):
        return (SMTP_PASSWORD,) if block == "mail" else (SMTP_PASSWORD, PRIVACY_KEY)
    return ()


def _told(*variables: str) -> str:
    return (
        f"no secret belongs in this file: set {' or '.join(variables)} in the environment, take it out here, and "
        "change it wherever others could read it"
    )
