"""How a page is looked at: the settings, the kinds of page, and the questions that several tests put to it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
PHONE, DESK = 360, 1280
HEIGHT = 900

TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
"""Whether the page as a whole scrolls sideways; a table in its own box may."""


def unfold(page: Page) -> None:
    """Open every <details>, so that nothing on the page is out of sight."""
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")


def kind(page: Path) -> str:
    """Pages of a kind share a template: `pair`, `stage`, or the name of the only one."""
    return page.stem.partition("-")[0]


def one_of_each_kind(pages: tuple[Path, ...]) -> tuple[Path, ...]:
    """The largest page of each kind: what goes wrong on a smaller one goes wrong on it."""
    largest: dict[str, Path] = {}
    for page in sorted(pages, key=lambda each: each.stat().st_size):
        largest[kind(page)] = page
    return tuple(largest.values())
