"""docs/FAULTS.md, 101: a JSON document is read like JSON lines, and a huge one needs little memory."""

from __future__ import annotations

import gzip
import json
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from delivery import HEADER, Inbox, entry, one_file, refusal

from pipeline.ingest.files import scan
from pipeline.ingest.files.scan import FileScan
from pipeline.ingest.readers import documents
from pipeline.ingest.refusal import FileRefusedError


def element(lead: Any = "L1", entered_at: Any = "2026-01-05T14:00:00Z", **more: Any) -> dict[str, Any]:
    return {"lead_id": lead, "stage": "MQL", "entered_at": entered_at, **more}


def load_document(folder: Path, content: str | bytes, name: str = "entries.json", **settings: Any) -> Inbox:
    """An inbox with one loaded document; every element of it is accounted for."""
    inbox = one_file(folder, content, name, **settings)
    outcome = inbox.land()
    assert () == outcome.refused
    (load,) = outcome.loads
    assert load.rows_read == load.landed + load.rejected_rows + load.redelivered + load.duplicates
    return inbox


def texts(folder: Path, content: bytes) -> list[bytes]:
    path = folder / "a.json"
    path.write_bytes(content)
    return list(documents.elements(FileScan(path, "none", "", len(content), kind="json")))


ROWS = [element("L1"), element("L2", owner='a "b" ]}\\')]


