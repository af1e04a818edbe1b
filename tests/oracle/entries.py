"""Which rows count and why the others do not, in the order in which they count."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations
from zoneinfo import ZoneInfo

from pipeline.waterfall.definition import Stage, Waterfall

from .history import (
    Entry,
    History,
    a_year_after,
    arrival_order,
    as_delivered,
    present,
    record,
    survivors,
)
from .rules import scope_rule
from .sources import recorded_also

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
LONGEST_CHAIN = 8
DISPOSITIONS = ("rejected", "redelivered", "after_as_of", "out_of_scope", "duplicate", "repeat", "kept")


@dataclass(frozen=True)
class Placed:
    """A row and what became of it. `lead_id` is the survivor; `stage` is None only when the row is rejected.

    `place_no` is its place among the rows of its instant, by the chain of old values or the sequence; None without either (E5).
    `dated` is the time and the input that count where a source of better priority dates its entry (E4).
    """

    entry: Entry
    lead_id: str
    stage: Stage | None
    disposition: str
    reason: str | None = None
    place_no: int | None = None
    dated: tuple[datetime, str] | None = None

    @property
    def at(self) -> datetime:
        assert self.entry.entered_at is not None
        return self.entry.entered_at

    @property
    def into(self) -> Stage:
        assert self.stage is not None
        return self.stage


def deletions(history: History) -> dict[str, datetime]:
    """When each lead was deleted, by what has happened by as-of: the last row of a lead counts (E10)."""
    gone: dict[str, datetime | None] = {}
    for deletion in history.deletions:
        if deletion.deleted_at is None or deletion.deleted_at <= history.as_of:
            gone[deletion.lead_id] = deletion.deleted_at
    return {lead_id: moment for lead_id, moment in gone.items() if moment is not None}


def normalised(text: str) -> str:
    """The text as stage names are compared: composed letters, no invisible characters, single spaces, lower case."""
    for invisible in "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff":
        text = text.replace(invisible, "")
    text = unicodedata.normalize("NFC", text)
    return " ".join(text.replace("\u00a0", " ").split()).lower()


def stages_by_name(waterfall: Waterfall) -> dict[str, Stage]:
    """Each spelling of a stage as names are compared, and the stage."""
    found = {}
    for stage in waterfall.stages:
        for name in (stage.key, stage.label, stage.name, *stage.aliases):
            found[normalised(name)] = stage
    return found


def place(waterfall: Waterfall, history: History) -> list[Placed]:
    """Every row once, in the order delivered, under the first disposition that applies."""
    stage_by_name = stages_by_name(waterfall)
    survivor = survivors(history)
    delivered_in: dict[tuple[object, ...], int] = {}
    placed = []
    for entry in sorted(history.entries, key=lambda entry: arrival_order(history, entry)):
        stage = stage_by_name.get(normalised(entry.stage))
        lead_id = survivor.get(entry.lead_id, entry.lead_id)
        reason = rejection(entry, stage, history.as_of)
        first_load = delivered_in.setdefault(as_delivered(entry), entry.load_no)
        if reason is not None:
            placed.append(Placed(entry, lead_id, None, "rejected", reason))
        elif first_load < entry.load_no:
            placed.append(Placed(entry, lead_id, stage, "redelivered"))
        elif entry.entered_at is not None and entry.entered_at > history.as_of:
            placed.append(Placed(entry, lead_id, stage, "after_as_of"))
        elif scope_rule(waterfall, history, lead_id) is not None:
            placed.append(Placed(entry, lead_id, stage, "out_of_scope"))
        else:
            placed.append(Placed(entry, lead_id, stage, "kept"))
    return without_repeats(history, without_duplicates(waterfall, history, with_places(stage_by_name, placed)))


def with_places(stage_by_name: Mapping[str, Stage], placed: list[Placed]) -> list[Placed]:
    """E5: each row with its place at its instant: by the chain of old and new values, else by its sequence."""
    instants = defaultdict(list)
    for row in placed:
        if row.disposition == "kept":
            instants[row.lead_id, row.at, row.entry.input].append(row)
    chained: dict[int, int] = {}
    for own in instants.values():
        chained |= chain(stage_by_name, own)
    return [replace(row, place_no=chained.get(id(row), row.entry.sequence)) for row in placed]


def chain(stage_by_name: Mapping[str, Stage], rows: list[Placed]) -> dict[int, int]:
    """The place of each row of one lead, instant and input where exactly one order makes a chain, else nothing.

    Rows of one move in different loads are one move; within a load each is a move of its own. One move alone is no chain.
    """
    moves = {}
    seen: Counter[object] = Counter()
    for row in sorted(
        rows, key=lambda row: (row.entry.sequence is None, row.entry.sequence or 0, row.entry.row_number)
    ):
        if present(row.entry.previous) is None:
            return {}
        old = stage_by_name.get(normalised(row.entry.previous or ""))
        names = (old.key if old is not None else None, row.into.key)
        seen[row.entry.load_no, names] += 1
        moves[id(row)] = (*names, seen[row.entry.load_no, names])
    distinct = sorted(set(moves.values()), key=repr)
    if len({move[:2] for move in distinct}) < 2 or len(distinct) > LONGEST_CHAIN:
        return {}
    orders = [
        order
        for order in permutations(distinct)
        if all(before[1] == move[0] for before, move in pairwise(order))
        # Copies of one move in their order: exchanging them makes no other order.
        and all(order.index(move) > order.index((*move[:2], move[2] - 1)) for move in order if move[2] > 1)
    ]
    if len(orders) != 1:
        return {}
    return {row: orders[0].index(move) + 1 for row, move in moves.items()}


def place_order(row: Placed) -> tuple[bool, int]:
    """By the place at the instant, rows without one last."""
    return row.place_no is None, row.place_no or 0


def at_creation(waterfall: Waterfall, history: History, with_entries: set[str]) -> list[Placed]:
    """E9: an entry at creation for each lead in scope that has none, where its record gives stage and moment."""
    if not waterfall.entry_at_creation:
        return []
    survivor = survivors(history)
    found = []
    for lead_id in {survivor.get(each, each) for each in history.leads} - with_entries:
        created = creation(waterfall, record(history, lead_id), history.as_of)
        if created is not None and scope_rule(waterfall, history, lead_id) is None:
            stage, moment = created
            entry = Entry(history.inputs[0], 0, 0, lead_id, stage.key, moment)
            found.append(Placed(entry, lead_id, stage, "kept"))
    return found


def creation(waterfall: Waterfall, columns: Mapping[str, str | None], as_of: datetime) -> tuple[Stage, datetime] | None:
    """The stage and moment at which a record says that its lead was created, if both are usable by as-of."""
    name, text = normalised(columns.get("created_stage") or ""), present(columns.get("created_at"))
    moment = datetime.fromisoformat(text).astimezone(UTC) if text is not None else None
    if moment is None or not EARLIEST <= moment <= as_of:
        return None
    for stage in waterfall.stages:
        if name in [normalised(each) for each in (stage.key, stage.label, stage.name, *stage.aliases)]:
            return stage, moment
    return None


def first_values(waterfall: Waterfall, history: History, kept: Mapping[str, list[Placed]]) -> list[Placed]:
    """E9: the stage before a lead's first entry, as that row gives it, at the creation of the record where it is known."""
    stage_by_name = stages_by_name(waterfall)
    found = []
    for lead_id, rows in kept.items():
        first = min(rows, key=lambda row: order_in_lead(history, row))
        old = stage_by_name.get(normalised(first.entry.previous or ""))
        created = first.entry.record_created_at
        if first.entry.lead_id == lead_id:
            created = moment_of(record(history, lead_id).get("created_at")) or created
        if old is None or old == first.stage or created is None or not EARLIEST <= created < first.at:
            continue
        entry = Entry(first.entry.input, 0, 0, lead_id, old.key, created)
        found.append(Placed(entry, lead_id, old, "kept"))
    return found


def moment_of(text: str | None) -> datetime | None:
    """The UTC moment of an ISO text; None without one."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def first_creations(waterfall: Waterfall, history: History, placed: list[Placed]) -> list[datetime]:
    """The moments of creation that may open the calendar.

    Those before the earliest rows of an id that give a known stage as the one before; with entry at creation, those of
    records whose own id has no entry by as-of.
    """
    return [*created_before(waterfall, history, placed), *created_without_entry(waterfall, history, placed)]


def created_before(waterfall: Waterfall, history: History, placed: list[Placed]) -> list[datetime]:
    """The creation of each id, by its record or its rows, where its earliest rows by as-of come later and name a stage before."""
    by_id = defaultdict(list)
    for row in placed:
        if row.stage is not None and row.at <= history.as_of:
            by_id[row.entry.lead_id].append(row)
    names = stages_by_name(waterfall)
    found = []
    for lead_id, rows in by_id.items():
        earliest = min(row.at for row in rows)
        for row in rows:
            if row.at == earliest and normalised(row.entry.previous or "") in names:
                recorded = moment_of(history.leads.get(lead_id, {}).get("created_at"))
                found += [
                    each for each in (recorded, row.entry.record_created_at) if each and EARLIEST <= each < row.at
                ]
    return found


def created_without_entry(waterfall: Waterfall, history: History, placed: Iterable[Placed]) -> list[datetime]:
    """With entry at creation, that of each record whose own id has no entry by as-of."""
    if not waterfall.entry_at_creation:
        return []
    own = {row.entry.lead_id for row in placed if row.stage is not None and row.at <= history.as_of}
    found = [creation(waterfall, row, history.as_of) for each, row in history.leads.items() if each not in own]
    return [created[1] for created in found if created is not None]


def rejection(entry: Entry, stage: Stage | None, as_of: datetime) -> str | None:
    """Why the row can't be history, or None."""
    if present(entry.lead_id) is None:
        return "no_lead"
    if present(entry.stage) is None:
        return "no_stage"
    if entry.entered_at is None:
        return "unreadable_time"
    if not EARLIEST <= entry.entered_at < LATEST:
        return "time_out_of_range"
    if stage is None:
        return "unknown_stage"
    if entry.entered_at > a_year_after(as_of):
        return "too_far_ahead"
    return None


