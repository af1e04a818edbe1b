"""docs/FAULTS.md, 99: zip archives. Each member is a file of its own, and an archive can only give rows."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from delivery import HEADER, Inbox, entry, one_file, refusal

from pipeline.ingest.files import archives, formats
from pipeline.ingest.landing import loading
from pipeline.run import disk_space
from tests.faults.workbook_files import workbook

ONE = HEADER + entry("L1")
TWO = HEADER + entry("L2")


def zipped(*members: tuple[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def names(inbox: Inbox) -> list[str]:
    return [load.file_name for load in loading.open_log(inbox.log_folder).loads]


def leftovers(inbox: Inbox) -> list[str]:
    """The work files that a run left."""
    return [str(path) for path in inbox.folder.rglob("*") if path.name.startswith(("member_", "content"))]


@pytest.mark.parametrize("name", ["export.zip", "export.ZIP", "export.csv"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_each_member_is_a_file_of_its_own(tmp_path: Path, name: str, method: int) -> None:
    """F99: Members are loaded in order of name, also from folders, with their own name; files of macOS are skipped."""
    inbox = one_file(
        tmp_path,
        zipped(
            ("b/two.csv", TWO),
            ("a.csv", ONE),
            ("__MACOSX/._a.csv", b"\0\5"),
            ("b/.DS_Store", b"x"),
            ("b/", b""),
            ("a.csv.sha256", "0"),
            method=method,
        ),
        name,
    )
    outcome = inbox.land()
    assert ((), 2) == (outcome.refused, len(outcome.loads))
    assert [f"{name}/a.csv", f"{name}/b/two.csv"] == names(inbox)
    assert ["L1", "L2"] == inbox.leads()
    assert [hashlib.sha256(ONE.encode()).hexdigest(), hashlib.sha256(TWO.encode()).hexdigest()] == [
        load.sha256 for load in outcome.loads
    ]
    assert [] == leftovers(inbox)


def test_a_member_may_be_of_any_kind(tmp_path: Path) -> None:
    """F99: Every kind of file that is read outside an archive is read inside."""
    json_line = '{"lead_id":"L2","stage":"MQL","entered_at":"2026-01-05"}'
    inbox = one_file(
        tmp_path,
        zipped(
            ("a.csv.gz", gzip.compress(ONE.encode())), ("b.jsonl", json_line), ("c.json", f"[{json_line}]"),
            ("d.xlsx", workbook(("lead_id", "stage", "entered_at"), ("L4", "MQL", "2026-01-05"))),
            ("e.xls", "<table><tr><td>lead_id<td>stage<td>entered_at<tr><td>L5<td>MQL<td>2026-01-05</table>"),
        ),
        "all.zip",
    )  # fmt: skip
    assert () == inbox.land().refused
    assert ["L1", "L2", "L4", "L5"] == sorted(set(inbox.leads()))


def test_a_pattern_mixes_files_and_archives(tmp_path: Path) -> None:
    """F99: Files and archives are loaded in order of name."""
    inbox = Inbox(tmp_path)
    inbox.put("in/b.zip", zipped(("x.csv", TWO)))
    inbox.put("in/a.csv", ONE)
    inbox.put("in/c.csv", HEADER + entry("L3"))
    inbox.reads("in/*").land()
    assert ["L1", "L2", "L3"] == inbox.leads()


def test_known_files_are_compared_by_member(tmp_path: Path) -> None:
    """F99: An archive with one new member loads only that one; a known member outside the archive is known too."""
    inbox = one_file(tmp_path, zipped(("a.csv", ONE)), "export.zip")
    inbox.land()
    again = inbox.land()
    assert ((), (str(tmp_path / "export.zip" / "a.csv"),)) == (again.loads, again.already_loaded)
    assert "crm: export.zip/a.csv is known as load 1, 0 new rows" in inbox.log_lines
    inbox.put("export.zip", zipped(("b.csv", TWO), ("a.csv", ONE)))
    assert ["export.zip/b.csv"] == [load.file_name for load in inbox.land().loads]
    inbox.inputs = ()
    inbox.put("a.csv", ONE)
    assert 1 == len(inbox.reads("a.csv").land().already_loaded)


def test_a_rejected_row_names_archive_and_member(tmp_path: Path) -> None:
    """F99: Both names are in quality.rejected_rows."""
    inbox = one_file(tmp_path, zipped(("a.csv", HEADER + entry("L1") + entry("L2", entered_at="soon"))), "export.zip")
    inbox.land()
    assert [("export.zip/a.csv", 2, "unreadable_time", "L2,MQL,soon,dana")] == inbox.rows(
        "select file_name, row_number, reason, original from raw.rejected_rows"
    )


def test_a_bad_member_is_refused_alone(tmp_path: Path) -> None:
    """F99: The message has its name, and the other members are read."""
    inbox = one_file(tmp_path, zipped(("a.csv", ONE), ("b.txt", "no header here"), ("c.csv", TWO)), "export.zip")
    outcome = inbox.land()
    assert ["L1", "L2"] == inbox.leads()
    (refused,) = outcome.refused
    assert str(tmp_path / "export.zip" / "b.txt") == refused.file
    assert "missing columns" in refused.reason


def encrypted(content: bytes) -> bytes:
    """The archive with the flag of an encrypted member in both places."""
    archive_bytes = bytearray(content)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        archive_bytes[archive_bytes.index(mark) + at] |= 1
    return bytes(archive_bytes)


OUTSIDE = "the zip archive has a file in it whose name leads out of the archive"
REFUSED = {
    "encrypted": (encrypted(zipped(("a.csv", ONE))), "it is encrypted | make the archive without a password"),
    "absolute": (zipped(("/a.csv", ONE)), OUTSIDE),
    "above": (zipped(("b/../../a.csv", ONE)), OUTSIDE),
    "above, by backslash": (zipped(("..\\a.csv", ONE)), OUTSIDE),
    "a drive": (zipped(("C:\\a.csv", ONE)), OUTSIDE),
    "not printable": (zipped(("a\nb.csv", ONE)), "whose name is not printable | rename that file"),
    "nested": (
        zipped(("inner.zip", zipped(("a.csv", ONE)))),
        "it is a zip archive inside a zip archive | unpack the outer one",
    ),
    "another method": (
        zipped(("a.csv", ONE), method=zipfile.ZIP_LZMA),
        "it is compressed by a method that is not read here | make the archive by plain zip (deflate)",
    ),
    "empty": (zipped(), "there is no file in the zip archive | export it again"),
    "litter only": (zipped(("__MACOSX/._a.csv", b"x")), "there is no file in the zip archive | export it again"),
    "cut short": (zipped(("a.csv", ONE))[:-30], "the zip archive is damaged or cut short | upload it again"),
    "too many": (
        zipped(*((f"{number}.csv", ONE) for number in range(archives.MAX_MEMBERS + 1))),
        "the zip archive has 1,001 files in it, and at most 1,000 are read | put fewer files into one archive",
    ),
    "ratio": (
        zipped(("a.csv", ONE + " " * 60_000_000)),
        f"it decompresses to more than {archives.MAX_RATIO} times its size, which suggests a zip bomb",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_archive_that_can_not_be_unpacked_is_refused(tmp_path: Path, what: str) -> None:
    """F99: The message has reason and next step, and nothing is written outside the work folder of the run."""
    content, message = REFUSED[what]
    inbox = one_file(tmp_path / "in", content, "export.zip")
    assert message in refusal(inbox)
    assert [] == leftovers(inbox)
    assert ["in"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    """F99: The name is ambiguous."""
    message = refusal(one_file(tmp_path, zipped(("a.csv", ONE), ("a.csv", TWO)), "export.zip"))
    assert "the zip archive has two files named `a.csv` | rename one of the two" == message


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    """F99: Its checksum is wrong; the next member is read."""
    content = bytearray(zipped(("a.csv", ONE), ("b.csv", TWO), method=zipfile.ZIP_STORED))
    content[content.index(b"L1")] ^= 1
    inbox = one_file(tmp_path, bytes(content), "export.zip")
    (refused,) = inbox.land().refused
    assert ("the zip archive is damaged: its checksum does not fit", "upload it again") == (
        refused.reason,
        refused.next_step,
    )
    assert ["L2"] == inbox.leads()


def test_a_member_with_a_wrong_size_is_refused(tmp_path: Path) -> None:
    """F99: A bomb that declares ten bytes gives only ten bytes, and its checksum refuses it."""
    content = bytearray(zipped(("a.csv", ONE + " " * 60_000_000)))
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(mark) + at
        content[place : place + 4] = (10).to_bytes(4, "little")
    assert "its checksum does not fit" in refusal(one_file(tmp_path, bytes(content), "export.zip"))


def test_a_member_before_the_start_of_the_file_is_damage(tmp_path: Path) -> None:
    """F99: A damaged end of the archive gives such a position; the read fails, and the run continues."""
    content = bytearray(zipped(("a.csv", ONE)))
    content[-4] ^= 0x54
    assert "the zip archive is damaged" in refusal(one_file(tmp_path, bytes(content), "export.zip"))


def test_a_disk_error_is_no_error_of_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F99: The disk error is raised, when the archive is opened or a member is unpacked."""

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    (tmp_path / "a.zip").write_bytes(zipped(("a.csv", ONE)))
    with archives.open_archive(tmp_path / "a.zip") as archive, pytest.raises(OSError, match="broken"):
        monkeypatch.setattr(archive, "open", broken)
        list(archives.copy_member(archive, archive.infolist()[0], archives.Budget(1, 1, "")))
    monkeypatch.setattr(zipfile, "ZipFile", broken)
    with pytest.raises(OSError, match="broken"):
        archives.open_archive(tmp_path / "a.zip")


