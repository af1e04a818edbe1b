"""The mail about a report to files: email.html and email.txt, with the pictures of the former beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report.outputs.email import HTML, TEXT, Email
from pipeline.report.outputs.png import png

if TYPE_CHECKING:
    from jinja2 import Environment


def render_email(mail: Email, templates: Environment) -> dict[str, bytes]:
    """File name → content. The HTML has its style in every tag, since some mail programs read no style sheet."""
    from css_inline import CSSInliner

    inliner = CSSInliner(load_remote_stylesheets=False)
    html = inliner.inline(templates.get_template(HTML).render(mail=mail))
    # Text is not HTML: escaping would print &amp;. Nothing else is made by this environment.
    plain = templates.overlay(autoescape=False).get_template(TEXT).render(mail=mail)
    pictures = {pair.image.file: png(pair.image, templates) for pair in mail.pairs}
    return {HTML: f"{html}\n".encode(), TEXT: plain.encode(), **pictures}
