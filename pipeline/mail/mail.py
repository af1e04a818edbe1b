"""Mails the published reports to their recipients, or writes the messages to files.

Builds nothing. Resolves the link to the published run once, so all messages are about the same run.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path

from pipeline import log
from pipeline.config.configuration import Configuration, Mail
from pipeline.config.mail import address
from pipeline.errors import CheckFailed, ConfigurationError, FunnelError, InputError, MailError, Problem, UsageError
from pipeline.mail.attachments import attachments
from pipeline.mail.compose import Envelope, compose
from pipeline.mail.send import Login, Patience, Server, deliver
from pipeline.privacy.permissions import private_files
from pipeline.publish import run_folder
from pipeline.waterfall.names import did_you_mean

ALL_LEADS = "all"
"""The report of all leads, which always exists."""
FOLDER = "mail"
"""Folder of a dry run, inside the output folder."""
MAX_REASON_LENGTH = 4_000
"""Characters of the reason in a notice; `funnel status` shows the full text."""


@dataclass(frozen=True)
class SentMail:
    """One message: its report, its recipients, and the file that a dry run wrote."""

    report: str
    to: tuple[str, ...]
    file: Path | None


def require_mail(configuration: Configuration, environment: Mapping[str, str] = os.environ) -> Mail:
    """Return the `[mail]` block. Raises ConfigurationError or UsageError if no mail can be sent. Call it before the run."""
    Login.of(environment)
    if configuration.mail is None:
        raise ConfigurationError(
            [Problem(str(configuration.path), "there is no [mail] block; it says who gets the report")]
        )
    return configuration.mail


def send(
    configuration: Configuration,
    now: datetime,
    *,
    report: str | None = None,
    to: tuple[str, ...] = (),
    dry_run: bool = False,
    environment: Mapping[str, str] = os.environ,
    patience: Patience | None = None,
) -> tuple[SentMail, ...]:
    """Mail every report that has recipients, or only `report`; to the configured recipients, or only to `to`.

    With `dry_run` nothing is sent: each message is written to `DIR/mail/REPORT.eml`. If one message fails, the others are
    still sent; then raises MailError with all failures.
    """
    mail = require_mail(configuration, environment)
    published = run_folder.current(configuration.output)
    if published is None:
        raise UsageError(
            "nothing is published yet, so there is nothing to send",
            where=str(configuration.output),
            next_step="`funnel run` first",
        )
    folder_of_run = published.parent
    run = json.loads((folder_of_run / run_folder.MANIFEST).read_text("utf-8"))["run"]
    server = Server(mail.host, mail.port, mail.security, mail.ca_file)
    with_index = _attaches_index(configuration, mail)
    sent, failures = [], []
    for name, recipients in _recipients(configuration, mail, report, to).items():
        folder = folder_of_run / run_folder.REPORTS / ("" if name == ALL_LEADS else name)
        envelope = Envelope(name, run, mail.sender, recipients)
        try:
            files = attachments(folder, mail.attach, mail.max_attachment_kb, with_index=with_index)
            message = compose(folder, envelope, files, now)
            file = _write(configuration.output / FOLDER / f"{name}.eml", message.as_bytes()) if dry_run else None
            if not dry_run:
                login = Login.of(environment)
                deliver(message, envelope.recipients, server, login, patience or Patience())
        except MailError as failure:
            failures.append((name, failure))
        else:
            sent.append(SentMail(name, recipients, file))
    if failures:
        raise _error(failures, configuration)
    return tuple(sent)


def _attaches_index(configuration: Configuration, mail: Mail) -> bool:
    """Return whether the mail gets the index of the report, because it has no link. Warns that the link is missing.

    It is a page and an attachment, so it needs one masking for report, files and mail.
    """
    if mail.report_url:
        return False
    privacy = configuration.privacy
    may_attach = privacy.report == privacy.files == privacy.mail
    log.warning(
        f"[mail] report_url is not set, so the mail has no link to the report{'; index.html is attached' if may_attach else ''}. "
        'Write report_url = "https://reports.example.com/funnel/", where readers find the folder reports/'
    )
    return may_attach


@contextmanager
def notice_if_stopped(configuration: Configuration) -> Iterator[None]:
    """Mail a notice if inputs or checks stop the run inside the block. Raises the error of the run again."""
    try:
        yield
    except (CheckFailed, InputError) as failure:
        try:
            send_notice(configuration, failure, datetime.now(UTC))
        except MailError as mail_failure:
            log.warning(f"the notice that the run stopped can't be mailed: {mail_failure.what}")
        raise


def send_notice(configuration: Configuration, failure: FunnelError, now: datetime) -> None:
    """Mail the recipients of the report of all leads that a run stopped, why, and which report is published.

    If `[privacy]` masks the mail, the reason is left out, because it may contain values of a CRM. Raises MailError.
    """
    mail = require_mail(configuration)
    published = run_folder.current(configuration.output)
    as_of = json.loads((published.parent / run_folder.MANIFEST).read_text("utf-8"))["as_of"] if published else None
    message = _notice(configuration, mail, failure, as_of, now)
    server = Server(mail.host, mail.port, mail.security, mail.ca_file)
    recipients = tuple(parseaddr(each)[1] for each in mail.to)
    deliver(message, recipients, server, Login.of(os.environ), Patience())
    log.info(f"mailed    a notice that the run stopped to {', '.join(mail.to)}")


def _notice(
    configuration: Configuration, mail: Mail, failure: FunnelError, as_of: str | None, now: datetime
) -> EmailMessage:
    """Return a plain-text message. `as_of` is that of the published report; None if nothing is published."""
    is_plain = configuration.privacy.mail.is_plain
    reason = failure.in_logs if is_plain else "The reason is not mailed, since this mail hides personal data."
    status = f"`funnel status --output {configuration.output.name}`"
    next_step = failure.next_step if is_plain and failure.next_step else status
    stands = f"The report as of {as_of} still stands." if as_of else "Nothing was ever published."
    message = EmailMessage(policy=SMTP)
    message["Subject"] = f"The run stopped, no new report · {' '.join(configuration.waterfall.name.split())}"
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Date"] = format_datetime(now)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(
        f"The run of {now:%Y-%m-%d %H:%M} UTC stopped before it published. {stands}\n\n"
        f"{reason[:MAX_REASON_LENGTH]}\n\nNext: {next_step}\n",
        cte="quoted-printable",
    )
    return message


def _recipients(
    configuration: Configuration, mail: Mail, report: str | None, to: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """Return the recipients of each report, in the order of the configuration."""
    reports = {ALL_LEADS: mail.to} | {each.name: each.to for each in configuration.reports}
    if report is not None and report not in reports:
        raise UsageError(
            f"there is no report `{report}`{did_you_mean(report, reports)}",
            where="--report",
            next_step=f"one of {', '.join(reports)}",
        )
    return {
        name: tuple(_address(each) for each in to) or recipients
        for name, recipients in reports.items()
        if report in (None, name) and (to or recipients)
    }


def _address(text: str) -> str:
    try:
        return address(text)
    except ValueError as problem:
        raise UsageError(str(problem), where="--to", next_step="repeat --to for each address") from None


def _write(path: Path, content: bytes) -> Path:
    """Write a file completely or not at all. Returns its path."""
    aside = path.with_name(f"{path.name}.new-{os.getpid()}")
    try:
        with private_files():
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(content)
        aside.replace(path)
    except OSError as failure:
        raise MailError(
            f"the message can't be written: {(failure.strerror or type(failure).__name__).lower()}",
            where=str(path),
            next_step="free disk space or correct the permissions",
        ) from failure
    return path


def _error(failures: list[tuple[str, MailError]], configuration: Configuration) -> FunnelError:
    """Return all failures as one error. The run is published, so only the mail must be repeated."""
    again = shlex.join(["funnel", "send", "--config", str(configuration.path), "--output", str(configuration.output)])
    if len(failures) == 1:
        name, failure = failures[0]
        only = "" if name == ALL_LEADS else f" --report {name}"
        return MailError(
            failure.what,
            where=failure.where,
            next_step=f"{failure.next_step}; the report is published: `{again}{only}` mails it",
        )
    return MailError(
        "\n".join(
            f"report {name}: {failure.where}: {failure.what} ({failure.next_step})" for name, failure in failures
        ),
        where="mail",
        next_step=f"the reports are published: `{again} --report NAME` mails one of them",
    )
