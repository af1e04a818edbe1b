"""`funnel send` and `funnel run --send`: the messages, their recipients, the output and the exit code."""

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
def project_folder(quarter_output: Path, tmp_path: Path) -> Path:
    """A folder with the quarter's configuration and inputs, and a published run in build/."""
    shutil.copytree(runs.QUARTER.parent, tmp_path / "quarter", ignore=shutil.ignore_patterns("expected"))
    (tmp_path / "quarter" / "build").symlink_to(quarter_output)
    return tmp_path / "quarter"


def configure(project_folder: Path, server: Server, more: str = "") -> Path:
    """The quarter's configuration with a [mail] block for this server."""
    toml = project_folder / "funnel.toml"
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


def test_send_mails_one_message(project_folder: Path, trusted: Authority) -> None:
    """All recipients get one message, the exit code is 0, and a line has the recipients."""
    post = Post()
    with running(post, trusted) as server:
        code, text = send(configure(project_folder, server))
    assert (0, True) == (code, text.endswith("mailed    report all to a@example.com, Bea <b@example.com>\n"))
    ((to, message),) = post.received
    assert ["a@example.com", "b@example.com"] == to
    assert "a@example.com, Bea <b@example.com>" == message["To"]
    assert message["Subject"].startswith("MQL → SAL 67")


def test_a_repeated_send_has_the_same_message_id(project_folder: Path, trusted: Authority) -> None:
    """A run that is sent twice has one Message-ID."""
    post = Post()
    with running(post, trusted) as server:
        toml = configure(project_folder, server)
        send(toml)
        send(toml)
    first, second = (message["Message-ID"] for _, message in post.received)
    assert first == second


def test_to_replaces_the_recipients(project_folder: Path, trusted: Authority) -> None:
    """`--to` sends to its address only."""
    post = Post()
    with running(post, trusted) as server:
        code, _ = send(configure(project_folder, server), "--to", "me@example.com", "--to", "you@example.com")
    assert (0, [["me@example.com", "you@example.com"]]) == (code, [to for to, _ in post.received])


def test_dry_run_writes_the_message(project_folder: Path, trusted: Authority) -> None:
    """Nothing is sent; the output folder has the message, which parses."""
    toml = configure(project_folder, Server("127.0.0.1", 9, "starttls", trusted.file))
    code, text = send(toml, "--dry-run")
    file = project_folder / "build" / "mail" / "all.eml"
    assert (0, True) == (code, f"{file}" in text)
    message = message_from_bytes(file.read_bytes(), policy=default)
    assert message["Subject"].startswith("MQL → SAL 67")
    assert 2 == len([part for part in message.walk() if part.get_content_maintype() == "image"])


def attached(project_folder: Path, trusted: Authority, more: str = "") -> tuple[str, list[str]]:
    """The log of a dry run and the names of the attachments of its message."""
    code, text = send(configure(project_folder, Server("127.0.0.1", 9, "starttls", trusted.file), more), "--dry-run")
    assert 0 == code
    message = message_from_bytes((project_folder / "build" / "mail" / "all.eml").read_bytes(), policy=default)
    return text, [str(part.get_filename()) for part in message.iter_attachments()]


def test_without_a_link_the_index_is_attached(project_folder: Path, trusted: Authority) -> None:
    """A warning has the line to write."""
    text, names = attached(project_folder, trusted)
    assert ["index.html"] == names
    assert (
        "warning: [mail] report_url is not set, so the mail has no link to the report; index.html is attached" in text
    )


def test_with_a_link_nothing_is_attached(project_folder: Path, trusted: Authority) -> None:
    """There is no warning either."""
    text, names = attached(project_folder, trusted, 'report_url = "https://reports.example.com/funnel/"\n')
    assert ([], False) == (names, "warning" in text)


@pytest.mark.parametrize("masked", ["report", "files", "mail"])
def test_outputs_that_are_masked_differently_attach_no_index(
    project_folder: Path, trusted: Authority, masked: str
) -> None:
    """The warning is there without an attachment."""
    text, names = attached(project_folder, trusted, f'\n[privacy]\n{masked} = {{ owners = "drop" }}\n')
    assert ([], True) == (names, "report_url is not set" in text)


def test_a_missing_attachment_is_reported(project_folder: Path, trusted: Authority) -> None:
    """The message has the missing file, its folder and the key."""
    toml = configure(project_folder, Server("127.0.0.1", 9, "starttls", trusted.file), 'attach = ["nonesuch.csv"]\n')
    code, text = send(toml, "--dry-run")
    assert (6, True) == (code, "there is no nonesuch.csv to attach" in text and "[mail] attach" in text)


