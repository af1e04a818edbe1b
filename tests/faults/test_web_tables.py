"""Web pages named .xls, as CRMs export their reports: a table of the page is read as rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from delivery import Inbox, one_file, refusal

from pipeline.ingest.files import scan
from pipeline.ingest.readers import web_tables

HEAD = "<tr><th>lead_id</th><th>stage</th><th>entered_at</th><th>owner</th></tr>"


def row(lead: str = "L1", entered_at: str = "2026-01-05", owner: str = "dana") -> str:
    return f"<tr><td>{lead}</td><td>MQL</td><td>{entered_at}</td><td>{owner}</td></tr>"


def page(*rows: str, meta: str = "", before: str = "") -> str:
    head = f"<html><head>{meta}<style>td {{ color: red }} <b></style></head><body>{before}"
    return f"{head}<table border=1>{HEAD}{''.join(rows)}</table></body></html>"


def load_page(folder: Path, content: str | bytes, name: str = "report.xls", **settings: Any) -> Inbox:
    """An inbox with one loaded page; every row of it is accounted for."""
    inbox = one_file(folder, content, name, **settings)
    outcome = inbox.land()
    assert () == outcome.refused
    (load,) = outcome.loads
    assert load.rows_read == load.landed + load.rejected_rows + load.redelivered + load.duplicates
    return inbox


def owners(inbox: Inbox) -> list[str]:
    return [owner for (owner,) in inbox.rows("select owner from raw.stage_entries order by row_number")]


@pytest.mark.parametrize("name", ["report.xls", "report.html", "report.HTM"])
@pytest.mark.parametrize("chunk", [1, 10, 1 << 20])
def test_cells_are_read_as_a_browser_shows_them(
    tmp_path: Path, name: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entities, no-break spaces, tags in cells and line breaks are read as a browser shows them."""
    monkeypatch.setattr(scan, "CHUNK_BYTES", chunk)
    cells = [
        "J&uuml;rgen &amp; &lt;co&gt;",
        "&nbsp;",
        "<b>Bo</b>\n  <i>Li</i>",
        "a<br>b",
        "<script>x<b></script>y",
        "&#x1F600;",
    ]
    inbox = load_page(tmp_path, page(*(row(f"L{number}", owner=cell) for number, cell in enumerate(cells))), name)
    assert ["Jürgen & <co>", None, "Bo Li", "a\nb", "y", "😀"] == owners(inbox)


def test_unclosed_tags_end_at_the_next_one(tmp_path: Path) -> None:
    """A cell, a row and the table end at the next one, or at the end of the page."""
    content = (
        "<table><tr><td>lead_id<td>stage<td>entered_at<tr><td>L1<td>MQL<td>2026-01-05<tr><td>L2<td>MQL<td>2026-01-06"
    )
    assert ["L1", "L2"] == load_page(tmp_path / "a", content).leads()
    content = content.replace("<tr>", "", 1).replace("<table>", "</td></table></style><td>x<table></style>")
    assert ["L1", "L2"] == load_page(tmp_path / "b", content).leads()


@pytest.mark.parametrize(
    ("page_encoding", "meta", "declared"),
    [
        ("utf-8", '<META http-equiv="Content-Type" content="text/html; charset=UTF-8">', "iso-8859-1"),
        ("cp1252", '<meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-1">', "utf-8"),
        ("cp1252", "<meta charset=windows-1252>", "utf-8"),
        ("cp1250", "<meta charset='windows-1250'>", "auto"),
        ("cp1252", "<meta charset=no-such-thing>", "cp1252"),
        ("cp1252", "<meta charset=base64>", "auto"),
        ("cp1252", "<meta charset=utf-8>", "auto"),
        ("utf-8", "<meta charset=utf-16>", "utf-8"),
        ("utf-8", "", "utf-8"),
        ("utf-8-sig", "", "utf-8"),
        ("utf-16", "", "utf-8"),
        ("cp850", "", "cp850"),
    ],
)
def test_the_encoding_comes_from_meta_or_the_configuration(
    tmp_path: Path, page_encoding: str, meta: str, declared: str
) -> None:
    """A byte order mark counts too; else the declared encoding is used."""
    content = page(row(owner="Jürgen"), meta=meta).encode(page_encoding)
    assert ["Jürgen"] == owners(load_page(tmp_path, content, encoding=declared))


def test_an_unknown_encoding_is_refused(tmp_path: Path) -> None:
    """Rows with umlauts are not dropped, as in CSV."""
    content = page(row(owner="Jürgen")).encode("cp1252")
    assert 'write encoding = "cp1252" for this input' in refusal(one_file(tmp_path, content, "report.xls"))


def test_an_invalid_byte_rejects_its_row(tmp_path: Path) -> None:
    """The page names its encoding."""
    content = page(row("L1"), row("L2", owner="a#b"), meta="<meta charset=cp1252>").encode().replace(b"#", b"\x81")
    inbox = load_page(tmp_path, content)
    assert (["L1"], [(2, "bad_encoding")]) == (inbox.leads(), [each[:2] for each in inbox.rejected()])


def test_the_first_table_with_a_matching_header_is_read(tmp_path: Path) -> None:
    """Layout tables around it, and a table of report filters above it, are skipped."""
    before = "<table><tr><td>Filter</td></tr></table>"
    outer = f"<table><tr><td>{page(row())}</td></tr></table>"
    for number, content in enumerate((page(row(), before=before), outer, page(row()) + page(row("L2")))):
        assert ["L1"] == load_page(tmp_path / str(number), content).leads()


