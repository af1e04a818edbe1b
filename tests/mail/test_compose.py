"""A composed message parses with the standard library and has all published parts and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from pipeline.errors import MailError
from pipeline.mail.attachments import Attachment, attachments, guarded
from pipeline.mail.compose import Envelope, compose
from tests.report import reading

NOW = datetime(2026, 4, 2, 6, 30, tzinfo=UTC)
ENVELOPE = Envelope(
    "all", "20260402T030000Z-ab12", "Lead funnel <funnel@example.com>", ("a@example.com", "b@example.com")
)


@pytest.fixture
def report(quarter_output: Path, tmp_path: Path) -> Path:
    """A copy of the published reports that a test may change."""
    folder = tmp_path / "reports"
    shutil.copytree(quarter_output / "reports", folder)
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


def parsed(folder: Path, envelope: Envelope = ENVELOPE, attached: Iterable[Attachment] = ()) -> EmailMessage:
    """The message, parsed as a mail program does."""
    message = message_from_bytes(compose(folder, envelope, tuple(attached), NOW).as_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    return message


class TestParts:
    def test_the_header_has_every_field(self, report: Path) -> None:
        """It has subject, sender, recipients and time, no thread and no Bcc, and suppresses out-of-office replies."""
        message = parsed(report)
        assert (
            "MQL → SAL 67% (6 of 9) · MQL → SQL: no final month yet · One quarter, sixteen leads as of Mar 31, 2026"
            == message["Subject"]
        )
        assert "Lead funnel <funnel@example.com>" == message["From"]
        assert "a@example.com, b@example.com" == message["To"]
        assert datetime(2026, 4, 2, 6, 30, tzinfo=UTC) == message["Date"].datetime
        assert "auto-generated" == message["Auto-Submitted"]
        assert [None] * 3 == [message[name] for name in ("In-Reply-To", "References", "Bcc")]

    def test_the_text_part_comes_before_the_html_part(self, report: Path) -> None:
        """Both published forms are there; the HTML differs from its file only in the addresses of pictures."""
        message = parsed(report)
        assert "multipart/alternative" == message.get_content_type()
        text, html = message.get_body(("plain",)), message.get_body(("html",))
        assert text is not None
        assert html is not None
        assert (report / "email.txt").read_text("utf-8") == text.get_content().replace("\r\n", "\n")
        back = html.get_content().replace("\r\n", "\n")
        for cid, file in ((part["Content-ID"].strip("<>"), part.get_filename()) for part in images(message)):
            back = back.replace(f'src="cid:{cid}"', f'src="{file}"')
        assert (report / "email.html").read_text("utf-8") == back

    def test_every_picture_is_a_part(self, report: Path) -> None:
        """Each picture address is that of a part, each part is used, and its bytes equal the published ones."""
        message = parsed(report)
        html = message.get_body(("html",))
        assert html is not None
        page = reading.read(html.get_content())
        sources = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
        assert [f"cid:{part['Content-ID'].strip('<>')}" for part in images(message)] == sources
        assert 2 == len(set(sources))
        for part in images(message):
            assert (report / str(part.get_filename())).read_bytes() == part.get_content()
            assert "inline" == part.get_content_disposition()

    def test_the_mail_has_no_remote_address(self, report: Path) -> None:
        """A mail program fetches nothing when it opens the mail."""
        html = parsed(report).get_body(("html",))
        assert html is not None
        page = reading.read(html.get_content())
        assert [] == [
            value for _, name, value in page.attributes if name in ("src", "href", "background") and "//" in value
        ]
        assert "url(" not in html.get_content()

    def test_lines_are_short(self, report: Path) -> None:
        """No line exceeds the limit of mail servers, and all bytes are ASCII."""
        content = compose(report, ENVELOPE, (), NOW).as_bytes()
        assert max(map(len, content.split(b"\r\n"))) <= 998
        assert content.isascii()

    def test_files_are_attached(self, report: Path) -> None:
        """An attached CSV file is unchanged, byte for byte."""
        attachment = Attachment("headline.csv", "a,b\r\nä,1\r\n".encode())
        message = parsed(report, attached=[attachment])
        (part,) = message.iter_attachments()
        assert ("headline.csv", "text/csv") == (part.get_filename(), part.get_content_type())
        assert attachment.content == part.get_payload(decode=True)


class TestIdentity:
    def test_the_same_files_give_the_same_bytes(self, report: Path) -> None:
        """The same files at the same time give the same message, boundaries included."""
        assert compose(report, ENVELOPE, (), NOW).as_bytes() == compose(report, ENVELOPE, (), NOW).as_bytes()

    def test_a_repeated_mail_has_the_same_message_id(self, report: Path) -> None:
        """The Message-ID does not depend on the hour or the order of recipients."""
        later = Envelope(ENVELOPE.report, ENVELOPE.run, ENVELOPE.sender, ENVELOPE.to[::-1])
        again = compose(report, later, (), datetime(2026, 4, 2, 9, tzinfo=UTC))
        assert compose(report, ENVELOPE, (), NOW)["Message-ID"] == again["Message-ID"]

    @pytest.mark.parametrize(
        "other",
        [
            Envelope("emea", ENVELOPE.run, ENVELOPE.sender, ENVELOPE.to),
            Envelope("all", "20260403T030000Z-ab12", ENVELOPE.sender, ENVELOPE.to),
            Envelope("all", ENVELOPE.run, ENVELOPE.sender, ("a@example.com",)),
        ],
        ids=["another report", "another run", "other recipients"],
    )
    def test_another_message_has_another_id(self, report: Path, other: Envelope) -> None:
        """Another report, run or list is another message."""
        assert compose(report, ENVELOPE, (), NOW)["Message-ID"] != compose(report, other, (), NOW)["Message-ID"]


class TestRefusals:
    @pytest.mark.parametrize("letter", ["\n", "\r", "\0", "\r\nBcc: spy@example.com"])
    def test_a_subject_starts_no_header(self, report: Path, letter: str) -> None:
        """A line break in the subject is refused, so that it starts no header."""
        page = report / "email.html"
        page.write_text(page.read_text("utf-8").replace("<title>", f"<title>x{letter}y"), "utf-8", newline="")
        with pytest.raises(MailError) as failure:
            compose(report, ENVELOPE, (), NOW)
        assert "the subject has a line break" in failure.value.what

    @pytest.mark.parametrize(
        "envelope",
        [
            Envelope("all", "run", "a@example.com\nBcc: spy@example.com", ("b@example.com",)),
            Envelope("all", "run", "a@example.com", ("b@example.com\r\nBcc: spy@example.com",)),
        ],
        ids=["from", "to"],
    )
    def test_an_address_starts_no_header(self, report: Path, envelope: Envelope) -> None:
        """A line break in an address is refused too."""
        with pytest.raises(MailError):
            compose(report, envelope, (), NOW)

    @pytest.mark.parametrize("name", ["email.html", "email.txt", "email-1.png"])
    def test_a_missing_file_is_reported(self, report: Path, name: str) -> None:
        """The message has the missing file and the command that writes it."""
        (report / name).unlink()
        with pytest.raises(MailError) as failure:
            compose(report, ENVELOPE, (), NOW)
        assert (6, str(report / name)) == (failure.value.exit_code, failure.value.where)
        assert "funnel report" in failure.value.next_step

    def test_no_other_file_is_attached(self, report: Path) -> None:
        """A picture that is not part of the mail is refused, so no page can send a file of the machine."""
        page = report / "email.html"
        page.write_text(page.read_text("utf-8").replace('src="email-1.png"', 'src="../../secret.png"'), "utf-8")
        with pytest.raises(MailError):
            compose(report, ENVELOPE, (), NOW)

    def test_a_mail_that_is_too_large_is_refused(self, report: Path) -> None:
        """A mail that programs would truncate is not sent."""
        page = report / "email.html"
        page.write_text(page.read_text("utf-8") + "<!--" + "x" * 80_000 + "-->", "utf-8")
        with pytest.raises(MailError):
            compose(report, ENVELOPE, (), NOW)


class TestAttachments:
    @pytest.mark.parametrize(
        "cell", ["=1+1", "+cmd|'/C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx", "-", "+49 30 1234"]
    )
    def test_formulas_are_text(self, cell: str) -> None:
        """A text that a spreadsheet would run gets an apostrophe, also in the header."""
        quoted = '"' + cell.replace('"', '""') + '"'
        assert f'"\'{cell}"' in guarded(f"{quoted},n\r\nx,1\r\n".encode()).decode().replace(f"'{cell},", f'"\'{cell}",')

    def test_numbers_stay_numbers(self) -> None:
        """Signed numbers are unchanged, so the file is the same byte for byte, with any line ends."""
        content = b"\xef\xbb\xbfn,m\n-1,+2.5\n-1e-05,0\n"
        assert content == guarded(content)

    def test_the_byte_order_mark_stays(self) -> None:
        """A spreadsheet still opens the escaped file as UTF-8."""
        assert b"\xef\xbb\xbf'=x\r\n" == guarded(b"\xef\xbb\xbf=x\n")

    def test_a_missing_or_too_large_attachment_is_refused(self, tmp_path: Path) -> None:
        """For an unknown name the message has the nearest one; for a size beyond the limit it has both sizes."""
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "headline.csv").write_bytes(b"x" * 3000)
        assert 1 == len(attachments(tmp_path, ["headline.csv"], 3))
        with pytest.raises(MailError) as large:
            attachments(tmp_path, ["headline.csv"], 2)
        assert "3 KB" in large.value.what
        with pytest.raises(MailError) as missing:
            attachments(tmp_path, ["headlines.csv"], 3)
        assert "did you mean `headline.csv`" in missing.value.what


def images(message: EmailMessage) -> list[EmailMessage]:
    return [part for part in message.walk() if part.get_content_maintype() == "image"]  # type: ignore[misc]