def order_in_lead(history: History, row: Placed) -> tuple[object, ...]:
    """E5. Off the path all stages are equal, and come after the path."""
    rank = row.into.rank
    return (
        row.at,
        *place_order(row),
        rank is None,
        rank or 0,
        *arrival_order(history, row.entry),
    )


def without_duplicates(waterfall: Waterfall, history: History, placed: list[Placed]) -> list[Placed]:
    """E4: of the same lead, stage, time and visit the first by place and then by row is kept; none where an input is more
    exact, or where one that comes first dates the entry."""
    first: dict[tuple[str, str, datetime, int], Placed] = {}
    candidates = [row for row in placed if row.disposition == "kept"]
    visit = visits(history, candidates)
    exact = [row for row in candidates if not is_more_exact_elsewhere(waterfall, history, row, placed)]
    also = recorded_also(
        history,
        exact,
        deletions(history),
        lambda row: order_in_lead(history, replace(row, place_no=row.entry.sequence)),
    )
    counted = [row for row in exact if id(row) not in also]
    for row in sorted(counted, key=lambda row: (place_order(row), arrival_order(history, row.entry))):
        first.setdefault((row.lead_id, row.into.key, row.at, visit[id(row)]), row)
    chosen = {id(row) for row in first.values()}
    others = {id(row) for row in candidates} - chosen
    return [
        replace(row, disposition="duplicate", dated=also.get(id(row))) if id(row) in others else row for row in placed
    ]


def is_more_exact_elsewhere(waterfall: Waterfall, history: History, row: Placed, placed: list[Placed]) -> bool:
    """Whether an input of finer times has the row's lead in its stage within the time that the row stands for."""
    within = time_of(waterfall, history, row, placed)
    level = fineness(history, row)
    return within is not None and any(
        (other.lead_id, other.into.key) == (row.lead_id, row.into.key)
        and fineness(history, other) < level
        and within[0] <= other.at < within[1]
        for other in placed
        if other.disposition == "kept"
    )


