"""Render the mail to email.html, email.txt and their pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.report.outputs.email import HTML, TEXT
from pipeline.report.outputs.png import png

if TYPE_CHECKING:
    from jinja2 import Environment


def render_email(mail: dict[str, Any], templates: Environment) -> dict[str, bytes]:
    """Return file name → content. CSS is inlined, because some mail programs ignore style sheets."""
    from css_inline import CSSInliner

    inliner = CSSInliner(load_remote_stylesheets=False)
    html = inliner.inline(templates.get_template(HTML).render(mail=mail))
    # Escaping would print &amp; in plain text. This environment renders nothing else.
    plain = templates.overlay(autoescape=False).get_template(TEXT).render(mail=mail)
    pictures = {pair["file"]: png(pair["chart"], templates) for pair in mail["pairs"]}
    return {HTML: f"{html}\n".encode(), TEXT: plain.encode(), **pictures}
