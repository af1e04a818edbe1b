"""The `[mail]` block: sender, recipients, server and attachments."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import getaddresses, parseaddr
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from pipeline.config.block import Block, Document, must, once, read
from pipeline.config.configuration import PORTS, Mail, Security

_ONE = re.compile(r'(?:[^<>",;]*<[^\s<>,;"]+>|"[^"]*"\s*<[^\s<>,;"]+>|[^\s<>,;"]+)')
"""One address, with or without a name. A comma or semicolon outside a quoted name would start another address."""

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts of this machine, where a connection without TLS is allowed."""

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|::1")
_CSV = re.compile(r"[a-z][a-z0-9_]*\.csv")


def address(text: str) -> str:
    """Return an address, with or without a name. Raises ValueError if it is not exactly one address."""
    fault = ValueError('must be an address such as "revops@example.com" or "Funnel <revops@example.com>"')
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise fault
    if len(getaddresses([text])) != 1 or not _ONE.fullmatch(text.strip()):
        raise fault
    _, bare = parseaddr(text)
    try:
        parsed = Address(addr_spec=bare)
    except (HeaderParseError, ValueError, IndexError):
        raise fault from None
    if not bare.isascii() or not parsed.username or "." not in parsed.domain.strip("."):
        raise fault
    return text.strip()


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("https", "http") or not parts.hostname or re.search(r"[\s\x00-\x1f\"<>]", text):
        raise ValueError('must be an address such as "https://reports.example.com/funnel/"')
    if parts.username or parts.password:
        raise ValueError("must not contain a user or a password: every reader of the mail would see them")
    if parts.query or parts.fragment:
        raise ValueError("must be the address of a folder, without ? and #")
    return text if text.endswith("/") else f"{text}/"


AddressText = Annotated[str, AfterValidator(address)]
_Host = Annotated[
    str, must(_HOST.fullmatch, 'must be the name of a server such as "smtp.example.com"; the port has its own key')
]
_Port = Annotated[int, must(lambda port: 0 < port < 65536, "must be a port: 1 to 65535")]
_CsvName = Annotated[str, must(_CSV.fullmatch, 'must be the name of a file in reports/data/, such as "headline.csv"')]
_Kilobytes = Annotated[
    int, must(lambda size: 1 <= size <= 20_000, "must be 1 to 20000 kilobytes; mail servers refuse more")
]


class MailBlock(Block):
    """`[mail]`."""

    sender: AddressText = Field(alias="from")
    to: Annotated[list[AddressText], AfterValidator(once), must(len, "must name at least one address")]
    host: _Host
    port: _Port | None = None
    security: Security = "starttls"
    ca_file: str | None = None
    report_url: Annotated[str, AfterValidator(_url)] | None = None
    attach: list[_CsvName] = Field(default_factory=list)
    max_attachment_kb: _Kilobytes = 2048


def read_mail(document: Document) -> Mail | None:
    """Return the `[mail]` block with absolute paths; None if it is missing or has problems."""
    if "mail" not in document.raw:
        return None
    folder, problems = document.path.absolute().parent, document.problems
    block, found = read(MailBlock, document.raw["mail"])
    for place, what in found:
        problems.add(("mail", *place), _missing(str(place[-1])) if what == "is missing" and place else what)
    if block is None:
        return None
    if block.security == "plain" and block.host not in LOCAL:
        what = f"a connection without TLS may go to this machine only ({', '.join(sorted(LOCAL))})"
        problems.add(("mail", "security"), what)
    values: dict[str, Any] = {
        "to": tuple(block.to),
        "port": block.port or PORTS[block.security],
        "ca_file": folder / Path(block.ca_file).expanduser() if block.ca_file else None,
        "attach": tuple(dict.fromkeys(block.attach)),
    }
    return Mail(**dict(block) | values)


def _missing(key: str) -> str:
    examples = {"from": '"funnel@example.com"', "to": '["revops@example.com"]', "host": '"smtp.example.com"'}
    return f"is missing; for example {examples[key]}" if key in examples else "is missing"
