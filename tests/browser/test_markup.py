"""The pages are valid HTML, and every link has a target."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from urllib.parse import unquote

from tests.browser import markup
from tests.report import reading
from tests.sample import Sample

BROKEN = """<!doctype html>
<html lang="en"><head><title>A page</title></head><body><h1>A page</h1><span><p>x</p></span><img src="a.png"></body></html>
"""

MAIL = """<!DOCTYPE html>
<html lang="en"><head><title>A mail</title></head><body style="margin: 0"><table role="presentation" width="600"><tbody><tr><td>
<img src="a.png"><!--[if mso]><br><![endif]--></td></tr></tbody></table></body></html>
"""


def test_every_page_is_valid(sample: Sample) -> None:
    """html-validate reports nothing about any page."""
    assert [] == markup.complaints(sample.pages)


def test_an_invalid_page_is_reported(tmp_path: Path) -> None:
    """The check reports a paragraph inside a span and a picture without alternative text."""
    page = tmp_path / "broken.html"
    page.write_text(BROKEN, "utf-8")
    rules = {line.split(": ")[1] for line in markup.complaints([page])}
    assert {"element-permitted-content", "wcag/h37"} <= rules


def test_mail_rules_allow_old_html_but_require_alternative_text(tmp_path: Path) -> None:
    """The rules for mails allow what mail programs need, and report a picture without alternative text."""
    mail = tmp_path / "mail.html"
    mail.write_text(MAIL, "utf-8")
    assert ["mail.html:3: wcag/h37"] == [line.rpartition(": ")[0] for line in markup.complaints([mail], markup.MAILS)]


def test_every_link_has_a_target(sample: Sample) -> None:
    """No link leaves the folder; each names an existing file and, with a fragment, an id on that page."""
    dead = []
    for name, page in reading.read_folder(sample.reports).pages.items():
        assert page.links, name
        dead += [(name, link) for link in page.links if not _has_a_target(sample.reports / name, link)]
    assert [] == dead


def _has_a_target(page: Path, link: str) -> bool:
    file, _, fragment = link.partition("#")
    target = (page.parent / unquote(file)).resolve() if file else page.resolve()
    if not target.is_relative_to(page.parent.parent.resolve()) or not target.is_file():
        return False
    return not fragment or fragment in _ids(target)


@cache
def _ids(page: Path) -> frozenset[str]:
    return frozenset(reading.read(page.read_text("utf-8")).ids)
