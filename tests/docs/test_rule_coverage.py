"""A rule without a case or a test is reported."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests import runs

RULES = """
K1. Who enters.
K2. Within a window.
K3. Who is lost.
K6. An estimate.

## Not built yet

- K6, the estimate.
"""


@pytest.fixture
def rule_coverage() -> ModuleType:
    """The module docs/rule_coverage.py, which is outside the package."""
    spec = importlib.util.spec_from_file_location("rule_coverage", runs.REPOSITORY / "docs" / "rule_coverage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def repository(folder: Path, docstring: str) -> Path:
    """A checkout with these rules, one case that cites K1, and one test."""
    for name in ("docs", "tests/cases", "tests/unit"):
        (folder / name).mkdir(parents=True)
    (folder / "docs" / "RULES.md").write_text(RULES, encoding="utf-8")
    (folder / "tests" / "cases" / "entered.md").write_text("# Who enters\n\n- rules: K1\n", encoding="utf-8")
    (folder / "tests" / "unit" / "test_lost.py").write_text(
        f'def test_lost():\n    """{docstring}"""\n', encoding="utf-8"
    )
    return folder


def test_cases_and_docstrings_are_listed(rule_coverage: ModuleType, tmp_path: Path) -> None:
    """Each rule has its cases and tests, `to` names a range, and a rule that is not built yet needs none."""
    assert [
        "| rule | worked cases | tests |",
        "|---|---|---|",
        "| K1 | [entered](cases/entered.md) |  |",
        "| K2 |  | [test_lost](unit/test_lost.py) |",
        "| K3 |  | [test_lost](unit/test_lost.py) |",
        "| K6 |  | not built yet |",
    ] == rule_coverage.table(repository(tmp_path, "What K2 to K3 say.")).splitlines()


def test_an_uncited_rule_is_reported(rule_coverage: ModuleType, tmp_path: Path) -> None:
    """Without K2 in a docstring or case, the table, and so `make check`, fails."""
    with pytest.raises(ValueError, match="no case and no test cites K2:"):
        rule_coverage.table(repository(tmp_path, "Only K3."))