def test_the_total_counts_over_all_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F99: The declared sizes are added before anything is unpacked."""
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", len(ONE) + 10)
    assert "it decompresses to more than 0.0 GB" in refusal(
        one_file(tmp_path, zipped(("a.csv", ONE), ("b.csv", TWO)), "export.zip")
    )


def test_the_unpacked_bytes_count_too() -> None:
    """F99: Every chunk counts towards the limit."""
    budget = archives.Budget(packed=1, limit=100, next_step="stop")
    budget.spend(100)
    with pytest.raises(archives.FileRefusedError):
        budget.spend(1)


def test_random_damage_never_stops_the_run(tmp_path: Path) -> None:
    """F99: After any lost byte, rows are read in full or a file is refused."""
    content = zipped(("a.csv", ONE), ("b.csv", TWO))
    inbox = Inbox(tmp_path).reads("*.zip")
    damaged = {f"{at:03}.zip" for at in range(len(content))}
    for name in damaged:
        broken = bytearray(content)
        broken[int(name[:3])] ^= 0x41
        inbox.put(name, bytes(broken))
    outcome = inbox.land(dry_run=True)
    assert {1} == {load.rows_read for load in outcome.loads}
    read = {load.file_name for load in outcome.loads} | {
        str(Path(file).relative_to(tmp_path))
        for file in (*(refused.file for refused in outcome.refused), *outcome.already_loaded)
    }
    assert damaged == {name.partition("/")[0] for name in read}


def test_a_sha256_file_has_the_checksum_of_the_archive(tmp_path: Path) -> None:
    """F99: The .sha256 file works as for any other file."""
    content = zipped(("a.csv", ONE))
    inbox = one_file(tmp_path / "good", content, "export.zip")
    inbox.put("export.zip.sha256", hashlib.sha256(content).hexdigest())
    inbox.land()
    assert ["L1"] == inbox.leads()
    inbox = one_file(tmp_path / "bad", content, "export.zip")
    inbox.put("export.zip.sha256", "0" * 64)
    assert "its content does not match export.zip.sha256" in refusal(inbox)


def test_an_archive_that_changes_is_left_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F99: The run compares the archive, not the unpacked files."""
    inbox = one_file(tmp_path, zipped(("a.csv", ONE)), "export.zip")
    look_at = formats.scan_file

    def scan_and_append(*arguments: object) -> object:
        scan = look_at(*arguments)  # type: ignore[arg-type]
        inbox.put("export.zip", zipped(("a.csv", ONE), ("b.csv", TWO)))
        return scan

    monkeypatch.setattr(formats, "scan_file", scan_and_append)
    outcome = inbox.land()
    assert ((), ("crm: export.zip/a.csv is still being written; it waits for the next run",)) == (
        outcome.loads,
        outcome.warnings,
    )


def test_a_known_archive_needs_no_disk_space(tmp_path: Path) -> None:
    """F99: The estimated disk space of a run counts only files that are not in the log."""
    inbox = one_file(tmp_path, zipped(("a.csv", ONE)), "export.zip")
    before = disk_space.estimate_run_size(inbox.configuration, inbox.log_folder)
    inbox.land()
    size = (tmp_path / "export.zip").stat().st_size
    rows = disk_space.BYTES_PER_ROW * (1 - size // 100)
    assert rows - size == disk_space.estimate_run_size(inbox.configuration, inbox.log_folder) - before
