"""Printed pages: nothing is cut off at the side, no sheet is empty, no navigation is shown."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser import pdf, rendering
from tests.sample import Sample

MARGIN_MM = 13
"""As in the style sheet's @page."""
PAPER_MM = {"A4": 210.0, "Letter": 215.9}
CSS_PER_MM = 96 / 25.4

CUT_OFF = """
() => [...document.querySelectorAll('main *')]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && each.checkVisibility() && !each.closest('svg svg'))
  .map((each) => `${each.tagName} ${each.className?.baseVal ?? each.className} ${Math.round(each.getBoundingClientRect().right)}`)
"""


@pytest.mark.browser
@pytest.mark.parametrize("paper", sorted(PAPER_MM))
def test_print_cuts_nothing_off(browser: Browser, sample: Sample, paper: str) -> None:
    """At the print width nothing reaches beyond the right margin, folded or unfolded, and there is no navigation."""
    width = int((PAPER_MM[paper] - 2 * MARGIN_MM) * CSS_PER_MM)
    page = browser.new_page(viewport={"width": width, "height": rendering.HEIGHT})
    page.emulate_media(media="print")
    cut_off = {}
    for file in rendering.one_of_each_kind(sample.pages):
        page.goto(file.as_uri())
        for fold in ("folded", "unfolded"):
            cut_off[file.name, fold] = page.evaluate(CUT_OFF)
            rendering.unfold(page)
        assert not page.evaluate("[...document.querySelectorAll('nav, .skip')].some((each) => each.checkVisibility())")
    page.close()
    assert {name: each[:5] for name, each in cut_off.items() if each} == {}


@pytest.mark.browser
@pytest.mark.parametrize("paper", sorted(PAPER_MM))
def test_print_has_no_empty_sheet(browser: Browser, sample: Sample, paper: str) -> None:
    """Every sheet of every kind of page has text, and the paper is white in dark mode too."""
    page = browser.new_page(color_scheme="dark")
    for file in rendering.one_of_each_kind(sample.pages):
        page.goto(file.as_uri())
        sheets = pdf.glyph_runs(page.pdf(format=paper))
        assert sheets, file.name
        assert min(sheets) > 0, f"{file.name}: {sheets}"
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()


@pytest.mark.browser
def test_an_empty_sheet_is_found(browser: Browser) -> None:
    """The PDF reader distinguishes a sheet with text from an empty one."""
    page = browser.new_page()
    page.set_content("<p>words</p><div style='break-before: page'></div><p style='break-before: page'>more words</p>")
    sheets = pdf.glyph_runs(page.pdf(format="A4"))
    page.close()
    assert [each > 0 for each in sheets] == [True, False, True]
