"""Made-up waterfalls and histories that crowd the places where counting goes wrong.

Moments come from a small grid around one anchor (a DST change or an edge of a period), so that ties, duplicates,
repeats, chains within a second and stays of exactly a window are frequent. The first value of every draw is the plain
one, so that a failing case shrinks to a short history with little in it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from pipeline.config.configuration import Precision
from pipeline.waterfall.definition import (
    Stage,
    Waterfall,
)
from tests.oracle.waterfall_strategies import DAY, HOUR, SECOND, waterfalls

from .cuts import local_date
from .history import Deletion, Entry, History, Merge, a_year_after, as_delivered
from .people import ACCOUNTS, accounts_of, leads_of

ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe")
INPUTS = ("crm_a", "crm_b")
PRECISIONS: tuple[dict[str, Precision], ...] = (
    {},
    {},
    {"crm_a": "minute"},
    {"crm_b": "day"},
    {"crm_a": "day", "crm_b": "minute"},
    {"crm_b": "hour"},
)
PRIORITIES: tuple[dict[str, int], ...] = (
    {},
    {},
    {"crm_a": 2, "crm_b": 1},
    {"crm_a": 1, "crm_b": 3},
)
SNAPSHOTS: tuple[dict[str, Precision | None], ...] = ({}, {}, {}, {"crm_b": "day"}, {"crm_a": "day"}, {"crm_b": None})
"""Inputs of snapshots, and the unit to which their times are cut: the day for dates."""
LEADS = tuple(f"L{number:02}" for number in range(1, 25))
OWNERS = (None, "dana", "erik", "finn")
OUT_OF_RANGE = datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)


def cases(max_leads: int = 8) -> st.SearchStrategy[tuple[Waterfall, History]]:
    """A waterfall and a history of up to `max_leads` (at most 24) for it; `waterfall.as_of` is `history.as_of`.

    A build costs the same for two leads as for twenty: a test that builds a database draws few histories with many leads.
    """
    return _cases(max_leads=max_leads)


def cases_of(waterfall: Waterfall) -> st.SearchStrategy[tuple[Waterfall, History]]:
    """As `cases`, for the stages, ranks, groups and limits of a given waterfall."""
    return _cases(waterfall)


@st.composite
def _cases(draw: st.DrawFn, given: Waterfall | None = None, max_leads: int = 8) -> tuple[Waterfall, History]:
    zone = given.timezone if given else draw(st.sampled_from(ZONES))
    anchor = draw(st.sampled_from(anchors(zone)))
    as_of = anchor + draw(st.sampled_from((10 * DAY, 45 * DAY, timedelta(0), DAY, 31 * DAY - SECOND, 8 * DAY - HOUR)))
    waterfall = replace(given or draw(waterfalls(zone)), as_of=as_of)
    # A few moments of the grid, so that leads meet at them, and always a stay of exactly each window.
    edges = [anchor, *(anchor + window * DAY for window in waterfall.windows)]
    chosen = draw(st.lists(st.sampled_from(grid(anchor, as_of, waterfall)), min_size=4, max_size=12, unique=True))
    moments = (*edges, *chosen)
    return waterfall, draw(histories(waterfall, as_of, moments, max_leads))


# ---- time


@cache
def anchors(zone: str) -> tuple[datetime, ...]:
    """The instants of one year at which the zone changes its clocks, and local midnights at the edges of periods."""
    here = ZoneInfo(zone)
    edges = [
        datetime(2026, 1, 1, tzinfo=here),
        datetime(2025, 11, 1, tzinfo=here),
        datetime(2026, 3, 30, tzinfo=here),
        datetime(2024, 3, 1, tzinfo=here),
    ]
    found = [edge.astimezone(UTC) for edge in edges]
    moment = datetime(2025, 7, 1, tzinfo=UTC)
    while moment < datetime(2026, 7, 1, tzinfo=UTC):
        step = timedelta(minutes=30)
        if moment.astimezone(here).utcoffset() != (moment + step).astimezone(here).utcoffset():
            found.append(moment + step)
        moment += step
    return tuple(found)


def grid(anchor: datetime, as_of: datetime, waterfall: Waterfall) -> tuple[datetime, ...]:
    """The moments a case may use, the plain ones first."""
    here = ZoneInfo(waterfall.timezone)
    day = local_date(waterfall, anchor)
    midnights = [
        datetime(each.year, each.month, each.day, tzinfo=here).astimezone(UTC)
        for each in (day, day + DAY, day.replace(day=1), (day.replace(day=1) + 32 * DAY).replace(day=1))
    ]
    found = [anchor + step * DAY / 2 for step in range(-6, 7)]
    found += [moment + offset for moment in (anchor, *midnights) for offset in (timedelta(0), -SECOND, SECOND, HOUR)]
    for window in waterfall.windows:
        found += [anchor + window * DAY + offset for offset in (timedelta(0), -SECOND, SECOND)]
        found += [as_of - window * DAY + offset for offset in (timedelta(0), -SECOND, SECOND)]
    found += [as_of - 2 * HOUR, as_of - SECOND, as_of, as_of + SECOND, as_of + 5 * DAY]
    found += [a_year_after(as_of), a_year_after(as_of) + SECOND, OUT_OF_RANGE]
    return tuple(found)


# ---- waterfalls


@st.composite
def histories(
    draw: st.DrawFn, waterfall: Waterfall, as_of: datetime, moments: tuple[datetime, ...], max_leads: int
) -> History:
    """Rows of up to `max_leads` from two inputs with two loads each, with merges, deletions and rows to set aside."""
    entry_columns = frozenset(draw(st.sampled_from((("owner",), ("campaign", "owner"), ("campaign",), ()))))
    lead_ids = LEADS[: draw(st.integers(1, max_leads))]
    precisions = draw(st.sampled_from(PRECISIONS))
    snapshots = draw(st.sampled_from(SNAPSHOTS))
    cuts: dict[str, Precision | None] = {**precisions, **snapshots}
    rows: dict[tuple[str, int], list[Entry]] = {(name, number): [] for name in INPUTS for number in (0, 1)}
    row_of_a_lead = st.tuples(
        st.integers(0, len(waterfall.stages) - 1),
        st.integers(0, len(moments) - 1),
        st.integers(0, 63),  # where it was delivered, how often, and its sequence
        st.integers(0, 127),  # how it is written, who owned it, its campaign
        st.integers(0, 31),  # which stage it gives as the one before: none for the first 16
        st.integers(0, 2 * len(moments)),  # when it says that the record was created
    )
    for lead_id in lead_ids:
        for stage_position, moment, delivery, look, old, created in draw(st.lists(row_of_a_lead, max_size=10)):
            stage = waterfall.stages[stage_position]
            where = (INPUTS[delivery & 1], delivery >> 1 & 1)
            entry = _row(lead_id, stage, moments[moment], delivery >> 4, look, entry_columns)
            entry = replace(entry, **_before(waterfall, old, moments[created] if created < len(moments) else None))
            other = INPUTS[1 - (delivery & 1)]
            there = _cut(entry, cuts.get(other), waterfall.timezone)
            entry = _cut(entry, cuts.get(where[0]), waterfall.timezone)
            rows[where].append(entry)
            again = delivery >> 2 & 3
            if again == 1:
                rows[other, where[1]].append(there)
            elif again == 2:
                rows[where].append(entry)
            elif again == 3 and _may_come_again(entry, as_of):
                rows[where[0], 1].append(entry)
        for where, entry in draw(st.one_of(st.just([]), _chains(lead_id, waterfall, as_of, moments))):
            rows[where].append(_cut(entry, cuts.get(where[0]), waterfall.timezone))
    merges = draw(_merges(lead_ids, moments)) + draw(_account_merges(moments))
    return History(
        as_of=as_of,
        entries=_numbered(rows),
        inputs=INPUTS,
        entry_columns=entry_columns,
        leads=draw(leads_of(lead_ids, waterfall, moments)),
        accounts=draw(accounts_of()),
        merges=merges,
        deletions=draw(_deletions((*lead_ids, "L99"), moments)),
        precisions=precisions,
        priorities=draw(st.sampled_from(PRIORITIES)),
        snapshots=frozenset(snapshots),
    )


def _cut(entry: Entry, unit: Precision | None, zone: str) -> Entry:
    """The row as an input writes it that cuts its times to minutes, hours or local days."""
    if entry.entered_at is None or unit is None:
        return entry
    small = {"second": 0} if unit == "minute" else {"minute": 0, "second": 0}
    if unit == "day":
        small["hour"] = 0
    return replace(
        entry, entered_at=entry.entered_at.astimezone(ZoneInfo(zone)).replace(**small, fold=0).astimezone(UTC)
    )


@st.composite
def _chains(
    draw: st.DrawFn, lead_id: str, waterfall: Waterfall, as_of: datetime, moments: tuple[datetime, ...]
) -> list[tuple[tuple[str, int], Entry]]:
    """Rows of one lead, instant and input whose old values make a chain, shuffled and mostly of one load.

    Stages repeat, so that some chains have several orders; now and then a row has no old value, or comes in both loads.
    """
    stages = draw(st.lists(st.sampled_from(waterfall.stages[:4]), min_size=3, max_size=7))
    moment, name = draw(st.sampled_from(moments)), draw(st.sampled_from(INPUTS))
    found = []
    for old, new in draw(st.permutations(list(pairwise(stages)))):
        sequence, load, spoiled = draw(
            st.tuples(st.sampled_from((None, None, 1, 2, 3)), st.integers(0, 5), st.integers(0, 9))
        )
        previous = {9: None, 8: "Banana"}.get(spoiled, old.label)
        entry = Entry("", 0, 0, lead_id, new.key, moment, sequence=sequence, previous=previous)
        found.append(((name, load // 4), entry))
        if load == 0 and _may_come_again(entry, as_of):
            found.append(((name, 1), replace(entry, sequence=4)))
    return found


def _row(lead_id: str, stage: Stage, moment: datetime, order: int, look: int, columns: frozenset[str]) -> Entry:
    """A row not yet placed in a load. Looks 0 to 111 are good rows, the rest must be rejected or are written oddly."""
    owner, campaign, spelling = OWNERS[look & 3], (None, "spring")[look >> 2 & 1], look >> 3
    text = {1: f" {stage.label} ", 2: next(iter(stage.aliases), stage.key), 3: stage.key.upper()}.get(
        spelling, stage.key
    )
    faults: dict[int, dict[str, Any]] = {
        12: {"stage": "Banana"},
        13: {"entered_at": None},
        14: {"lead_id": ""},
        15: {"stage": ""},
    }
    entry = Entry(
        input="",
        load_no=0,
        row_number=0,
        lead_id=lead_id,
        stage=text,
        entered_at=moment,
        sequence=(None, 1, 2, 3)[order],
        owner=owner if "owner" in columns else None,
        extra={"campaign": campaign} if "campaign" in columns else {},
    )
    return replace(entry, **faults.get(spelling, {}))


def _before(waterfall: Waterfall, old: int, created_at: datetime | None) -> dict[str, Any]:
    """What a row says of the time before it; landing would reject a creation out of range."""
    names = ("Banana", *(f"{stage.label} " for stage in waterfall.stages))
    previous = names[(old - 16) % len(names)] if old >= 16 else None
    return {"previous": previous, "record_created_at": created_at if created_at != OUT_OF_RANGE else None}


def _may_come_again(entry: Entry, as_of: datetime) -> bool:
    """Landing counts a row too far ahead as redelivered before a model can reject it; such a row comes only once."""
    return entry.entered_at is None or entry.entered_at <= a_year_after(as_of)


def _numbered(rows: dict[tuple[str, int], list[Entry]]) -> tuple[Entry, ...]:
    """The rows with their input, load and row number, loads counted over all inputs as one run lands them.

    A second load that is empty, or the same file as the first, is no load.
    """
    entries: list[Entry] = []
    load_no = 0
    for name in INPUTS:
        delivered: list[list[tuple[object, ...]]] = []
        for number in (0, 1):
            content = [as_delivered(entry) for entry in rows[name, number]]
            if number == 1 and (not content or content in delivered):
                continue
            delivered.append(content)
            load_no += 1
            for row_number, entry in enumerate(rows[name, number], start=1):
                entries.append(replace(entry, input=name, load_no=load_no, row_number=row_number))
    return tuple(entries)


@st.composite
def _merges(draw: st.DrawFn, lead_ids: tuple[str, ...], moments: tuple[datetime, ...]) -> tuple[Merge, ...]:
    """Up to three merges (more of many leads), in chains but never in circles: all go towards one end of the list of leads.

    The end itself may be merged into a lead that has no row of its own.
    """
    towards = draw(st.sampled_from((lead_ids, lead_ids[::-1])))
    ends = ("L99", *towards)
    many = len(towards)
    a_merge = st.tuples(st.integers(1, many), st.integers(0, many - 1), st.integers(0, 2 * len(moments)))
    found = {}
    for position, steps, when in draw(st.lists(a_merge, max_size=max(3, many // 3))):
        into = max(0, position - 1 - steps)
        merged_at = moments[when] if when < len(moments) and moments[when] != OUT_OF_RANGE else None
        found[ends[position]] = Merge(ends[position], ends[into], merged_at)
    return tuple(found.values())


@st.composite
def _account_merges(draw: st.DrawFn, moments: tuple[datetime, ...]) -> tuple[Merge, ...]:
    """None mostly, else up to two merges of accounts towards one end of their list; the ids of some are ids of leads, too."""
    ends = draw(st.sampled_from((("L99", *ACCOUNTS[1:]), ("L1", *ACCOUNTS[:0:-1], "L2"))))
    a_merge = st.tuples(st.integers(1, len(ends) - 1), st.integers(0, 2), st.integers(0, 3 * len(moments)))
    found = {}
    for position, steps, when in draw(st.one_of(st.just([]), st.lists(a_merge, max_size=2))):
        merged_at = moments[when] if when < len(moments) and moments[when] != OUT_OF_RANGE else None
        found[ends[position]] = Merge(
            str(ends[position]), str(ends[max(0, position - 1 - steps)]), merged_at, "account"
        )
    return tuple(found.values())


@st.composite
def _deletions(draw: st.DrawFn, lead_ids: tuple[str, ...], moments: tuple[datetime, ...]) -> tuple[Deletion, ...]:
    """Up to two leads deleted (more of many leads), before, at or after as-of, some before their last entry.

    A row without a time deletes nobody.
    """
    # Landing would reject a deletion whose time is out of range, and the oracle takes deletions as given.
    possible = [moment for moment in moments if moment != OUT_OF_RANGE]
    deleted = st.tuples(st.sampled_from(lead_ids), st.sampled_from((*possible, None)))
    rows = st.lists(deleted, max_size=max(2, len(lead_ids) // 4), unique_by=lambda each: each[0])
    return tuple(Deletion(*each) for each in draw(rows))
