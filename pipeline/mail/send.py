"""Sends a message to a mail server over verified TLS. Retries after temporary errors only.

Never sends unencrypted: a server without TLS or with an untrusted certificate gets nothing. User and password come from the
environment only.
"""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

from pipeline import log
from pipeline.config.configuration import Security
from pipeline.config.secrets import SMTP_PASSWORD, SMTP_USER
from pipeline.errors import MailError, UsageError

USER, PASSWORD = SMTP_USER, SMTP_PASSWORD
"""Environment variables of the login. Without them, there is no login."""

Refusals = Mapping[str, tuple[int, bytes]]


@dataclass(frozen=True)
class Server:
    """A mail server. `ca_file` has the trusted certificates; None = those of the machine."""

    host: str
    port: int
    security: Security
    ca_file: Path | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Login:
    """User and password. Never printed."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Login(…)"

    @staticmethod
    def of(environment: Mapping[str, str]) -> Login | None:
        """Return the login of the environment; None without one. Raises UsageError if only one variable is set."""
        user, password = environment.get(USER, ""), environment.get(PASSWORD, "")
        if bool(user) != bool(password):
            raise UsageError(
                f"of {USER} and {PASSWORD} only one is set",
                where="environment",
                next_step="set both, or none for a server without login",
            )
        return Login(user, password) if user else None


@dataclass(frozen=True)
class Patience:
    """Number of tries, seconds before the second try (then times `factor` each), and seconds to wait for an answer."""

    attempts: int = 4
    first_wait: float = 2.0
    factor: float = 4.0
    timeout: float = 30.0


class _HungUpAtLogin(smtplib.SMTPException):
    """The server closed the connection during the login."""


def deliver(
    message: EmailMessage,
    recipients: Sequence[str],
    server: Server,
    login: Login | None,
    patience: Patience,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Send the message to every recipient. Raises MailError with the recipients who did not get it, and the reason.

    Retries temporary errors (no connection, status 4xx) for the recipients who have not got it. Status 5xx and errors of
    TLS or login are final.
    """
    context = _context(server)
    waiting = list(recipients)
    never: dict[str, tuple[int, bytes]] = {}
    wait = patience.first_wait
    for attempt in range(1, patience.attempts + 1):
        try:
            refused = _hand_over(message, waiting, server, context, login, patience.timeout)
            reason = "; ".join(sorted({_answer(*refused[each]) for each in waiting if each in refused}))
            never |= {each: answer for each, answer in refused.items() if answer[0] >= 500}
            waiting = [each for each in waiting if each in refused and each not in never]
        except (smtplib.SMTPException, OSError) as fault:
            reason = _reason(fault)
            if not _is_temporary(fault):
                raise MailError(reason, where=str(server), next_step=_next_step(fault)) from None
        if not waiting:
            break
        if attempt < patience.attempts:
            log.info(f"mail: {server}: {reason}; trying again in {wait:g} s")
            sleep(wait)
            wait *= patience.factor
    else:
        missed = f" for {len(waiting)} of {len(recipients)} recipients" if len(waiting) < len(recipients) else ""
        raise MailError(
            f"gave up after {patience.attempts} tries{missed}: {reason}",
            where=str(server),
            next_step="check that the server works",
        )
    if never:
        others = "the others got it" if len(never) < len(recipients) else "nobody got it"
        refusals = "; ".join(f"{each} ({_answer(*answer)})" for each, answer in sorted(never.items()))
        raise MailError(f"refused for {refusals}; {others}", where=str(server), next_step="correct the addresses")


def _hand_over(
    message: EmailMessage,
    recipients: Sequence[str],
    server: Server,
    context: ssl.SSLContext,
    login: Login | None,
    timeout: float,
) -> Refusals:
    """Try once. Returns the refused recipients with the server's answer."""
    with _connected(server, context, timeout) as connection:
        if login:
            _log_in(connection, login)
        try:
            return connection.send_message(
                message, from_addr=parseaddr(str(message["From"]))[1], to_addrs=list(recipients)
            )
        except smtplib.SMTPRecipientsRefused as refused:
            return refused.recipients


