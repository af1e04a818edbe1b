"""A list that sales buys and enters at SAL moves no number of marketing's (K7)."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests import nights
from tests.sample import Sample

EARLY = "('mcl', 'mel', 'mql')"
NUMBERS = {
    "conversion from them": f"from marts.conversion where from_stage in {EARLY} order by all",
    "arrivals at them": f"from marts.stage_arrivals where to_stage in {EARLY} order by all",
    "time in them": f"from marts.time_in_stage where stage in {EARLY} order by all",
    "open in them": f"from marts.open_time_in_stage where stage in {EARLY} order by all",
    "flow through them": f"from marts.stage_flow where stage in {EARLY} order by all",
    "leads per account at them": f"from marts.lead_to_account where stage in {EARLY} order by all",
    "stays in them": f"select * exclude (lead_no) from journey.stage_spans where stage in {EARLY} order by all",
}


def test_500_sales_created_leads_change_no_marketing_number(sample: Sample, tmp_path: Path) -> None:
    """500 more leads that start at SAL leave every MCL, MEL and MQL row of every mart as it was, and SAL grows by 500."""
    changed = tmp_path / "changed"
    shutil.copytree(nights.SAMPLE.parent, changed)
    with (changed / "stage_entries.csv").open("a", encoding="utf-8") as entries:
        for number in range(500):
            entries.write(f"bought-{number:03},SAL,2025-06-{1 + number % 28:02}T15:00:00Z,Priya Raman,salesforce\n")
    with (changed / "leads.csv").open("a", encoding="utf-8") as leads:
        header = (changed / "leads.csv").read_text("utf-8").splitlines()[0].split(",")
        for number in range(500):
            row = {"lead_id": f"bought-{number:03}", "origin": "sales", "lead_source": "outbound"}
            leads.write(",".join(row.get(column, "") for column in header) + "\n")

    before, after = sample.output, tmp_path / "after"
    nights.run(changed / "funnel.toml", after)

    differing = [what for what, sql in NUMBERS.items() if nights.ask(before, sql) != nights.ask(after, sql)]
    arrivals = (
        "select sum(entered_after) as count from marts.stage_arrivals"
        " where grain = 'all' and dimension = 'all' and from_stage = 'mql' and to_stage = 'sal'"
    )
    assert [] == differing
    assert 500 == nights.ask(after, arrivals)[0]["count"] - nights.ask(before, arrivals)[0]["count"]
