"""Freshness, volume and completeness checks of the deliveries of an input.

A delivery is all loads of an input on one day in the waterfall's time zone. A file that is read again with other settings is not
a delivery. No message contains a value of a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from statistics import median
from zoneinfo import ZoneInfo

from pipeline.config.block import WEEKDAYS
from pipeline.config.configuration import RARE_TABLES, Input
from pipeline.ingest.landing.landing_log import Load

WEEKS_COMPARED = 8
"""Weeks whose same weekday is compared with a delivery."""
MIN_DELIVERIES = 3
"""A delivery is checked only if the same weekday has at least this many deliveries."""
MIN_REJECTED = 20
"""Fewer rejected rows never fail `max_rejected`, unless they are all rows of the file."""
MAX_AS_OF_AHEAD = timedelta(days=1)
"""Ages are checked only if as-of is not later than this after the start of the run, such as the end of today."""
ROW_NOUNS = {"stage_entries": "rows of history", "leads": "leads", "accounts": "accounts"}


@dataclass(frozen=True)
class StaleInput:
    """An input whose newest delivery is `age` old at as-of. `stops`: the age exceeds `error_after`, so the run fails."""

    input: str
    age: timedelta
    stops: bool

    def __str__(self) -> str:
        return f"{self.input} is stale: its newest file came {age_in_words(self.age)} before as-of"


def rows_by_day(loads: Iterable[Load], input_: Input, zone: ZoneInfo) -> dict[date, int]:
    """Return the rows of each delivery by day; for snapshots, the rows of the last one of the day."""
    rows: dict[date, int] = {}
    for load in _deliveries(loads, input_):
        day = _day(load, zone)
        rows[day] = load.rows_read if input_.mode == "snapshot" else rows.get(day, 0) + load.rows_read
    return rows


def usual_rows(rows: dict[date, int], day: date) -> Fraction | None:
    """Return the median of the deliveries on the same weekday in the eight weeks before `day`; None if there are too few."""
    same = [rows[earlier] for week in range(1, WEEKS_COMPARED + 1) if (earlier := day - timedelta(weeks=week)) in rows]
    return Fraction(median(same)) if len(same) >= MIN_DELIVERIES else None


def volume_problem(loads: Iterable[Load], input_: Input, zone: ZoneInfo) -> str | None:
    """Return why the newest delivery of an input fails the volume check, or None.

    It fails below `least_rows` of the usual rows on its weekday. Without usual rows there is no check.
    """
    rows = rows_by_day(loads, input_, zone)
    if not rows:
        return None
    day = _day(_deliveries(loads, input_)[-1], zone)  # not the latest date, because the clock can be set back
    usual = usual_rows(rows, day)
    if usual is None or rows[day] >= Fraction(str(input_.guard.least_rows)) * usual:
        return None
    came = "1 row came" if rows[day] == 1 else f"{rows[day]} rows came"
    return f"{input_.name}: {came}, and {float(usual):g} are usual on a {WEEKDAYS[day.weekday()].capitalize()}"


def loss_problem(load: Load, input_: Input) -> str | None:
    """Return why a snapshot fails the completeness check, or None. It fails if it lost more than `lost_keys` of the last one."""
    if load.missing is None or load.lost <= Fraction(str(input_.guard.lost_keys)) * load.lost_of:
        return None
    return _loss_in_words(load, input_)


def rejection_problem(load: Load, input_: Input) -> str | None:
    """Return the problem of a file with too many rejected rows, with the warnings of its load; else None.

    Too many means all rows, or at least MIN_REJECTED rows and more than the share `max_rejected`. Filtered rows do not count.
    """
    allowed, rejected = Fraction(str(input_.guard.max_rejected)), load.all_rejected
    rows = load.rows_read - load.filtered
    is_too_many = rejected >= MIN_REJECTED and rejected > allowed * rows
    if allowed == 1 or not rejected or not (is_too_many or rejected == rows):
        return None
    which = "every row is" if rejected == rows else f"{rejected:,} of {rows:,} rows are"
    head = (
        f"{load.input}: {load.file_name}: {which} rejected; max_rejected allows {input_.guard.max_rejected * 100:g} %"
    )
    return "\n".join((head, *(f"  {remark}" for remark in load.warnings)))


def incomplete_deliveries(
    before: Sequence[Load], new: Sequence[Load], input_: Input, zone: ZoneInfo
) -> tuple[str, ...]:
    """Return why the `new` loads of an input fail the volume or completeness check; `before` are all loads of the log."""
    if not new:
        return ()
    problem = volume_problem((*before, *new), input_, zone) if _deliveries(new, input_) else None
    losses = (loss_problem(load, input_) for load in new)
    return tuple(filter(None, (problem, *losses)))


def newest_delivery_notes(inputs: Iterable[Input], loads: Sequence[Load], zone: ZoneInfo) -> tuple[str, ...]:
    """Return notes for readers of the report about the newest delivery of each input. They depend on the log only."""
    notes = []
    for input_ in inputs:
        deliveries = _deliveries(loads, input_)
        if not deliveries:
            continue
        problem = volume_problem(loads, input_, zone)
        is_checked = input_.table not in RARE_TABLES or input_.guard.least_rows > 0
        if problem:
            notes.append(problem)
        elif is_checked and not rows_by_day(loads, input_, zone)[_day(deliveries[-1], zone)]:
            notes.append(f"{input_.name}: the newest delivery has no row")
        if deliveries[-1].lost:
            notes.append(_loss_in_words(deliveries[-1], input_))
    return tuple(notes)


def stale_inputs(
    inputs: Iterable[Input], loads: Sequence[Load], *, as_of: datetime, clock: datetime
) -> tuple[StaleInput, ...]:
    """Return the inputs whose newest delivery is too old at as-of. Times have a time zone, or are naive UTC.

    The age is measured at as-of and not at the clock, so that the same log and as-of have the same result at any time. There is no
    check if as-of is more than MAX_AS_OF_AHEAD after the clock.
    """
    at, now = naive(as_of), naive(clock)
    if at > now + MAX_AS_OF_AHEAD:
        return ()
    stale = []
    for input_ in inputs:
        loaded_at = [load.loaded_at for load in _deliveries(loads, input_)]
        if not loaded_at:
            continue
        age = at - max(loaded_at)
        stops = input_.guard.error_after is not None and age > input_.guard.error_after
        if stops or (input_.guard.warn_after is not None and age > input_.guard.warn_after):
            stale.append(StaleInput(input_.name, age, stops))
    return tuple(stale)


def age_in_words(age: timedelta) -> str:
    """Return an age in whole days from two days on, else in whole hours, or in minutes below one hour."""
    for unit, length, least in (("day", timedelta(days=1), 2), ("hour", timedelta(hours=1), 1)):
        count = age // length
        if count >= least:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    minutes = age // timedelta(minutes=1)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def _loss_in_words(load: Load, input_: Input) -> str:
    things = ROW_NOUNS.get(input_.table, "keys")
    return (
        f"{input_.name}: the snapshot has lost {load.lost} of the {load.lost_of} {things} of the one before; "
        "they are kept, not deleted"
    )


def _deliveries(loads: Iterable[Load], input_: Input) -> list[Load]:
    return [load for load in loads if load.input == input_.name and not load.supersedes]


def _day(load: Load, zone: ZoneInfo) -> date:
    return load.loaded_at.replace(tzinfo=UTC).astimezone(zone).date()


def naive(moment: datetime) -> datetime:
    """Return a time in UTC without its zone."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
