"""Handing a message to a real server: what is trusted, what is tried again, what is told."""

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
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = "Funnel <funnel@example.com>", ", ".join(TO), "MQL → SAL 78 %"
    made.set_content("Numbers: ≥ 3")
    return made


class Delivery:
    """One delivery with its waits and lines noted instead of spent."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.said: list[str] = []

    def __call__(self, server: Server, login: Login | None = None) -> None:
        with logged() as lines:
            try:
                deliver(message(), TO, server, login, PATIENCE, self.waits.append)
            finally:
                self.said += lines


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
        """With `ca_file` the message goes over STARTTLS, once, to all its recipients."""
        post = Post()
        with running(post, trusted) as server:
            send(server)
        assert [(list(TO), "MQL → SAL 78 %")] == [(to, got["Subject"]) for to, got in post.received]
        assert [] == send.waits

    def test_tls_from_the_first_byte(self, trusted: Authority, send: Delivery) -> None:
        """`security = "tls"` needs no STARTTLS."""
        post = Post()
        with running_tls(post, trusted) as server:
            send(server)
        assert 1 == len(post.received)

    def test_a_stranger_gets_nothing(self, trusted: Authority, tmp_path: Path, send: Delivery) -> None:
        """A certificate of another authority is refused at once; nothing is sent, nothing tried again."""
        post = Post()
        with running(post, authority(tmp_path)) as server:
            said = refusal(send, Server(server.host, server.port, "starttls", trusted.file))
        assert said.startswith("the server's certificate is not trusted:")
        assert ([], 0, []) == (post.received, post.tries, send.waits)

    def test_another_name_gets_nothing(self, trusted: Authority, send: Delivery) -> None:
        """A good certificate of another host is no certificate of this one."""
        post = Post()
        with running(post, trusted, name="elsewhere.example") as server:
            assert refusal(send, server).startswith("the server's certificate is not trusted:")
        assert [] == post.received

    def test_without_starttls_nothing_is_sent(self, trusted: Authority, send: Delivery) -> None:
        """A server that offers no TLS gets no message: there is no way back to plain text."""
        post = Post()
        with running(post, trusted, starttls=False) as server:
            assert "STARTTLS" in refusal(send, server)
        assert ([], []) == (post.received, send.waits)

    def test_an_authority_that_can_not_be_read(self, tmp_path: Path, send: Delivery) -> None:
        """The missing file is named."""
        with pytest.raises(MailError) as failure:
            send(Server(HOST, 9, "starttls", tmp_path / "none.pem"))
        assert "none.pem ([mail] ca_file)" in failure.value.where


class TestLogin:
    def test_user_and_password_are_given_when_asked(self, trusted: Authority, send: Delivery) -> None:
        """A server that wants a login gets it, after TLS."""
        post = Post()
        with running(post, trusted, login=True) as server:
            send(server, Login(USER, PASSWORD))
        assert 1 == len(post.received)

    def test_a_wrong_password_is_final_and_not_reported(self, trusted: Authority, send: Delivery) -> None:
        """No second try, which could lock the account; the password is in no line."""
        post = Post()
        with running(post, trusted, login=True) as server:
            said = refusal(send, server, Login(USER, "wrong-" + PASSWORD))
        assert "the login was refused (535)" == said
        assert ([], []) == (post.received, send.waits)
        assert PASSWORD not in repr(Login(USER, PASSWORD))

    def test_no_answer_to_a_login_is_final(self, trusted: Authority, send: Delivery) -> None:
        """Whether the login counted as wrong nobody knows, so it is not repeated."""
        with running(Post(), trusted, login=True) as server, pytest.raises(MailError) as failure:
            quick = Patience(attempts=3, first_wait=0, timeout=0.3)
            deliver(message(), TO, server, Login(SILENT, PASSWORD), quick, send.waits.append)
        assert ("the server hung up at the login", []) == (failure.value.what, send.waits)

    def test_a_missing_login_is_reported(self, trusted: Authority, send: Delivery) -> None:
        """Without user and password the server's own words say what it wants."""
        with running(Post(), trusted, login=True) as server:
            assert refusal(send, server).startswith("the server refused: 530")

    def test_half_a_login_is_a_mistake(self) -> None:
        """User without password, or the reverse, is told before anything is sent."""
        with pytest.raises(UsageError):
            Login.of({"FUNNEL_SMTP_USER": USER})
        with pytest.raises(UsageError):
            Login.of({"FUNNEL_SMTP_PASSWORD": PASSWORD})
        assert None is Login.of({})
        assert Login(USER, PASSWORD) == Login.of({"FUNNEL_SMTP_USER": USER, "FUNNEL_SMTP_PASSWORD": PASSWORD})


