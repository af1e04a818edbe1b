"""Browser settings, kinds of pages, and scripts that several tests run on a page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, Playwright

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
PHONE, DESK = 360, 1280
HEIGHT = 900

TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
"""A script: whether the page as a whole scrolls sideways; a table in its own box may scroll."""


def chromium() -> str | None:
    """The Chromium of this machine; None without one."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def launch(playwright: Playwright, chromium: str) -> Browser:
    """Start a headless Chromium that asks no server for anything."""
    return playwright.chromium.launch(
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


def unfold(page: Page) -> None:
    """Open every <details>, so that the whole page is visible."""
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")


def kind(page: Path) -> str:
    """The kind of a page: `pair`, `stage`, or its own name. Pages of a kind share a template."""
    return page.stem.partition("-")[0]


def one_of_each_kind(pages: tuple[Path, ...]) -> tuple[Path, ...]:
    """The largest page of each kind, which has every defect of the smaller ones."""
    largest: dict[str, Path] = {}
    for page in sorted(pages, key=lambda each: each.stat().st_size):
        largest[kind(page)] = page
    return tuple(largest.values())
