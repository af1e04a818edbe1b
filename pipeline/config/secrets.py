"""Rejects passwords and keys in a configuration, and names the environment variable to use instead.

A message never contains the value, because messages are stored in logs.
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


def without_secrets(document: dict[str, Any], problems: Problems) -> dict[str, Any]:
    """Return the document without keys that look like secrets. Adds a problem with the variable to use for each of them."""
    kept = {}
    for name, block in document.items():
        if _SECRET.fullmatch(name.lower()):
            problems.add((name,), _message(SMTP_PASSWORD, PRIVACY_KEY))
        else:
            kept[name] = _block(name, block, (name,), problems)
    return kept


def _block(name: str, block: Any, place: tuple[str | int, ...], problems: Problems) -> Any:
    if isinstance(block, list):
        return [_block(name, each, (*place, number), problems) for number, each in enumerate(block)]
    if not isinstance(block, dict):
        return block
    kept = {}
    for key, value in block.items():
        variables = _variables(name, key.lower())
        if variables:
            problems.add((*place, key), _message(*variables))
        else:
            kept[key] = value
    return kept


def _variables(block: str, key: str) -> tuple[str, ...]:
    """Return the environment variables to use instead of this key; nothing if the key is not a secret."""
    if block == "privacy":
        return (PRIVACY_KEY,) if _SECRET.fullmatch(key) or _KEY.fullmatch(key) else ()
    if block == "mail" and _LOGIN.fullmatch(key):
        return (SMTP_USER,)
    if _SECRET.fullmatch(key):
        return (SMTP_PASSWORD,) if block == "mail" else (SMTP_PASSWORD, PRIVACY_KEY)
    return ()


def _message(*variables: str) -> str:
    return (
        f"this file must not contain a secret: set {' or '.join(variables)} in the environment, remove it here, and "
        "change it if others could read it"
    )
