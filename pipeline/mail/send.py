"""A message to a mail server, over verified TLS, with patience for what passes and none for what does not.

Never in the clear: a server that offers no TLS, or whose certificate nobody vouches for, gets nothing. Never guessed: user and
password come from the environment.
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
"""Environment variables of the login; without them there is none."""

Refusals = Mapping[str, tuple[int, bytes]]


@dataclass(frozen=True)
class Server:
    """Where to deliver. `ca_file` holds the certificates to trust; None = those that the machine trusts."""

    host: str
    port: int
    security: Security
    ca_file: Path | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Login:
    """User and password; never printed."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Login(…)"

    @staticmethod
    def of(environment: Mapping[str, str]) -> Login | None:
        """As the environment says; UsageError when it gives only one of the two."""
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
    """How often to try, how many seconds to wait after the first try (each wait `factor` times the last), and for an answer."""

    attempts: int = 4
    first_wait: float = 2.0
    factor: float = 4.0
    timeout: float = 30.0


class _HungUpAtLogin(smtplib.SMTPException):
    """The server broke off when it was given user and password."""


def deliver(
    message: EmailMessage,
    recipients: Sequence[str],
    server: Server,
    login: Login | None,
    patience: Patience,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Hand the message over for every recipient. MailError says who did not get it, and why.

    What may pass (no connection, an answer 4xx) is tried again, only for those who have not got it; 5xx, TLS and login
    faults are final at once.
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
            if not _may_pass(fault):
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
            next_step="see whether the server works",
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
    """One try; the recipients that were refused, with the server's answer."""
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
    """One try in one way: smtplib's own `login` tries a wrong password in every way, which can lock the account.

    For the same reason a server that hangs up now is not asked again.
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
    """TLS that checks certificate and name."""
    try:
        return ssl.create_default_context(cafile=str(server.ca_file) if server.ca_file else None)
    except (OSError, ssl.SSLError) as failure:
        raise MailError(
            "the certificates to trust can't be read",
            where=f"{server.ca_file} ([mail] ca_file)",
            next_step="give a readable PEM file",
        ) from failure


def _may_pass(fault: Exception) -> bool:
    """Whether trying again can help."""
    if isinstance(fault, smtplib.SMTPResponseException):
        return not 500 <= fault.smtp_code < 600
    if isinstance(fault, smtplib.SMTPException):
        return isinstance(fault, smtplib.SMTPServerDisconnected)
    return not isinstance(fault, ssl.SSLError)


def _reason(fault: Exception) -> str:
    """What happened, without anything secret."""
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
        return "see whether [mail] host is the name in the certificate; name your own authority with [mail] ca_file"
    if isinstance(fault, smtplib.SMTPNotSupportedError | ssl.SSLError):
        return "see whether [mail] port and security fit this server; mail is never sent in the clear"
    return "see what the server asks for"


def _answer(code: int, words: bytes) -> str:
    """`550 no such user`: what a server said, printable, its first line at most."""
    line = words.decode("ascii", "replace").splitlines()[0] if words else ""
    return f"{code} {''.join(letter for letter in line if letter.isprintable())[:120]}".strip()