def test_the_header_may_be_declared(tmp_path: Path) -> None:
    """It is declared as in a workbook; without it the message has the row of the header."""
    content = f"<table><tr></tr><tr><td>My report</td></tr>{HEAD}{row()}</table>"
    assert "the header is not in row 2 of the table | declare header_row = 3 for this input" == refusal(
        one_file(tmp_path / "a", content, "report.xls")
    )
    assert ["L1"] == load_page(tmp_path / "b", content, header_row=3).leads()
    message = refusal(one_file(tmp_path / "c", "<table><tr><td>Lead<td>stage<td>entered_at</table>", "report.xls"))
    assert "missing columns `lead_id`; found `Lead`, `stage`, `entered_at` in row 1 of the table" in message
    twice = "<table><tr><td>lead_id<td>stage<td>entered_at<td>Stage<tr><td>a<td>stage<td>entered_at<td>lead_id</table>"
    assert "the header names a column twice: `Stage`" in refusal(one_file(tmp_path / "d", twice, "report.xls"))


def test_a_row_of_another_width_is_rejected(tmp_path: Path) -> None:
    """The rejected row has its cells by header; a footer over all columns is a row without a stage."""
    rows = [
        "<tr><td>L2</td></tr>",
        row("L3").replace("</tr>", "<td>more</td></tr>"),
        "<tr><td colspan=4>Total</td></tr>",
    ]
    inbox = load_page(tmp_path, page(row(), *rows, "<tr></tr>", "<tr><td></td></tr>"))
    assert ["L1"] == inbox.leads()
    assert [
        (2, "too_few_fields", {"lead_id": "L2"}),
        (
            3,
            "too_many_fields",
            {"lead_id": "L3", "stage": "MQL", "entered_at": "2026-01-05", "owner": "dana", "column 5": "more"},
        ),
        (4, "no_stage", {"lead_id": "Total", "stage": "", "entered_at": "", "owner": ""}),
    ] == [(number, reason, json.loads(original)) for number, reason, original in inbox.rejected()]


def test_cells_over_several_rows_are_in_each_of_them(tmp_path: Path) -> None:
    """A grouped report has such cells; an invalid span is ignored."""
    rows = [
        "<tr><td rowspan=3>L1</td><td>MQL</td><td>2026-01-05</td><td rowspan='2'>dana</td></tr>",
        "<tr><td>SAL</td><td>2026-01-06</td></tr>",
        "<tr><td colspan=x>MQL</td><td rowspan=0>2026-01-07</td><td>bo</td></tr>",
        row("L2"),
    ]
    inbox = load_page(tmp_path, page(*rows))
    assert [("L1", "MQL", "dana"), ("L1", "SAL", "dana"), ("L1", "MQL", "bo"), ("L2", "MQL", "dana")] == inbox.rows(
        "select lead_id, stage, owner from raw.stage_entries order by row_number"
    )


def test_a_page_without_a_table_is_refused(tmp_path: Path) -> None:
    """A login page and the XML of Excel 2003 have no table."""
    assert (
        "it is a web page without a table, probably a login page | download the export again while logged in"
        == refusal(one_file(tmp_path / "a", "<!DOCTYPE html><p>Log in</p>", "report.xls"))
    )
    xml = '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>'
    assert "it is an XML spreadsheet of Excel 2003 | save it as .xlsx, or export it as CSV" == refusal(
        one_file(tmp_path / "b", xml, "report.xls")
    )
    assert "the table is empty" in refusal(one_file(tmp_path / "c", "<table><tr><td></table>", "report.xls"))


def test_hostile_pages_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nested tables, a very wide row, an endless tag and a page that is too large are refused."""
    for number, (content, message) in enumerate(
        (
            ("<table><tr><td>" * 60, "the web page has tables inside tables inside tables"),
            ("<table><tr>" + "<td colspan=999>" * 9, "it has 2,997 columns, and at most 2,000 are read"),
            ("<table><tr><td>a <!-- " + "x" * 11_000_000, "the web page has a tag or a comment of several megabytes"),
        )
    ):
        assert message in refusal(one_file(tmp_path / str(number), content, "report.xls"))
    monkeypatch.setattr(web_tables, "MAX_PAGE_BYTES", 100)
    assert "the web page has more than 0 MB" in refusal(one_file(tmp_path / "large", page(row()), "report.xls"))


def test_only_the_first_tables_are_scanned(tmp_path: Path) -> None:
    """A page with a thousand tables takes no longer than one with twenty."""
    content = "<table><tr><td>a</table>" * web_tables.MAX_TABLES + page(row())
    assert "missing columns" in refusal(one_file(tmp_path / "a", content, "report.xls"))
    content = "<table><tr><td>a</table>" * (web_tables.MAX_TABLES - 1) + page(row())
    assert ["L1"] == load_page(tmp_path / "b", content).leads()


def test_times_of_a_report_are_text(tmp_path: Path) -> None:
    """They are read only by time_format."""
    inbox = load_page(tmp_path, page(row("L1", "6/2/2026, 2:05 PM"), row("L2")), time_format="%m/%d/%Y, %I:%M %p")
    assert (["L1"], [(2, "unreadable_time")]) == (inbox.leads(), [each[:2] for each in inbox.rejected()])


def test_a_parquet_file_may_have_any_name(tmp_path: Path) -> None:
    """Its first bytes identify it, also if it is named .xls or .json."""
    import duckdb

    for name in ("a.xls", "a.json"):
        duckdb.execute(
            "copy (select 'L1' as lead_id, 'MQL' as stage, '2026-01-05' as entered_at) "
            f"to '{tmp_path / name}' (format parquet)"
        )
        inbox = Inbox(tmp_path / name.replace(".", "_"))
        inbox.put(name, (tmp_path / name).read_bytes())
        inbox.reads(name).land()
        assert ["L1"] == inbox.leads()
