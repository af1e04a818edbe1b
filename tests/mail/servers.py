"""Real mail servers for tests, with or without TLS and login, and with answers that a test sets."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from pipeline.mail.send import Server

HOST = "127.0.0.1"
USER, PASSWORD = "revops", "hunter2-very-secret"
SILENT = "nobody-answers"
"""A user whose login is never answered."""


@dataclass
class Post:
    """The answers of a server and the messages that it got. DATA gets `answers` in order, then 250; `refuses` is by recipient."""

    answers: list[str] = field(default_factory=list)
    refuses: dict[str, list[str]] = field(default_factory=dict)
    hangs_up: int = 0
    received: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    tries: int = 0

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: Any) -> str:  # noqa: N802
        if self.refuses.get(address):
            return self.refuses[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
        self.tries += 1
        if self.hangs_up:
            self.hangs_up -= 1
            server.transport.abort()
            return "421 gone"
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        self.received.append((list(envelope.rcpt_tos), message))
        return "250 OK"


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the test, and the file of its certificate."""

    ca: trustme.CA
    file: Path

    def context(self, *names: str) -> ssl.SSLContext:
        """The TLS context of a server with these names."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.ca.issue_cert(*names).configure_cert(context)
        return context


def authority(folder: Path, name: str = "ca.pem") -> Authority:
    """A new authority with its certificate in `folder`."""
    new_authority = Authority(trustme.CA(), folder / name)
    new_authority.ca.cert_pem.write_to_path(new_authority.file)
    return new_authority


@contextmanager
def running(
    post: Post, trusted: Authority, *, starttls: bool = True, login: bool = False, name: str = HOST
) -> Iterator[Server]:
    """A server on this machine within the block; yields its address."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    options: dict[str, Any] = {}
    if starttls:
        options |= {"tls_context": trusted.context(name), "require_starttls": True}
    if login:
        options |= {"auth_required": True, "authenticator": _authenticator}
    controller = Controller(post, hostname=HOST, port=port, **options)
    controller.start()
    try:
        yield Server(HOST, port, "starttls", trusted.file)
    finally:
        controller.stop()


@contextmanager
def running_tls(post: Post, trusted: Authority) -> Iterator[Server]:
    """A server with TLS from the first byte."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    controller = Controller(post, hostname=HOST, port=port, ssl_context=trusted.context(HOST))
    controller.start()
    try:
        yield Server(HOST, port, "tls", trusted.file)
    finally:
        controller.stop()


def _authenticator(_: Any, __: Any, ___: Any, mechanism: str, login: Any) -> AuthResult:
    known = isinstance(login, LoginPassword) and (login.login, login.password) == (USER.encode(), PASSWORD.encode())
    is_right = known and mechanism in ("LOGIN", "PLAIN")
    return AuthResult(success=is_right, handled=isinstance(login, LoginPassword) and login.login == SILENT.encode())
