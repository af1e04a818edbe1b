"""For every shipped preset, SQL and oracle give the same rows on histories of its own stages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import oracle
import pytest
from hypothesis import HealthCheck, given, seed, settings
from oracle import strategies

from pipeline.config import presets
from pipeline.config.load import load_configuration
from pipeline.waterfall.definition import Waterfall
from tests.sql.test_oracle_agrees import differences, rows_of_both

ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe")
AS_OF = datetime(2026, 4, 1, tzinfo=UTC)
every_preset = pytest.mark.parametrize("name", presets.names())


def waterfall_of(name: str, folder: Path) -> Waterfall:
    """The shipped preset in a zone, with the dimensions that only a preset has: its teams and qualified_by."""
    path = folder / "funnel.toml"
    zone = ZONES[presets.names().index(name) % len(ZONES)]
    path.write_text(
        f'[funnel]\npreset = "{name}"\ntimezone = "{zone}"\n'
        '[[inputs]]\nname = "history"\ntable = "stage_entries"\npath = "x.csv"\n',
        encoding="utf-8",
    )
    return replace(load_configuration(path).waterfall, dimensions=("qualified_by", "team"), windows=(30,))


def walks(waterfall: Waterfall) -> oracle.History:
    """Leads of eight accounts that start on the path and mostly move up; some skip, leave or return."""
    random = Random(len(waterfall.stages))
    path = sorted((stage for stage in waterfall.stages if stage.rank is not None), key=lambda stage: stage.rank or 0)
    off_path = [stage for stage in waterfall.stages if stage.rank is None]
    entries = []
    leads: dict[str, dict[str, str | None]] = {}
    for number in range(24):
        lead_id = f"L{number:02}"
        leads[lead_id] = {"account_id": f"A{number % 8}"}
        moment = AS_OF - timedelta(days=random.randint(20, 45))
        position = number % len(path) if number < 2 * len(path) else 0
        for _ in range(8):
            stage = random.choice(off_path) if random.random() < 0.2 else path[position]
            alias = random.choice((stage.key, stage.label, stage.name, *stage.aliases))
            entries.append(oracle.Entry("crm", 1, len(entries) + 1, lead_id, alias, moment))
            position = max(0, min(len(path) - 1, position + random.choice((1, 1, 1, 1, 2, 0, -1))))
            moment += timedelta(hours=random.choice((1, 24, 72, 240)))
    return oracle.History(as_of=AS_OF, entries=tuple(entries), inputs=("crm",), leads=leads)


@every_preset
def test_sql_and_oracle_agree_on_typical_histories(name: str, tmp_path: Path) -> None:
    """Every stage and group has entries, every headline pair converts, and every table has the oracle's rows."""
    waterfall = waterfall_of(name, tmp_path)
    expected, actual, broken = rows_of_both(waterfall, walks(waterfall))
    assert differences(expected, actual) == {}
    assert broken == []
    assert {each.key for each in (*waterfall.stages, *waterfall.groups)} == {
        row["stage"] for row in actual["journey.arrivals"]
    }
    everything = [row for row in actual["marts.conversion"] if (row["grain"], row["dimension"]) == ("all", "all")]
    won = {(row["from_stage"], row["to_stage"]) for row in everything if row["converted"]}
    assert {(pair.from_key, pair.to_key) for pair in waterfall.headline} <= won


@every_preset
def test_sql_and_oracle_agree_on_unusual_histories(name: str, tmp_path: Path) -> None:
    """With ties, merges, deletions and rejected rows, tables equal the oracle's, and every check passes."""

    @settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @seed(20260331)
    @given(case=strategies.cases_of(waterfall_of(name, tmp_path)))
    def agree(case: tuple[Waterfall, oracle.History]) -> None:
        expected, actual, broken = rows_of_both(*case)
        assert differences(expected, actual) == {}
        assert broken == []

    agree()
