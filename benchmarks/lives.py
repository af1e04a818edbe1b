"""Simulate when leads are created and how they move between stages.

NumPy moves 500,000 leads at once, one step at a time, which takes about a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Codes = NDArray[np.int8]
Mask = NDArray[np.bool_]

STAGES = (
    "Marketing Created",
    "Marketing Engaged",
    "Marketing Qualified",
    "Sales Accepted",
    "Sales Qualified",
    "Proposal Sent",
    "Closed Won",
    "Waiting for Customer",
    "Recycled",
    "Closed Lost",
)
"""Stages as the CRM writes them. `funnel.toml` has the same ten in the same order."""

UNKNOWN_STAGE = len(STAGES)
"""Code of a stage that the waterfall does not know."""

DAY = 86_400
START = int(datetime(2023, 1, 1, tzinfo=UTC).timestamp())
END = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
"""Seconds since 1970. History is [START, END), and as-of is its last second."""

_FIRST_STAGE = (0.80, 0.06, 0.04, 0.07, 0.02, 0.0, 0.0, 0.0, 0.01, 0.0)
# One row per stage: the probability of each next stage. The rest to 1 never leaves the stage.
_NEXT_STAGE = (
    (0.012, 0.550, 0.110, 0.020, 0.000, 0.000, 0.000, 0.000, 0.080, 0.120),
    (0.012, 0.010, 0.610, 0.050, 0.005, 0.000, 0.000, 0.000, 0.120, 0.100),
    (0.015, 0.020, 0.015, 0.560, 0.080, 0.000, 0.000, 0.040, 0.120, 0.100),
    (0.000, 0.000, 0.040, 0.012, 0.520, 0.030, 0.000, 0.090, 0.110, 0.150),
    (0.000, 0.000, 0.000, 0.040, 0.012, 0.570, 0.040, 0.060, 0.070, 0.160),
    (0.000, 0.000, 0.000, 0.000, 0.040, 0.010, 0.400, 0.060, 0.050, 0.300),
    (0.000, 0.000, 0.030, 0.000, 0.010, 0.000, 0.005, 0.000, 0.000, 0.000),
    (0.000, 0.000, 0.070, 0.380, 0.220, 0.070, 0.000, 0.015, 0.090, 0.120),
    (0.040, 0.180, 0.260, 0.040, 0.000, 0.000, 0.000, 0.000, 0.015, 0.120),
    (0.010, 0.020, 0.040, 0.005, 0.000, 0.000, 0.000, 0.000, 0.000, 0.005),
)
_MEDIAN_DAYS = (5.0, 8.0, 1.6, 4.0, 15.0, 20.0, 200.0, 12.0, 50.0, 90.0)
_SPREAD = 1.1
_SAME_SECOND_SHARE = 0.04
_MAX_MOVES = 30

_NEXT = np.cumsum(np.array(_NEXT_STAGE), axis=1)
_SCALE = np.array(_MEDIAN_DAYS) * DAY


@dataclass(frozen=True)
class Moves:
    """Rows of history as columns: number of the lead, code of the stage, second since 1970."""

    lead: Integers
    stage: Codes
    at: Integers

    def __len__(self) -> int:
        return len(self.lead)

    def select(self, rows: Mask | Integers) -> Moves:
        """Return some of the rows, in the order of `rows`."""
        return Moves(self.lead[rows], self.stage[rows], self.at[rows])

    def sorted_by_time(self) -> Moves:
        """Return the rows by time. Rows of the same second keep their order."""
        return self.select(np.argsort(self.at, kind="stable"))


def concatenate(parts: list[Moves]) -> Moves:
    """Return all rows of all parts."""
    return Moves(
        np.concatenate([part.lead for part in parts]),
        np.concatenate([part.stage for part in parts]),
        np.concatenate([part.at for part in parts]),
    )


def draw_creation_times(random: np.random.Generator, leads: Integers, of: int) -> Integers:
    """Return creation times in the order of the leads, more in each year. `of` is the number of all leads."""
    share = (leads + random.random(len(leads))) / of
    return START + (share**0.85 * (END - START)).astype(np.int64)


def simulate_history(random: np.random.Generator, leads: Integers, created: Integers) -> tuple[Moves, Codes]:
    """Return every move before END, and the stage of each lead at END."""
    current_stage = np.searchsorted(np.cumsum(_FIRST_STAGE), random.random(len(leads)), side="right").astype(np.int8)
    current_stage = np.minimum(current_stage, len(STAGES) - 1).astype(np.int8)
    moving, stage, at = np.arange(len(leads)), current_stage.copy(), created.copy()
    parts = []
    for _ in range(_MAX_MOVES):
        parts.append(Moves(leads[moving], stage, at))
        current_stage[moving] = stage
        next_stage = _next_stage(random, stage)
        at = at + _stay_seconds(random, stage)
        continues = (next_stage < len(STAGES)) & (at < END)
        moving, stage, at = moving[continues], next_stage[continues], at[continues]
        if not len(moving):
            break
    return concatenate(parts), current_stage


def simulate_day(
    random: np.random.Generator, leads: Integers, current_stage: Codes, midnight: int
) -> tuple[Moves, Codes]:
    """Return one to three moves of each lead on the day that begins at `midnight`, and the final stages."""
    steps = 1 + (random.random(len(leads)) < 0.5) + (random.random(len(leads)) < 0.17)
    times = midnight + np.sort(random.integers(0, DAY, (len(leads), 3)), axis=1)
    stage, parts = current_stage.copy(), []
    for step in range(3):
        moves = step < steps
        stage[moves] = _next_stage(random, stage[moves], may_stay=False)
        parts.append(Moves(leads[moves], stage[moves].copy(), times[moves, step]))
    return concatenate(parts), stage


def _next_stage(random: np.random.Generator, stage: Codes, *, may_stay: bool = True) -> Codes:
    """Return the next stage of each lead; `len(STAGES)` for those that never leave."""
    draw = random.random(len(stage)) if may_stay else random.random(len(stage)) * _NEXT[stage, -1]
    next_stage: Codes = (draw[:, None] >= _NEXT[stage]).sum(axis=1).astype(np.int8)
    return next_stage


def _stay_seconds(random: np.random.Generator, stage: Codes) -> Integers:
    """Return log-normal seconds in the stage. A few stays have no length."""
    seconds = _SCALE[stage] * np.exp(_SPREAD * random.standard_normal(len(stage)))
    seconds[random.random(len(stage)) < _SAME_SECOND_SHARE] = 0
    return seconds.astype(np.int64)
