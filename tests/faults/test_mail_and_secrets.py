"""docs/FAULTS.md, 83 to 86: a failed mail keeps the run; secrets and addresses are never printed."""

from __future__ import annotations

import csv
import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.config.load import load_configuration
from pipeline.errors import MailError
from pipeline.mail import mail
from pipeline.mail.send import Patience, Server
from tests.cli.commands import Answer, funnel
from tests.faults.hostile import AS_OF, Names, configuration, deliver
from tests.logged import logged
from tests.mail.servers import HOST, Authority, Post, authority, running

NOW = datetime(2026, 4, 2, 3, 0, tzinfo=UTC)
PASSWORD = "hunter2-very-secret"


@pytest.fixture(scope="session")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The certificate authority that the configurations of these tests trust."""
    return authority(tmp_path_factory.mktemp("trusted"))


def write_configuration(folder: Path, server: Server, names: Names | None = None) -> Path:
    """The path of a configuration with inputs that mails through `server`."""
    names = names or Names()
    toml = configuration(folder, names)
    mail_lines = f'host = "{server.host}"\nport = {server.port}\nca_file = "{server.ca_file}"'
    toml.write_text(toml.read_text("utf-8").replace('host = "localhost"', mail_lines), "utf-8")
    deliver(folder, names)
    return toml


def run(toml: Path, *more: str) -> Answer:
    return funnel("run", "--config", toml, "--output", toml.parent / "out", "--as-of", AS_OF, *more)


def resend_command(toml: Path) -> str:
    return f"`funnel send --config {toml} --output {toml.parent / 'out'}` mails it"


def test_a_line_break_in_a_name_starts_no_header(tmp_path: Path, trusted: Authority) -> None:
    """F83: In the subject a line break of a name is a space; the mail has one subject and only our recipient."""
    post = Post()
    names = Names(title="Night\r\nBcc: spy@example.com", label="MQL\nBcc: spy@example.com")
    with running(post, trusted) as server:
        assert 0 == run(write_configuration(tmp_path, server, names), "--send").code
    ((to, message),) = post.received
    assert (["reader@example.com"], None) == (to, message["Bcc"])
    assert message["Subject"].startswith("MQL Bcc: spy@example.com → ")


def test_a_line_break_in_the_subject_is_refused(tmp_path: Path, trusted: Authority) -> None:
    """F83: If the published mail has one nevertheless, nothing is sent, and the report stays published."""
    post = Post()
    with running(post, trusted) as server:
        toml = write_configuration(tmp_path, server)
        assert 0 == run(toml).code
        page = tmp_path / "out" / "reports" / "email.html"
        page.chmod(0o644)
        page.write_text(
            page.read_text("utf-8").replace("</title>", "&#13;&#10;Bcc: spy@example.com</title>", 1), "utf-8"
        )
        answer = funnel("send", "--config", toml, "--output", tmp_path / "out")
    assert (6, []) == (answer.code, post.received)
    assert "the subject has a line break or another control character" in answer.err
    assert resend_command(toml) in answer.err
    assert (tmp_path / "out" / "reports" / "index.html").is_file()


def test_a_bad_certificate_keeps_the_run_and_the_mail(tmp_path: Path, trusted: Authority) -> None:
    """F84: The exit code is 6 with the command that resends it, which succeeds with a valid certificate."""
    post = Post()
    with running(post, authority(tmp_path)) as server:
        toml = write_configuration(tmp_path, Server(server.host, server.port, "starttls", trusted.file))
        answer = run(toml, "--send")
    assert (6, []) == (answer.code, post.received)
    assert "certificate is not trusted" in answer.err
    assert resend_command(toml) in answer.err
    assert (tmp_path / "out" / "reports" / "index.html").is_file()
    with running(post, trusted) as server:
        write_configuration(tmp_path, server)
        assert 0 == funnel("send", "--config", toml, "--output", tmp_path / "out").code
    assert [["reader@example.com"]] == [to for to, _ in post.received]


def test_a_server_without_tls_gets_nothing(tmp_path: Path, trusted: Authority) -> None:
    """F84: There is no fall-back to plain text: a server without TLS gets no address."""
    post = Post()
    with running(post, trusted, starttls=False) as server:
        toml = write_configuration(tmp_path, server)
        answer = run(toml, "--send")
    assert (6, [], 0) == (answer.code, post.received, post.tries)
    assert resend_command(toml) in answer.err
    assert (tmp_path / "out" / "reports" / "index.html").is_file()


def test_a_server_that_is_down_keeps_the_run(tmp_path: Path, trusted: Authority) -> None:
    """F84: After the allowed tries the exit code is 6 with the command that resends it; the run is published."""
    with socket.socket() as bound_socket:
        bound_socket.bind((HOST, 0))  # and never accepts
        toml = write_configuration(tmp_path, Server(HOST, bound_socket.getsockname()[1], "starttls", trusted.file))
        assert 0 == run(toml).code
        read = load_configuration(toml, output=tmp_path / "out")
        with logged() as log_lines, pytest.raises(MailError) as failure:
            mail.send(read, NOW, patience=Patience(attempts=2, first_wait=0.05, timeout=2))
    assert (6, 1) == (failure.value.exit_code, len([each for each in log_lines if "trying again" in each]))
    assert resend_command(toml) in str(failure.value)
    assert (tmp_path / "out" / "reports" / "index.html").is_file()


@pytest.mark.parametrize(
    ("block", "line", "variable"),
    [
        ("mail", f'password = "{PASSWORD}"', "FUNNEL_SMTP_PASSWORD"),
        ("mail", f'smtp_password = "{PASSWORD}"', "FUNNEL_SMTP_PASSWORD"),
        ("mail", f'user = "{PASSWORD}"', "FUNNEL_SMTP_USER"),
        ("privacy", f'key = "{PASSWORD}"', "FUNNEL_PRIVACY_KEY"),
        ("output", f'secret = {{ value = "{PASSWORD}" }}', "FUNNEL_PRIVACY_KEY"),
    ],
)
def test_a_secret_in_the_configuration_is_refused(
    tmp_path: Path, trusted: Authority, block: str, line: str, variable: str
) -> None:
    """F85: The exit code is 2 with the line and the variable; the value is not printed."""
    toml = write_configuration(tmp_path, Server(HOST, 9, "starttls", trusted.file))
    text = toml.read_text("utf-8")
    text = text.replace("[mail]", f"[mail]\n{line}") if block == "mail" else f"{text}\n[{block}]\n{line}\n"
    toml.write_text(text, "utf-8")
    number = text.splitlines().index(line) + 1
    for command in ("run", "check"):
        answer = funnel(command, "--config", toml)
        assert (2, False) == (answer.code, PASSWORD in answer.out + answer.err)
        assert f"funnel.toml:{number}: {block}." in answer.err
        assert f"set {variable}" in answer.err or f"or {variable} in the environment" in answer.err
    assert not (tmp_path / "build").exists()


def test_half_a_login_names_the_variable(tmp_path: Path, trusted: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """F85: A password without a user stops the run before it reads anything, and is not printed."""
    monkeypatch.setenv("FUNNEL_SMTP_PASSWORD", PASSWORD)
    answer = run(write_configuration(tmp_path, Server(HOST, 9, "starttls", trusted.file)), "--send")
    assert (2, False) == (answer.code, (tmp_path / "out").exists())
    assert "FUNNEL_SMTP_USER" in answer.err
    assert PASSWORD not in answer.out + answer.err


MARK = "marked.person@secret.example"
BAD_ROWS = (
    f"{MARK},mql,{MARK},{MARK}\n"  # no time
    f",mql,2026-01-05T10:00:00Z,{MARK}\n"  # no lead
    f"{MARK},{MARK},2026-01-05T10:00:00Z,{MARK}\n"  # an unknown stage
    f"{MARK},mql,2026-01-05T10:00:00Z,{MARK},{MARK},{MARK},{MARK},{MARK}\n"  # too many fields
    f"{MARK}\n"  # too few
    f"{MARK},mql,0026-01-05T10:00:00Z,{MARK}\n"  # an impossible year
    f'"{MARK},mql,2026-01-05T10:00:00Z,"{MARK}\n'  # a stray quote
)


def machine_texts(output: Path) -> dict[str, str]:
    """The texts for machines and logs: the manifests, without the rows."""
    files = [path for path in output.rglob("*.json") if path.name != "summary.json"]
    return {str(path.relative_to(output)): path.read_text("utf-8") for path in files}


def test_a_value_is_in_no_error_log_or_manifest(tmp_path: Path) -> None:
    """F86: For rows with an address in every column and every kind of error, the messages have counts, columns and lines."""
    names = Names(lead=MARK, owner=MARK, source=MARK, account=MARK, value=MARK, unknown=f"{MARK}?")
    toml = configuration(tmp_path, names, "[checks]\nmax_rejected = 1.0\n")
    deliver(tmp_path, names)
    (tmp_path / "inbox" / "bad.csv").write_text("lead_id,stage,entered_at,owner\n" + BAD_ROWS, "utf-8")
    (tmp_path / "inbox" / "broken.json").write_text(f'{{"lead_id": "{MARK}", \n', "utf-8")
    (tmp_path / "inbox" / "latin.csv").write_bytes(b"lead_id,stage,entered_at\n" + MARK.encode() + b"\xe9,mql,x\n")
    (tmp_path / "inbox" / "headless.csv").write_text(f"{MARK},mql,2026-01-05\n", "utf-8")
    checked = funnel("check", "--config", toml)
    ran = run(toml)
    assert 0 == ran.code
    assert "rejected rows" in ran.err
    for text in (checked.out, checked.err, ran.out, ran.err):
        assert MARK not in text
    texts = machine_texts(tmp_path / "out")
    assert any(name.endswith("manifest.json") for name in texts)
    assert any(name.startswith("landing/") for name in texts)
    assert [] == [name for name, text in texts.items() if MARK in text]


def test_a_failed_check_names_ids_but_no_address(tmp_path: Path) -> None:
    """F86: A loop of merges stops the run; the message has the ids (E3), unless these are addresses."""
    names = Names(lead=MARK)
    more = '\n[[inputs]]\nname = "merges"\ntable = "merges"\npath = "merges.csv"\n'
    toml = configuration(tmp_path, names, more)
    deliver(tmp_path, names)
    with (tmp_path / "merges.csv").open("w", encoding="utf-8", newline="") as file:
        rows = [["from_lead_id", "into_lead_id", "merged_at"]]
        rows += [[f"{MARK}{number}", f"{MARK}{1 - number}", f"2026-01-0{number + 1}T00:00:00Z"] for number in (0, 1)]
        csv.writer(file).writerows(rows)
    answer = run(toml)
    assert (1, False) == (answer.code, (tmp_path / "out" / "funnel.duckdb").exists())
    assert "Merges form no loop" in answer.err
    assert "(an address), (an address)" in answer.err
    assert MARK not in answer.out + answer.err
    assert MARK not in json.dumps(machine_texts(tmp_path / "out"))
