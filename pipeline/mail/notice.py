"""The mail that says that a run stopped and that the last published report still stands."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

LONGEST_REASON = 4_000
"""Letters of the reason; `funnel status` has all of it."""


def notice(
    sender: str, to: tuple[str, ...], title: str, reason: str, next_step: str, published: str | None, now: datetime
) -> EmailMessage:
    """A plain-text message, dated `now` (aware).

    `reason` is what stopped the run, without a value of a row; `published` is the as-of of the report that stands, None when
    nothing was ever published.
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
        f"{reason[:LONGEST_REASON]}\n\nNext: {next_step}\n",
        cte="quoted-printable",
    )
    return message
