"""Zip archives: what is in them, whether it may be unpacked, and the members of an input's archive as files of their own.

An archive may be made to fill a disk or to write beside the folder it is unpacked into. So nothing is unpacked by the name of a
member, every limit holds for what is really decompressed, and only what was checked here is given to another reader.
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
"""Files of an archive, and XML parts of a workbook."""

MAX_UNPACKED_BYTES = 10_000_000_000
"""Bytes to which the members of an archive may decompress together."""

MAX_RATIO = 250
"""Bytes of content per byte of the archive; more is a bomb, once the content is larger than `SMALL`."""

MIN_BOMB_BYTES = 50_000_000
"""Bytes of content below which no ratio is too high."""

_MAX_DIRECTORY_BYTES = 20_000_000
"""Bytes of the directory at the end of an archive, which is read whole."""

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
"""What a damaged archive ends in; a name that is no text is a ValueError."""

_OFFICE_SUFFIXES = (".xlsx", ".xlsm", ".xls")


@dataclass
class Budget:
    """What may still be decompressed of an archive of `packed` bytes, and the next step for one with too much in it."""

    packed: int
    left: int
    next_step: str
    used: int = 0

    def spend(self, count: int) -> None:
        """Raises Refused when the content is larger than may be, or of too high a ratio."""
        self.used += count
        if self.used > self.left:
            raise FileRefusedError(f"it decompresses to more than {self.left / 1_000_000_000:,.1f} GB", self.next_step)
        if self.used > MIN_BOMB_BYTES and self.used > self.packed * MAX_RATIO:
            raise FileRefusedError(
                f"it decompresses to more than {MAX_RATIO} times its size, as only a bomb does", self.next_step
            )


def is_zip(path: Path) -> bool:
    """Whether a file begins as a zip archive does."""
    with path.open("rb") as file:
        return file.read(4) in _STARTS


def is_office(path: Path) -> bool:
    """Whether a zip archive is a document of an office suite, such as a workbook: by its name, or by its parts, of which a
    damaged one may lack some. Raises Refused when it can't be read."""
    if path.suffix.lower() in _OFFICE_SUFFIXES:
        return True
    with open_archive(path) as archive:
        return not _OFFICE.isdisjoint(archive.namelist())


def open_archive(path: Path) -> zipfile.ZipFile:
    """The archive, its directory read. Raises Refused when that is damaged or too large."""
    if _directory_size(path) > _MAX_DIRECTORY_BYTES:
        raise FileRefusedError(
            f"the zip archive has more than {MAX_MEMBERS:,} files in it", "put fewer files into one archive"
        )
    try:
        return zipfile.ZipFile(path)
    except (OSError, *_DAMAGE_ERRORS) as error:
        raise _damage_error(error, "the zip archive is damaged or cut short") from None


def _directory_size(path: Path) -> int:
    """The size that the end of the archive promises for the directory; 0 where there is no such end."""
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
    """The content of a member, decompressed, in chunks. Raises Refused: encrypted, damaged, another method, over the budget."""
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
    """What to raise: a damaged offset ends in an OSError of its own, and one of another number is the disk's."""
    if isinstance(error, OSError) and error.errno != errno.EINVAL:
        return error
    return FileRefusedError(reason, "upload it again")


def expand(files: Iterable[InputFile], work: Path) -> Iterator[InputFile]:
    """The files of an input, with the members of zip archives in the place of these, in order of name.

    A member is unpacked to `work` just before it is given and removed after; its `name` is `archive.zip/member.csv`. An archive
    that may not be unpacked is given as a refused file.
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
            yield file  # who reads it says what is the matter with it


def _expand_archive(file: InputFile, work: Path) -> Iterator[InputFile]:
    checksums.verify_sha256_file(file.path, scan.sha256_of(file.path))
    budget = Budget(file.path.stat().st_size, MAX_UNPACKED_BYTES, "unpack it yourself, if you know who made it")
    with open_archive(file.path) as archive:
        members = _members_to_read(archive, budget)
        for number, member in enumerate(members):
            folder = work / f"member_{number}"
            yield _unpack(archive, member, file, folder, budget)
            shutil.rmtree(folder, ignore_errors=True)


def _members_to_read(archive: zipfile.ZipFile, budget: Budget) -> list[zipfile.ZipInfo]:
    """The members to read, in order of name. Raises Refused for the archive as a whole."""
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
        raise FileRefusedError(f"the zip archive has two files of the name `{name[:100]}`", "rename one of the two")
    Budget(budget.packed, budget.left, budget.next_step).spend(sum(member.file_size for member in members))
    return sorted(members, key=lambda member: member.filename)


def _is_system_file(name: str) -> bool:
    """What macOS and Windows put into an archive beside the files, and sums of SHA-256."""
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
    found = InputFile(content, name=shown, archive=file.path)
    folder.mkdir()
    try:
        with content.open("wb") as copy:
            for chunk in copy_member(archive, member, budget):
                copy.write(chunk)
        if is_zip(content) and not is_office(content):
            raise FileRefusedError("it is a zip archive inside a zip archive", "unpack the outer one")
    except FileRefusedError as refused:
        return replace(found, refused=refused.reason, next_step=refused.next_step)
    return found
