"""The files of a published report to one message: text, HTML with its pictures inside, CSV files.

Only files are read, of a night that is published: whatever the mail says stands there, and nothing is computed or asked anew.
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
MOST_BYTES = 80_000
"""Size of the HTML. Gmail hides what comes after about 102 KB, the rest of the headers and its own marks included."""

_PICTURE = re.compile(r"email-\d+\.png")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Envelope:
    """Who mails which report of which night to whom. Addresses as configured, with or without names."""

    report: str
    run: str
    sender: str
    to: tuple[str, ...]

    @property
    def recipients(self) -> tuple[str, ...]:
        """The bare addresses."""
        return tuple(parseaddr(each)[1] for each in self.to)

    @property
    def fingerprint(self) -> str:
        """The same for the same night, report and recipients, whatever their order."""
        named = "\n".join((self.run, self.report, *sorted(each.lower() for each in self.recipients)))
        return hashlib.sha256(named.encode("utf-8")).hexdigest()[:24]


def compose(folder: Path, envelope: Envelope, attachments: Sequence[Attachment], now: datetime) -> EmailMessage:
    """The message about the report in `folder`, dated `now` (aware). MailError when its files are not there, or odd.

    Its Message-ID follows from night, report and recipients: sent twice, mail programs know it for one message, while
    two nights never share a thread.
    """
    html = _read(folder / HTML).decode("utf-8")
    text = _read(folder / TEXT).decode("utf-8")
    if len(html.encode("utf-8")) > MOST_BYTES:
        raise MailError(
            f"the mail is larger than {MOST_BYTES // 1000} KB, so mail programs would cut it",
            where=str(folder / HTML),
            next_step="this is a fault of the program, please report it",
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
        message.add_attachment(each.content, maintype="text", subtype="csv", filename=each.name)
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=={envelope.fingerprint}-{number}==")  # else random, and no two messages alike
    return message


def _add_html(
    message: EmailMessage, html: str, pictures: Sequence[tuple[str, str]], folder: Path, envelope: Envelope
) -> None:
    domain = parseaddr(envelope.sender)[1].rpartition("@")[2]
    found = []
    for tag, file in pictures:
        if not _PICTURE.fullmatch(file):
            raise MailError(
                "the mail shows a picture that is not its own",
                where=str(folder / HTML),
                next_step="write it again with `funnel report`",
            )
        cid = f"{file.removesuffix('.png')}.{envelope.fingerprint}@{domain}"
        html = html.replace(tag, tag.replace(f'src="{file}"', f'src="cid:{cid}"', 1))
        found.append((file, cid, _read(folder / file)))
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    part = message.get_payload()[-1]  # type: ignore[index]
    assert isinstance(part, EmailMessage)
    for file, cid, content in found:
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
    """The value, if it can't begin a header of its own."""
    if _CONTROL.search(value):
        raise MailError(
            f"{what} holds a line break or another control character, which a mail's head can't",
            where=str(where),
            next_step="take it out of the names in the configuration, then `funnel run`",
        )
    return value


class _Page(HTMLParser):
    """The title of a page, and its pictures: (start tag as written, file)."""

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
