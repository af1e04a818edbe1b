"""docs/FAULTS.md, rows 76 and 77: JSON lines, where a bad line costs that line, and no value changes on the way."""

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


def landed(folder: Path, content: str | bytes, name: str = "entries.jsonl", **settings: Any) -> Inbox:
    """An inbox whose one file was read: not a line of it is lost."""
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
def test_a_bad_line_is_quarantined_whole(tmp_path: Path, reason: str, bad: str) -> None:
    """F76: With its text, and never as a row of nulls; the lines around it are read."""
    inbox = landed(tmp_path, line("L1") + bad + "\n" + line("L3"))
    assert ["L1", "L3"] == inbox.leads()
    assert [(2, reason, bad.replace("\0", "\\x00"))] == inbox.rejected()


def test_line_ends_in_a_value_stay(tmp_path: Path) -> None:
    """F76: Those of every system, in the first row as in the last."""
    owners = ["a\r\nb", "\r", "\n\r\n"]
    inbox = landed(tmp_path, "".join(line(f"L{number}", owner=owner) for number, owner in enumerate(owners)))
    assert owners == [owner for (owner,) in inbox.rows("select owner from raw.stage_entries order by row_number")]


def test_another_encoding_is_declared(tmp_path: Path) -> None:
    """F76: Undeclared the file is refused, since only the lines with accents would go; declared it is read, as in CSV."""
    content = (line("L1") + '{"lead_id":"L2","stage":"MQL","entered_at":"2026-01-05","owner":"Ren\xe9e"}\n').encode(
        "latin-1"
    )
    assert 'encoding = "cp1252"' in refusal(one_file(tmp_path / "a", content, "entries.jsonl"))
    declared = landed(tmp_path / "b", content, encoding="latin-1")
    assert [(None,), ("Renée",)] == declared.rows("select owner from raw.stage_entries order by row_number")


def test_a_cut_file_loses_its_last_line_only(tmp_path: Path) -> None:
    """F76: Wherever it is cut, the whole lines before are read, and what is left of the last one is kept."""
    content = "".join(line(f"L{number}", owner="Łukasz") for number in range(4)).encode()
    start = content.index(b"\n", content.index(b"L2"))
    for at in range(start + 2, len(content) - 1, 19):
        inbox = landed(tmp_path / str(at), content[:at])
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
def test_a_key_twice_is_quarantined(tmp_path: Path, bad: str) -> None:
    """F77: Neither value is chosen: not in one spelling, nor in two of the same column, nor deeper down."""
    inbox = landed(tmp_path, line("L1") + bad + "\n")
    assert (["L1"], [(2, "duplicate_key", bad)]) == (inbox.leads(), inbox.rejected())


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_json_does_not_know_is_quarantined(tmp_path: Path, word: str) -> None:
    """F77: At the top and inside."""
    rows = [
        f'{{"lead_id":"L2","stage":"MQL","entered_at":"2026-01-05","score":{value}}}' for value in (word, f"[{word}]")
    ]
    inbox = landed(tmp_path, line("L1") + "\n".join(rows))
    assert ["L1"] == inbox.leads()
    assert [(2, "not_json", rows[0]), (3, "not_json", rows[1])] == inbox.rejected()


def test_every_value_is_the_text_that_stood_there(tmp_path: Path) -> None:
    """F77: Digits, big and small numbers, truth, lists, objects, line ends, quotes: nothing is rounded or dropped."""
    written = {
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
        for number, value in enumerate(written.values())
    ]
    inbox = landed(tmp_path, "".join(rows))
    assert [(value,) for value in written] == inbox.rows("select lead_score from raw.stage_entries order by row_number")


def test_numbers_may_be_ids_and_sequences(tmp_path: Path) -> None:
    """F77: An id keeps its digits; a sequence that is no whole number of a sensible size is quarantined."""
    sequences = ["7", '"7"', "7.0", "1e400", '"NaN"', "12345678901234567890", "null"]
    rows = [
        f'{{"lead_id":9007199254740993,"stage":"MQL","entered_at":"2026-01-{day:02}","sequence":{value}}}\n'
        for day, value in enumerate(sequences, start=1)
    ]
    inbox = landed(tmp_path, "".join(rows))
    assert [("9007199254740993", 7)] * 3 + [("9007199254740993", None)] == inbox.rows(
        "select lead_id, sequence from raw.stage_entries order by row_number"
    )
    assert [(4, "unreadable_sequence"), (5, "unreadable_sequence"), (6, "unreadable_sequence")] == [
        row[:2] for row in inbox.rejected()
    ]


def test_keys_bind_like_headers(tmp_path: Path) -> None:
    """By the union of all lines, in any order and spelling; a key that is missing is null, an unknown one is kept."""
    content = (
        '{"Lead ID":"L1","STAGE":"MQL","entered-at":"2026-01-05"}\n'
        '{"entered_at":"2026-01-06","lead_id":"L2","stage":"SAL","owner":"dana","":"x"}\n'
        '{"lead_id":"L3","entered_at":"2026-01-06"}\n'
    )
    inbox = landed(tmp_path, content)
    assert [("L1", None, None), ("L2", "dana", "x")] == inbox.rows(
        "select lead_id, owner, column_5 from raw.stage_entries order by row_number"
    )
    assert [(3, "no_stage", '{"lead_id":"L3","entered_at":"2026-01-06"}')] == inbox.rejected()


def test_a_new_key_is_reported_once_and_the_same_rows_as_csv_are_redelivered(tmp_path: Path) -> None:
    """JSON lines and CSV of one input are one history."""
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
def test_compressed_files_a_bom_and_every_line_end(tmp_path: Path, name: str, end: str) -> None:
    """Read like the plain file; blank lines are counted and no rows."""
    content = ("\ufeff" + (line("L1") + "\n" + line("L2") + "\n\n").replace("\n", end)).encode()
    pack = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}.get(Path(name).suffix, bytes)
    inbox = one_file(tmp_path, pack(content), name)
    (load,) = inbox.land().loads
    assert (["L1", "L2"], 5, 3) == (inbox.leads(), load.lines, load.blank_lines)


def test_skipped_lines_are_skipped(tmp_path: Path) -> None:
    """Also blank ones."""
    inbox = one_file(tmp_path, "made by somebody\n\n" + line("L1"), "a.jsonl", skip_lines=2)
    (load,) = inbox.land().loads
    assert (3, 1, 1, 0) == (load.lines, load.blank_lines, load.landed, load.rejected_rows)


@pytest.mark.parametrize(
    ("content", "said"),
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
def test_what_is_no_file_of_objects_is_refused(tmp_path: Path, content: str, said: str) -> None:
    """With what to do, and without a value of it."""
    told = refusal(one_file(tmp_path, content, "a.jsonl"))
    assert said in told
    assert "L1" not in told


def test_five_hundred_keys_are_fine(tmp_path: Path) -> None:
    """The limit itself is inside."""
    more = {f"k{number}": number for number in range(497)}
    assert ["L1"] == landed(tmp_path, line("L1", **more)).leads()


def test_any_line_reads_as_pythons_own_parser_does() -> None:
    """Of random objects every value comes back; of damaged ones nothing is read that Python would not read."""
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
        for key, given in value.items():
            said = read[key].decode()
            assert given == (said if isinstance(given, str) else json.loads(said or "null"))
        damaged = bytearray(text.encode())
        damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        try:
            json_lines.object_of(bytes(damaged))
        except json_lines.BadLineError:
            continue
        assert isinstance(json.loads(bytes(damaged)), dict)
