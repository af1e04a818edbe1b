"""`funnel send` and `funnel run --send` as a user meets them: what goes, to whom, what is said, and the exit code."""

from __future__ import annotations

import shutil
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from pipeline.mail.send import Server
from tests import runs
from tests.cli.commands import AS_OF, funnel
from tests.mail.servers import Authority, Post, authority, running


@pytest.fixture
def workplace(quarter_night: Path, tmp_path: Path) -> Path:
    """A folder with the quarter's configuration and inputs, and its published run in build/."""
    shutil.copytree(runs.QUARTER.parent, tmp_path / "quarter", ignore=shutil.ignore_patterns("expected"))
    (tmp_path / "quarter" / "build").symlink_to(quarter_night)
    return tmp_path / "quarter"


def configure(workplace: Path, server: Server, more: str = "") -> Path:
    """The quarter's configuration with a [mail] block for this server."""
    toml = workplace / "funnel.toml"
    toml.write_text(
        runs.QUARTER.read_text("utf-8")
        + f'\n[mail]\nfrom = "Lead funnel <funnel@example.com>"\nto = ["a@example.com", "Bea <b@example.com>"]\n'
        f'host = "{server.host}"\nport = {server.port}\nca_file = "{server.ca_file}"\n{more}',
        "utf-8",
    )
    return toml


def send(toml: Path, *more: object) -> tuple[int, str]:
    answer = funnel("send", "--config", toml, "--output", toml.parent / "build", *more)
    assert "" == answer.out
    return answer.code, answer.err


def test_send(workplace: Path, trusted: Authority) -> None:
    """One message to all recipients, exit code 0, and a line that says to whom."""
    post = Post()
    with running(post, trusted) as server:
        code, said = send(configure(workplace, server))
    assert (0, "mailed    report all to a@example.com, Bea <b@example.com>\n") == (code, said)
    ((to, message),) = post.received
    assert ["a@example.com", "b@example.com"] == to
    assert "a@example.com, Bea <b@example.com>" == message["To"]
    assert message["Subject"].startswith("MQL → SAL 66.7")


def test_sent_again(workplace: Path, trusted: Authority) -> None:
    """The same run sent twice has one Message-ID."""
    post = Post()
    with running(post, trusted) as server:
        toml = configure(workplace, server)
        send(toml)
        send(toml)
    first, second = (message["Message-ID"] for _, message in post.received)
    assert first == second


def test_to_overrides(workplace: Path, trusted: Authority) -> None:
    """`--to` sends to nobody else."""
    post = Post()
    with running(post, trusted) as server:
        code, _ = send(configure(workplace, server), "--to", "me@example.com", "--to", "you@example.com")
    assert (0, [["me@example.com", "you@example.com"]]) == (code, [to for to, _ in post.received])


def test_dry_run(workplace: Path, trusted: Authority) -> None:
    """Nothing is sent; the message lies in the output folder and opens as one."""
    toml = configure(workplace, Server("127.0.0.1", 9, "starttls", trusted.file))
    code, said = send(toml, "--dry-run")
    file = workplace / "build" / "mail" / "all.eml"
    assert (0, True) == (code, f"{file}" in said)
    message = message_from_bytes(file.read_bytes(), policy=default)
    assert message["Subject"].startswith("MQL → SAL 66.7")
    assert 2 == len([part for part in message.walk() if part.get_content_maintype() == "image"])


def test_a_csv_that_is_not_there(workplace: Path, trusted: Authority) -> None:
    """An attachment that the run does not have is told, with the file's folder and the key."""
    toml = configure(workplace, Server("127.0.0.1", 9, "starttls", trusted.file), 'attach = ["nonesuch.csv"]\n')
    code, said = send(toml, "--dry-run")
    assert (6, True) == (code, "there is no nonesuch.csv to attach" in said and "[mail] attach" in said)


