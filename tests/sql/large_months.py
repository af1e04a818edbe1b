"""Months large enough that something may be said of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import oracle
from oracle.history import Entry

from pipeline.waterfall.definition import Pair, Waterfall
from tests.sql import made_up


def four_months(folder: Path) -> tuple[Waterfall, oracle.History]:
    """400 leads of twelve sources and three owners over four months and six days of a fifth; months are final after ten days."""
    random = Random(11)
    waterfall = made_up.waterfall(folder, dimensions=("lead_source", "owner"), windows=(5,))
    entries: list[Entry] = []
    leads: dict[str, dict[str, str | None]] = {}
    for number in range(400):
        lead_id = f"L{number:03}"
        source = min(int(random.expovariate(0.3)), 11)
        leads[lead_id] = {"lead_source": f"source {source:02}" if source else None}
        moment = datetime(2025, 9, 1, tzinfo=UTC) + timedelta(hours=random.randrange(24 * 127))
        chance = 0.3 + 0.04 * source + 0.05 * moment.month - 0.4
        ways = ["mql", "sal"] if random.random() < chance else ["mql", "lost"]
        for stage in (*ways, *([random.choice(("sql", "lost"))] if ways[1] == "sal" else [])):
            entries.append(
                Entry("crm", 1, len(entries) + 1, lead_id, stage, moment, owner=random.choice(("Priya", "Tom", None)))
            )
            moment += timedelta(hours=random.randrange(1, 200))
    history = oracle.History(
        as_of=datetime(2026, 1, 20, 12, tzinfo=UTC),
        entries=tuple(entries),
        inputs=("crm",),
        entry_columns=frozenset({"owner"}),
        leads=leads,
    )
    pairs = (Pair("mql", "sal", None, 10), Pair("mql", "sql", None, 10))
    return replace(waterfall, headline=pairs, as_of=history.as_of), history
