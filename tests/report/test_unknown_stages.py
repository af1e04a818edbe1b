"""E1: A stage text without an alias is listed with the nearest stage, the next step, and the counts of a plain loop."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.waterfall.definition import Stage, Waterfall
from pipeline.waterfall.names import normalise_stage
from tests.report.test_edges import AS_OF, entries, site_of, waterfall
from tests.sql.harness import built, records

QUALIFIED = Stage("qualified", "MQL", "Qualified", "x", "path", 1, aliases=("Marketing Qualified",))
STAGES = (QUALIFIED, Stage("won", "Won", "Won", "x", "path", 2))


def test_counts_equal_those_of_a_loop() -> None:
    """Rows, leads, most frequent spelling, first and last local day of random values are equal."""
    random, zone = Random(7), "Pacific/Kiritimati"
    spellings = ("Banana", "banana ", "BANANA", "Qualifed", "qualifed", "MQL", "won", "Lead?")
    rows: list[dict[str, Any]] = [
        {
            "input": "crm",
            "load_no": 1,
            "row_number": number,
            "lead_id": f"L{random.randrange(30)}",
            "stage": random.choice(spellings),
            "entered_at": datetime(2026, 1, 1) + timedelta(minutes=random.randrange(80 * 1440)),
        }
        for number in range(1, 301)
    ]
    rows[0] |= {"stage": "MQL", "entered_at": datetime(2026, 1, 1)}
    connection = built(Waterfall("Unknown", zone, STAGES), AS_OF, {"stage_entries": rows})
    actual = records(
        connection, "select * exclude (nearest_stage, nearest_alias, nearest_likeness) from quality.unknown_stages"
    )
    connection.close()
    expected = []
    for value in {normalise_stage(row["stage"]) for row in rows} - {"mql", "won"}:
        named = [row for row in rows if normalise_stage(row["stage"]) == value]
        spelt = Counter(row["stage"] for row in named)
        days = [row["entered_at"].replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() for row in named]
        expected.append(
            {
                "stage_alias": value,
                "stage_text": min(spelt, key=lambda text: (-spelt[text], text)),
                "entries": len(named),
                "leads": len({row["lead_id"] for row in named}),
                "first_date": min(days),
                "last_date": max(days),
            }
        )
    assert sorted(expected, key=lambda row: (-row["entries"], row["stage_alias"])) == sorted(
        actual, key=lambda row: (-row["entries"], row["stage_alias"])
    )


def test_the_page_names_the_nearest_stage() -> None:
    """A misspelt value has the nearest stage, a different one has none, and addresses are not printed."""
    moves = (("L1", "MQL", 1), ("L2", "Marketing  Qualifed", 2), ("L3", "marketing qualifed", 3), ("L3", "Banana", 3))
    slipped = (("L4", "ida@us.example", 4),)
    _, page = site_of(waterfall(STAGES), {"stage_entries": entries(*moves, *slipped)})
    alike, *others = page.tables["table-unknown-stages"][1:]
    assert ["2", "2", "2026-01-03", "2026-01-04", "marketing qualified"] == alike[1:6]
    assert "If MQL is meant, add it to the aliases of qualified." == alike[6]
    assert [["Banana", "1", "1", "2026-01-04", "2026-01-04", "–"], ["an address (it has an @)", "1"]] == [
        others[0][:6],
        others[1][:2],
    ]
    assert "Look at the file: a column may have slipped." == others[1][6]
    assert "ida@us.example" not in page.text


def test_the_list_has_at_most_twenty_values() -> None:
    """The page has twenty values, and the number of the others."""
    moves = [("L1", f"value {number:03}", 1) for number in range(23)]
    _, page = site_of(waterfall(), {"stage_entries": entries(("L0", "a", 1), *moves)})
    assert 20 == len(page.tables["table-unknown-stages"][1:])
    assert "and 3 more; the 20 most frequent are shown" in page.text


def test_without_unknown_values_there_is_no_table() -> None:
    """If every value is known, the page has a sentence and no empty table."""
    _, page = site_of(waterfall(), {"stage_entries": entries(("L1", "a", 1))})
    assert "table-unknown-stages" not in page.tables
    assert "Every row names a stage that the configuration knows." in page.text
