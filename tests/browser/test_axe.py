"""axe finds no violation on any page."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import rendering
from tests.sample import Sample

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"

VIOLATIONS = """
async () => {
  const {violations, passes} = await axe.run(document, {resultTypes: ['violations']});
  const found = violations.flatMap(({id, nodes}) => nodes.map((node) => `${id}: ${node.target}: ${node.failureSummary}`));
  return {found, rules: passes.length};
}
"""


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe; skips if `make test` has not installed it, except in CI."""
    if not AXE.exists():
        if os.environ.get("CI"):
            pytest.fail("axe is not installed: `make test` does it")
        pytest.skip("no axe here: `make test` installs it")
    return AXE.read_text("utf-8")


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(rendering.PHONE, "light"), (rendering.DESK, "dark")])
def test_axe_finds_no_violation(
    browser: Browser, sample: Sample, axe: str, width: int, scheme: rendering.Scheme
) -> None:
    """axe finds nothing on each kind of page with all details open, for any of its rules, contrast included."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": rendering.HEIGHT})
    violations = {}
    for file in rendering.one_of_each_kind(sample.pages):
        page.goto(file.as_uri())
        rendering.unfold(page)
        page.evaluate(axe)
        outcome = page.evaluate(VIOLATIONS)
        assert outcome["rules"] > 15, f"{file.name}: axe ran hardly any rule"
        violations[file.name] = outcome["found"]
    page.close()
    assert {name: each for name, each in violations.items() if each} == {}
