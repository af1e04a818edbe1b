"""Composes the notice that a run stopped and that the published report stays."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

MAX_REASON_LENGTH = 4_000
"""Characters of the reason in the mail; `funnel status` shows the full text."""


def notice(
    sender: str, to: tuple[str, ...], title: str, reason: str, next_step: str, published: str | None, now: datetime
) -> EmailMessage:
    """Return a plain-text message, dated `now` (aware).

    `reason` says what stopped the run and has no values of rows. `published` is the as-of of the published report; None if
    nothing is published.
    """
    stands = f"The report as of {published} still stands." if published else "Nothing was ever published."
    message = EmailMessage(policy=SMTP)
    message["Subject"] = f"The run stopped, no new report · {' '.join(title.split())}"
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Date"] = format_datetime(now)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(
        f"The run of {now:%Y-%m-%d %H:%M} UTC stopped before it published. {stands}\n\n"
        f"{reason[:MAX_REASON_LENGTH]}\n\nNext: {next_step}\n",
        cte="quoted-printable",
    )
    return message
