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
def sample_site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """The pages of the sample."""
    report = nights.run(nights.SAMPLE, tmp_path_factory.mktemp("sample")).report
    return tuple(path for path in sorted(report.parent.glob("*.html")) if path.name != "email.html")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sample_is_quiet_and_fits(
    browser: Browser, sample_site: tuple[Path, ...], scheme: Literal["light", "dark"]
) -> None:
    """Each page, at every width, light and dark: no request but the file itself, no message, no sideways scroll."""
    page = browser.new_page(color_scheme=scheme)
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    too_wide = []
    for file in sample_site:
        page.goto(file.as_uri())
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                too_wide.append((file.name, width))
    page.close()
    assert ([], [], [file.as_uri() for file in sample_site]) == (messages, too_wide, requests)
