"""The report in a real browser: it fetches nothing, logs nothing, fits, and works by keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import rendering
from tests.sample import Sample

WIDTHS = (320, rendering.PHONE, 768, rendering.DESK, 1600)

STOPS = """
() => {
  const found = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
  const seen = found.filter((each) => each.checkVisibility({visibilityProperty: true}));
  seen.forEach((each, number) => each.dataset.stop = number);
  return seen.length;
}
"""
FOCUSED = """
() => {
  const at = document.activeElement;
  const style = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  return {
    stop: at.dataset.stop ?? at.tagName,
    outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    inView: box.width > 0 && box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight,
  };
}
"""
"""A script: the number of the focused stop, whether it has an outline, and whether it is in the window."""


@pytest.mark.browser
@pytest.mark.parametrize("scheme", rendering.SCHEMES)
def test_the_sample_fits_and_fetches_nothing(browser: Browser, sample: Sample, scheme: rendering.Scheme) -> None:
    """At every width, folded and unfolded, light and dark, a page fetches nothing, logs nothing and does not scroll sideways."""
    page = browser.new_page(color_scheme=scheme)
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    too_wide = []
    for file in sample.pages:
        page.goto(file.as_uri())
        for fold in ("folded", "unfolded"):
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": rendering.HEIGHT})
                if page.evaluate(rendering.TOO_WIDE):
                    too_wide.append((file.name, fold, width))
            rendering.unfold(page)
    page.close()
    assert ([], [], [file.as_uri() for file in sample.pages]) == (messages, too_wide, requests)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(rendering.PHONE, "light"), (rendering.DESK, "dark")])
def test_every_stop_is_reached_by_tab(browser: Browser, sample: Sample, width: int, scheme: rendering.Scheme) -> None:
    """Tab visits every link, fold and table of a page in order, and the focus is visible."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": rendering.HEIGHT})
    for file in rendering.one_of_each_kind(sample.pages):
        page.goto(file.as_uri())
        rendering.unfold(page)
        count = page.evaluate(STOPS)
        assert count > 10, file.name
        expected = [{"stop": str(number), "outlined": True, "inView": True} for number in range(count)]
        assert _press_tab(page, count) == expected, file.name
    page.close()


@pytest.mark.browser
def test_the_skip_link_moves_the_focus_to_the_content(browser: Browser, sample: Sample) -> None:
    """The first Tab shows the skip link; after Enter the next stop is inside <main>."""
    page = browser.new_page(viewport={"width": rendering.DESK, "height": rendering.HEIGHT})
    for file in sample.pages:
        page.goto(file.as_uri())
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip", file.name
        assert page.evaluate(FOCUSED)["inView"], file.name
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main, footer') !== null"), file.name
    page.close()


@pytest.mark.browser
def test_a_fold_opens_by_keyboard(browser: Browser, sample: Sample) -> None:
    """Enter on a summary opens its details, without a script."""
    page = browser.new_page()
    page.goto((sample.reports / "index.html").as_uri())
    page.focus("details:not([open]) > summary")
    fold = page.evaluate_handle("document.activeElement.parentElement")
    page.keyboard.press("Enter")
    assert fold.evaluate("fold => fold.open")
    page.close()


def _press_tab(page: Page, count: int) -> list[dict[str, Any]]:
    """The focused element after each of `count` presses of Tab."""
    focused = []
    for _ in range(count):
        page.keyboard.press("Tab")
        focused.append(page.evaluate(FOCUSED))
    return focused
