"""docs/FAULTS.md, rows 76 and 77: in JSON lines a bad line is rejected alone, and no value changes."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
import zstandard
from delivery import Inbox, one_file, refusal

from pipeline.ingest.readers import json_lines
from pipeline.ingest.rows.columns import normalise_header


def line(lead: Any = "L1", stage: Any = "MQL", entered_at: Any = "2026-01-05T14:00:00Z", **more: Any) -> str:
    return json.dumps({"lead_id": lead, "stage": stage, "entered_at": entered_at, **more}) + "\n"


def load_lines(folder: Path, content: str | bytes, name: str = "entries.jsonl", **settings: Any) -> Inbox:
    """An inbox with one loaded file; every line of it is accounted for."""
    inbox = one_file(folder, content, name, **settings)
    outcome = inbox.land()
    assert () == outcome.refused
    (load,) = outcome.loads
    assert load.rows_read == load.landed + load.rejected_rows + load.redelivered + load.duplicates
    assert load.lines == load.blank_lines + load.rows_read
    return inbox


BAD = {
    "not_json": [
        '{"lead_id": "L2", "stage": ',
        '{"lead_id": "L2"} {"lead_id": "L3"}',
        "L2,MQL,2026-01-05",
        "   ",
        '{"lead_id": "L2", "stage": "MQL", "entered_at": "2026-01-05",}',
        "{'lead_id': 'L2'}",
        '{"lead_id": "L2", "stage": "M\tQL", "entered_at": "2026-01-05"}',
        '{"lead_id": 00123, "stage": "MQL", "entered_at": "2026-01-05"}',
    ],
    "not_an_object": ["null", "[]", '"L2"', "7", '[{"lead_id": "L2", "stage": "MQL", "entered_at": "2026-01-05"}]'],
    "nul_byte": ['{"lead_id": "L\\u00002"}', '{"lead\\u0000_id": "L2"}', '{"lead_id": "L\x002"}'],
    "bad_encoding": ['{"lead_id": "L\\ud83d"}', '{"\\ud83d": "L2"}', '{"a": ["\\ud83d"]}'],
    "field_too_long": ['{"lead_id": "' + "x" * 1_000_000 + '"}'],
    "nested_too_deep": ['{"a": ' + "[" * 51 + "]" * 51 + "}", '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"],
}


@pytest.mark.parametrize(("reason", "bad"), [(reason, bad) for reason, lines in BAD.items() for bad in lines])
def test_a_bad_line_is_rejected_whole(tmp_path: Path, reason: str, bad: str) -> None:
    """F76: It is rejected with its text, not read as a row of nulls; other lines are read."""
    inbox = load_lines(tmp_path, line("L1") + bad + "\n" + line("L3"))
    assert ["L1", "L3"] == inbox.leads()
    assert [(2, reason, bad.replace("\0", "\\x00"))] == inbox.rejected()


def test_line_ends_in_a_value_stay(tmp_path: Path) -> None:
    """F76: The line ends of every system stay, in the first row and in the last."""
    owners = ["a\r\nb", "\r", "\n\r\n"]
    inbox = load_lines(tmp_path, "".join(line(f"L{number}", owner=owner) for number, owner in enumerate(owners)))
    assert owners == [owner for (owner,) in inbox.rows("select owner from raw.stage_entries order by row_number")]


def test_another_encoding_must_be_declared(tmp_path: Path) -> None:
    """F76: Without a declared encoding the file is refused, because only lines with accents would be lost."""
    content = (line("L1") + '{"lead_id":"L2","stage":"MQL","entered_at":"2026-01-05","owner":"Ren\xe9e"}\n').encode(
        "latin-1"
    )
    assert 'encoding = "cp1252"' in refusal(one_file(tmp_path / "a", content, "entries.jsonl"))
    declared = load_lines(tmp_path / "b", content, encoding="latin-1")
    assert [(None,), ("Renée",)] == declared.rows("select owner from raw.stage_entries order by row_number")


def test_a_truncated_file_rejects_its_last_line_only(tmp_path: Path) -> None:
    """F76: The complete lines are read, and the rest of the last one is stored as rejected."""
    content = "".join(line(f"L{number}", owner="Łukasz") for number in range(4)).encode()
    start = content.index(b"\n", content.index(b"L2"))
    for at in range(start + 2, len(content) - 1, 19):
        inbox = load_lines(tmp_path / str(at), content[:at])
        assert ["L0", "L1", "L2"] == inbox.leads()
        assert [4] == [row[0] for row in inbox.rejected()]


@pytest.mark.parametrize(
    "bad",
    [
        '{"lead_id":"L2","stage":"MQL","stage":"SAL","entered_at":"2026-01-05"}',
        '{"lead_id":"L2","stage":"MQL","Stage":"SAL","entered_at":"2026-01-05"}',
        '{"lead_id":"L2","stage":"MQL","entered_at":"2026-01-05","more":[{"a":1,"a":1}]}',
    ],
)
def test_a_repeated_key_rejects_the_line(tmp_path: Path, bad: str) -> None:
    """F77: No value is chosen, whether the key is repeated, spelled differently or nested."""
    inbox = load_lines(tmp_path, line("L1") + bad + "\n")
    assert (["L1"], [(2, "duplicate_key", bad)]) == (inbox.leads(), inbox.rejected())


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_value_that_is_no_json_rejects_the_line(tmp_path: Path, word: str) -> None:
    """F77: The line is rejected for a top-level and for a nested value."""
    rows = [
        f'{{"lead_id":"L2","stage":"MQL","entered_at":"2026-01-05","score":{value}}}' for value in (word, f"[{word}]")
    ]
    inbox = load_lines(tmp_path, line("L1") + "\n".join(rows))
    assert ["L1"] == inbox.leads()
    assert [(2, "not_json", rows[0]), (3, "not_json", rows[1])] == inbox.rejected()


def test_every_value_keeps_its_text(tmp_path: Path) -> None:
    """F77: Digits, large and small numbers, booleans, lists, objects, line ends and quotes are unchanged."""
    values_by_name = {
        "00123": '"00123"',
        "12345678901234567890123": "12345678901234567890123",
        "1e400": "1e400",
        "0.10": "0.10",
        "-0": "-0",
        "true": "true",
        '[1.50,"a",null,{"b":1E2}]': '[1.50, "a", null, {"b": 1E2}]',
        '{"é":"\\"\\n"}': '{"\\u00e9": "\\"\\n"}',
        'a\nb\r\nc\rd "x", y': '"a\\nb\\r\\nc\\rd \\"x\\", y"',
        "😀": '"\\ud83d\\ude00"',
        None: "null",
    }
    rows = [
        f'{{"lead_id":"L{number}","stage":"MQL","entered_at":"2026-01-05","Lead Score":{value}}}\n'
        for number, value in enumerate(values_by_name.values())
    ]
    inbox = load_lines(tmp_path, "".join(rows))
    assert [(value,) for value in values_by_name] == inbox.rows(
        "select lead_score from raw.stage_entries order by row_number"
    )


def test_numbers_may_be_ids_and_sequences(tmp_path: Path) -> None:
    """F77: An id keeps its digits; a sequence that is no whole number, or too large, is rejected."""
    sequences = ["7", '"7"', "7.0", "1e400", '"NaN"', "12345678901234567890", "null"]
    rows = [
        f'{{"lead_id":9007199254740993,"stage":"MQL","entered_at":"2026-01-{day:02}","sequence":{value}}}\n'
        for day, value in enumerate(sequences, start=1)
    ]
    inbox = load_lines(tmp_path, "".join(rows))
    assert [("9007199254740993", 7)] * 3 + [("9007199254740993", None)] == inbox.rows(
        "select lead_id, sequence from raw.stage_entries order by row_number"
    )
    assert [(4, "unreadable_sequence"), (5, "unreadable_sequence"), (6, "unreadable_sequence")] == [
        row[:2] for row in inbox.rejected()
    ]


def test_keys_bind_like_headers(tmp_path: Path) -> None:
    """The union of all lines binds, in any order and spelling; a missing key is null, an unknown one is kept."""
    content = (
        '{"Lead ID":"L1","STAGE":"MQL","entered-at":"2026-01-05"}\n'
        '{"entered_at":"2026-01-06","lead_id":"L2","stage":"SAL","owner":"dana","":"x"}\n'
        '{"lead_id":"L3","entered_at":"2026-01-06"}\n'
    )
    inbox = load_lines(tmp_path, content)
    assert [("L1", None, None), ("L2", "dana", "x")] == inbox.rows(
        "select lead_id, owner, column_5 from raw.stage_entries order by row_number"
    )
    assert [(3, "no_stage", '{"lead_id":"L3","entered_at":"2026-01-06"}')] == inbox.rejected()


def test_a_new_key_is_reported_once_and_the_same_rows_as_csv_are_redelivered(tmp_path: Path) -> None:
    """JSON lines and CSV of one input form one history."""
    inbox = one_file(tmp_path, "lead_id,stage,entered_at,owner\nL1,MQL,2026-01-05,dana\n", "a.csv")
    inbox.inputs = ()
    inbox.reads("*")
    inbox.land()
    inbox.put("b.jsonl", line("L1", entered_at="2026-01-05", owner="dana") + line("L2", Score=7))
    (load,) = inbox.land().loads
    assert (1, 1) == (load.redelivered, load.landed)
    assert any("new columns, kept as they are: score" in warning for warning in load.warnings)


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.NDJSON.zst", "a.ndjson"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_compression_a_bom_and_line_ends_change_no_row(tmp_path: Path, name: str, end: str) -> None:
    """Such a file gives the rows of the plain one; blank lines are counted and are no rows."""
    content = ("\ufeff" + (line("L1") + "\n" + line("L2") + "\n\n").replace("\n", end)).encode()
    pack = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}.get(Path(name).suffix, bytes)
    inbox = one_file(tmp_path, pack(content), name)
    (load,) = inbox.land().loads
    assert (["L1", "L2"], 5, 3) == (inbox.leads(), load.lines, load.blank_lines)


def test_skip_lines_counts_blank_lines_too(tmp_path: Path) -> None:
    """Blank lines among the first lines count as skipped."""
    inbox = one_file(tmp_path, "made by somebody\n\n" + line("L1"), "a.jsonl", skip_lines=2)
    (load,) = inbox.land().loads
    assert (3, 1, 1, 0) == (load.lines, load.blank_lines, load.landed, load.rejected_rows)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (
            '{"lead_id":"L1","Status":"MQL","entered_at":"2026-01-05"}\n',
            "missing columns `stage`; found `lead_id`, `Status`",
        ),
        ('[\n{"lead_id":"L1"},\n{"lead_id":"L2"},\n]\n', "no line of it is a JSON object"),
        ("{}\n\n", "no line of it is a JSON object"),
        ("", "empty"),
        ("".join(f'{{"L{number}":1}}\n' for number in range(501)), "more than 500 different keys"),
        ('{"L1":{"a":1}}\n{"L2":{"a":1}}\n', "2 fields that look like values"),
    ],
)
def test_a_file_without_objects_is_refused(tmp_path: Path, content: str, text: str) -> None:
    """The message has the next step and no value."""
    message = refusal(one_file(tmp_path, content, "a.jsonl"))
    assert text in message
    assert "L1" not in message


def test_five_hundred_keys_are_read(tmp_path: Path) -> None:
    """A file with as many keys as the limit is read."""
    more = {f"k{number}": number for number in range(497)}
    assert ["L1"] == load_lines(tmp_path, line("L1", **more)).leads()


def test_a_random_line_is_read_like_pythons_parser() -> None:
    """Every value of a random object is equal; of a damaged one nothing is read that Python would not read."""
    generator = random.Random(76)
    letters = 'ab"\\\n\u2028é😀{}[],: 1e-+.'
    for _ in range(400):
        value = {
            "".join(generator.choice(letters) for _ in range(4)): generator.choice(
                [
                    "".join(generator.choice(letters) for _ in range(6)),
                    generator.randrange(10**20),
                    None,
                    [1, {"x": "é"}],
                ]
            )
            for _ in range(3)
        }
        text = json.dumps(value, ensure_ascii=generator.random() < 0.5)
        if len({normalise_header(key) or key for key in value}) < len(value):
            continue
        read = json_lines.object_of(text.encode())
        for key, expected in value.items():
            value_text = read[key].decode()
            assert expected == (value_text if isinstance(expected, str) else json.loads(value_text or "null"))
        damaged = bytearray(text.encode())
        damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        try:
            json_lines.object_of(bytes(damaged))
        except json_lines.BadLineError:
            continue
        assert isinstance(json.loads(bytes(damaged)), dict)
