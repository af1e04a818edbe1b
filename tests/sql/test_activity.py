"""The activity basis: arrivals over arrivals at the stage before, which is no conversion."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tests.sql import made_up
from tests.sql.harness import built, records

ENTRIES = (("Ada", "MQL", 1), ("Ada", "SAL", 3), ("Bo", "SAL", 2), ("Cy", "SAL", 4))


def test_activity_may_exceed_all(tmp_path: Path) -> None:
    """One MQL and three SALs, two of them created by sales: activity 3, while conversion is 1 of 1 (K8)."""
    rows = [
        {"input": "crm", "load_no": 1, "row_number": number, "lead_id": lead, "stage": stage, "entered_at": moment}
        for number, (lead, stage, day) in enumerate(ENTRIES, start=1)
        for moment in [datetime(2025, 12, day, 12)]
    ]
    connection = built(
        made_up.waterfall(tmp_path),
        made_up.AS_OF,
        {"stage_entries": rows},
        tables=("report.path_arrivals", "marts.conversion"),
    )
    activity = records(
        connection,
        "select previous_arrivals, arrivals, through, activity_rate from report.path_arrivals"
        " where scope = 'all' and stage = 'sal'",
    )
    conversion = records(
        connection,
        "select entered, converted from marts.conversion where unit = 'cycle' and grain = 'all' and dimension = 'all'"
        " and window_days is null and from_stage = 'mql' and to_stage = 'sal'",
    )
    connection.close()
    assert [{"previous_arrivals": 1, "arrivals": 3, "through": 1, "activity_rate": 3.0}] == activity
    assert [{"entered": 1, "converted": 1}] == conversion
