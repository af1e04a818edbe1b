"""Find the files of an input: one file by its exact name, or the matches of a pattern, sorted by name."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.configuration import Input
from pipeline.ingest.files.checksums import SUFFIX

_ENDING = re.compile(r"(?<=.)[.]\w+(?:[.](?:gz|gzip|zst|zstd))?$")


@dataclass(frozen=True)
class InputFile:
    """A file of an input. `refused` is the reason why it can't be read, or None; `next_step` says what to do then.

    For a member of a zip archive, `archive` is the archive, `name` is "archive.zip/member.csv", and `path` is the unpacked copy.
    """

    path: Path
    refused: str | None = None
    next_step: str = "put the file itself into the folder"
    name: str = ""
    archive: Path | None = None
    sha256: str = ""
    """For the result of a query: the SHA-256 of its columns and rows. The bytes of the file also depend on their order."""
    has_times: bool = False
    """For the result of a query: whether a time column has a time type in the database, not text."""
    cursor_after: str | None = None
    """For the result of a query: the highest cursor value of earlier loads."""
    cursor: str | None = None
    """For the result of a query: the highest cursor value, this result included."""

    @property
    def source(self) -> Path:
        """The file in the input's folder: the archive for a member of one."""
        return self.archive or self.path

    @property
    def shown(self) -> Path:
        """The path for messages: folder, archive and member for a member; the name for the result of a query."""
        return (self.archive.parent if self.archive else Path()) / self.name if self.name else self.path


def find(input_: Input) -> tuple[InputFile, ...]:
    """Return the files, sorted by path; none for an input that reads a database.

    A path that exists is that file, even if it looks like a pattern. A link out of the fixed folder of the pattern is refused,
    because others may have write access to an inbox.
    """
    if input_.database:
        return ()
    pattern = input_.pattern
    if pattern.is_symlink() or pattern.exists():
        if pattern.is_dir():
            written = (input_.written_path or str(pattern)).rstrip("/")
            return (
                InputFile(pattern, "it is a folder, not a file", f'write path = "{written}/*{_usual_ending(pattern)}"'),
            )
        return (_checked_file(pattern, pattern.parent),)
    if not glob.has_magic(str(pattern)):
        return ()
    matches = [Path(match) for match in sorted(glob.glob(str(pattern), recursive=True)) if not match.endswith(SUFFIX)]  # noqa: PTH207 - Path.glob also takes hidden files
    root = fixed_folder(pattern)
    return tuple(_checked_file(match, root) for match in matches if match.is_symlink() or match.is_file())


def _usual_ending(folder: Path) -> str:
    """Return the most frequent ending in the folder, such as `.csv.gz`; `.csv` if there is none."""
    try:
        names = sorted(each.name for each in folder.iterdir() if each.is_file() and not each.name.endswith(SUFFIX))
    except OSError:
        names = []
    endings = Counter(match.group() for name in names if (match := _ENDING.search(name)))
    return max(endings, key=lambda ending: (endings[ending], ending == ".csv"), default=".csv")


def printable(path: Path) -> str:
    """Return the path as text; a byte that is not UTF-8 becomes \\xe9."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _checked_file(path: Path, root: Path) -> InputFile:
    if printable(path) != str(path):
        return InputFile(path, "its name is not UTF-8", "rename it")
    resolved = path.resolve()
    if not resolved.is_relative_to(root.resolve()):
        return InputFile(path, "it is a link that leads out of the input's folder")
    if not resolved.exists():
        return InputFile(path, "it is a link that leads nowhere")
    return InputFile(path) if resolved.is_file() else InputFile(path, "it is not a regular file")


def fixed_folder(pattern: Path) -> Path:
    """Return the folder before the first wildcard of a pattern."""
    fixed = Path(pattern.anchor)
    for part in pattern.parts[len(fixed.parts) : -1]:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed
