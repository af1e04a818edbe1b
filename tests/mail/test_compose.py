"""Published files to a message: it parses back with the standard library, all there, and nothing from elsewhere."""

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
def report(quarter_night: Path, tmp_path: Path) -> Path:
    """A copy of the published reports that may be changed."""
    folder = tmp_path / "reports"
    shutil.copytree(quarter_night / "reports", folder)
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


def parsed(folder: Path, envelope: Envelope = ENVELOPE, attached: Iterable[Attachment] = ()) -> EmailMessage:
    """The message as a mail program reads it."""
    message = message_from_bytes(compose(folder, envelope, tuple(attached), NOW).as_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    return message


class TestParts:
    def test_head(self, report: Path) -> None:
        """Subject, sender, recipients and time; no thread, no Bcc, and no answer from those who are out of office."""
        message = parsed(report)
        assert (
            "MQL → SAL 66.7\u202f% within 30 days (6 of 9, to Feb 2026) · One quarter, sixteen leads as of 31 Mar 2026"
            == message["Subject"]
        )
        assert "Lead funnel <funnel@example.com>" == message["From"]
        assert "a@example.com, b@example.com" == message["To"]
        assert datetime(2026, 4, 2, 6, 30, tzinfo=UTC) == message["Date"].datetime
        assert "auto-generated" == message["Auto-Submitted"]
        assert [None] * 3 == [message[name] for name in ("In-Reply-To", "References", "Bcc")]

    def test_text_then_html(self, report: Path) -> None:
        """Both published forms, the plain one first; the HTML differs from its file in the pictures' addresses alone."""
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

    def test_every_picture_is_inside(self, report: Path) -> None:
        """Each address of a picture is that of a part, each part is shown, and its bytes are the published ones."""
        message = parsed(report)
        html = message.get_body(("html",))
        assert html is not None
        page = reading.read(html.get_content())
        asked = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
        assert [f"cid:{part['Content-ID'].strip('<>')}" for part in images(message)] == asked
        assert 2 == len(set(asked))
        for part in images(message):
            assert (report / str(part.get_filename())).read_bytes() == part.get_content()
            assert "inline" == part.get_content_disposition()

    def test_nothing_is_fetched(self, report: Path) -> None:
        """Opening the mail asks no server for anything."""
        html = parsed(report).get_body(("html",))
        assert html is not None
        page = reading.read(html.get_content())
        assert [] == [
            value for _, name, value in page.attributes if name in ("src", "href", "background") and "//" in value
        ]
        assert "url(" not in html.get_content()

    def test_lines_are_short(self, report: Path) -> None:
        """No line is longer than mail servers take, and all bytes are plain."""
        content = compose(report, ENVELOPE, (), NOW).as_bytes()
        assert max(map(len, content.split(b"\r\n"))) <= 998
        assert content.isascii()

    def test_files_are_attached(self, report: Path) -> None:
        """A CSV file comes out byte by byte."""
        made = Attachment("headline.csv", "a,b\r\nä,1\r\n".encode())
        message = parsed(report, attached=[made])
        (part,) = message.iter_attachments()
        assert ("headline.csv", "text/csv") == (part.get_filename(), part.get_content_type())
        assert made.content == part.get_payload(decode=True)


class TestIdentity:
    def test_the_same_bytes(self, report: Path) -> None:
        """The same files at the same time are the same message, boundaries included."""
        assert compose(report, ENVELOPE, (), NOW).as_bytes() == compose(report, ENVELOPE, (), NOW).as_bytes()

    def test_sent_again_it_is_the_same_message(self, report: Path) -> None:
        """Hours later, and with the recipients in another order, the Message-ID is the same."""
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
        ids=["another report", "another night", "other recipients"],
    )
    def test_another_message_has_another_id(self, report: Path, other: Envelope) -> None:
        """Another report, run or list is another message."""
        assert compose(report, ENVELOPE, (), NOW)["Message-ID"] != compose(report, other, (), NOW)["Message-ID"]


class TestRefusals:
    @pytest.mark.parametrize("letter", ["\n", "\r", "\0", "\r\nBcc: spy@example.com"])
    def test_a_subject_begins_no_header(self, report: Path, letter: str) -> None:
        """A line break in the subject is refused, not folded into a header of its own."""
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
    def test_an_address_begins_no_header(self, report: Path, envelope: Envelope) -> None:
        """The same holds for addresses."""
        with pytest.raises(MailError):
            compose(report, envelope, (), NOW)

    @pytest.mark.parametrize("name", ["email.html", "email.txt", "email-1.png"])
    def test_a_missing_file_is_reported(self, report: Path, name: str) -> None:
        """A run without its mail is named, with what writes it."""
        (report / name).unlink()
        with pytest.raises(MailError) as failure:
            compose(report, ENVELOPE, (), NOW)
        assert (6, str(report / name)) == (failure.value.exit_code, failure.value.where)
        assert "funnel report" in failure.value.next_step

    def test_no_other_file_gets_in(self, report: Path) -> None:
        """A picture that is not one of the mail is refused, so no page can send a file of the machine."""
        page = report / "email.html"
        page.write_text(page.read_text("utf-8").replace('src="email-1.png"', 'src="../../secret.png"'), "utf-8")
        with pytest.raises(MailError):
            compose(report, ENVELOPE, (), NOW)

    def test_too_large_is_refused(self, report: Path) -> None:
        """A mail that programs would cut is not sent."""
        page = report / "email.html"
        page.write_text(page.read_text("utf-8") + "<!--" + "x" * 80_000 + "-->", "utf-8")
        with pytest.raises(MailError):
            compose(report, ENVELOPE, (), NOW)


class TestAttachments:
    @pytest.mark.parametrize(
        "cell", ["=1+1", "+cmd|'/C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx", "-", "+49 30 1234"]
    )
    def test_formulas_are_text(self, cell: str) -> None:
        """A text that a spreadsheet would run gets an apostrophe, in the heading as well."""
        quoted = '"' + cell.replace('"', '""') + '"'
        assert f'"\'{cell}"' in guarded(f"{quoted},n\r\nx,1\r\n".encode()).decode().replace(f"'{cell},", f'"\'{cell}",')

    def test_numbers_stay(self) -> None:
        """Negative and signed numbers are numbers; such a file comes back byte by byte, whatever its line ends."""
        content = b"\xef\xbb\xbfn,m\n-1,+2.5\n-1e-05,0\n"
        assert content == guarded(content)

    def test_the_mark_of_utf_8_stays(self) -> None:
        """A guarded file still opens as UTF-8 in a spreadsheet."""
        assert b"\xef\xbb\xbf'=x\r\n" == guarded(b"\xef\xbb\xbf=x\n")

    def test_missing_and_too_large(self, tmp_path: Path) -> None:
        """A name that is not there is told with the nearest one; a size beyond the limit with both sizes."""
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
