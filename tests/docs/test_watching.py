"""docs/watching.md has every event of the log, every key of the manifest and every key of the status."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests import runs

WATCHING = runs.REPOSITORY / "docs" / "watching.md"


def section(title: str) -> str:
    """The text under a heading of docs/watching.md."""
    return WATCHING.read_text("utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def events_of(path: Path) -> set[str]:
    """The events that a module logs."""
    calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    names = (call.args[0] for call in calls if ast.unparse(call.func) in ("event", "log.event") and call.args)
    return {str(name.value) for name in names if isinstance(name, ast.Constant) and name.value}


def test_every_event_of_the_log_is_documented() -> None:
    """The table has exactly the events of the code, without `note`, which is any sentence."""
    modules = (runs.REPOSITORY / "pipeline").rglob("*.py")
    named = set().union(*map(events_of, modules))
    assert named | {"note"} == set(re.findall(r"^\| `(\w+)` \|", section("The log"), re.MULTILINE))