def time_of(
    waterfall: Waterfall, history: History, row: Placed, placed: list[Placed]
) -> tuple[datetime, datetime] | None:
    """From when and before when the row's lead entered its stage; None for a time that is not cut.

    A snapshot stands for the time since the one before that has the lead, by the id as delivered, and by then.
    """
    unit = history.precisions.get(row.entry.input)
    if row.entry.input not in history.snapshots:
        ends_at = end_of_unit(row.at, unit, waterfall.timezone)
        return None if ends_at is None else (row.at, ends_at)
    before = [
        other.at
        for other in placed
        if other.reason in (None, "unknown_stage")
        and (other.entry.input, other.entry.lead_id) == (row.entry.input, row.entry.lead_id)
        and other.at < row.at
    ]
    length = timedelta(**{f"{unit}s": 1}) if unit else timedelta(0)
    day = end_of_unit(row.at, "day", waterfall.timezone)
    return max(before, default=row.at), day or row.at + length + timedelta(microseconds=1)


def fineness(history: History, row: Placed) -> int:
    """0 for a time that is not cut, more the coarser it is; a snapshot is coarser than any unit."""
    if row.entry.input in history.snapshots:
        return 4
    return (None, "minute", "hour", "day").index(history.precisions.get(row.entry.input))


def end_of_unit(at: datetime, unit: str | None, zone: str) -> datetime | None:
    """When the minute, hour or local day ends that begins at `at`; None where none does, or without a unit."""
    local = at.astimezone(ZoneInfo(zone))
    if unit == "minute" and local.second == 0:
        return at + timedelta(minutes=1)
    if unit == "hour" and (local.minute % 15, local.second) == (0, 0):
        return at + timedelta(hours=1)
    if unit == "day" and (local.hour, local.minute, local.second) == (0, 0, 0):
        return (local.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return None


def visits(history: History, rows: list[Placed]) -> dict[int, int]:
    """Which of the lead's entries into the stage at that instant a row is: 2 when the places of its input show that the
    lead had left in between; rows without a place are the first."""
    visit = {id(row): 1 for row in rows}
    moments = defaultdict(list)
    for row in rows:
        if row.place_no is not None:
            moments[row.lead_id, row.at, row.entry.input].append(row)
    for own in moments.values():
        own.sort(key=lambda row: order_in_lead(history, row))
        entered: Counter[str] = Counter()
        before = None
        for row in own:
            if row.into.key != before:
                entered[row.into.key] += 1
            visit[id(row)], before = entered[row.into.key], row.into.key
    return visit


def without_repeats(history: History, placed: list[Placed]) -> list[Placed]:
    """E6: of consecutive entries into one stage the first is kept; a deletion in between parts them (E10)."""
    gone = deletions(history)
    repeats = set()
    by_lead = defaultdict(list)
    for row in placed:
        if row.disposition == "kept":
            by_lead[row.lead_id].append(row)
    for rows in by_lead.values():
        rows.sort(key=lambda row: order_in_lead(history, row))
        for before, row in pairwise(rows):
            if before.into.key == row.into.key and not is_between(gone.get(row.lead_id), before, row):
                repeats.add(id(row))
    return [replace(row, disposition="repeat") if id(row) in repeats else row for row in placed]


def is_between(deleted_at: datetime | None, before: Placed, row: Placed | None) -> bool:
    """Whether the lead was deleted after it entered the one stage and before it entered the next, if any."""
    return deleted_at is not None and before.at <= deleted_at and (row is None or deleted_at < row.at)


def row_accounting(history: History, placed: Iterable[Placed]) -> dict[str, Counter[str]]:
    """Per input, how many rows fell under each disposition."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in history.inputs}
    for row in placed:
        counts[row.entry.input][row.disposition] += 1
    return counts