class TestFailures:
    def test_a_wrong_certificate_is_exit_code_6(self, project_folder: Path, trusted: Authority, tmp_path: Path) -> None:
        """Nothing is sent, and the message has the command that resends it."""
        post = Post()
        with running(post, authority(tmp_path)) as server:
            toml = configure(project_folder, Server(server.host, server.port, "starttls", trusted.file))
            code, text = send(toml)
        assert (6, []) == (code, post.received)
        assert "certificate is not trusted" in text
        assert f"`funnel send --config {toml} --output {project_folder / 'build'}` mails it" in text

    def test_without_a_run_it_is_exit_code_2(self, project_folder: Path, trusted: Authority, tmp_path: Path) -> None:
        """The message says that nothing is published yet."""
        toml = configure(project_folder, Server("127.0.0.1", 9, "starttls", trusted.file))
        answer = funnel("send", "--config", toml, "--output", tmp_path / "empty")
        assert (2, True) == (answer.code, "nothing is published yet" in answer.err)

    def test_without_a_mail_block_it_is_exit_code_2(self, project_folder: Path) -> None:
        """Without [mail] nothing is sent, and the message names the block."""
        code, text = send(project_folder / "funnel.toml")
        assert (2, True) == (code, "there is no [mail] block" in text)

    def test_an_unknown_report_is_exit_code_2(self, project_folder: Path, trusted: Authority) -> None:
        """The message suggests the nearest report."""
        toml = configure(project_folder, Server("127.0.0.1", 9, "starttls", trusted.file))
        code, text = send(toml, "--report", "al")
        assert (2, True) == (code, "did you mean `all`?" in text)

    @pytest.mark.parametrize("address", ["me", "me@example.com\nBcc: spy@example.com", "@example.com"])
    def test_an_invalid_address_is_exit_code_2(self, project_folder: Path, trusted: Authority, address: str) -> None:
        """An invalid address is refused before anything is sent."""
        toml = configure(project_folder, Server("127.0.0.1", 9, "starttls", trusted.file))
        code, text = send(toml, "--to", address)
        assert (2, True) == (code, "must be an address such as" in text)

    def test_a_user_without_a_password_is_refused_before_the_run(
        self, project_folder: Path, trusted: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The message comes before the run, not after it."""
        monkeypatch.setenv("FUNNEL_SMTP_USER", "revops")
        toml = configure(project_folder, Server("127.0.0.1", 9, "starttls", trusted.file))
        answer = funnel("run", "--config", toml, "--output", project_folder / "other", "--send")
        assert (2, False) == (answer.code, (project_folder / "other").exists())
        assert "FUNNEL_SMTP_PASSWORD" in answer.err


class TestRun:
    def test_a_run_mails_only_with_send(self, project_folder: Path, trusted: Authority) -> None:
        """A run without --send mails nothing; with it, it mails the run that it published."""
        post = Post()
        with running(post, trusted) as server:
            toml = configure(project_folder, server)
            output = project_folder / "fresh"
            quiet = funnel("run", "--config", toml, "--output", output, *AS_OF)
            assert (0, []) == (quiet.code, post.received)
            loud = funnel("run", "--config", toml, "--output", output, *AS_OF, "--send")
        ((_, message),) = post.received
        run = (output / "current").readlink().name
        assert (0, True) == (loud.code, message["Message-ID"].startswith(f"<{run}."))

    def test_a_report_of_one_value_goes_to_its_own_readers(self, project_folder: Path, trusted: Authority) -> None:
        """The mail has its title, counts and folder address; a report without recipients is not mailed."""
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
            toml = configure(project_folder, server, reports)
            output = project_folder / "fresh"
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
        counted = """
            select recent_converted || ' of ' || recent_entered || ' that became MQL' as said
            from report.headline
            where report = '{}' and headline_no = 1 and is_headline_window
        """
        of_all, of_marketing = (runs.ask(output, counted.format(report))[0] for report in ("all", "marketing"))
        assert of_marketing["said"] != of_all["said"]
        assert of_marketing["said"] in text

    def test_a_failed_mail_keeps_the_run(self, project_folder: Path, trusted: Authority) -> None:
        """The run is published; the exit code says that the mail failed."""
        post = Post(answers=["550 not wanted"])
        with running(post, trusted) as server:
            toml = configure(project_folder, server)
            answer = funnel("run", "--config", toml, "--output", project_folder / "fresh", *AS_OF, "--send")
        assert (6, True) == (answer.code, (project_folder / "fresh" / "reports" / "index.html").is_file())
        assert "the report is published" in answer.err

    def test_a_stopped_run_mails_a_notice(self, project_folder: Path, trusted: Authority) -> None:
        """The notice says what stopped the run, and that the last report is still published; no report is mailed."""
        post = Post()
        with running(post, trusted) as server:
            toml = configure(project_folder, server)
            first = funnel("run", "--config", toml, "--output", project_folder / "fresh", *AS_OF)
            history = project_folder / "stage_entries.csv"
            history.write_text(history.read_text("utf-8").replace(",2026-", ",26/"), "utf-8")
            answer = funnel("run", "--config", toml, "--output", project_folder / "fresh", *AS_OF, "--send")
        ((to, message),) = post.received
        assert (0, 1, ["a@example.com", "b@example.com"]) == (first.code, answer.code, to)
        assert "The run stopped, no new report · One quarter, sixteen leads" == message["Subject"]
        text = message.get_content()
        assert "The report as of 2026-04-01T03:59:59" in text
        assert "stage_entries.csv" in text
        assert "99/99" in text.replace("\n", "")
        assert "mailed    a notice that the run stopped to a@example.com, Bea <b@example.com>" in answer.err

    def test_a_failed_notice_keeps_the_exit_code_of_the_run(self, project_folder: Path, trusted: Authority) -> None:
        """The failed notice is a warning."""
        post = Post(answers=["550 not wanted"])
        with running(post, trusted) as server:
            toml = configure(project_folder, server)
            (project_folder / "stage_entries.csv").unlink()
            answer = funnel("run", "--config", toml, "--output", project_folder / "fresh", *AS_OF, "--send")
        assert (3, []) == (answer.code, post.received)
        assert "warning: the notice that the run stopped can't be mailed" in answer.err
