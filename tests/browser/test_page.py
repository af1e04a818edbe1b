"""The report in a real browser: nothing to fetch, nothing to complain about, nothing wider than the window."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import nights

WIDTHS = (320, 360, 768, 1280, 1600)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium of the machine; skipped without one, except in CI."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed")
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield found
        found.close()


@pytest.fixture(scope="module")
def sample_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the sample."""
    return nights.run(nights.SAMPLE, tmp_path_factory.mktemp("sample")).report


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sample_page_is_quiet_and_fits(
    browser: Browser, sample_page: Path, scheme: Literal["light", "dark"]
) -> None:
    """At every width, light and dark: no request but the file itself, no message, no sideways scroll, every anchor leads."""
    page = browser.new_page(color_scheme=scheme)
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(sample_page.as_uri())
    overflow = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        overflow[width] = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    broken = page.evaluate(
        """() => [...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute('href').slice(1))
            .filter(id => id && !document.getElementById(id))"""
    )
    page.close()
    assert dict.fromkeys(WIDTHS, 0) == overflow
    assert ([], [], [sample_page.as_uri()]) == (messages, broken, requests)
