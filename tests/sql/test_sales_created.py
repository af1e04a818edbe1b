"""A list that sales buys and enters at SAL moves no number of marketing's (K7)."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from tests.sql import made_up
from tests.sql.harness import built, records

EARLY = "('mel', 'mql')"
NUMBERS = {
    "conversion from them": f"from marts.conversion where from_stage in {EARLY} order by all",
    "arrivals at them": f"from marts.stage_arrivals where to_stage in {EARLY} order by all",
    "time in them": f"from marts.time_in_stage where stage in {EARLY} order by all",
    "open in them": f"from marts.open_time_in_stage where stage in {EARLY} order by all",
    "flow through them": f"from marts.stage_flow where stage in {EARLY} order by all",
    "leads per account at them": f"from marts.lead_to_account where stage in {EARLY} order by all",
    "stays in them": f"select * exclude (lead_no) from journey.stage_spans where stage in {EARLY} order by all",
}
TABLES = (
    "marts.conversion",
    "marts.stage_arrivals",
    "marts.time_in_stage",
    "marts.open_time_in_stage",
    "marts.stage_flow",
    "marts.lead_to_account",
    "journey.stage_spans",
)


def test_500_sales_created_leads_change_no_marketing_number(tmp_path: Path) -> None:
    """500 more leads that start at SAL leave every MEL and MQL row of every mart as it was, and SAL grows by 500."""
    waterfall = made_up.waterfall(tmp_path, dimensions=("origin", "owner"))
    rows = made_up.history(200, seed=13)
    bought = {
        "stage_entries": [
            {
                "input": "crm", "load_no": 4, "row_number": number, "lead_id": f"bought-{number:03}", "stage": "sal",
                "entered_at": datetime(2025, 6, 1, 15) + timedelta(days=number % 28), "owner": "Priya",
            }
            for number in range(500)
        ],
        "leads": [
            {
                "input": "crm_leads", "load_no": 5, "row_number": number, "lead_id": f"bought-{number:03}",
                "origin": "sales", "lead_source": "outbound",
            }
            for number in range(500)
        ],
    }  # fmt: skip
    more = {table: [*rows[table], *bought[table]] for table in rows}
    before, after = (built(waterfall, made_up.AS_OF, each, tables=TABLES) for each in (rows, more))
    differing = [what for what, sql in NUMBERS.items() if records(before, sql) != records(after, sql)]
    arrivals = (
        "select sum(entered_after) as count from marts.stage_arrivals"
        " where grain = 'all' and dimension = 'all' and from_stage = 'mql' and to_stage = 'sal'"
    )
    assert [] == differing
    assert [] == [what for what, sql in NUMBERS.items() if not records(before, sql)]
    assert 500 == records(after, arrivals)[0]["count"] - records(before, arrivals)[0]["count"]
    before.close()
    after.close()
