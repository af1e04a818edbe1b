"""`[mail]`: its meaning, and its errors with line and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.config.configuration import Mail
from pipeline.config.load import load_configuration
from tests.unit.configurations import funnel

LEAST = '[mail]\nfrom = "f@example.com"\nto = ["a@example.com"]\nhost = "smtp.example.com"\n'


def loaded(tmp_path: Path, block: str) -> Mail | None:
    path = tmp_path / "funnel.toml"
    path.write_text(funnel() + block, "utf-8")
    return load_configuration(path).mail


def test_without_the_block_there_is_no_mail(tmp_path: Path) -> None:
    """Without [mail] no mail is sent."""
    assert None is loaded(tmp_path, "")


def test_mail_settings_have_defaults(tmp_path: Path) -> None:
    """The defaults are STARTTLS on its usual port, no attachment and no link."""
    assert Mail("f@example.com", ("a@example.com",), "smtp.example.com", 587) == loaded(tmp_path, LEAST)


@pytest.mark.parametrize(("security", "host", "port"), [("tls", "smtp.example.com", 465), ("plain", "localhost", 25)])
def test_the_port_follows_the_security(tmp_path: Path, security: str, host: str, port: int) -> None:
    """Each kind of connection has its default port."""
    mail = loaded(tmp_path, LEAST.replace("smtp.example.com", host) + f'security = "{security}"\n')
    assert mail is not None
    assert (port, security) == (mail.port, mail.security)


def test_paths_and_addresses_are_read(tmp_path: Path) -> None:
    """A path is relative to the configuration; the address of the reports ends with a slash."""
    mail = loaded(tmp_path, LEAST + 'ca_file = "our/ca.pem"\nreport_url = "https://r.example.com/funnel"\n')
    assert mail is not None
    assert (tmp_path / "our" / "ca.pem", "https://r.example.com/funnel/") == (mail.ca_file, mail.report_url)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('from = "nobody"', '24: mail.from: must be an address such as "revops@example.com" or "Funnel <revops@example.com>"'),
        (r'from = "a@example.com\nBcc: b@example.com"', "24: mail.from: must be an address"),
        ('from = "ä@example.com"', "24: mail.from: must be an address"),
        ("to = []", "25: mail.to: must name at least one address"),
        ('to = "a@example.com"', "25: mail.to: must be a list in brackets"),
        ('to = ["a@example.com", "a@example.com"]', "25: mail.to: names `a@example.com` twice"),
        ('to = ["a@example.com", "b"]', "25: mail.to.#2: must be an address"),
        ('host = "smtp.example.com:587"', "26: mail.host: must be the name of a server"),
        ("port = 0", "27: mail.port: must be a port"),
        ('security = "plain"', "27: mail.security: a connection without TLS may go to this machine only"),
        ('security = "ssl"', "27: mail.security: must be one of starttls, tls, plain"),
        ('report_url = "javascript:alert(1)"', "27: mail.report_url: must be an address such as"),
        ('report_url = "https://r.example.com/?a=1"', "27: mail.report_url: must be the address of a folder"),
        ('report_url = "https://me:hunter2@r.example.com/"', "27: mail.report_url: must not contain a user or a password"),
        ('attach = ["../../etc/passwd"]', "27: mail.attach.#1: must be the name of a file in reports/data/"),
        ("max_attachment_kb = 0", "27: mail.max_attachment_kb: must be 1 to 20000 kilobytes"),
        ('password = "x"', "27: mail.password: this file must not contain a secret: set FUNNEL_SMTP_PASSWORD in the environment"),
    ],
)  # fmt: skip
def test_an_invalid_setting_has_its_line(problems: Any, line: str, expected: str) -> None:
    """A password in the file is invalid too."""
    key = line.partition(" ")[0]
    lines = [each for each in LEAST.splitlines() if not each.startswith(f"{key} =")]
    number = {"from": 1, "to": 2, "host": 3}.get(key, 4)
    block = "\n".join((*lines[:number], line, *lines[number:]))
    (problem,) = problems(funnel() + block + "\n")
    assert problem.startswith(f"funnel.toml:{expected}")


def test_missing_settings_are_reported(problems: Any) -> None:
    """Sender, recipients and server have no default."""
    messages = [problem.partition(": ")[2] for problem in problems(funnel() + "[mail]\n")]
    assert [
        'mail.from: is missing; for example "funnel@example.com"',
        'mail.to: is missing; for example ["revops@example.com"]',
        'mail.host: is missing; for example "smtp.example.com"',
    ] == messages
