"""Which files an input names: a file by its exact name, or the matches of a pattern, in order of name."""

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
    """A file of an input; `refused` says why it may not be read, or is None, and `next_step` what to do then.

    A member of a zip archive has the `archive` and a `name` in it, and its `path` is that of the unpacked content.
    """

    path: Path
    refused: str | None = None
    next_step: str = "put the file itself into the folder"
    name: str = ""
    archive: Path | None = None
    sha256: str = ""
    """Of the content, where it is known and the bytes of the file say more than that: the result of a query."""
    has_times: bool = False
    """Of the result of a query: whether a time of ours is one there; else it is text in the format of the input."""
    cursor_after: str | None = None
    cursor: str | None = None
    """Of the result of a query: the highest value of its cursor before it and with it."""

    @property
    def source(self) -> Path:
        """The file in the input's folder."""
        return self.archive or self.path

    @property
    def shown(self) -> Path:
        """The path for messages: that of a member begins with its archive; the result of a query has a name alone."""
        return (self.archive.parent if self.archive else Path()) / self.name if self.name else self.path


def find(input_: Input) -> tuple[InputFile, ...]:
    """The files, sorted by path; none where a database is read. A name that exists is that file, whatever characters it has.

    A link that leads out of the fixed part of the pattern is refused: an inbox may be writable for others.
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
    """The ending that most files in the folder have, such as `.csv.gz`; `.csv` where there is none."""
    try:
        names = sorted(each.name for each in folder.iterdir() if each.is_file() and not each.name.endswith(SUFFIX))
    except OSError:
        names = []
    endings = Counter(found.group() for name in names if (found := _ENDING.search(name)))
    return max(endings, key=lambda ending: (endings[ending], ending == ".csv"), default=".csv")


def printable(path: Path) -> str:
    """The path as text: a byte of it that is not UTF-8 shows as \\xe9."""
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
    """The folder up to the first part of a pattern that matches several names."""
    fixed = Path(pattern.anchor)
    for part in pattern.parts[len(fixed.parts) : -1]:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed
