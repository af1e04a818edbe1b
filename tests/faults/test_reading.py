"""docs/FAULTS.md, the rows about reading: what each file does to a run, and that nothing else of it is lost."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import zstandard
from delivery import CLOCK, HEADER, Inbox, entry, one_file, refusal

GOOD = HEADER + entry("L1") + entry("L2", "SAL") + entry("L3")


def test_f21_an_empty_file_is_refused(tmp_path: Path) -> None:
    """0 bytes are no export."""
    assert "empty" in refusal(one_file(tmp_path, b""))


def test_f22_a_header_alone_is_a_load_without_rows(tmp_path: Path) -> None:
    """Accepted, 0 rows, with and without a line end."""
    for number, content in enumerate((HEADER, HEADER.rstrip("\n"))):
        (load,) = one_file(tmp_path / str(number), content).land().loads
        assert (0, 0, 1) == (load.rows_read, load.landed, load.lines)


def test_f26_a_file_delivered_twice_adds_nothing(tmp_path: Path) -> None:
    """The second run notes the file and makes no load."""
    inbox = one_file(tmp_path, GOOD)
    inbox.land()
    again = inbox.land()
    assert ((), 1, 3) == (again.loads, len(again.already_loaded), len(inbox.leads()))
    assert any("0 new rows" in line for line in inbox.said)


def test_f27_the_same_content_by_another_name_adds_nothing(tmp_path: Path) -> None:
    """Content decides, not the name."""
    inbox = one_file(tmp_path, GOOD, "a.csv")
    inbox.inputs = ()
    inbox.reads("*.csv")
    inbox.land()
    inbox.put("b.csv", GOOD)
    again = inbox.land()
    assert ((), 2, 3) == (again.loads, len(again.already_loaded), len(inbox.leads()))


def test_f28_the_same_name_with_other_content_is_a_new_load(tmp_path: Path) -> None:
    """What is new in it comes in, the rest is redelivered."""
    inbox = one_file(tmp_path, GOOD)
    inbox.land()
    inbox.put("entries.csv", GOOD + entry("L4"))
    (load,) = inbox.land().loads
    assert (2, 4, 3, 1) == (load.load_no, load.rows_read, load.redelivered, load.landed)


def test_f29_overlapping_exports_bring_only_new_rows(tmp_path: Path) -> None:
    """Two exports of overlapping days."""
    inbox = one_file(tmp_path, GOOD, "day1.csv")
    inbox.inputs = ()
    inbox.reads("day*.csv")
    inbox.put("day2.csv", HEADER + entry("L3") + entry("L4"))
    first, second = inbox.land().loads
    assert (3, 1, 1) == (first.landed, second.redelivered, second.landed)
    assert ["L1", "L2", "L3", "L4"] == inbox.leads()


def test_f30_a_backdated_entry_is_landed_with_the_time_it_was_recorded(tmp_path: Path) -> None:
    """Late rows come in; recorded_at says when."""
    inbox = one_file(tmp_path, GOOD, "a.csv")
    inbox.inputs = ()
    inbox.reads("*.csv")
    inbox.land()
    inbox.put("b.csv", HEADER + entry("L9", entered_at="2025-01-01T00:00:00Z"))
    later = CLOCK + timedelta(days=1)
    inbox.land(clock=later)
    expected = [("L9", datetime(2025, 1, 1), later.replace(tzinfo=None))]
    assert expected == inbox.rows("select lead_id, entered_at, recorded_at from raw.stage_entries where load_no = 2")


def test_f31_a_growing_file_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that changes while it is read is left for the next run, with a warning, and nothing of it is kept."""
    from pipeline.ingest.files import formats

    inbox = one_file(tmp_path, GOOD)
    look_at = formats.scan_file

    def grows(path: Path, *arguments: object) -> object:
        found = look_at(path, *arguments)  # type: ignore[arg-type]
        with path.open("a") as file:
            file.write(entry("L4"))
        return found

    monkeypatch.setattr(formats, "scan_file", grows)
    landed = inbox.land()
    assert ((), ()) == (landed.loads, landed.refused)
    assert "still being written" in landed.warnings[0]
    monkeypatch.setattr(formats, "scan_file", look_at)
    assert 4 == inbox.land().loads[0].landed


def test_f32_a_truncated_gz_is_refused(tmp_path: Path) -> None:
    """Before anything of it lands."""
    assert "cut short" in refusal(one_file(tmp_path, gzip.compress(GOOD.encode() * 500)[:-12], "a.csv.gz"))


def test_f33_a_gz_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    """The CRC is checked."""
    content = bytearray(gzip.compress(GOOD.encode()))
    content[-6] ^= 1
    assert "damaged" in refusal(one_file(tmp_path, bytes(content), "a.csv.gz"))


def test_f34_a_truncated_zst_is_refused(tmp_path: Path) -> None:
    """Though the library reads it without a word."""
    content = zstandard.ZstdCompressor().compress(GOOD.encode() * 500)
    assert "cut short" in refusal(one_file(tmp_path, content[:-3], "a.csv.zst"))


def test_f35_plain_text_named_gz_is_refused(tmp_path: Path) -> None:
    """The magic bytes decide."""
    assert "named .gz" in refusal(one_file(tmp_path, GOOD, "a.csv.gz"))


def test_f36_a_web_page_is_refused(tmp_path: Path) -> None:
    """A login page saved as CSV."""
    page = "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n"
    said = refusal(one_file(tmp_path, page))
    assert "missing columns" in said
    assert "web page" in said


def test_f37_utf_16_is_refused_or_read_when_declared(tmp_path: Path) -> None:
    """With a hint how to declare it."""
    content = GOOD.replace("dana", "Łukasz").encode("utf-16")
    assert 'encoding = "utf-16"' in refusal(one_file(tmp_path / "a", content))
    inbox = one_file(tmp_path / "b", content, encoding="utf-16")
    assert 3 == inbox.land().loads[0].landed
    assert [("Łukasz",)] == inbox.rows("select distinct owner from raw.stage_entries")


def test_f38_one_latin_1_byte(tmp_path: Path) -> None:
    """Undeclared the file is refused with the line to write, declared it is read."""
    content = (HEADER + entry("L1") + entry("L2", owner="Ren\xe9e") + entry("L3")).encode("latin-1")
    assert (
        "it is not UTF-8 (1 byte), and can be read as Windows-1252 | "
        'write encoding = "cp1252" for this input if names look right with it, or export the file as UTF-8'
    ) == refusal(one_file(tmp_path / "a", content))
    inbox = one_file(tmp_path / "b", content, encoding="latin-1")
    inbox.land()
    assert [("Renée",)] == inbox.rows("select owner from raw.stage_entries where lead_id = 'L2'")


@pytest.mark.parametrize("encoding", ["utf-8", "auto"])
@pytest.mark.parametrize("bad", [b"\xe9", b"\x81"])
def test_f38_a_damaged_byte_in_utf_8_costs_one_line(tmp_path: Path, bad: bytes, encoding: str) -> None:
    """Where a hundred characters beyond ASCII are well-formed, the one that is not is damage: its line is quarantined."""
    rows = "".join(entry(f"L{number}", owner="Łukasz") for number in range(100))
    content = (HEADER + rows).encode() + b"L100,MQL,2026-01-05T14:00:00Z,Ren" + bad + b"e\n" + entry("L101").encode()
    inbox = one_file(tmp_path, content, encoding=encoding)
    inbox.land()
    assert (101, [101]) == (len(inbox.leads()), [row[0] for row in inbox.rejected() if row[1] == "bad_encoding"])
    fewer = content.replace("Ł".encode(), b"L", 1)
    assert "a part of it is UTF-8, but 1 byte is not" in refusal(one_file(tmp_path / "b", fewer))


def test_f39_a_nul_byte_costs_one_line(tmp_path: Path) -> None:
    """The line is kept whole, the NUL made visible."""
    inbox = one_file(tmp_path, HEADER + entry("L1") + entry("L2", owner="a\0b") + entry("L3"))
    inbox.land()
    assert ["L1", "L3"] == inbox.leads()
    assert [(2, "nul_byte", "L2,MQL,2026-01-05T14:00:00Z,a\\x00b")] == inbox.rejected()


@pytest.mark.parametrize("ends", [["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"]])
def test_f40_every_line_end_and_a_bom_are_accepted(tmp_path: Path, ends: list[str]) -> None:
    """LF, CRLF, CR, and all of them in one file."""
    lines = GOOD.splitlines()
    content = "".join(line + ends[number % len(ends)] for number, line in enumerate(lines))
    inbox = one_file(tmp_path, "\ufeff" + content)
    (load,) = inbox.land().loads
    assert (4, 3, 3) == (load.lines, load.rows_read, load.landed)
    assert [("L1", "MQL", "dana"), ("L2", "SAL", "dana"), ("L3", "MQL", "dana")] == inbox.rows(
        "select lead_id, stage, owner from raw.stage_entries order by row_number"
    )


def test_f41_a_newline_in_quotes_is_one_row(tmp_path: Path) -> None:
    """Also a blank line, a delimiter and doubled quotes in it; the lines add up."""
    inbox = one_file(tmp_path, HEADER + entry("L1", owner='"a\n\n""b"", c"') + entry("L2"))
    (load,) = inbox.land().loads
    assert (5, 2, 2, 2) == (load.lines, load.embedded_newlines, load.rows_read, load.landed)
    assert [('a\n\n"b", c',), ("dana",)] == inbox.rows("select owner from raw.stage_entries order by row_number")


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n\r\n\r"])
def test_f41_a_line_end_of_another_system_in_quotes_is_one_row(tmp_path: Path, end: str) -> None:
    """A note typed under Windows in the first row of an export from Unix; the row that is set aside has it too."""
    rows = entry("L1", owner=f'"a{end}b"'), entry("", owner=f'"c{end}d"'), entry("L3")
    inbox = one_file(tmp_path, HEADER + "".join(rows))
    (load,) = inbox.land().loads
    assert (3, 1, 2) == (load.rows_read, load.rejected_rows, load.landed)
    assert [(f"a{end}b",), ("dana",)] == inbox.rows("select owner from raw.stage_entries order by row_number")
    assert [(2, rows[1].removesuffix("\n"))] == [(number, original) for number, _, original in inbox.rejected()]


def test_f42_an_unclosed_quote_costs_at_most_two_lines(tmp_path: Path) -> None:
    """Everything after it is read."""
    rows = [entry(f"L{number}") for number in range(5000)]
    rows[2000] = entry("L2000", owner='"dana')
    inbox = one_file(tmp_path, HEADER + "".join(rows))
    (load,) = inbox.land().loads
    assert (5000, 1, 4999) == (load.rows_read, load.rejected_rows, load.landed)
    assert [(2001, "unclosed_quote", 'L2000,MQL,2026-01-05T14:00:00Z,"dana')] == inbox.rejected()


def test_f42_two_stray_quotes_that_pair_up_do_not_swallow_lines(tmp_path: Path) -> None:
    """A quote in one line and another in a later one would make one value of all between them."""
    rows = [entry(f"L{number}") for number in range(20)]
    rows[3] = entry("L3", owner='"dana')
    rows[9] = entry("L9", owner='dana"')
    inbox = one_file(tmp_path, HEADER + "".join(rows))
    inbox.land()
    assert [(4, "unclosed_quote")] == [row[:2] for row in inbox.rejected()]
    assert 19 == len(inbox.leads())


def test_f43_wrong_field_counts_are_quarantined(tmp_path: Path) -> None:
    """Too few, too many, and one empty field too many, which DuckDB would take without a word."""
    content = HEADER + entry("L1") + "L2,MQL\n" + entry("L3", owner="a,b") + entry("L4", owner="dana,") + entry("L5")
    for number, text in enumerate((content, content + entry("L6", owner='"x, y"'))):
        inbox = one_file(tmp_path / str(number), text)
        (load,) = inbox.land().loads
        assert {"too_few_fields": 1, "too_many_fields": 2} == load.rejected
        assert ["L1", "L5", "L6"][: 2 + number] == inbox.leads()


@pytest.mark.parametrize("quote", ["", '"'])
def test_f43_a_trailing_delimiter_alone_is_noticed(tmp_path: Path, quote: str) -> None:
    """In a file with and without quotes, where nothing else is wrong."""
    inbox = one_file(
        tmp_path, HEADER + entry("L1", owner=f"{quote}dana{quote},") + entry("L2", owner=f"{quote}x{quote}")
    )
    assert {"too_many_fields": 1} == inbox.land().loads[0].rejected


def test_f44_a_footer_is_quarantined(tmp_path: Path) -> None:
    """ "Grand total" is no lead."""
    inbox = one_file(tmp_path, GOOD + "\nGrand total,3\n")
    (load,) = inbox.land().loads
    assert (6, 1, 4, 3) == (load.lines, load.blank_lines, load.rows_read, load.landed)
    assert [(4, "too_few_fields", "Grand total,3")] == inbox.rejected()


def test_f45_a_preamble_is_refused_unless_skipped(tmp_path: Path) -> None:
    """The hint says how many lines to skip."""
    content = "Report: stage history\n\n" + GOOD
    assert "skip_lines = 2" in refusal(one_file(tmp_path / "a", content))
    (load,) = one_file(tmp_path / "b", content, skip_lines=2).land().loads
    assert (6, 3, 1) == (load.lines, load.landed, load.blank_lines)


def test_f46_a_file_without_a_header_is_refused(tmp_path: Path) -> None:
    """And its first row, which is data, is not printed."""
    said = refusal(one_file(tmp_path, entry("L1") + entry("L2")))
    assert "missing columns" in said
    assert "L1" not in said
    assert "dana" not in said


def test_f47_a_repeated_header_is_refused(tmp_path: Path) -> None:
    """Two columns of one name, whatever the case."""
    said = refusal(one_file(tmp_path, "lead_id,stage,entered_at,Stage\nL1,MQL,2026-01-05,SAL\n"))
    assert "twice: `Stage`" in said


def test_f48_a_missing_column_is_refused_and_the_found_ones_listed(tmp_path: Path) -> None:
    """So that the user sees what to map."""
    said = refusal(one_file(tmp_path, "lead_id,Status,entered_at\nL1,MQL,2026-01-05\n"))
    assert "missing columns `stage`; found `lead_id`, `Status`, `entered_at`" in said


@pytest.mark.parametrize(
    ("header", "columns", "expected"),
    [
        (
            "LeadId,Stage,Edit Date",
            {"lead_id": "Lead ID", "entered_at": "Edit Date"},
            "missing columns `lead_id`; columns maps lead_id to `Lead ID`, which is no header of the file; "
            "found `LeadId`, `Stage`, `Edit Date` | "
            'write columns = { lead_id = "LeadId", entered_at = "Edit Date" }',
        ),
        (
            "Lead Id,Stage,Changed on",
            {"entered_at": "Edit Date"},
            "missing columns `entered_at`; columns maps entered_at to `Edit Date`, which is no header of the file; "
            "found `Lead Id`, `Stage`, `Changed on` | "
            'give the file a header line, or map its names: columns = { entered_at = "their name" }',
        ),
        (
            "LeadId,Stage,entered_at",
            {},
            'missing columns `lead_id`; found `LeadId`, `Stage`, `entered_at` | write columns = { lead_id = "LeadId" }',
        ),
        (
            "LeadId,Stage,When",
            {},
            "missing columns `lead_id`, `entered_at`; found `LeadId`, `Stage`, `When` | "
            'give the file a header line, or map its names: columns = { lead_id = "LeadId", entered_at = "their name" }',
        ),
    ],
)
def test_f48_a_mapped_column_that_is_missing_names_the_mapping(
    tmp_path: Path, header: str, columns: dict[str, str], expected: str
) -> None:
    """The nearest header is offered in a line to paste, beside the mappings that hold."""
    said = refusal(one_file(tmp_path, f"{header}\nL1,MQL,2026-01-05\n", columns=columns))
    assert said.endswith(expected)


def test_f49_a_new_column_is_kept_and_told_once(tmp_path: Path) -> None:
    """Rows of before have none of it."""
    inbox = one_file(tmp_path, GOOD, "a.csv")
    inbox.inputs = ()
    inbox.reads("*.csv")
    inbox.land()
    for name, lead in (("b.csv", "L8"), ("c.csv", "L9")):
        inbox.put(name, "lead_id,stage,entered_at,owner,Lead Score\n" + f"{lead},MQL,2026-01-06,dana,7\n")
    first, second = inbox.land().loads
    assert any("lead_score" in warning for warning in first.warnings)
    assert not any("lead_score" in warning for warning in second.warnings)
    assert [("L1", None), ("L2", None), ("L3", None), ("L8", "7"), ("L9", "7")] == inbox.rows(
        "select lead_id, lead_score from raw.stage_entries order by lead_id"
    )


def test_f50_reordered_columns_bind_by_name(tmp_path: Path) -> None:
    """Even between two files of one input."""
    inbox = one_file(tmp_path, GOOD, "a.csv")
    inbox.inputs = ()
    inbox.reads("*.csv")
    inbox.put("b.csv", "owner,entered_at,lead_id,stage\ndana,2026-01-05T14:00:00Z,L1,MQL\nfinn,2026-01-06,L4,SAL\n")
    _, second = inbox.land().loads
    assert (1, 1) == (second.redelivered, second.landed)


def test_f51_header_spelling_does_not_matter(tmp_path: Path) -> None:
    """Case, spaces, underscores."""
    inbox = one_file(tmp_path, GOOD.replace(HEADER, ' Lead Id ,"STAGE",Entered-At,owner\n'))
    assert 3 == inbox.land().loads[0].landed


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_f52_another_delimiter_is_refused_with_a_hint_or_declared(tmp_path: Path, delimiter: str) -> None:
    """The hint can be pasted."""
    content = GOOD.replace(",", delimiter)
    shown = delimiter.replace("\t", "\\t")
    assert f'delimiter = "{shown}"' in refusal(one_file(tmp_path / "a", content))
    assert 3 == one_file(tmp_path / "b", content, delimiter=delimiter).land().loads[0].landed


def test_f53_a_cut_last_line_is_quarantined(tmp_path: Path) -> None:
    """A line without its last fields."""
    inbox = one_file(tmp_path, GOOD + "L4,MQL,2026-0")
    inbox.land()
    assert [(4, "too_few_fields", "L4,MQL,2026-0")] == inbox.rejected()


def test_f54_a_huge_field_is_quarantined_whole(tmp_path: Path) -> None:
    """3 MB in one field; the lines around it are read."""
    huge = "x" * 3_000_000
    inbox = one_file(tmp_path, HEADER + entry("L1") + entry("L2", owner=huge) + entry("L3"))
    inbox.land()
    assert ["L1", "L3"] == inbox.leads()
    assert [("field_too_long", len(entry("L2", owner=huge)) - 1)] == inbox.rows(
        "select reason, length(original) from raw.rejected_rows"
    )


@pytest.mark.parametrize("name", ["a*b.csv", "x'; drop table y; --.csv", "[ab].csv", "a?b.csv", "ü ñ.csv", 'q"q.csv'])
def test_f78_a_strange_name_is_that_file_alone(tmp_path: Path, name: str) -> None:
    """No name is a pattern to DuckDB, or SQL."""
    inbox = Inbox(tmp_path)
    for other in ("aXb.csv", "a.csv", "b.csv"):
        inbox.put(other, HEADER + entry("other"))
    inbox.put(name, GOOD)
    (load,) = inbox.reads(name).land().loads
    assert ["L1", "L2", "L3"] == inbox.leads()
    assert [(name,)] == inbox.rows("select file_name from raw.loads")
    assert () == load.warnings  # nor did it have to be read line by line to be right


def test_f78_nor_is_that_of_a_parquet_file(tmp_path: Path) -> None:
    """`[1]` is `1` to DuckDB."""
    inbox = Inbox(tmp_path)
    for name, lead in (("a1.parquet", "other"), ("a[1].parquet", "L1")):
        duckdb.execute(
            f"copy (select '{lead}' as lead_id, 'MQL' as stage, '2026-01-05' as entered_at) "
            f"to '{tmp_path / name}' (format parquet)"
        )
    inbox.reads("a[1].parquet").land()
    assert ["L1"] == inbox.leads()


def test_f79_a_link_out_of_the_inbox_is_refused(tmp_path: Path) -> None:
    """By name and by pattern; a link inside is fine."""
    outside = tmp_path / "outside.csv"
    outside.write_text(GOOD)
    inbox = Inbox(tmp_path / "inbox")
    inbox.put("inside.csv", GOOD)
    (inbox.folder / "link_in.csv").symlink_to(inbox.folder / "inside.csv")
    (inbox.folder / "link_out.csv").symlink_to(outside)
    inbox.reads("*.csv").reads("link_out.csv", name="named")
    landed = inbox.land()
    assert [("crm", "link_out.csv"), ("named", "link_out.csv")] == [
        (r.input, Path(r.file).name) for r in landed.refused
    ]
    assert (1, 1) == (len(landed.loads), len(landed.already_loaded))
