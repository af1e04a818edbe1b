"""One Chromium for all tests of a process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.rendering import chromium, launch


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium of the machine; skipped without one, except in CI."""
    found = chromium()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed")
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        launched = launch(playwright, found)
        yield launched
        launched.close()
