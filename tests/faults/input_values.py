"""Values of an input file: ids, nulls, times, stages, and the types of Parquet."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from tests.delivery import entry
from tests.faults.input_files import JANUARY_5, NEW_YORK, at, loaded, refused, rows

TEXTS = [
    loaded("F55 leading zeros and an exponent in ids", rows(entry("0017"), entry("1e5")), ("0017", "1e5")),
    loaded(
        "F56 configured nulls",
        rows(entry("L1", owner="N/A"), entry("NULL"), entry("L3", owner=""), entry("L4", owner="NULL")),
        (("L1", None), ("L3", None), ("L4", None)),
        ((2, "no_lead", "NULL,MQL,2026-01-05T14:00:00Z,dana"),),
        columns="lead_id, owner",
        settings={"null_values": ("", "NULL", "N/A")},
    ),
    loaded("F71 no lead, or spaces", rows(entry(""), entry("  "), entry("L3")), ("L3",), {"no_lead": 2}),
    loaded(
        "F65 spellings of a stage",
        rows(
            *(
                entry(f"L{number}", stage)
                for number, stage in enumerate(["mql ", "M\u200bQL", "marketing\u00a0 Qualified", "ACCEPTED\tLEAD"])
            )
        ),
        ("mql", "mql", "marketing qualified", "accepted lead"),
        columns="stage_alias",
        warnings=("…3 rows spell a stage…",),
    ),
]
DAY_FIRST = at("03/04/2026", "25/04/2026")
TIMES = [
    loaded(
        "F57 day first, declared",
        DAY_FIRST,
        (datetime(2026, 4, 3), datetime(2026, 4, 25)),
        columns="entered_at",
        settings={"time_format": "%d/%m/%Y"},
    ),
    loaded("F57 month first, declared", DAY_FIRST, 1, {"unreadable_time": 1}, settings={"time_format": "%m/%d/%Y"}),
    loaded("F57 no format declared", DAY_FIRST, 0, {"unreadable_time": 2}),
    loaded(
        "F57 local and UTC formats in one list",
        at("05.01.2026 14:00", "1767625200"),
        (("L1", datetime(2026, 1, 5, 13)), ("L2", datetime(2026, 1, 5, 15))),
        {},
        columns="lead_id, entered_at",
        settings={"timezone": "Europe/Berlin", "time_format": ("%d.%m.%Y %H:%M", "epoch_s")},
        load={"landed": 2},
    ),
    loaded(
        "F58 offset",
        at("2026-01-05T14:00:00+05:30"),
        (datetime(2026, 1, 5, 8, 30),),
        columns="entered_at",
        settings=NEW_YORK,
    ),
    loaded(
        "F59 local time",
        at("2026-07-05 14:00"),
        (datetime(2026, 7, 5, 18),),
        columns="entered_at",
        settings=NEW_YORK,
        load=NEW_YORK,
    ),
    loaded(
        "F60 gap and overlap of a clock change",
        at("2026-03-08 02:30", "2026-11-01 01:30"),
        ((datetime(2026, 3, 8, 7), "gap"), (datetime(2026, 11, 1, 5, 30), "overlap")),
        columns="entered_at, time_note",
        settings=NEW_YORK,
        load={"gaps": 1, "overlaps": 1},
    ),
    *(
        case
        for text, time_format in (
            ("1767621600", "epoch_s"),
            ("1767621600000", "epoch_ms"),
            ("46027.5833333333", "excel"),
        )
        for case in (
            loaded(f"F61 undeclared {time_format}", at(text), 0, {"unreadable_time": 1}),
            loaded(
                f"F61 declared {time_format}",
                at(text),
                (JANUARY_5,),
                columns="entered_at",
                settings={"time_format": time_format},
            ),
        )
    ),
    loaded(
        "F61 seconds and milliseconds in one file",
        at("1767625200", "1767625200000"),
        (datetime(2026, 1, 5, 15),) * 2,
        columns="entered_at",
        settings={"time_format": ("epoch_s", "epoch_ms")},
    ),
    loaded(
        "F62 years out of range",
        at("0026-01-01", "9999-12-31", "0001-01-01", "1999-12-31T23:59:59Z", "2000-01-01", "infinity", "2100-01-01"),
        ("L5",),
        {"time_out_of_range": 5, "unreadable_time": 1},
    ),
    loaded(
        "F63 times after as-of",
        at("2026-05-01", "2027-03-31T00:00:00Z", "2028-01-01"),
        (("L1", None), ("L2", None), ("L3", "L3,MQL,2028-01-01,dana")),
        columns="lead_id, original",
        as_of=datetime(2026, 4, 1, tzinfo=UTC),
    ),
]


def parquet(query: str, compression: str = "snappy") -> bytes:
    """The rows of a query as a Parquet file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.parquet"
        duckdb.execute(f"copy ({query}) to '{path}' (format parquet, compression {compression})")
        return path.read_bytes()


