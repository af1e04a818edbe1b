"""Check zip archives and read their members as separate input files.

A malicious archive can fill the disk or write outside its target folder. So members are unpacked under names of our own, and all
limits apply to the bytes that are really decompressed.
"""

from __future__ import annotations

import errno
import shutil
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from pipeline.ingest.files import checksums, scan
from pipeline.ingest.files.find import InputFile
from pipeline.ingest.refusal import FileRefusedError

MAX_MEMBERS = 1_000
"""Files in an archive, or XML parts in a workbook."""

MAX_UNPACKED_BYTES = 10_000_000_000
"""Decompressed bytes of all members of an archive."""

MAX_RATIO = 250
"""Decompressed bytes per byte of the archive. More is a zip bomb, if the content is larger than `MIN_BOMB_BYTES`."""

MIN_BOMB_BYTES = 50_000_000
"""Decompressed bytes from which the ratio is checked."""

_MAX_DIRECTORY_BYTES = 20_000_000
"""The directory at the end of an archive is read into memory."""

_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_OFFICE = {"[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "mimetype"}
_DAMAGE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    struct.error,
    ValueError,
    OverflowError,
)
"""Exceptions that a damaged archive raises; ValueError for a member name that is not text."""

_OFFICE_SUFFIXES = (".xlsx", ".xlsm", ".xls")


@dataclass
class Budget:
    """Counts the decompressed bytes of an archive of `packed` bytes against `limit`. `next_step` is the advice in the error."""

    packed: int
    limit: int
    next_step: str
    used: int = 0

    def spend(self, count: int) -> None:
        """Add bytes. Raises FileRefusedError if the total exceeds the limit or the ratio."""
        self.used += count
        if self.used > self.limit:
            raise FileRefusedError(f"it decompresses to more than {self.limit / 1_000_000_000:,.1f} GB", self.next_step)
        if self.used > MIN_BOMB_BYTES and self.used > self.packed * MAX_RATIO:
            raise FileRefusedError(
                f"it decompresses to more than {MAX_RATIO} times its size, which suggests a zip bomb", self.next_step
            )


def is_zip(path: Path) -> bool:
    """Whether a file begins like a zip archive."""
    return scan.first_bytes(path) in _STARTS


def is_office(path: Path) -> bool:
    """Whether a zip archive is an office document, such as a workbook, by its name or by any typical part.

    Raises FileRefusedError if the archive can't be read.
    """
    if path.suffix.lower() in _OFFICE_SUFFIXES:
        return True
    with open_archive(path) as archive:
        return not _OFFICE.isdisjoint(archive.namelist())


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open an archive. Raises FileRefusedError if its directory is damaged or too large."""
    if _directory_size(path) > _MAX_DIRECTORY_BYTES:
        raise FileRefusedError(
            f"the zip archive has more than {MAX_MEMBERS:,} files in it", "put fewer files into one archive"
        )
    try:
        return zipfile.ZipFile(path)
    except (OSError, *_DAMAGE_ERRORS) as error:
        raise _damage_error(error, "the zip archive is damaged or cut short") from None


def _directory_size(path: Path) -> int:
    """Return the size of the directory according to the end record of the archive; 0 if there is no end record."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - 70_000))
        end = file.read()
    wide, narrow = end.rfind(b"PK\x06\x06"), end.rfind(b"PK\x05\x06")
    size = 0
    if len(end) >= narrow + 16 > 15:
        size = int.from_bytes(end[narrow + 12 : narrow + 16], "little")
    if len(end) >= wide + 48 > 47:
        size = max(int.from_bytes(end[wide + 40 : wide + 48], "little"), 0 if size == 0xFFFFFFFF else size)
    return size


def copy_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: Budget) -> Iterator[bytes]:
    """Yield the decompressed content of a member in chunks.

    Raises FileRefusedError for a member that is encrypted, damaged, over the budget or compressed by another method than deflate.
    """
    if member.flag_bits & 0x1:
        raise FileRefusedError("it is encrypted", "make the archive without a password")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FileRefusedError(
            "it is compressed by a method that is not read here", "make the archive by plain zip (deflate)"
        )
    try:
        with archive.open(member) as content:
            while chunk := content.read(scan.CHUNK_BYTES):
                budget.spend(len(chunk))
                yield chunk
    except (OSError, *_DAMAGE_ERRORS) as error:
        raise _damage_error(error, "the zip archive is damaged: its checksum does not fit") from None


