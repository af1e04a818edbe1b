"""Who is charged with a missed limit: the owner when the lead came; who has it to do: the owner now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.waterfall.definition import Sla, Stage, Waterfall
from tests.sql.harness import built, checked, records

AS_OF = datetime(2026, 1, 31, 12, tzinfo=UTC)


def entry(number: int, lead: str, stage: str, day: int, owner: str | None) -> dict[str, Any]:
    at = datetime(2026, 1, day, 12)
    return {
        "input": "history", "load_no": 1, "row_number": number, "lead_id": lead, "stage": stage, "owner": owner, "entered_at": at,
    }  # fmt: skip


@pytest.fixture(scope="module")
def by_owner() -> list[dict[str, Any]]:
    """Stage a has a limit of two days. L1 and L2 came to dana; L2 waits and is erik's now. L3 came to nobody and waits."""
    waterfall = Waterfall(
        "Owners",
        "UTC",
        (
            Stage("a", "A", "A", "x", "path", 1, sla=Sla(2, "day")),
            Stage("b", "B", "B", "x", "path", 2),
            Stage("c", "C", "C", "x", "path", 3),
        ),
    )
    rows = [
        entry(1, "L1", "a", 1, "dana"),
        entry(2, "L1", "b", 5, "erik"),
        entry(3, "L2", "a", 10, "dana"),
        entry(4, "L3", "a", 30, None),
    ]
    leads = [
        {
            "input": "crm",
            "load_no": 2,
            "row_number": 1,
            "lead_id": "L2",
            "owner": "erik",
            "recorded_at": datetime(2026, 1, 31),
        }
    ]
    tables = ("report.sla_by_owner", "marts.sla", "marts.open_leads")
    connection = built(waterfall, AS_OF, {"stage_entries": rows, "leads": leads}, tables=tables)
    assert [] == [each for each in checked(connection) if not each.holds]
    found = records(connection, "from report.sla_by_owner order by owner_no")
    connection.close()
    return found


def counts(rows: list[dict[str, Any]], *names: str) -> dict[str, tuple[int, ...]]:
    return {row["owner"]: tuple(row[name] for name in names) for row in rows}


def test_the_owner_at_entry_is_charged(by_owner: list[dict[str, Any]]) -> None:
    """Met, breached, open within and overdue count for anyone who had the lead when it came."""
    expected = {"dana": (0, 1, 0, 1), "(none)": (0, 0, 1, 0), "erik": (0, 0, 0, 0)}
    assert expected == counts(by_owner, "met", "breached", "open_within", "open_overdue")


def test_the_current_owner_has_it_to_do(by_owner: list[dict[str, Any]]) -> None:
    """The open lead that dana handed over is on erik's list."""
    assert {"dana": (0, 0), "(none)": (1, 0), "erik": (0, 1)} == counts(by_owner, "now_within", "now_overdue")


def test_owners_are_listed_by_what_is_to_do(by_owner: list[dict[str, Any]]) -> None:
    """T5: anyone who has most overdue now comes first, the others by name; dana's misses of the past put her nowhere."""
    assert [(1, "erik"), (2, "(none)"), (3, "dana")] == [(row["owner_no"], row["owner"]) for row in by_owner]


def test_share_is_of_decided_stays(by_owner: list[dict[str, Any]]) -> None:
    """T5: dana met neither of two; anyone who has no decided stay has no share and no interval."""
    expected = {
        "dana": (2, 0.0, 0.0, pytest.approx(0.6576, abs=5e-5)),
        "(none)": (0, None, None, None),
        "erik": (0, None, None, None),
    }
    assert expected == counts(by_owner, "decided", "met_share", "met_low", "met_high")