class TestFailures:
    def test_a_wrong_certificate(self, workplace: Path, trusted: Authority, tmp_path: Path) -> None:
        """Exit code 6, nothing sent, and the command that sends it again."""
        post = Post()
        with running(post, authority(tmp_path)) as server:
            toml = configure(workplace, Server(server.host, server.port, "starttls", trusted.file))
            code, said = send(toml)
        assert (6, []) == (code, post.received)
        assert "certificate is not trusted" in said
        assert f"`funnel send --config {toml} --output {workplace / 'build'}` mails it" in said

    def test_nothing_is_published(self, workplace: Path, trusted: Authority, tmp_path: Path) -> None:
        """Without a run there is nothing to send: exit code 2, in words."""
        toml = configure(workplace, Server("127.0.0.1", 9, "starttls", trusted.file))
        answer = funnel("send", "--config", toml, "--output", tmp_path / "empty")
        assert (2, True) == (answer.code, "nothing is published yet" in answer.err)

    def test_no_block(self, workplace: Path) -> None:
        """Without [mail] nobody gets anything, and the message says what is missing."""
        code, said = send(workplace / "funnel.toml")
        assert (2, True) == (code, "there is no [mail] block" in said)

    def test_an_unknown_report(self, workplace: Path, trusted: Authority) -> None:
        """A report that is not there is a mistake of the command."""
        toml = configure(workplace, Server("127.0.0.1", 9, "starttls", trusted.file))
        code, said = send(toml, "--report", "al")
        assert (2, True) == (code, "did you mean `all`?" in said)

    @pytest.mark.parametrize("address", ["me", "me@example.com\nBcc: spy@example.com", "@example.com"])
    def test_an_address_that_is_none(self, workplace: Path, trusted: Authority, address: str) -> None:
        """What is no address is refused before anything is sent."""
        toml = configure(workplace, Server("127.0.0.1", 9, "starttls", trusted.file))
        code, said = send(toml, "--to", address)
        assert (2, True) == (code, "must be an address such as" in said)

    def test_half_a_login(self, workplace: Path, trusted: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
        """A user without a password is told before the run, not after it."""
        monkeypatch.setenv("FUNNEL_SMTP_USER", "revops")
        toml = configure(workplace, Server("127.0.0.1", 9, "starttls", trusted.file))
        answer = funnel("run", "--config", toml, "--output", workplace / "other", "--send")
        assert (2, False) == (answer.code, (workplace / "other").exists())
        assert "FUNNEL_SMTP_PASSWORD" in answer.err


class TestRun:
    def test_run_does_not_mail_by_itself(self, workplace: Path, trusted: Authority) -> None:
        """A run without --send mails nobody; with it, the run that it published."""
        post = Post()
        with running(post, trusted) as server:
            toml = configure(workplace, server)
            output = workplace / "fresh"
            quiet = funnel("run", "--config", toml, "--output", output, *AS_OF)
            assert (0, []) == (quiet.code, post.received)
            loud = funnel("run", "--config", toml, "--output", output, *AS_OF, "--send")
        ((_, message),) = post.received
        run = (output / "current").readlink().name
        assert (0, True) == (loud.code, message["Message-ID"].startswith(f"<{run}."))

    def test_a_report_of_one_value_goes_to_its_own_readers(self, workplace: Path, trusted: Authority) -> None:
        """Its mail has its title, its counts, its folder's address; a report without readers is not mailed."""
        reports = """
report_url = "https://reports.example.com/funnel/"
attach = ["headline.csv"]

[[reports]]
name = "marketing"
title = "Marketing-created"
dimension = "origin"
value = "marketing"
to = ["m@example.com"]

[[reports]]
name = "sales"
dimension = "origin"
value = "sales"
"""
        post = Post()
        with running(post, trusted) as server:
            toml = configure(workplace, server, reports)
            output = workplace / "fresh"
            answer = funnel("run", "--config", toml, "--output", output, *AS_OF, "--send")
        assert 0 == answer.code
        assert [["a@example.com", "b@example.com"], ["m@example.com"]] == [to for to, _ in post.received]
        everybody, marketing = (message for _, message in post.received)
        assert everybody["Message-ID"] != marketing["Message-ID"]
        assert "Marketing-created" in marketing["Subject"]
        text = marketing.get_body(("plain",)).get_content()
        assert "https://reports.example.com/funnel/marketing/index.html" in text
        (attached,) = marketing.iter_attachments()
        file = output / "reports" / "marketing" / "data" / "headline.csv"
        assert file.read_bytes() == attached.get_payload(decode=True)
        counted = "select entered from {}.headline where headline_no = 1 and window_days is null"
        of_all, of_marketing = (
            runs.ask(output, counted.format(schema))[0] for schema in ("report", "report_marketing")
        )
        assert of_marketing["entered"] < of_all["entered"]
        assert f"  {of_marketing['entered']}  reached MQL" in text.splitlines()

    def test_a_mail_that_fails_keeps_the_run(self, workplace: Path, trusted: Authority) -> None:
        """The run is published all the same; the exit code says that the mail is missing."""
        post = Post(answers=["550 not wanted"])
        with running(post, trusted) as server:
            toml = configure(workplace, server)
            answer = funnel("run", "--config", toml, "--output", workplace / "fresh", *AS_OF, "--send")
        assert (6, True) == (answer.code, (workplace / "fresh" / "reports" / "index.html").is_file())
        assert "the report is published" in answer.err

    def test_a_run_that_stops_mails_why(self, workplace: Path, trusted: Authority) -> None:
        """The last report is not mailed again as if it were new: a notice says what stopped the run, and that it still stands."""
        post = Post()
        with running(post, trusted) as server:
            toml = configure(workplace, server)
            first = funnel("run", "--config", toml, "--output", workplace / "fresh", *AS_OF)
            history = workplace / "stage_entries.csv"
            history.write_text(history.read_text("utf-8").replace(",2026-", ",26/"), "utf-8")
            answer = funnel("run", "--config", toml, "--output", workplace / "fresh", *AS_OF, "--send")
        ((to, message),) = post.received
        assert (0, 1, ["a@example.com", "b@example.com"]) == (first.code, answer.code, to)
        assert "The run stopped, no new report · One quarter, sixteen leads" == message["Subject"]
        text = message.get_content()
        assert "The report as of 2026-04-01T03:59:59" in text
        assert "stage_entries.csv" in text
        assert "99/99" in text.replace("\n", "")
        assert "mailed    a notice that the run stopped to a@example.com, Bea <b@example.com>" in answer.err

    def test_a_notice_that_fails_keeps_the_cause(self, workplace: Path, trusted: Authority) -> None:
        """The exit code is that of the run, and the mail is a warning."""
        post = Post(answers=["550 not wanted"])
        with running(post, trusted) as server:
            toml = configure(workplace, server)
            (workplace / "stage_entries.csv").unlink()
            answer = funnel("run", "--config", toml, "--output", workplace / "fresh", *AS_OF, "--send")
        assert (3, []) == (answer.code, post.received)
        assert "warning: the notice that the run stopped can't be mailed" in answer.err
