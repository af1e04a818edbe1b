"""docs/FAULTS.md, 80 to 82: names are shown as text; no browser, spreadsheet or database runs them."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from pipeline.config.reports import RESERVED_FOLDERS
from tests import runs
from tests.cli.commands import funnel
from tests.faults.hostile import (
    AS_OF,
    Names,
    assert_harmless,
    body,
    cells,
    configuration,
    deliver,
    pages,
    run_and_compose,
)
from tests.report.tree import parse_tree

SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://evil.example","x")'


def test_a_script_in_a_name_is_text_in_report_and_mail(tmp_path: Path) -> None:
    """F80: With stage, source, owner, lead and account named <script>…, pages show the text and have no such element."""
    assert 0 == run_and_compose(tmp_path, Names.all_of(SCRIPT)).code
    out = tmp_path / "out"
    assert_harmless(out)
    html_pages = pages(out)
    for name in ("index.html", "owners.html", "quality.html", "accounts.html", "definitions.html"):
        assert SCRIPT in parse_tree(html_pages[name]).words, f"{name} does not show the name"
    assert SCRIPT in parse_tree(body(out)).words
    assert not [name for name, html in html_pages.items() if "<script" in html.lower()]


def test_a_formula_in_a_name_is_an_escaped_cell(tmp_path: Path) -> None:
    """F81: CSV files and `funnel sql --format csv` put an apostrophe before it; in the workbook it is text."""
    names = Names(owner=FORMULA, lead="+1+1", source="-2+3", account="@SUM(1)", label="＝1+1", value="\t=1+1")
    assert 0 == run_and_compose(tmp_path, names).code
    out = tmp_path / "out"
    assert_harmless(out)
    cells_of_files = set(cells(out))
    assert {f"'{FORMULA}", "'+1+10", "'-2+3", "'@SUM(1)1", "'＝1+1"} <= cells_of_files
    book = openpyxl.load_workbook(out / "reports" / "tables.xlsx")
    assert (FORMULA, "s") in {(cell.value, cell.data_type) for row in book["open_by_owner"].iter_rows() for cell in row}
    csv_text = funnel("sql", "select current_owner from report.open_by_owner", "--format", "csv", "--output", out).out
    assert [line[:13] for line in csv_text.splitlines()[1:]] == ["\"'=HYPERLINK("] * 3


def test_a_quote_and_a_semicolon_in_a_stage_name_are_text(tmp_path: Path) -> None:
    """F82: In labels, aliases and rows the alias matches the rows, and the tables have the name unchanged."""
    label, alias = 'it\'s "MQL"; drop schema marts cascade; --', "'); attach 'x.duckdb' as x; --"
    template = "{{ 7 * 7 }} {% raw %}"
    names = Names(title=template, label=label, alias=alias, owner=alias, lead=label, source=label, definition=template)
    assert 0 == run_and_compose(tmp_path, names).code
    out = tmp_path / "out"
    assert_harmless(out)
    assert [{"label": label}] == runs.ask(out, "select label from waterfall.stages where stage = 'mql'")
    assert [{"entries": 18}] == runs.ask(out, "select count(*) as entries from clean.stage_entries")
    assert template in parse_tree(pages(out)["definitions.html"]).words
    answer = funnel("explain", f"{label}1", "--output", out, "--config", tmp_path / "funnel.toml")
    assert (0, f"Lead {label}1") == (answer.code, answer.out.splitlines()[0])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('key = "mql\'; drop table x"', "stages.mql'; drop table x.key: must be a lower-case word"),
        ('key = "../mql"', "stages.../mql.key: must be a lower-case word"),
    ],
)
def test_a_key_is_a_plain_word(tmp_path: Path, line: str, message: str) -> None:
    """F82: A key names tables, pages and macro arguments, so only a plain word is valid; otherwise nothing is written."""
    toml = configuration(tmp_path, Names())
    toml.write_text(toml.read_text("utf-8").replace('key = "mql"', line), "utf-8")
    deliver(tmp_path, Names())
    answer = funnel("run", "--config", toml, "--output", tmp_path / "out", "--as-of", AS_OF)
    assert (2, True, False) == (answer.code, message in answer.err, (tmp_path / "out").exists())


def report(name: str) -> str:
    return f'\n[[reports]]\nname = "{name}"\ndimension = "lead_source"\nvalue = "web"\n'


def test_two_reports_of_one_name_are_refused(tmp_path: Path) -> None:
    """F88: The message has both lines. Names that differ by case, or that equal a folder of ours, are refused too."""
    deliver(tmp_path, Names())

    def message(*names: str) -> str:
        toml = configuration(tmp_path, Names(), "".join(map(report, names)))
        answer = funnel("run", "--config", toml, "--output", tmp_path / "out", "--as-of", AS_OF)
        assert (2, False) == (answer.code, (tmp_path / "out").exists())
        return answer.err

    assert "reports.web.name: the name `web` is used twice, here and in line " in message("web", "web")
    assert "must be a lower-case word" in message("web", "Web")
    assert "must be a lower-case word" in message("web", "../web")
    for reserved in sorted(RESERVED_FOLDERS):
        assert "is the name of another folder of reports/" in message(reserved)


def test_every_page_has_its_own_file(tmp_path: Path) -> None:
    """F88: The pairs `a_b` to `c` and `a` to `b_c` have a page each."""
    names = Names()
    toml = configuration(tmp_path, names, '[checks]\nunused_stages = ["mql_sal", "sal_won", "won"]\n')
    more = "".join(f'\n[[stages]]\nkey = "{key}"\ndefinition = "Some."\n' for key in ("mql_sal", "sal_won", "won"))
    text = toml.read_text("utf-8").replace("\n[[inputs]]", f"{more}\n[[inputs]]", 1)
    text = text.replace('[["mql", "sal"]]', '[["mql_sal", "won"], ["mql", "sal_won"]]')
    toml.write_text(text, "utf-8")
    deliver(tmp_path, names)
    assert 0 == funnel("run", "--config", toml, "--output", tmp_path / "out", "--as-of", AS_OF).code
    named_pages = {page for page in pages(tmp_path / "out") if page.startswith(("pair-", "stage-"))}
    pairs = {"pair-mql_sal-won.html", "pair-mql-sal_won.html"}
    assert pairs | {f"stage-{key}.html" for key in ("mql", "sal", "mql_sal", "sal_won", "won")} == named_pages