@pytest.mark.parametrize(
    "document",
    [
        ROWS,
        {"results": ROWS},
        {"paging": {"next": [{"a": 1}]}, "ids": [1, 2], "total": 2, "none": None, "results": ROWS, "more": "]["},
        {"errors": [], "results": ROWS, "warnings": [["a"], {"b": 1}]},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["entries.json", "entries.JSON.gz"])
def test_a_document_is_read(tmp_path: Path, document: Any, indent: int | None, name: str) -> None:
    """F101: The rows are an array, or the only array of objects in an object, on one or many lines, compressed or not."""
    content = json.dumps(document, indent=indent).encode()
    inbox = load_document(tmp_path, gzip.compress(content) if name.endswith("gz") else content, name)
    assert [("L1", None), ("L2", 'a "b" ]}\\')] == inbox.rows(
        "select lead_id, owner from raw.stage_entries order by row_number"
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_of_a_document_is_found_or_refused(tmp_path: Path, encoding: str) -> None:
    """F101: A byte order mark is skipped, and another encoding is found or refused as in CSV."""
    content = json.dumps([element(owner="Jürgen")], ensure_ascii=False).encode(encoding)
    assert [("Jürgen",)] == load_document(tmp_path / "a", content, encoding="auto").rows(
        "select owner from raw.stage_entries"
    )
    if encoding == "cp1252":
        assert 'encoding = "cp1252"' in refusal(one_file(tmp_path / "b", content, "entries.json"))


def test_values_keep_their_digits_and_nested_ones_their_json(tmp_path: Path) -> None:
    """F101: Values are read as in JSON lines."""
    content = '[{"lead_id": 00, "stage": "MQL"}, {"lead_id":1.10,"stage":"MQL",'
    content += '"entered_at":"2026-01-05","owner":{"a":[1.0, {"b":null}]}}]'
    inbox = load_document(tmp_path, content)
    assert [("1.10", '{"a":[1.0,{"b":null}]}')] == inbox.rows("select lead_id, owner from raw.stage_entries")
    assert [(1, "not_json", '{"lead_id": 00, "stage": "MQL"}')] == inbox.rejected()


BAD = {
    "duplicate_key": ['{"lead_id":"L2","lead_id":"L3"}', '{"a":[{"b":1,"b":2}]}', '{"stage":"a","Stage":"b"}'],
    "not_json": ['{"a": 1]', '{"a": NaN}', '{"a"  1}', "nul", '{"a": [1,]}'],
    "not_an_object": ["1", '"text, with ]"', "[]", "[[{}]]", "null", "-1.5e3"],
    "nested_too_deep": ['{"a": ' + "[" * 10_000 + "]" * 10_000 + "}", '{"a": ' + '{"a":' * 10_000 + "1" + "}" * 10_001],
    "field_too_long": ['{"lead_id": "' + "x" * 1_000_000 + '"}'],
    "bad_encoding": ['{"lead_id": "L\\ud83d"}'],
}


@pytest.mark.parametrize(("reason", "bad"), [(reason, bad) for reason, each in BAD.items() for bad in each])
def test_a_bad_element_is_rejected_whole(tmp_path: Path, reason: str, bad: str) -> None:
    """F101: The rejected row has its text; other elements are read."""
    first, last = json.dumps(element("L1")), json.dumps(element("L3"))
    inbox = load_document(tmp_path, f"[{first},\n {bad} , {last}]")
    assert ["L1", "L3"] == inbox.leads()
    assert [(2, reason, bad)] == inbox.rejected()


def test_a_row_that_is_rejected_later_keeps_its_original_text(tmp_path: Path) -> None:
    """F101: The text of the element keeps its spaces."""
    bad = '{"lead_id": "L2",  "stage": "MQL",\n "entered_at": "soon"}'
    inbox = load_document(tmp_path, f"[{json.dumps(element('L1'))}, {bad}]")
    assert [(2, "unreadable_time", bad)] == inbox.rejected()


NO_DOCUMENT = [
    "[{}", '[{"a": 1}', '[{"a": "b', '[{"a": "b\\', "[{} {}]", "[{},]", "[,]", "[{}]x", "[{}][]", "{", '{"a"}', '{"a": }',
    '{"a": [{}] "b"}', "{1: 2}", '{"a": [{}],}', '{"a": [{}]}}', "text", '{"a": [{}', "[1", "[:]", "]", "[{}}",
]  # fmt: skip


@pytest.mark.parametrize("content", NO_DOCUMENT)
@pytest.mark.parametrize("chunk", [1, 3, 1 << 20])
def test_invalid_json_is_refused(tmp_path: Path, content: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """F101: The message has the byte of the error, and no value."""
    monkeypatch.setattr(scan, "CHUNK_BYTES", chunk)
    with pytest.raises(FileRefusedError, match=r"it is not a JSON document, or cut short: unexpected byte [0-9,]+"):
        texts(tmp_path, content.encode())


def test_a_truncated_document_is_refused(tmp_path: Path) -> None:
    """F101: Nothing of it is loaded, because the next delivery has everything."""
    content = json.dumps({"total": 2, "results": ROWS})
    for at in range(1, len(content), 11):
        one = one_file(tmp_path / str(at), content[:at], "entries.json")
        assert ((), 1) == (one.land().loads, len(one.land().refused))


def test_the_byte_of_an_error_is_a_position_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F101: The position is the same for any chunks."""
    content = b'[{"a": 1},  {"a": 2} x]'
    for chunk in (1, 2, 5, 1 << 20):
        monkeypatch.setattr(scan, "CHUNK_BYTES", chunk)
        with pytest.raises(FileRefusedError, match=f"unexpected byte {content.index(b'x') + 1}"):
            texts(tmp_path, content)


def test_a_document_without_one_array_of_objects_is_refused(tmp_path: Path) -> None:
    """F101: It has several arrays of objects, none, or an empty one."""
    for number, (content, message) in enumerate(
        (
            ({"leads": ROWS, "deals": ROWS}, "several arrays of objects: `leads`, `deals` | write one of them"),
            ({"a": 1, "b": [1]}, "one object without an array of objects in it | write an array of objects"),
            ({}, "one object without an array of objects in it"),
            ([], "no element of its array is an object with a key in it"),
            ([[1], {}], "no element of its array is an object with a key in it"),
            ({"results": [{}]}, "no element of its array is an object with a key in it"),
            ([{"a": 1}], "missing columns `lead_id`, `stage`, `entered_at`; found `a`"),
            ([{f"k{key}": 1} for key in range(501)], "it has more than 500 different keys"),
        )
    ):
        assert message in refusal(one_file(tmp_path / str(number), json.dumps(content), "entries.json"))
    assert "not even a header" in refusal(one_file(tmp_path / "empty", "", "entries.json"))
    assert "unexpected byte 2" in refusal(one_file(tmp_path / "blank", "\n", "entries.json"))


def test_json_lines_under_the_name_of_a_document_are_read(tmp_path: Path) -> None:
    """F101: Many programs use this name; the first line is a whole object, and another line follows."""
    lines = [json.dumps(element(f"L{number}")) for number in range(3)]
    inbox = load_document(tmp_path / "a", "\n" + "\n".join(lines) + "\nno json\n")
    assert (["L0", "L1", "L2"], [(4, "not_json", "no json")]) == (inbox.leads(), inbox.rejected())
    assert "one object without an array" in refusal(one_file(tmp_path / "b", lines[0] + "\n\n", "entries.json"))
    assert ["L1", "L2"] == load_document(tmp_path / "c", "[\n" + ",\n".join(lines[1:]) + "\n]\n").leads()
    deep = '{"a":' * 100_000
    assert "unexpected byte" in refusal(one_file(tmp_path / "d", f"{deep}\n1\n", "entries.json"))
    long = "x" * (scan.MAX_RECORD_BYTES + 1)
    assert "unexpected byte" in refusal(one_file(tmp_path / "e", f"{long}\n1\n", "entries.json"))


def test_a_csv_is_no_document(tmp_path: Path) -> None:
    """F101: The content decides, not the name."""
    assert "it is not a JSON document" in refusal(one_file(tmp_path, HEADER + entry("L1"), "entries.json"))


@pytest.mark.parametrize("chunk", [1, 2, 7, 64, 1 << 20])
def test_a_random_document_is_split_like_pythons_parser(
    tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F101: The random values have every JSON character in their texts, in any layout."""
    monkeypatch.setattr(scan, "CHUNK_BYTES", chunk)
    generator = random.Random(101)
    signs = '[]{}",:\\\n \u2028é😀x'

    def value(depth: int) -> Any:
        kind = generator.randrange(6 if depth else 4)
        text = "".join(generator.choices(signs, k=generator.randrange(6)))
        if kind == 4:
            return [value(depth - 1) for _ in range(generator.randrange(4))]
        if kind == 5:
            return {f"{text}{n}": value(depth - 1) for n in range(generator.randrange(4))}
        return (None, generator.randrange(-5, 500), text, generator.random() > 0.5)[kind]

    for _ in range(150):
        rows = [value(3) for _ in range(generator.randrange(5))]
        layout = {"indent": generator.choice((None, 1)), "ensure_ascii": generator.random() > 0.5}
        assert rows == [json.loads(text) for text in texts(tmp_path, json.dumps(rows, **layout).encode())]
        rows = [{"row": 1}, *rows]
        document = {"a": value(0), "rows": rows, "z": [value(0)]}
        assert rows == [json.loads(text) for text in texts(tmp_path, json.dumps(document, **layout).encode())]


def giant(path: Path, before: bytes, after: bytes, megabytes: int = 150) -> None:
    with path.open("wb") as file:
        file.write(before)
        for _ in range(megabytes):
            file.write(b"x" * 1_000_000)
        file.write(after)


LINE = json.dumps(element("L1")).encode()


def test_a_huge_value_is_refused_without_filling_the_memory(tmp_path: Path) -> None:
    """F101: The reader stops at 64 MB, in a document as in lines."""
    for number, (name, before, after) in enumerate(
        (
            ("entries.json", b"[" + LINE + b', {"lead_id": "', b'"}]'),
            ("entries.jsonl", LINE + b'\n{"lead_id": "', b'"}\n'),
            ("entries.csv", HEADER.encode() + b'"', b'",MQL,2026-01-05,dana\n'),
        )
    ):
        inbox = one_file(tmp_path / str(number), b"", name)
        giant(inbox.folder / name, before, after)
        tracemalloc.start()
        message = refusal(inbox)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert "64 MB" in message
        assert peak < 250_000_000


def test_a_huge_value_outside_the_rows_is_skipped(tmp_path: Path) -> None:
    """F101: It is skipped in chunks, so it needs no memory."""
    inbox = one_file(tmp_path, b"", "entries.json")
    giant(tmp_path / "entries.json", b'{"blob": "', b'", "results": [' + LINE + b"]}")
    tracemalloc.start()
    inbox.land()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ["L1"] == inbox.leads()
    assert peak < 30_000_000


def test_a_huge_number_or_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F101: No number or literal of JSON has megabytes."""
    monkeypatch.setattr(documents, "MAX_LINE_BYTES", 1_000)
    monkeypatch.setattr(scan, "CHUNK_BYTES", 100)
    with pytest.raises(FileRefusedError, match="unexpected byte"):
        texts(tmp_path, b"[" + b"1" * 5_000 + b"]")
    with pytest.raises(FileRefusedError, match="a value of the JSON document has more than"):
        texts(tmp_path, b'["' + b"1" * 5_000 + b'"]')
