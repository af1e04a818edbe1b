"""Made-up histories of some size, the same for the same seed, for tests that need many rows rather than odd ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from pipeline.config.load import load_configuration
from pipeline.waterfall.definition import Waterfall

SHORT = Path(__file__).resolve().parent.parent / "cases" / "waterfalls" / "short.toml"
STAGES = ("mel", "mql", "sal", "sql", "won", "waiting", "nurture", "lost")
FIRST = datetime(2025, 1, 1)
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)

Rows = dict[str, list[dict[str, Any]]]


def waterfall(folder: Path, *, dimensions: tuple[str, ...] = (), windows: tuple[int, ...] = (30,)) -> Waterfall:
    """The waterfall of the worked cases, with dimensions and windows."""
    path = folder / "funnel.toml"
    path.write_text(
        f'[funnel]\nname = "Short"\ndimensions = {list(dimensions)}\nwindows = {list(windows)}\n'
        f'{SHORT.read_text("utf-8")}\n[[inputs]]\nname = "crm"\ntable = "stage_entries"\npath = "crm.csv"\n',
        encoding="utf-8",
    )
    return load_configuration(path).waterfall


def history(leads: int, seed: int) -> Rows:
    """About five entries for each lead over a year, two loads, with ties, duplicates and repeats; owner and campaign vary."""
    random = Random(seed)
    entries = []
    for number in range(leads):
        moment = FIRST + timedelta(hours=random.randrange(24 * 330))
        position = random.choice((0, 0, 0, 1, 2))
        for _ in range(random.randint(1, 9)):
            entries.append(
                {
                    "lead_id": f"L{number:05}",
                    "stage": STAGES[position],
                    "entered_at": moment,
                    "owner": random.choice((None, "Priya", "Tom", "Uma")),
                    "campaign": random.choice((None, "spring", "autumn")),
                }
            )
            moment += timedelta(hours=random.choice((0, 1, 24, 24, 72, 240, 700)))
            position = random.choice((min(position + 1, 4), min(position + 1, 4), position, random.randrange(8)))
    rows = [
        {"input": "crm", "load_no": 1 + (number % 7 == 0), "row_number": number, **entry}
        for number, entry in enumerate(entries, start=1)
    ]
    records = [
        {
            "input": "crm_leads",
            "load_no": 3,
            "row_number": number + 1,
            "lead_id": f"L{number:05}",
            "account_id": random.choice((None, *(f"A{account:04}" for account in range(leads // 3)))),
            "origin": random.choice(("marketing", "sales", None)),
            "lead_source": random.choice(("webinar", "list", "referral", None)),
        }
        for number in range(leads)
        if number % 11
    ]
    return {"stage_entries": rows, "leads": records}
