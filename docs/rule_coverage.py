"""Which cases and tests cite which rule of docs/RULES.md. cog prints the table into tests/README.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
RULE = r"[ACEKSTV]\d{1,2}"
CITED = re.compile(rf"\b({RULE})\b(?: to ({RULE})\b)?")


def table(repository: Path = REPOSITORY) -> str:
    """Return the table in the order of the rules.

    Raises ValueError for rules that no case or test cites, except those under "Not built yet" in docs/RULES.md.
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
        citing = [[path for path, cited in files.items() if rule in cited] for files in (cases, tests)]
        if not any(citing) and rule not in exempt:
            uncited.append(rule)
        links = [", ".join(f"[{path.stem}]({path.relative_to(folder)})" for path in paths) for paths in citing]
        rows.append(f"| {rule} | {links[0]} | {links[1] if any(citing) else 'not built yet'} |")
    if uncited:
        raise ValueError(
            f"no case and no test cites {', '.join(uncited)}: write one, or name the rule as not built yet"
        )
    return "\n".join(["| rule | worked cases | tests |", "|---|---|---|", *rows])


def _cited(text: str) -> set[str]:
    """Return the rule numbers in a text. `K1 to K3` is three rules."""
    rules = set()
    for first, last in CITED.findall(text):
        numbers = range(int(first[1:]), int((last or first)[1:]) + 1)
        rules |= {f"{first[0]}{number}" for number in numbers}
    return rules


def _rules_line(case: Path) -> str:
    """Return the rules line of a case."""
    return "\n".join(re.findall(r"^- rules: (.+)$", case.read_text("utf-8"), re.MULTILINE))


def _docstrings(test: Path) -> str:
    """Return the docstrings of the tests in a file."""
    claims = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(test.read_text("utf-8")))
        if isinstance(node, ast.Module | ast.ClassDef)
        or (isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))
    ]
    return "\n".join(claims)


def _order(rule: str) -> tuple[int, int]:
    """Return the sort key of docs/RULES.md: rows, stays, cycles, conversion, time, volume, accounts."""
    return "ESCKTVA".index(rule[0]), int(rule[1:])
