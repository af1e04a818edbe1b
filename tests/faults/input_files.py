"""Damaged and malformed input files: the loaded rows, the rejected rows, and the reason of a refusal.

The number in a name is the row of docs/FAULTS.md.
"""

from __future__ import annotations

import gzip
import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import zstandard

from tests.delivery import HEADER, entry

Rejected = tuple[int, str] | tuple[int, str, str]
"""(row number, reason), with or without the text of the row."""


@dataclass(frozen=True)
class InputFile:
    """One file of stage entries, and the expected result of its load."""

    name: str
    content: str | bytes
    file: str = "entries.csv"
    settings: dict[str, Any] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    """Texts of the message of a refused file; `…` at an end means any text."""
    hidden: tuple[str, ...] = ()
    """Values that the message must not have."""
    columns: str = "lead_id"
    rows: tuple[Any, ...] | int = ()
    """The loaded rows in the order of the file, in `columns`; or their number."""
    rejected: tuple[Rejected, ...] | dict[str, int] = ()
    """The rejected rows; or their number by reason."""
    load: dict[str, Any] = field(default_factory=dict)
    """Counts and settings of the load, by name."""
    as_of: datetime | None = None
    warnings: tuple[str, ...] | None = None
    """The texts of the warnings; () for none; None if they are not tested."""


def loaded(name: str, content: str | bytes, rows: Any, rejected: Any = (), **more: Any) -> InputFile:
    """A file that is loaded, with `settings` of its input."""
    return InputFile(name, content, rows=rows, rejected=rejected, **more)


def refused(name: str, content: str | bytes, *refused: str, **more: Any) -> InputFile:
    """A file that is refused."""
    return InputFile(name, content, refused=refused, **more)


def flipped(content: bytes, position: int, bits: int) -> bytes:
    """The content with one byte changed."""
    changed = bytearray(content)
    changed[position] ^= bits
    return bytes(changed)


def rows(*texts: str) -> str:
    """A file with the usual header."""
    return HEADER + "".join(texts)


def at(*times: str) -> str:
    """A file of leads L1, L2 … that enter a stage at these times."""
    return rows(*(entry(f"L{number}", entered_at=text) for number, text in enumerate(times, 1)))


