"""docs/FAULTS.md, 89: a rate with denominator zero is a dash on every page, never 0%, NaN or an error."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import pytest

from tests import runs
from tests.cli.commands import funnel
from tests.faults.hostile import AS_OF, Names, cells, configuration, deliver, pages
from tests.report.tree import parse_tree

NO_NUMBER = re.compile(r"\b(?:nan|inf|infinity)\b", re.IGNORECASE)
DASH = "–"


def run(folder: Path, as_of: str) -> Path:
    toml = folder / "funnel.toml"
    answer = funnel("run", "--config", toml, "--output", folder / "out", "--as-of", as_of)
    assert (0, "") == (answer.code, answer.out)
    return folder / "out"


def assert_numbers(output: Path) -> None:
    """No page, file or summary has NaN or infinity."""
    for name, html in pages(output).items():
        assert (
            NO_NUMBER.search(parse_tree(html).find("main")[0].words if parse_tree(html).find("main") else "") is None
        ), name
    assert not [cell for cell in cells(output) if cell.lower() in ("nan", "inf", "-inf", "infinity")]
    json.loads((output / "reports" / "summary.json").read_text("utf-8"), parse_constant=_no_constant)


def _no_constant(name: str) -> float:
    raise AssertionError(f"summary.json holds {name}")


def test_before_the_first_entry_every_rate_is_a_dash(tmp_path: Path) -> None:
    """F89: With zero leads at as-of all rows are later, the report is complete, and it has no percentage."""
    configuration(tmp_path, Names())
    deliver(tmp_path, Names())
    out = run(tmp_path, "2025-12-01")
    assert_numbers(out)
    assert [{"rates": 0}] == runs.ask(out, "select count(rate) as rates from report.conversion_summary")
    assert [{"entered": 0, "rate": None}] == runs.ask(
        out, "select entered, mature_rate as rate from report.headline where window_days is null"
    )
    index = parse_tree(pages(out)["index.html"])
    assert DASH in index.words
    assert not re.search(r"\d\s*%", "".join(node.words for node in index.find("strong")))
    with (out / "reports" / "data" / "headline.csv").open(encoding="utf-8-sig", newline="") as file:
        ever, within = csv.DictReader(file)
    assert ("0", "", "") == (ever["entered"], ever["mature_rate"], ever["latest_rate"])
    assert ("0", "", "") == (within["entered"], within["recent_rate"], within["coverage"])


def test_a_stage_without_leads_has_no_rate(tmp_path: Path) -> None:
    """F89: If no lead reaches the from stage of a pair, it has 0 entered and a dash, not 0%."""
    toml = configuration(tmp_path, Names(alias="entered"), '[checks]\nunused_stages = ["sal", "won"]\n')
    won = '\n[[stages]]\nkey = "won"\ndefinition = "Signed."\n'
    text = toml.read_text("utf-8").replace("\n[[inputs]]", f"{won}\n[[inputs]]", 1)
    toml.write_text(text.replace('[["mql", "sal"]]', '[["sal", "won"]]'), "utf-8")
    deliver(tmp_path, Names(alias="entered"))
    entries = tmp_path / "inbox" / "entries.csv"
    other_lines = [line for line in entries.read_text("utf-8").splitlines() if ",sal," not in line]
    entries.write_text("\n".join(other_lines) + "\n", "utf-8")
    out = run(tmp_path, AS_OF)
    assert_numbers(out)
    (headline,) = runs.ask(
        out, "select entered, converted, mature_rate, latest_rate from report.headline where window_days is null"
    )
    assert {"entered": 0, "converted": 0, "mature_rate": None, "latest_rate": None} == headline
    rates = runs.ask(
        out, "select count(*) filter (where isnan(rate)) as odd, count(*) as all_of_them from marts.conversion"
    )
    assert 0 == rates[0]["odd"]
    page = parse_tree(pages(out)["pair-sal-won.html"])
    text_of_page = page.find("main")[0].words if page.find("main") else page.words
    assert DASH in text_of_page
    assert not re.search(r"(?<![\d.–])0%", text_of_page)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_assert_numbers_finds_nan_and_infinity(value: float) -> None:
    """F89: The check finds the forms in which Python writes them."""
    assert NO_NUMBER.search(f"{value} %")
