"""Composes one message from the files of a published report: text, HTML with inline pictures, CSV files.

Reads only published files and computes nothing, so the mail has the same numbers as the report.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html.parser import HTMLParser
from pathlib import Path

from pipeline.errors import MailError
from pipeline.mail.attachments import Attachment

HTML, TEXT = "email.html", "email.txt"
MAX_HTML_BYTES = 80_000
"""Gmail cuts a message after about 102 KB, headers and its own markup included."""

_PICTURE = re.compile(r"email-\d+\.png")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Envelope:
    """Report, run, sender and recipients of a message. Addresses as configured, with or without names."""

    report: str
    run: str
    sender: str
    to: tuple[str, ...]

    @property
    def recipients(self) -> tuple[str, ...]:
        """Return the addresses without names."""
        return tuple(parseaddr(each)[1] for each in self.to)

    @property
    def fingerprint(self) -> str:
        """Return a hash of run, report and recipients, independent of their order."""
        named = "\n".join((self.run, self.report, *sorted(each.lower() for each in self.recipients)))
        return hashlib.sha256(named.encode("utf-8")).hexdigest()[:24]


def compose(folder: Path, envelope: Envelope, attachments: Sequence[Attachment], now: datetime) -> EmailMessage:
    """Return the message about the report in `folder`, dated `now` (aware). Raises MailError if its files are missing or invalid.

    The Message-ID depends on run, report and recipients. Mail programs recognise a message that is sent twice, and never
    put two runs in one thread.
    """
    html = _read(folder / HTML).decode("utf-8")
    text = _read(folder / TEXT).decode("utf-8")
    if len(html.encode("utf-8")) > MAX_HTML_BYTES:
        raise MailError(
            f"the mail is larger than {MAX_HTML_BYTES // 1000} KB, so mail programs would cut it",
            where=str(folder / HTML),
            next_step="this is a bug, please report it",
        )
    page = _Page()
    page.feed(html)
    page.close()

    message = EmailMessage(policy=SMTP)
    message["Subject"] = _header("the subject", " ".join(page.title.split(" ")), folder / HTML)
    message["From"] = _header("[mail] from", envelope.sender, folder)
    message["To"] = _header("the list of recipients", ", ".join(envelope.to), folder)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = (
        f"<{envelope.run}.{envelope.fingerprint}@{parseaddr(envelope.sender)[1].rpartition('@')[2]}>"
    )
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(text, cte="quoted-printable")
    _add_html(message, html, page.pictures, folder, envelope)
    for each in attachments:
        message.add_attachment(each.content, maintype="text", subtype=each.subtype, filename=each.name)
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=={envelope.fingerprint}-{number}==")  # random by default
    return message


def _add_html(
    message: EmailMessage, html: str, pictures: Sequence[tuple[str, str]], folder: Path, envelope: Envelope
) -> None:
    domain = parseaddr(envelope.sender)[1].rpartition("@")[2]
    inline = []
    for tag, file in pictures:
        if not _PICTURE.fullmatch(file):
            raise MailError(
                "the mail has a picture that is not part of the report",
                where=str(folder / HTML),
                next_step="write it again with `funnel report`",
            )
        cid = f"{file.removesuffix('.png')}.{envelope.fingerprint}@{domain}"
        html = html.replace(tag, tag.replace(f'src="{file}"', f'src="cid:{cid}"', 1))
        inline.append((file, cid, _read(folder / file)))
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    part = message.get_payload()[-1]  # type: ignore[index]
    assert isinstance(part, EmailMessage)
    for file, cid, content in inline:
        part.add_related(content, maintype="image", subtype="png", cid=f"<{cid}>", filename=file, disposition="inline")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as failure:
        raise MailError(
            "the published report has no mail, or it can't be read",
            where=str(path),
            next_step="write it again with `funnel report`",
        ) from failure


def _header(what: str, value: str, where: Path) -> str:
    """Return the value. Raises MailError if it has control characters, which could add a header."""
    if _CONTROL.search(value):
        raise MailError(
            f"{what} has a line break or another control character, which a mail header must not have",
            where=str(where),
            next_step="remove it from the names in the configuration, then `funnel run`",
        )
    return value


class _Page(HTMLParser):
    """The title of a page, and its pictures as (start tag as written, file)."""

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.pictures: list[tuple[str, str]] = []
        self._is_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_title = tag == "title"
        if tag == "img":
            self.pictures.append((self.get_starttag_text() or "", dict(attrs).get("src") or ""))

    def handle_endtag(self, tag: str) -> None:
        self._is_title = False

    def handle_data(self, data: str) -> None:
        if self._is_title:
            self.title += data