def parquet_with_time(value: str) -> bytes:
    """A Parquet file with one row of this time."""
    return parquet(f"select 'L1' as lead_id, 'MQL' as stage, {value} as entered_at")


def parquet_with_ids(kind: str) -> bytes:
    """A Parquet file whose ids are numbers of this type."""
    ids = f"(values (123::{kind}), ('nan'::{kind}), (0.5::{kind})) as ids (lead_id)"
    return parquet(f"select lead_id, 'MQL' as stage, '2026-01-05' as entered_at from {ids}")


WHOLE = parquet(
    "select 'L' || range as lead_id, 'MQL' as stage, timestamp '2026-01-05 14:00:00' as entered_at from range(3000)"
)
HASHED = parquet(
    "select 'L' || hash(range) as lead_id, 'MQL' as stage, '2026-01-05' as entered_at from range(5000)", "zstd"
)
PARQUET = [
    refused("F73 Parquet cut short", WHOLE[: len(WHOLE) // 2], "…Parquet…", file="a.parquet"),
    refused(
        "F73 Parquet with a damaged footer",
        WHOLE[:-8] + b"\xff\xff\xff\x7f" + WHOLE[-4:],
        "…Parquet…",
        file="a.parquet",
    ),
    refused("F73 text named parquet", b"lead_id,stage\n", "…Parquet…", file="a.parquet"),
    refused(
        "Parquet with a damaged page that has no checksum",
        HASHED[:400] + bytes(100) + HASHED[500:],
        "the Parquet file is damaged or cut short | export or upload it again",
        file="a.parquet",
    ),
    refused(
        "Parquet without a column",
        parquet("select 'L1' as lead_id, 'MQL' as stage"),
        "…missing columns `entered_at`; found `lead_id`, `stage`…",
        hidden=("header line",),
        file="a.parquet",
    ),
    loaded(
        "Parquet and a declared encoding",
        parquet_with_time("'2026-01-05'"),
        ("L1",),
        file="a.parquet",
        settings={"encoding": "latin-1"},
    ),
    *(
        loaded(
            f"F75 {value}",
            parquet_with_time(value),
            (expected,),
            file="a.parquet",
            columns="entered_at",
            settings={"time_format": "%d.%m.%Y %H:%M"},
        )
        for value, expected in (
            ("timestamp '2026-01-05 14:00:00'", JANUARY_5),
            ("timestamptz '2026-01-05 14:00:00+02'", datetime(2026, 1, 5, 12)),
            ("date '2026-01-05'", datetime(2026, 1, 5)),
            ("'05.01.2026 14:00'", JANUARY_5),
        )
    ),
    *(
        loaded(f"F75 ids of type {kind}", parquet_with_ids(kind), ("123", "0.5"), ((2, "no_lead"),), file="a.parquet")
        for kind in ("double", "float")
    ),
]