def _log_in(connection: smtplib.SMTP, login: Login) -> None:
    """Log in with one method and one try. smtplib's `login` tries a wrong password with every method, which can lock the account.

    For the same reason, there is no second try if the server closes the connection here.
    """
    connection.ehlo_or_helo_if_needed()
    offered = connection.esmtp_features.get("auth", "").upper().split()
    connection.user, connection.password = login.user, login.password
    try:
        if "PLAIN" in offered:
            connection.auth("PLAIN", connection.auth_plain)
        elif "LOGIN" in offered:
            connection.auth("LOGIN", connection.auth_login)
        else:
            raise smtplib.SMTPNotSupportedError("a login with PLAIN or LOGIN")
    except smtplib.SMTPServerDisconnected as failure:
        raise _HungUpAtLogin("no answer to user and password") from failure


def _connected(server: Server, context: ssl.SSLContext, timeout: float) -> smtplib.SMTP:
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=timeout, context=context)
    connection = smtplib.SMTP(server.host, server.port, timeout=timeout)
    if server.security == "starttls":
        try:
            connection.starttls(context=context)
        except BaseException:
            connection.close()
            raise
    return connection


def _context(server: Server) -> ssl.SSLContext:
    """Return a TLS context that verifies certificate and host name."""
    try:
        return ssl.create_default_context(cafile=str(server.ca_file) if server.ca_file else None)
    except (OSError, ssl.SSLError) as failure:
        raise MailError(
            "the certificates to trust can't be read",
            where=f"{server.ca_file} ([mail] ca_file)",
            next_step="name a readable PEM file",
        ) from failure


def _is_temporary(fault: Exception) -> bool:
    """Whether another try can help."""
    if isinstance(fault, smtplib.SMTPResponseException):
        return not 500 <= fault.smtp_code < 600
    if isinstance(fault, smtplib.SMTPException):
        return isinstance(fault, smtplib.SMTPServerDisconnected)
    return not isinstance(fault, ssl.SSLError)


def _reason(fault: Exception) -> str:
    """Describe the error without secrets."""
    if isinstance(fault, smtplib.SMTPAuthenticationError):
        return f"the login was refused ({fault.smtp_code})"
    if isinstance(fault, _HungUpAtLogin):
        return "the server hung up at the login"
    if isinstance(fault, smtplib.SMTPResponseException):
        error = fault.smtp_error
        return f"the server refused: {_answer(fault.smtp_code, error if isinstance(error, bytes) else error.encode())}"
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {fault.verify_message}"
    if isinstance(fault, ssl.SSLError):
        return "the server does not speak TLS as expected"
    if isinstance(fault, smtplib.SMTPNotSupportedError):
        return f"the server does not offer what is needed: {fault}"
    if isinstance(fault, smtplib.SMTPServerDisconnected):
        return "the server hung up, or gave no answer in time"
    if isinstance(fault, TimeoutError):
        return "no answer in time"
    return f"no connection: {(getattr(fault, 'strerror', None) or type(fault).__name__).lower()}"


def _next_step(fault: Exception) -> str:
    if isinstance(fault, smtplib.SMTPAuthenticationError | _HungUpAtLogin):
        return f"correct {USER} and {PASSWORD}"
    if isinstance(fault, ssl.SSLCertVerificationError):
        return "check that [mail] host is the name in the certificate; set your own authority with [mail] ca_file"
    if isinstance(fault, smtplib.SMTPNotSupportedError | ssl.SSLError):
        return "check that [mail] port and security fit this server; mail is never sent unencrypted"
    return "check what the server requires"


def _answer(code: int, words: bytes) -> str:
    """Return status and first line of an answer, printable characters only: `550 no such user`."""
    line = words.decode("ascii", "replace").splitlines()[0] if words else ""
    return f"{code} {''.join(letter for letter in line if letter.isprintable())[:120]}".strip()