THREE = ("L1", "L2", "L3")
GOOD = rows(entry("L1"), entry("L2", "SAL"), entry("L3"))
PACK = {"plain": bytes, "gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}
ENDING = {"plain": "a.csv", "gz": "a.csv.gz", "zst": "a.csv.zst"}
NEW_YORK = {"timezone": "America/New_York"}
JANUARY_5 = datetime(2026, 1, 5, 14)
WEB_PAGE = "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n"

DAMAGED = [
    refused("F21 empty", b"", "…empty…"),
    refused("blank lines alone", "\n\n\n", "…there is no header in it…"),
    refused("F32 gz cut short", gzip.compress(GOOD.encode() * 500)[:-12], "…cut short…", file="a.csv.gz"),
    refused("F33 gz with a wrong checksum", flipped(gzip.compress(GOOD.encode()), -6, 1), "…damaged…", file="a.csv.gz"),
    refused("F34 zst cut short", PACK["zst"](GOOD.encode() * 500)[:-3], "…cut short…", file="a.csv.zst"),
    refused(
        "zst with a damaged byte",
        flipped(zstandard.ZstdCompressor(write_checksum=True).compress(random.Random(1).randbytes(5000)), 2500, 255),
        "…the zst file is damaged…",
        file="a.csv.zst",
    ),
    refused("F35 text named gz", GOOD, "…named .gz…", file="a.csv.gz"),
    refused("F36 web page", WEB_PAGE, "…missing columns…", "…web page…"),
    refused("zip archive named csv", b"PK\x03\x04" + b"x" * 50, "the zip archive is damaged…"),
    refused("binary workbook named csv", b"\xd0\xcf\x11\xe0" + b"x" * 50, "it is a binary workbook…"),
    *(
        refused(
            f"{ending} is not read",
            rows(entry("L1")),
            f"{ending.lower().removesuffix('.gz')} is not read here | save it as .xlsx, or export it as CSV or Parquet",
            file=f"a{ending}",
        )
        for ending in (".xlsb", ".ods", ".ODS", ".ods.gz")
    ),
    *(
        refused(
            f"text named {ending}",
            rows(entry("L1")),
            f"…it is named {ending.lower().removesuffix('.gz')} and is no workbook | export it again…",
            file=f"a{ending}",
        )
        for ending in (".xlsx", ".XLSX", ".xlsm", ".xlsx.gz")
    ),
    *(loaded(f"text named {name}", rows(entry("L1")), ("L1",), file=name) for name in ("a.xls", "a.html")),
]

SHAPES = [
    loaded("F22 header alone", HEADER, (), load={"rows_read": 0, "landed": 0, "lines": 1}),
    loaded("F22 header without a line end", HEADER.rstrip("\n"), (), load={"rows_read": 0, "landed": 0, "lines": 1}),
    loaded(
        "blank lines before the header",
        "\n\r\n" + rows(entry("L1")),
        ("L1",),
        load={"lines": 4, "blank_lines": 2, "rows_read": 1},
    ),
    *(
        loaded(
            f"{name}, {packing}",
            PACK[packing](content.encode()),
            ("L1", "L2"),
            file=ENDING[packing],
            load={"landed": 2, "blank_lines": blank},
            warnings=(),
        )
        for packing in PACK
        for name, content, blank in (
            ("everyday", rows(entry("L1"), entry("L2")), 0),
            ("blank lines between rows", rows(entry("L1"), "\n\n", entry("L2"), "\n"), 3),
            ("blank lines around the header", "\n" + HEADER + "\n" + entry("L1") + entry("L2"), 2),
            ("delimiters in quotes", rows('L1,MQL,2026-01-05,"Doe, Dana, and ""Co"""\n', entry("L2")), 0),
        )
    ),
    *(
        loaded(
            f"F40 line ends {ends} and a BOM",
            "\ufeff" + "".join(line + ends[number % len(ends)] for number, line in enumerate(GOOD.splitlines())),
            (("L1", "MQL", "dana"), ("L2", "SAL", "dana"), ("L3", "MQL", "dana")),
            columns="lead_id, stage, owner",
            load={"lines": 4, "rows_read": 3, "landed": 3},
        )
        for ends in (["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"])
    ),
    loaded(
        "F41 newlines in quotes",
        rows(entry("L1", owner='"a\n\n""b"", c"'), entry("L2")),
        ('a\n\n"b", c', "dana"),
        columns="owner",
        load={"lines": 5, "embedded_newlines": 2, "rows_read": 2, "landed": 2},
    ),
    *(
        loaded(
            f"F41 line end {end!r} in quotes",
            rows(entry("L1", owner=f'"a{end}b"'), entry("", owner=f'"c{end}d"'), entry("L3")),
            (f"a{end}b", "dana"),
            ((2, "no_lead", entry("", owner=f'"c{end}d"').removesuffix("\n")),),
            columns="owner",
            load={"rows_read": 3, "rejected_rows": 1, "landed": 2},
        )
        for end in ("\r\n", "\r", "\n\r\n\r")
    ),
    loaded(
        "F42 unclosed quote",
        rows(*(entry(f"L{n}", owner='"dana' if n == 2000 else "dana") for n in range(5000))),
        4999,
        ((2001, "unclosed_quote", 'L2000,MQL,2026-01-05T14:00:00Z,"dana'),),
        load={"rows_read": 5000, "rejected_rows": 1, "landed": 4999},
    ),
    loaded(
        "F42 two stray quotes that pair up",
        rows(*(entry(f"L{n}", owner={3: '"dana', 9: 'dana"'}.get(n, "dana")) for n in range(20))),
        19,
        ((4, "unclosed_quote", 'L3,MQL,2026-01-05T14:00:00Z,"dana'),),
    ),
    *(
        loaded(
            f"F43 too few and too many fields{name}",
            rows(entry("L1"), "L2,MQL\n", entry("L3", owner="a,b"), entry("L4", owner="dana,"), entry("L5"), more),
            leads,
            {"too_few_fields": 1, "too_many_fields": 2},
        )
        for name, more, leads in (
            ("", "", ("L1", "L5")),
            (" beside quotes", entry("L6", owner='"x, y"'), ("L1", "L5", "L6")),
        )
    ),
    *(
        loaded(
            f"F43 trailing delimiter{name}",
            rows(entry("L1", owner=f"{quote}dana{quote},"), entry("L2", owner=f"{quote}x{quote}")),
            ("L2",),
            {"too_many_fields": 1},
        )
        for name, quote in (("", ""), (" behind quotes", '"'))
    ),
    loaded(
        "F44 footer",
        GOOD + "\nGrand total,3\n",
        THREE,
        ((4, "too_few_fields", "Grand total,3"),),
        load={"lines": 6, "blank_lines": 1, "rows_read": 4, "landed": 3},
    ),
    loaded("F53 last line cut short", GOOD + "L4,MQL,2026-0", THREE, ((4, "too_few_fields", "L4,MQL,2026-0"),)),
    loaded(
        "F54 field of 3 MB",
        rows(entry("L1"), entry("L2", owner="x" * 3_000_000), entry("L3")),
        ("L1", "L3"),
        ((2, "field_too_long", entry("L2", owner="x" * 3_000_000).removesuffix("\n")),),
    ),
    loaded(
        "bad rows keep the numbers of the others",
        rows(entry("L1"), "cut\n", entry("L3"), "cut\n" * 4999, entry("L5003")),
        ((1, "L1"), (3, "L3"), (5003, "L5003")),
        tuple((number, "too_few_fields", "cut") for number in (2, *range(4, 5003))),
        columns="row_number, lead_id",
        load={"rows_read": 5003, "landed": 3, "rejected": {"too_few_fields": 5000}},
    ),
    loaded(
        "4,500 bad rows",
        rows(entry("L1"), *(f"L{number},cut\n" for number in range(4500))),
        ("L1",),
        tuple((number, "too_few_fields", f"L{number - 2},cut") for number in range(2, 4502)),
    ),
    loaded(
        "rejected rows behind a stray quote and a record of two lines",
        rows(entry("L1", owner='"a\nb"'), entry("L2", owner='"x'), entry(""), entry("L4"), entry("")),
        ("L1", "L4"),
        (
            (2, "unclosed_quote", 'L2,MQL,2026-01-05T14:00:00Z,"x'),
            (3, "no_lead", ",MQL,2026-01-05T14:00:00Z,dana"),
            (5, "no_lead", ",MQL,2026-01-05T14:00:00Z,dana"),
        ),
    ),
    *(
        loaded(
            f"rejected rows with spaces at the end, line end {end!r}",
            "".join(
                f"{line}{end}" for line in (HEADER.strip(), "L1,MQL,soon,daXX", "L2,MQL,soon,da  ", "L3,MQL,soon,da\t")
            ),
            (),
            tuple(
                (number, "unreadable_time", line)
                for number, line in enumerate(("L1,MQL,soon,daXX", "L2,MQL,soon,da  ", "L3,MQL,soon,da\t"), 1)
            ),
            warnings=("rejected rows: 3 unreadable_time\n  times look like `aaaa` (3)…",),
        )
        for end in ("\n", "\r\n")
    ),
]
