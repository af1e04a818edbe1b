"""Draws docs/report.png, the picture in README.md: the first screen of the sample."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.rendering import DESK, chromium, launch

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> None:
    """Write the picture of the report that `make run` wrote."""
    with sync_playwright() as playwright:
        browser = launch(playwright, chromium() or "chromium")
        page = browser.new_page(viewport={"width": DESK, "height": 880})
        page.goto((REPOSITORY / "build" / "reports" / "index.html").as_uri())
        page.screenshot(path=REPOSITORY / "docs" / "report.png")
        browser.close()


if __name__ == "__main__":
    main()
