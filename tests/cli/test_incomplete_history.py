"""Whole runs of a history that begins with a first sync: warning, marked cohorts on the pages and in the tables."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import runs
from tests.report import reading
from tests.unit.configurations import STAGES

SYNCED = datetime(2026, 1, 5, 2)
WARNING = (
    "crm: 40 of 61 leads have their first entry on 2026-01-05, so the history before that day looks cut (a first sync, or an "
    "export that begins there). It is complete from 2026-01-06, and the report marks earlier cohorts. Export the older history, "
    "too, or compare later cohorts only"
)
NOTICE = "The history of crm looks cut: it is complete from 2026-01-06, and earlier cohorts are marked †."
MEANING = "† The history is complete from 2026-01-06: earlier cohorts may lack leads, or count leads that came before."
MARKED = re.compile(r"(?:Dec 2025|Dec ’25|Jan 2026|Jan ’26)(?P<mark>†?)")

Moves = list[tuple[str, str, datetime]]


def imported_moves() -> Moves:
    """40 leads in the stage of a first sync, one lead before it and 20 after it; every second one moves on."""
    moves = [(f"old{number}", "mql" if number % 8 else "sal", SYNCED) for number in range(40)]
    moves += [(f"old{number}", "sal", SYNCED + timedelta(days=9)) for number in range(1, 40, 2)]
    moves.append(("first", "mql", datetime(2025, 12, 29, 9)))
    for number in range(20):
        came = datetime(2026, 1, 7, 9) + timedelta(days=2 * number)
        moves += [(f"new{number}", "mql", came), (f"new{number}", "sal", came + timedelta(days=4))][: 1 + number % 2]
    return moves


def spread_moves() -> Moves:
    """The same moves, but each lead of the sync has its own day."""
    return [
        (lead, stage, at + timedelta(days=int(lead[3:]) if lead.startswith("old") else 0))
        for lead, stage, at in imported_moves()
    ]


def write_configuration(
    folder: Path, moves: Moves, more: str = "", leads: list[tuple[str, datetime]] | None = None
) -> Path:
    """A configuration of mql → sal with its history, and with leads and their creation times if given."""
    rows = [f"{lead},{stage},{at.isoformat(sep=' ')}" for lead, stage, at in moves]
    (folder / "crm.csv").write_text("\n".join(("lead_id,stage,entered_at", *rows, "")), "utf-8")
    people = ""
    if leads is not None:
        rows = [f"{lead},{at.isoformat(sep=' ')}" for lead, at in leads]
        (folder / "leads.csv").write_text("\n".join(("lead_id,created_at", *rows, "")), "utf-8")
        people = '[[inputs]]\nname = "people"\ntable = "leads"\npath = "leads.csv"\n'
    path = folder / "funnel.toml"
    path.write_text(
        '[funnel]\nname = "Cut"\nas_of = "2026-03-31"\nheadline = [["mql", "sal"]]\nwindows = [30]\n'
        f'dimensions = ["owner"]\n{more}{STAGES}'
        f'[[inputs]]\nname = "crm"\ntable = "stage_entries"\npath = "crm.csv"\n{people}[checks]\nwarn_after = "never"\n',
        "utf-8",
    )
    return path


def pages(output: Path) -> dict[str, str]:
    """File name → HTML of the published report."""
    return {path.name: path.read_text("utf-8") for path in (output / "reports").glob("*.html")}


def columns(output: Path, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in runs.ask(output, sql)]


def warnings(finished_run: Any) -> list[str]:
    return [each for each in finished_run.warnings if "looks cut" in each]


@pytest.fixture(scope="module")
def cut_history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """The run over an incomplete history, and its output folder."""
    folder = tmp_path_factory.mktemp("cut")
    return runs.run(write_configuration(folder, imported_moves()), folder / "build"), folder / "build"


def test_a_cut_history_gives_a_warning_and_marked_cohorts(cut_history: tuple[Any, Path]) -> None:
    """The warning has the first complete day; the page marks each earlier cohort, and a headline that counts one."""
    finished_run, output = cut_history
    assert [WARNING] == warnings(finished_run)
    html = pages(output)
    index = reading.read_site({"index.html": html["index.html"]}).pages["index.html"].text
    assert f"{NOTICE} The headline rate of Mql → Sal counts some of them." in index
    assert MEANING in index
    assert "that became Mql in Dec 2025†–Feb 2026 went on to Sal." in index
    site = reading.read_site({name: html[name] for name in ("pair-mql-sal.html", "conversion.html", "quality.html")})
    for name in ("grid", "pair-months-1", "ages-1", "losses-1", "pair-arrivals-1"):
        marked = [row[0] for row in site.tables[f"table-{name}"] if row[0].endswith("†")]
        assert ["Jan 2026†", "Dec 2025†"] == marked, name
    pair = html["pair-mql-sal.html"]
    assert ">Jan ’26†</text>" in pair
    assert [] == [mark.group() for mark in MARKED.finditer(pair) if not mark["mark"]]
    assert ["crm", "2025-12-29", "61", "40", "2026-01-05", "2026-01-06"] in site.tables["table-history-coverage"]
    mail = (output / "reports" / "email.txt").read_text("utf-8")
    assert "The history of crm looks cut" in " ".join(mail.split())
    assert "2026-01-06" == json.loads((output / "reports" / "summary.json").read_text("utf-8"))["complete_from"]


def test_the_tables_say_which_cohorts_are_marked(cut_history: tuple[Any, Path]) -> None:
    """Both tables and the macro have the mark; the numbers do not change."""
    _, output = cut_history
    assert columns(output, "select leads, bulk_leads, earlier_leads, is_cut from quality.history_coverage") == [
        (61, 40, 1, True)
    ]
    assert columns(
        output,
        "select cohort_start, entered, is_before_coverage from conversion('mql', 'sal') order by cohort_start",
    ) == [(date(2025, 12, 1), 1, True), (date(2026, 1, 1), 48, True), (date(2026, 2, 1), 7, False)]
    assert columns(
        output,
        "select grain, count(*) filter (where is_before_coverage), max(period_start) filter (where is_before_coverage) "
        "from quality.period_coverage group by grain order by grain",
    ) == [
        ("all", 1, None),
        ("day", 8, date(2026, 1, 5)),
        ("month", 2, date(2026, 1, 1)),
        ("quarter", 2, date(2026, 1, 1)),
        ("week", 2, date(2026, 1, 5)),
        ("year", 2, date(2026, 1, 1)),
    ]


def test_a_headline_of_later_months_counts_no_marked_cohort(tmp_path: Path) -> None:
    """If the headline counts only the last final month, the notice names no headline rate."""
    output = tmp_path / "build"
    runs.run(write_configuration(tmp_path, imported_moves(), "headline_months = 1\n"), output)
    index = reading.read_site({"index.html": pages(output)["index.html"]}).pages["index.html"].text
    assert NOTICE in index
    assert "counts some of them" not in index


def test_a_history_that_begins_gradually_gives_no_warning(tmp_path: Path) -> None:
    """If each lead has its own first day, there is no warning, no mark and no table on the page."""
    output = tmp_path / "build"
    finished_run = runs.run(write_configuration(tmp_path, spread_moves()), output)
    assert [] == warnings(finished_run)
    html = "".join(pages(output).values())
    assert "†" not in html
    assert "looks cut" not in html
    assert "Where the history begins" not in html
    assert None is json.loads((output / "reports" / "summary.json").read_text("utf-8"))["complete_from"]
    assert [(0,)] == columns(output, "select count(*) from quality.period_coverage where is_before_coverage")


@pytest.mark.usefixtures("history_only")
def test_leads_created_on_the_first_day_give_no_warning(tmp_path: Path) -> None:
    """The creation times distinguish an import of new leads from a first sync."""
    leads = [(f"old{number}", SYNCED - timedelta(hours=2)) for number in range(40)]
    finished_run = runs.run(write_configuration(tmp_path, imported_moves(), leads=leads), tmp_path / "build")
    assert [] == warnings(finished_run)
    older = [(lead, at - timedelta(days=30)) for lead, at in leads]
    finished_run = runs.run(write_configuration(tmp_path, imported_moves(), leads=older), tmp_path / "again")
    assert [WARNING] == warnings(finished_run)
