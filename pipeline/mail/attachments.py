"""Turns published files into attachments: limited in size, and CSV files without cells that a spreadsheet reads as a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import MailError
from pipeline.waterfall.names import did_you_mean

INDEX = "index.html"
DATA = "data"
"""Folder of the CSV files of a report."""

_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Attachment:
    """A file of a mail. Its type is text/`subtype`."""

    name: str
    content: bytes
    subtype: str = "csv"


def attachments(
    folder: Path, names: Sequence[str], max_kilobytes: int, *, with_index: bool = False
) -> tuple[Attachment, ...]:
    """Return the named CSV files of the report in `folder`, guarded, and its index if asked for.

    Raises MailError if one is missing or the sum is too large.
    """
    data = folder / DATA
    known = sorted(path.name for path in data.glob("*.csv"))
    files = []
    for name in names:
        if name not in known:
            raise MailError(
                f"there is no {name} to attach{did_you_mean(name, known) if known else ''}",
                where=f"{data} ([mail] attach)",
                next_step="name a file of that folder, or none",
            )
        files.append(Attachment(name, guarded((data / name).read_bytes())))
    if with_index:
        files.append(Attachment(INDEX, (folder / INDEX).read_bytes(), "html"))
    size = sum(len(each.content) for each in files)
    if size > max_kilobytes * 1024:
        raise MailError(
            f"the attachments have {-(-size // 1024)} KB, and [mail] max_attachment_kb allows {max_kilobytes}",
            where=str(data),
            next_step="attach less, or allow more",
        )
    return tuple(files)


def guarded(content: bytes) -> bytes:
    """Put an apostrophe before text cells that start with = + - @, tab or return, so that they are not formulas.

    Numbers stay. A file without such cells is returned unchanged.
    """
    mark, body = (_BOM, content[len(_BOM) :]) if content.startswith(_BOM) else (b"", content)
    rows = list(csv.reader(io.StringIO(body.decode("utf-8"), newline="")))
    safe = [
        [f"'{cell}" if cell.startswith(_BEGINS_FORMULA) and not _NUMBER.fullmatch(cell) else cell for cell in row]
        for row in rows
    ]
    if safe == rows:
        return content
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows(safe)
    return mark + written.getvalue().encode("utf-8")
