"""Where a report is mailed, as a frozen value: who sends, who receives, through which server. No user and no password."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Security = Literal["starttls", "tls", "plain"]

PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "plain": 25}
"""The usual port of each kind of connection."""


@dataclass(frozen=True)
class Mail:
    """`[mail]` of a configuration.

    `sender` and `to` are addresses as written, with or without a name; `ca_file` holds the certificates to trust instead
    of the machine's; `report_url` is where a reader finds the published reports, ending in a slash; `attach` names CSV
    files of reports/data/; `max_attachment_kb` limits all attachments together.
    """

    sender: str
    to: tuple[str, ...]
    host: str
    port: int
    security: Security = "starttls"
    ca_file: Path | None = None
    report_url: str | None = None
    attach: tuple[str, ...] = ()
    max_attachment_kb: int = 2048