def _damage_error(error: Exception, reason: str) -> Exception:
    """Return the error to raise. A damaged offset raises an OSError with EINVAL; any other OSError comes from the disk."""
    if isinstance(error, OSError) and error.errno != errno.EINVAL:
        return error
    return FileRefusedError(reason, "upload it again")


def expand(files: Iterable[InputFile], work: Path) -> Iterator[InputFile]:
    """Yield the files of an input; a zip archive is replaced by its members, sorted by name.

    A member is unpacked to `work` before it is yielded and deleted afterwards. An archive that can't be unpacked is yielded as a
    refused file.
    """
    for file in files:
        try:
            if file.refused or not is_zip(file.path) or is_office(file.path):
                yield file
                continue
            yield from _expand_archive(file, work)
        except FileRefusedError as refused:
            yield replace(file, refused=refused.reason, next_step=refused.next_step)
        except OSError:
            yield file  # reading it raises the error again, with its message


def _expand_archive(file: InputFile, work: Path) -> Iterator[InputFile]:
    checksums.verify_sha256_file(file.path, checksums.sha256_of(file.path))
    budget = Budget(file.path.stat().st_size, MAX_UNPACKED_BYTES, "unpack it yourself, if you know who made it")
    with open_archive(file.path) as archive:
        members = _members_to_read(archive, budget)
        for number, member in enumerate(members):
            folder = work / f"member_{number}"
            yield _unpack(archive, member, file, folder, budget)
            shutil.rmtree(folder, ignore_errors=True)


def _members_to_read(archive: zipfile.ZipFile, budget: Budget) -> list[zipfile.ZipInfo]:
    """Return the members to read, sorted by name. Raises FileRefusedError for the whole archive."""
    members = [each for each in archive.infolist() if not each.is_dir() and not _is_system_file(each.filename)]
    if not members:
        raise FileRefusedError("there is no file in the zip archive", "export it again")
    if len(members) > MAX_MEMBERS:
        raise FileRefusedError(
            f"the zip archive has {len(members):,} files in it, and at most {MAX_MEMBERS:,} are read",
            "put fewer files into one archive",
        )
    for member in members:
        _refuse_name(member.filename)
    (name, count), *_ = Counter(member.filename for member in members).most_common(1)
    if count > 1:
        raise FileRefusedError(f"the zip archive has two files named `{name[:100]}`", "rename one of the two")
    Budget(budget.packed, budget.limit, budget.next_step).spend(sum(member.file_size for member in members))
    return sorted(members, key=lambda member: member.filename)


def _is_system_file(name: str) -> bool:
    """Whether a member is a file of macOS or Windows, or a `.sha256` file."""
    path = PurePosixPath(name)
    return "__MACOSX" in path.parts or path.name in (".DS_Store", "Thumbs.db") or name.endswith(checksums.SUFFIX)


def _refuse_name(name: str) -> None:
    plain = name.replace("\\", "/")
    if plain.startswith("/") or ".." in plain.split("/") or plain[1:2] == ":":
        raise FileRefusedError(
            "the zip archive has a file in it whose name leads out of the archive",
            "don't unpack it; ask whoever made it",
        )
    if not name.isprintable():
        raise FileRefusedError("the zip archive has a file in it whose name is not printable", "rename that file")


def _unpack(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: InputFile, folder: Path, budget: Budget
) -> InputFile:
    shown = f"{file.path.name}/{member.filename}"
    suffixes = "".join(PurePosixPath(member.filename).suffixes[-2:])[-20:]
    content = folder / f"content{suffixes}"
    unpacked = InputFile(content, name=shown, archive=file.path)
    folder.mkdir()
    try:
        with content.open("wb") as copy:
            for chunk in copy_member(archive, member, budget):
                copy.write(chunk)
        if is_zip(content) and not is_office(content):
            raise FileRefusedError("it is a zip archive inside a zip archive", "unpack the outer one")
    except FileRefusedError as refused:
        return replace(unpacked, refused=refused.reason, next_step=refused.next_step)
    return unpacked
