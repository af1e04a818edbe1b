"""Invented lives: when leads are created, which stages they pass, and what happens to them beside that.

Whole chunks of leads move at once, a step at a time: 500,000 leads are a second, not an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Small = NDArray[np.int8]
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
"""As the CRM writes them; `funnel.toml` has the same ten, in the same order."""

UNKNOWN_STAGE = len(STAGES)
"""Code of a stage that the waterfall does not know."""

DAY = 86_400
START = int(datetime(2023, 1, 1, tzinfo=UTC).timestamp())
END = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
"""Seconds; history is [START, END), and as-of its last second."""

_FIRST_STAGE = (0.80, 0.06, 0.04, 0.07, 0.02, 0.0, 0.0, 0.0, 0.01, 0.0)
# A row per stage: how likely each stage is next; what is missing to 1 stays where it is for good.
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
_SAME_SECOND = 0.04
_LONGEST = 30

_NEXT = np.cumsum(np.array(_NEXT_STAGE), axis=1)
_SCALE = np.array(_MEDIAN_DAYS) * DAY


@dataclass(frozen=True)
class Moves:
    """Rows of history, column by column: number of the lead, code of the stage, second since 1970."""

    lead: Whole
    stage: Small
    at: Whole

    def __len__(self) -> int:
        return len(self.lead)

    def of(self, rows: Mask | Whole) -> Moves:
        """Some of the rows, in the order given."""
        return Moves(self.lead[rows], self.stage[rows], self.at[rows])

    def in_order(self) -> Moves:
        """By time, then as they were."""
        return self.of(np.argsort(self.at, kind="stable"))


def together(parts: list[Moves]) -> Moves:
    """All rows of all parts."""
    return Moves(
        np.concatenate([part.lead for part in parts]),
        np.concatenate([part.stage for part in parts]),
        np.concatenate([part.at for part in parts]),
    )


def created_at(random: np.random.Generator, leads: Whole, of: int) -> Whole:
    """When these of `of` leads were created: in the order of their numbers, each year more than the year before."""
    share = (leads + random.random(len(leads))) / of
    return START + (share**0.85 * (END - START)).astype(np.int64)


def lives(random: np.random.Generator, leads: Whole, created: Whole) -> tuple[Moves, Small]:
    """Every move before END of leads created at these moments, and the stage each of them is in then."""
    standing = np.searchsorted(np.cumsum(_FIRST_STAGE), random.random(len(leads)), side="right").astype(np.int8)
    standing = np.minimum(standing, len(STAGES) - 1).astype(np.int8)
    moving, stage, at = np.arange(len(leads)), standing.copy(), created.copy()
    parts = []
    for _ in range(_LONGEST):
        parts.append(Moves(leads[moving], stage, at))
        standing[moving] = stage
        following = _following(random, stage)
        at = at + _stay(random, stage)
        goes_on = (following < len(STAGES)) & (at < END)
        moving, stage, at = moving[goes_on], following[goes_on], at[goes_on]
        if not len(moving):
            break
    return together(parts), standing


def days_work(random: np.random.Generator, leads: Whole, standing: Small, midnight: int) -> tuple[Moves, Small]:
    """One to three moves of each of these leads on the day that begins at `midnight`, and where they are at its end."""
    steps = 1 + (random.random(len(leads)) < 0.5) + (random.random(len(leads)) < 0.17)
    times = midnight + np.sort(random.integers(0, DAY, (len(leads), 3)), axis=1)
    stage, parts = standing.copy(), []
    for step in range(3):
        moves = step < steps
        stage[moves] = _following(random, stage[moves], stays_for_good=False)
        parts.append(Moves(leads[moves], stage[moves].copy(), times[moves, step]))
    return together(parts), stage


def _following(random: np.random.Generator, stage: Small, *, stays_for_good: bool = True) -> Small:
    """The next stage of each; `len(STAGES)` for those that stay where they are for good."""
    draw = random.random(len(stage)) if stays_for_good else random.random(len(stage)) * _NEXT[stage, -1]
    following: Small = (draw[:, None] >= _NEXT[stage]).sum(axis=1).astype(np.int8)
    return following


def _stay(random: np.random.Generator, stage: Small) -> Whole:
    """Seconds in the stage: log-normal, and now and then none at all."""
    seconds = _SCALE[stage] * np.exp(_SPREAD * random.standard_normal(len(stage)))
    seconds[random.random(len(stage)) < _SAME_SECOND] = 0
    return seconds.astype(np.int64)
