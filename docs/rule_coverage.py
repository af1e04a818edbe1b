"""Which worked cases and tests cite which rule of docs/RULES.md; cog prints the table into tests/README.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
RULE = r"[ACEKSTV]\d{1,2}"
CITED = re.compile(rf"\b({RULE})\b(?: to ({RULE})\b)?")


def table(repository: Path = REPOSITORY) -> str:
    """The table, rules in their order.

    ValueError names the rules that no case or test cites, except those under "Not built yet" in docs/RULES.md.
    """
    folder = repository / "tests"
    text = (repository / "docs" / "RULES.md").read_text("utf-8")
    built, _, not_built = text.partition("\n## Not built yet")
    rules = sorted({*re.findall(rf"^({RULE})\. ", built, re.MULTILINE), *_cited(not_built)}, key=_order)
    exempt = _cited(not_built)
    cases = {path: _cited(_rules_line(path)) for path in sorted(folder.glob("cases/*.md"))}
    tests = {path: _cited(_docstrings(path)) for path in sorted(folder.rglob("test_*.py"))}
    rows, uncited = [], []
    for rule in rules:
        found = [[path for path, cited in files.items() if rule in cited] for files in (cases, tests)]
        if not any(found) and rule not in exempt:
            uncited.append(rule)
        links = [", ".join(f"[{path.stem}]({path.relative_to(folder)})" for path in paths) for paths in found]
        rows.append(f"| {rule} | {links[0]} | {links[1] if any(found) else 'not built yet'} |")
    if uncited:
        raise ValueError(
            f"no case and no test cites {', '.join(uncited)}: write one, or name the rule as not built yet"
        )
    return "\n".join(["| rule | worked cases | tests |", "|---|---|---|", *rows])


def _cited(text: str) -> set[str]:
    """The rule numbers in a text; `K1 to K3` is three."""
    found = set()
    for first, last in CITED.findall(text):
        numbers = range(int(first[1:]), int((last or first)[1:]) + 1)
        found |= {f"{first[0]}{number}" for number in numbers}
    return found


def _rules_line(case: Path) -> str:
    """What a case says it shows."""
    return "\n".join(re.findall(r"^- rules: (.+)$", case.read_text("utf-8"), re.MULTILINE))


def _docstrings(test: Path) -> str:
    """The claims of a test file."""
    claims = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(test.read_text("utf-8")))
        if isinstance(node, ast.Module | ast.ClassDef)
        or (isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))
    ]
    return "\n".join(claims)


def _order(rule: str) -> tuple[int, int]:
    """As docs/RULES.md has them: rows, stays, cycles, conversion, time, volume, accounts."""
    return "ESCKTVA".index(rule[0]), int(rule[1:])
