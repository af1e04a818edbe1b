"""Sends messages to real servers: trust, retries and messages."""

from __future__ import annotations

import socket
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from pipeline.errors import MailError, UsageError
from pipeline.mail.send import Login, Patience, Server, deliver
from tests.logged import logged
from tests.mail.servers import HOST, PASSWORD, SILENT, USER, Authority, Post, authority, running, running_tls

TO = ("a@example.com", "b@example.com")
PATIENCE = Patience(attempts=3, first_wait=2.0, factor=4.0, timeout=5.0)


def message() -> EmailMessage:
    new_message = EmailMessage(policy=SMTP)
    new_message["From"], new_message["To"], new_message["Subject"] = (
        "Funnel <funnel@example.com>",
        ", ".join(TO),
        "MQL → SAL 78%",
    )
    new_message.set_content("Numbers: ≥ 3")
    return new_message


class Delivery:
    """Sends a message and records waits and log lines instead of waiting."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.log_lines: list[str] = []

    def __call__(self, server: Server, login: Login | None = None) -> None:
        with logged() as lines:
            try:
                deliver(message(), TO, server, login, PATIENCE, self.waits.append)
            finally:
                self.log_lines += lines


@pytest.fixture
def send() -> Delivery:
    return Delivery()


def refusal(send: Delivery, server: Server, login: Login | None = None) -> str:
    with pytest.raises(MailError) as failure:
        send(server, login)
    assert 6 == failure.value.exit_code
    assert f"{server}" in str(failure.value)
    return failure.value.what


class TestTrust:
    def test_a_certificate_of_our_authority_is_accepted(self, trusted: Authority, send: Delivery) -> None:
        """With `ca_file` the message is sent over STARTTLS, once, to all recipients."""
        post = Post()
        with running(post, trusted) as server:
            send(server)
        assert [(list(TO), "MQL → SAL 78%")] == [(to, got["Subject"]) for to, got in post.received]
        assert [] == send.waits

    def test_tls_from_the_first_byte(self, trusted: Authority, send: Delivery) -> None:
        """`security = "tls"` needs no STARTTLS."""
        post = Post()
        with running_tls(post, trusted) as server:
            send(server)
        assert 1 == len(post.received)

    def test_a_certificate_of_another_authority_is_refused(
        self, trusted: Authority, tmp_path: Path, send: Delivery
    ) -> None:
        """Nothing is sent, and there is no further try."""
        post = Post()
        with running(post, authority(tmp_path)) as server:
            message = refusal(send, Server(server.host, server.port, "starttls", trusted.file))
        assert message.startswith("the server's certificate is not trusted:")
        assert ([], 0, []) == (post.received, post.tries, send.waits)

    def test_a_certificate_of_another_host_is_refused(self, trusted: Authority, send: Delivery) -> None:
        """A valid certificate of another host is not trusted for this one."""
        post = Post()
        with running(post, trusted, name="elsewhere.example") as server:
            assert refusal(send, server).startswith("the server's certificate is not trusted:")
        assert [] == post.received

    def test_without_starttls_nothing_is_sent(self, trusted: Authority, send: Delivery) -> None:
        """A server without TLS gets no message, because there is no fall-back to plain text."""
        post = Post()
        with running(post, trusted, starttls=False) as server:
            assert "STARTTLS" in refusal(send, server)
        assert ([], []) == (post.received, send.waits)

    def test_a_missing_ca_file_is_reported(self, tmp_path: Path, send: Delivery) -> None:
        """The message has the path of the file."""
        with pytest.raises(MailError) as failure:
            send(Server(HOST, 9, "starttls", tmp_path / "none.pem"))
        assert "none.pem ([mail] ca_file)" in failure.value.where


class TestLogin:
    def test_user_and_password_are_sent_on_request(self, trusted: Authority, send: Delivery) -> None:
        """A server that requires a login gets it after TLS."""
        post = Post()
        with running(post, trusted, login=True) as server:
            send(server, Login(USER, PASSWORD))
        assert 1 == len(post.received)

    def test_a_wrong_password_is_final_and_not_reported(self, trusted: Authority, send: Delivery) -> None:
        """There is no second try, which could lock the account, and no line has the password."""
        post = Post()
        with running(post, trusted, login=True) as server:
            message = refusal(send, server, Login(USER, "wrong-" + PASSWORD))
        assert "the login was refused (535)" == message
        assert ([], []) == (post.received, send.waits)
        assert PASSWORD not in repr(Login(USER, PASSWORD))

    def test_no_answer_to_a_login_is_final(self, trusted: Authority, send: Delivery) -> None:
        """The server may have counted the login as wrong, so it is not repeated."""
        with running(Post(), trusted, login=True) as server, pytest.raises(MailError) as failure:
            quick = Patience(attempts=3, first_wait=0, timeout=0.3)
            deliver(message(), TO, server, Login(SILENT, PASSWORD), quick, send.waits.append)
        assert ("the server hung up at the login", []) == (failure.value.what, send.waits)

    def test_a_missing_login_is_reported(self, trusted: Authority, send: Delivery) -> None:
        """Without user and password the message has the text of the server."""
        with running(Post(), trusted, login=True) as server:
            assert refusal(send, server).startswith("the server refused: 530")

    def test_half_a_login_is_refused(self) -> None:
        """A user without a password, or the reverse, is refused before anything is sent."""
        with pytest.raises(UsageError):
            Login.of({"FUNNEL_SMTP_USER": USER})
        with pytest.raises(UsageError):
            Login.of({"FUNNEL_SMTP_PASSWORD": PASSWORD})
        assert None is Login.of({})
        assert Login(USER, PASSWORD) == Login.of({"FUNNEL_SMTP_USER": USER, "FUNNEL_SMTP_PASSWORD": PASSWORD})


class TestPatience:
    def test_451_twice_then_delivered_once(self, trusted: Authority, send: Delivery) -> None:
        """After a temporary error the wait is four times as long at each try."""
        post = Post(answers=["451 busy", "451 still busy"])
        with running(post, trusted) as server:
            send(server)
        assert (3, 1, [2.0, 8.0]) == (post.tries, len(post.received), send.waits)
        assert ["451 busy" in send.log_lines[0], "451 still busy" in send.log_lines[1]] == [True, True]

    def test_550_is_final(self, trusted: Authority, send: Delivery) -> None:
        """A permanent refusal is not repeated."""
        post = Post(answers=["550 not wanted"])
        with running(post, trusted) as server:
            assert "the server refused: 550 not wanted" == refusal(send, server)
        assert (1, []) == (post.tries, send.waits)

    def test_a_permanent_451_is_given_up(self, trusted: Authority, send: Delivery) -> None:
        """It is given up after the allowed tries, without a wait after the last."""
        post = Post(answers=["451 busy"] * 9)
        with running(post, trusted) as server:
            assert "gave up after 3 tries: the server refused: 451 busy" == refusal(send, server)
        assert (3, [2.0, 8.0]) == (post.tries, send.waits)

    def test_a_broken_connection_is_tried_again(self, trusted: Authority, send: Delivery) -> None:
        """A broken connection is a temporary error."""
        post = Post(hangs_up=1)
        with running(post, trusted) as server:
            send(server)
        assert (2, 1, [2.0]) == (post.tries, len(post.received), send.waits)

    def test_a_missing_server_is_reported_with_host_and_port(self, send: Delivery) -> None:
        """It is tried as often as allowed."""
        with socket.socket() as free:
            free.bind((HOST, 0))
            port = free.getsockname()[1]
        assert "gave up after 3 tries: no connection: connection refused" == refusal(
            send, Server(HOST, port, "starttls")
        )
        assert [2.0, 8.0] == send.waits

    def test_a_server_that_does_not_answer_costs_the_timeout(self, send: Delivery) -> None:
        """The run continues after the timeout."""
        with socket.socket() as silent:
            silent.bind((HOST, 0))
            silent.listen(8)
            server = Server(HOST, silent.getsockname()[1], "starttls")
            with pytest.raises(MailError) as failure:
                deliver(message(), TO, server, None, Patience(2, 0, 1, 0.2), send.waits.append)
        assert "gave up after 2 tries: the server hung up, or gave no answer in time" == failure.value.what


class TestRecipients:
    def test_a_refused_recipient_does_not_stop_the_others(self, trusted: Authority, send: Delivery) -> None:
        """The others get the message, and the error has the refused one with the text of the server."""
        post = Post(refuses={"b@example.com": ["550 no such user"]})
        with running(post, trusted) as server:
            assert "refused for b@example.com (550 no such user); the others got it" == refusal(send, server)
        assert [["a@example.com"]] == [to for to, _ in post.received]

    def test_a_mail_with_only_refused_recipients_is_not_tried_again(self, trusted: Authority, send: Delivery) -> None:
        """The message says that nobody got it."""
        post = Post(refuses={each: ["550 no such user"] for each in TO})
        with running(post, trusted) as server:
            assert "nobody got it" in refusal(send, server)
        assert ([], []) == (post.received, send.waits)

    def test_a_deferred_recipient_gets_the_mail_later_and_the_others_once(
        self, trusted: Authority, send: Delivery
    ) -> None:
        """With grey-listing only recipients without the message are tried again."""
        post = Post(refuses={"b@example.com": ["451 come back later"]})
        with running(post, trusted) as server:
            send(server)
        assert [["a@example.com"], ["b@example.com"]] == [to for to, _ in post.received]

    def test_a_refused_recipient_is_reported_among_deferred_ones(self, trusted: Authority, send: Delivery) -> None:
        """The permanent refusal is in the error at the end."""
        post = Post(refuses={"a@example.com": ["550 gone"], "b@example.com": ["451 later"]})
        with running(post, trusted) as server:
            assert "refused for a@example.com (550 gone); the others got it" == refusal(send, server)
        assert [["b@example.com"]] == [to for to, _ in post.received]
