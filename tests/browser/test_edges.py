"""Sites of unusual databases in a real browser: no rows, one lead, hostile names. No page may look broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from pipeline.report.outputs import html as render
from pipeline.waterfall.definition import Pair, Sla, Waterfall
from pipeline.waterfall.names import cut
from tests.browser import markup, rendering
from tests.report.test_edges import AS_OF, HEBREW, MARKUP, entries, stage
from tests.sql.harness import built

WORD = "Wonderfullylongname" * 11
"""One word of 209 letters, which can't be broken."""
SENTENCE = "A name of very many words " * 8
NAMES = {"plain": "A", "markup": MARKUP, "right to left": HEBREW, "one long word": WORD, "a sentence": SENTENCE}
ROWS: dict[str, Any] = {"nothing": [], "one lead": [("L1", "a", 80)]}
WIDTHS = (320, rendering.PHONE)


def write_site(folder: Path, name: str, moves: list[tuple[str, str, int]]) -> tuple[Path, ...]:
    """The pages of a waterfall where everything that has a name is called `name`."""
    definition = Waterfall(
        name,
        "UTC",
        (
            stage("a", 1, label=name, team=name, phase=name),
            stage("b", 2, label=f"{name} 2", sla=Sla(2, "day")),
            stage("lost", None, "exit", label=f"{name} 3"),
        ),
        headline=(Pair("a", "b", 0.5),),
        windows=(30,),
        dimensions=("owner",),
    )
    connection = built(definition, AS_OF, {"stage_entries": entries(*moves, owner=name)})
    pages = render.render_site(connection, (f"a note about {name}",))
    connection.close()
    for file, html in pages.items():
        (folder / file).write_bytes(html.encode("utf-8"))
    return tuple(sorted(folder.glob("*.html")))


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, ...]]:
    """The pages of every unusual site, by its name."""
    pages_by_site = {}
    for odd, moves in ROWS.items():
        pages_by_site[odd] = write_site(tmp_path_factory.mktemp("odd"), "A", moves)
    for odd, name in NAMES.items():
        moves = [(f"L{number}", "a", 1 + number) for number in range(6)]
        moves += [(name, "a", 2), (name, "b", 3), ("L1", "b", 20), ("L2", "lost", 30)]
        pages_by_site[odd] = write_site(tmp_path_factory.mktemp("odd"), name, moves)
    return pages_by_site


def test_odd_sites_are_valid(sites: dict[str, tuple[Path, ...]]) -> None:
    """html-validate reports nothing about any page of any site."""
    assert [] == markup.complaints(page for pages in sites.values() for page in pages)


@pytest.mark.browser
def test_odd_sites_do_not_scroll_sideways(browser: Browser, sites: dict[str, tuple[Path, ...]]) -> None:
    """No page scrolls sideways even on the narrowest phone, runs a script or logs an error."""
    page = browser.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("dialog", lambda dialog: messages.append(dialog.message))
    too_wide = []
    for odd, files in sites.items():
        for file in rendering.one_of_each_kind(files):
            page.goto(file.as_uri())
            rendering.unfold(page)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": rendering.HEIGHT})
                if page.evaluate(rendering.TOO_WIDE):
                    too_wide.append((odd, file.name, width))
    page.close()
    assert ([], []) == (messages, too_wide)


@pytest.mark.browser
@pytest.mark.parametrize("odd", sorted(set(NAMES) - {"plain"}))
def test_names_are_shown_as_text(browser: Browser, sites: dict[str, tuple[Path, ...]], odd: str) -> None:
    """The page shows the name unchanged, and a name never becomes an element of the page."""
    page = browser.new_page()
    page.goto(next(file for file in sites[odd] if file.name == "owners.html").as_uri())
    rendering.unfold(page)
    shown = page.evaluate("document.body.textContent")
    assert cut(" ".join(NAMES[odd].split())) in " ".join(shown.split())
    assert page.evaluate("document.querySelector('script, co') === null")
    page.close()
