"""Headers, delimiters and encodings of an input file."""

from __future__ import annotations

import hashlib

from tests.delivery import HEADER, entry
from tests.faults.input_files import GOOD, THREE, loaded, refused, rows

HEADERS = [
    refused("F45 preamble", "Report: stage history\n\n" + GOOD, "…skip_lines = 2…"),
    loaded(
        "F45 preamble that is skipped",
        "Report: stage history\n\n" + GOOD,
        THREE,
        settings={"skip_lines": 2},
        load={"lines": 6, "landed": 3, "blank_lines": 1},
    ),
    refused("F46 no header", entry("L1") + entry("L2"), "…missing columns…", hidden=("L1", "dana")),
    refused("F47 header twice", "lead_id,stage,entered_at,Stage\nL1,MQL,2026-01-05,SAL\n", "…twice: `Stage`…"),
    refused(
        "F48 missing column",
        "lead_id,Status,entered_at\nL1,MQL,2026-01-05\n",
        "…missing columns `stage`; found `lead_id`, `Status`, `entered_at`…",
    ),
    *(
        refused(f"F48 {name}", f"{header}\nL1,MQL,2026-01-05\n", f"…{message}", settings={"columns": columns})
        for name, header, columns, message in (
            (
                "mapped column with a near header",
                "LeadId,Stage,Edit Date",
                {"lead_id": "Lead ID", "entered_at": "Edit Date"},
                "missing columns `lead_id`; columns maps lead_id to `Lead ID`, which is no header of the file; "
                "found `LeadId`, `Stage`, `Edit Date` | "
                'write columns = { lead_id = "LeadId", entered_at = "Edit Date" }',
            ),
            (
                "mapped column without a near header",
                "Lead Id,Stage,Changed on",
                {"entered_at": "Edit Date"},
                "missing columns `entered_at`; columns maps entered_at to `Edit Date`, which is no header of the file; "
                "found `Lead Id`, `Stage`, `Changed on` | "
                'give the file a header line, or map its names: columns = { entered_at = "their name" }',
            ),
            (
                "missing column with a near header",
                "LeadId,Stage,entered_at",
                {},
                "missing columns `lead_id`; found `LeadId`, `Stage`, `entered_at` | "
                'write columns = { lead_id = "LeadId" }',
            ),
            (
                "two missing columns, one with a near header",
                "LeadId,Stage,When",
                {},
                "missing columns `lead_id`, `entered_at`; found `LeadId`, `Stage`, `When` | give the file a header line, "
                'or map its names: columns = { lead_id = "LeadId", entered_at = "their name" }',
            ),
        )
    ),
    loaded("F51 header in another spelling", GOOD.replace(HEADER, ' Lead Id ,"STAGE",Entered-At,owner\n'), THREE),
    refused(
        "quote in the header that never closes",
        'lead_id,stage,"entered at\n' + entry("L1") * 20,
        "…missing columns `entered_at`…",
        hidden=("L1",),
    ),
    *(
        case
        for delimiter, shown in ((";", ";"), ("\t", "\\t"), ("|", "|"))
        for case in (
            refused(f"F52 delimiter {shown}", GOOD.replace(",", delimiter), f'…delimiter = "{shown}"…'),
            loaded(
                f"F52 declared delimiter {shown}",
                GOOD.replace(",", delimiter),
                THREE,
                settings={"delimiter": delimiter},
            ),
        )
    ),
]

SEMICOLONS = rows(entry("L1", owner="Zoë")).replace(",", ";")
UTF_16 = GOOD.replace("dana", "Łukasz").encode("utf-16")
LATIN_1 = rows(entry("L1"), entry("L2", owner="Ren\xe9e"), entry("L3")).encode("latin-1")


def with_damage(damage: bytes) -> bytes:
    """101 rows of UTF-8 and one with invalid bytes."""
    valid = rows(*(entry(f"L{number}", owner="Łukasz") for number in range(100))).encode()
    return valid + b"L100,MQL,2026-01-05T14:00:00Z,Ren" + damage + b"e\n" + entry("L101").encode()


ENCODINGS = [
    refused("F37 UTF-16", UTF_16, '…encoding = "utf-16"…'),
    refused(
        "F37 UTF-16, whole message",
        rows(entry("L1")).encode("utf-16"),
        'it is written in UTF-16 | declare encoding = "utf-16" for this input, or export it as UTF-8',
        file="a.csv",
    ),
    loaded("F37 declared UTF-16", UTF_16, ("Łukasz",) * 3, columns="owner", settings={"encoding": "utf-16"}),
    refused(
        "F38 Latin-1",
        LATIN_1,
        "it is not UTF-8 (1 byte), and can be read as Windows-1252 | "
        'write encoding = "cp1252" for this input if names look right with it, or export the file as UTF-8',
    ),
    loaded(
        "F38 declared Latin-1", LATIN_1, ("dana", "Renée", "dana"), columns="owner", settings={"encoding": "latin-1"}
    ),
    *(
        case
        for encoding in ("utf-8", "auto")
        for damage in (b"\xe9", b"\x81")
        for case in (
            loaded(
                f"F38 byte {damage.hex()} in UTF-8, {encoding}",
                with_damage(damage),
                101,
                ((101, "bad_encoding"),),
                settings={"encoding": encoding},
            ),
            refused(
                f"F38 byte {damage.hex()} in 99 characters of UTF-8, {encoding}",
                with_damage(damage).replace("Ł".encode(), b"L", 1),
                "…a part of it is UTF-8, but 1 byte is not…",
            ),
        )
    ),
    loaded(
        "F39 NUL byte",
        rows(entry("L1"), entry("L2", owner="a\0b"), entry("L3")),
        ("L1", "L3"),
        ((2, "nul_byte", "L2,MQL,2026-01-05T14:00:00Z,a\\x00b"),),
    ),
    *(
        loaded(
            f"size and SHA-256 of {encoding} with semicolons",
            SEMICOLONS.encode(encoding),
            (("L1", "Zoë"),),
            file="a.csv",
            columns="lead_id, owner",
            settings={"encoding": encoding, "delimiter": ";"},
            load={
                "sha256": hashlib.sha256(SEMICOLONS.encode(encoding)).hexdigest(),
                "size": len(SEMICOLONS.encode(encoding)),
                "landed": 1,
            },
        )
        for encoding in ("utf-8-sig", "latin-1", "utf-16")
    ),
]