class TestPatience:
    def test_451_twice_then_delivered_once(self, trusted: Authority, send: Delivery) -> None:
        """What passes is waited for, four times as long at each try."""
        post = Post(answers=["451 busy", "451 still busy"])
        with running(post, trusted) as server:
            send(server)
        assert (3, 1, [2.0, 8.0]) == (post.tries, len(post.received), send.waits)
        assert ["451 busy" in send.said[0], "451 still busy" in send.said[1]] == [True, True]

    def test_550_is_final(self, trusted: Authority, send: Delivery) -> None:
        """A permanent refusal is not repeated."""
        post = Post(answers=["550 not wanted"])
        with running(post, trusted) as server:
            assert "the server refused: 550 not wanted" == refusal(send, server)
        assert (1, []) == (post.tries, send.waits)

    def test_451_for_ever_is_given_up(self, trusted: Authority, send: Delivery) -> None:
        """After as many tries as allowed, and no wait after the last."""
        post = Post(answers=["451 busy"] * 9)
        with running(post, trusted) as server:
            assert "gave up after 3 tries: the server refused: 451 busy" == refusal(send, server)
        assert (3, [2.0, 8.0]) == (post.tries, send.waits)

    def test_a_server_that_hangs_up(self, trusted: Authority, send: Delivery) -> None:
        """A broken connection passes, too."""
        post = Post(hangs_up=1)
        with running(post, trusted) as server:
            send(server)
        assert (2, 1, [2.0]) == (post.tries, len(post.received), send.waits)

    def test_nobody_listens(self, send: Delivery) -> None:
        """No server at all: tried as often as allowed, then told with host and port."""
        with socket.socket() as free:
            free.bind((HOST, 0))
            port = free.getsockname()[1]
        assert "gave up after 3 tries: no connection: connection refused" == refusal(
            send, Server(HOST, port, "starttls")
        )
        assert [2.0, 8.0] == send.waits

    def test_a_server_that_does_not_speak(self, send: Delivery) -> None:
        """A port that accepts and says nothing costs the timeout, not the run."""
        with socket.socket() as silent:
            silent.bind((HOST, 0))
            silent.listen(8)
            server = Server(HOST, silent.getsockname()[1], "starttls")
            with pytest.raises(MailError) as failure:
                deliver(message(), TO, server, None, Patience(2, 0, 1, 0.2), send.waits.append)
        assert "gave up after 2 tries: the server hung up, or gave no answer in time" == failure.value.what


class TestRecipients:
    def test_one_refused_does_not_keep_the_other(self, trusted: Authority, send: Delivery) -> None:
        """The others get the message, and the refused one is named with the server's words."""
        post = Post(refuses={"b@example.com": ["550 no such user"]})
        with running(post, trusted) as server:
            assert "refused for b@example.com (550 no such user); the others got it" == refusal(send, server)
        assert [["a@example.com"]] == [to for to, _ in post.received]

    def test_all_refused(self, trusted: Authority, send: Delivery) -> None:
        """Then nobody got it, and it is not tried again."""
        post = Post(refuses={each: ["550 no such user"] for each in TO})
        with running(post, trusted) as server:
            assert "nobody got it" in refusal(send, server)
        assert ([], []) == (post.received, send.waits)

    def test_one_put_off_gets_it_later_and_the_other_not_twice(self, trusted: Authority, send: Delivery) -> None:
        """Grey-listing: only those who have not got the message are tried again."""
        post = Post(refuses={"b@example.com": ["451 come back later"]})
        with running(post, trusted) as server:
            send(server)
        assert [["a@example.com"], ["b@example.com"]] == [to for to, _ in post.received]

    def test_one_put_off_and_one_refused(self, trusted: Authority, send: Delivery) -> None:
        """A permanent refusal among temporary ones is still told at the end."""
        post = Post(refuses={"a@example.com": ["550 gone"], "b@example.com": ["451 later"]})
        with running(post, trusted) as server:
            assert "refused for a@example.com (550 gone); the others got it" == refusal(send, server)
        assert [["b@example.com"]] == [to for to, _ in post.received]
