"""The unit of the headline, `[funnel] unit`, from the preset or the file, is on every label; buying groups."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.waterfall.definition import Pair, Unit
from tests import runs
from tests.report import reading
from tests.report.test_edges import entries, site_of, waterfall

MOVES = (
    ("L1", "a", 1), ("L1", "lost", 3), ("L1", "a", 5), ("L1", "b", 9),
    ("L2", "a", 2), ("L2", "lost", 4),
    ("L3", "a", 3), ("L3", "lost", 8),
    ("L4", "a", 60),
)  # fmt: skip
ACCOUNTS = {"L1": "Acme", "L2": "Acme", "L3": "Beta", "L4": "Coy"}


def rows() -> dict[str, Any]:
    leads = [
        {"input": "leads", "load_no": 2, "row_number": number, "lead_id": lead_id, "account_id": account_id}
        for number, (lead_id, account_id) in enumerate(ACCOUNTS.items(), 1)
    ]
    return {"stage_entries": entries(*MOVES), "leads": leads}


@pytest.mark.parametrize(
    ("unit", "counts"),
    [
        # L1 returned: one lost and one converted cycle, and one converted lead.
        ("cycle", ["5", "1", "0", "3", "1"]),
        ("lead", ["4", "1", "0", "2", "1"]),
        ("account", ["3", "1", "0", "1", "1"]),
    ],
)
def test_the_page_of_a_pair_counts_and_names_its_unit(unit: Unit, counts: list[str]) -> None:
    """Counts, table and footnotes of a headline pair have one unit and its name (K1, K3)."""
    html, page = site_of(waterfall(unit=unit, headline=(Pair("a", "b", 1.0),), windows=(30,)), rows())
    card = html[html.index('id="short"') :].partition("</section>")[0]
    others = {"cycle", "lead", "account"} - {unit}
    words = re.sub(r"<[^>]*>|one run of a lead|all its leads|of its leads|furthest lead|report\.\w+", " ", card)
    assert {unit} == {word for word in (unit, *others) if re.search(rf"\b{word}s? (that|in |are|\()", words)}
    months = page.tables["table-pair-months-1"][1:-1]
    assert counts == [str(sum(reading.plain(row[column]) for row in months)) for column in range(1, 6)]
    assert [unit.capitalize() + "s"] == page.tables["table-fates-1"][0][1:2]
    assert f"the unit is the {unit}" in page.text


def test_a_footnote_says_how_the_model_counts() -> None:
    """The facts are those of the model's header, with the unit of this report by name."""
    html, _ = site_of(waterfall(unit="lead", headline=(Pair("a", "b"),)), rows())
    footnote = html[html.index('id="table-ages-1"') :]
    footnote = footnote[footnote.index("How counted") :].partition("</p>")[0]
    assert "<b>Unit</b> leads (all its runs along the path together)" in footnote
    assert "<b>Denominator</b> entered: all leads of the month (the number after “of”)" in footnote


def test_lost_and_open_leads_are_listed_by_stage() -> None:
    """A lead that returned after a loss is not lost; the exit of the others is named."""
    _, page = site_of(waterfall(unit="lead", headline=(Pair("a", "b"),)), rows())
    outcomes = {row[0]: row[1] for row in page.tables["table-fates-1"][1:]}
    assert {
        "Went on to B": "1",
        "Lost to LOST": "2",
        "Still open in A, which has no limit": "1",
        "All": "4",
    } == outcomes


def test_the_unit_account_without_accounts_counts_nothing() -> None:
    """The head of the page says why."""
    _, page = site_of(waterfall(unit="account", headline=(Pair("a", "b"),)), {"stage_entries": entries(*MOVES)})
    assert "The unit is the account, and no lead names one: the headline counts nothing." in page.text
    assert "Nobody has arrived at A in these months." in page.text


def test_a_buying_group_is_an_account(tmp_path: Path) -> None:
    """With the buying group mapped to account_id the 2017 waterfall counts groups, from files to page."""
    history = (
        "lead_id,stage,entered_at",
        "Ada,Prioritized,2026-01-05", "Ben,Prioritized,2026-01-06", "Ben,Qualified,2026-02-01", "Cam,Prioritized,2026-01-07",
        "Cam,Disqualified,2026-01-09",
    )  # fmt: skip
    people = ("lead_id,Account,Buying Group ID", "Ada,Acme,Acme / data", "Ben,Acme,Acme / data", "Cam,Acme,Acme / web")
    (tmp_path / "history.csv").write_text("\n".join(history) + "\n", "utf-8")
    (tmp_path / "people.csv").write_text("\n".join(people) + "\n", "utf-8")
    toml = tmp_path / "funnel.toml"
    toml.write_text(
        '[funnel]\npreset = "demand-unit-2017"\nas_of = 2026-03-31\n'
        'headline_windows = { "prioritized_demand>qualified_demand" = 60 }\n'
        '[[inputs]]\nname = "history"\ntable = "stage_entries"\npath = "history.csv"\n'
        '[[inputs]]\nname = "people"\ntable = "leads"\npath = "people.csv"\ncolumns = { account_id = "Buying Group ID" }\n'
        '[checks]\nunused_stages = ["pipeline"]\n',
        "utf-8",
    )
    done = runs.run(toml, tmp_path / "build")
    sql = "select unit, entered, converted, lost from report.headline where to_stage = 'qualified_demand' and window_days is null"
    assert [{"unit": "account", "entered": 2, "converted": 1, "lost": 1}] == runs.ask(tmp_path / "build", sql)
    sql = "select account_id, stage, is_won from marts.account_stages order by account_id"
    assert [("Acme / data", "qualified_demand", False), ("Acme / web", None, False)] == [
        tuple(row.values()) for row in runs.ask(tmp_path / "build", sql)
    ]
    tables = reading.read_folder(done.report.parent).tables
    pair = next(name for name, table in tables.items() if name.startswith("table-fates-") and table[-1][1] == "2")
    assert ["Outcome", "Accounts", "Share"] == tables[pair][0]
