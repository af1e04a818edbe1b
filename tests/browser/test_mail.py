"""The mail in a real browser: it fetches only its own pictures, fits a phone, and is readable without pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.browser import markup
from tests.browser.test_page import WIDTHS
from tests.sample import Sample


@pytest.fixture(scope="module")
def mail(quarter: Sample) -> Path:
    """The published mail of the worked quarter."""
    return quarter.reports / "email.html"


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_mail_fits_and_fetches_only_its_pictures(
    browser: Browser, mail: Path, scheme: Literal["light", "dark"]
) -> None:
    """At every width, light and dark, it fetches and shows only its own pictures, logs nothing and does not scroll sideways."""
    page = browser.new_page(color_scheme=scheme)
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(mail.as_uri())
    too_wide = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            too_wide.append(width)
    shown = page.evaluate("[...document.images].filter(image => image.naturalWidth > 0).length")
    ground = page.evaluate("getComputedStyle(document.querySelector('.box')).backgroundColor")
    page.close()
    assert ([], []) == (messages, too_wide)
    assert [mail.as_uri(), *(mail.with_name(f"email-{number}.png").as_uri() for number in (1, 2))] == requests
    assert 2 == shown
    assert ("rgb(18, 22, 28)" if scheme == "dark" else "rgba(0, 0, 0, 0)") == ground


@pytest.mark.browser
def test_every_picture_has_a_description(browser: Browser, mail: Path) -> None:
    """The alternative text of every picture says what it shows."""
    page = browser.new_page()
    page.route("**/*.png", lambda route: route.abort())
    page.goto(mail.as_uri())
    descriptions = page.evaluate("[...document.images].map(image => image.alt)")
    page.close()
    assert [
        "Rate by month of arrival: from 57.1% in Jan 2026 to 100% in Feb 2026.",
        "Rate by month of arrival: no final month.",
    ] == descriptions


@pytest.mark.browser
def test_the_mail_is_valid(mail: Path) -> None:
    """html-validate reports nothing, with the rules that mail programs allow."""
    assert [] == markup.complaints([mail], markup.MAILS)
