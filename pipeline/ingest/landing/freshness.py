"""Whether a delivery can be what it should be: not too small, not too old, no snapshot that lost what is known.

Plain functions over the loads of the landing log. A delivery is what was landed of an input on one day of the waterfall's
time zone; a file that is read again with other settings is none. Nothing here names a value of a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from statistics import median
from zoneinfo import ZoneInfo

from pipeline.config.configuration import RARE_TABLES, Input
from pipeline.ingest.landing.landing_log import Load

WEEKS_COMPARED = 8
"""How far back a weekday is compared with itself."""
MIN_DELIVERIES = 3
"""Deliveries of a weekday that there must be before one is judged by them."""
MIN_REJECTED = 20
"""Rejected rows that there must be before a share of them says something; all rows of a file always do."""
MAX_AS_OF_AHEAD = timedelta(days=1)
"""How far as-of may lie after the start of a run (the end of today) for ages at as-of to mean anything."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ROW_NOUNS = {"stage_entries": "rows of history", "leads": "leads", "accounts": "accounts"}


@dataclass(frozen=True)
class StaleInput:
    """An input whose newest delivery is `age` old at as-of; `stops` when that is beyond its `error_after`."""

    input: str
    age: timedelta
    stops: bool

    def __str__(self) -> str:
        return f"{self.input} is stale: its newest file came {age_in_words(self.age)} before as-of"


def rows_by_day(loads: Iterable[Load], input_: Input, zone: ZoneInfo) -> dict[date, int]:
    """Rows by day of delivery. Of snapshots, each of which is the whole, the last one of a day counts."""
    rows: dict[date, int] = {}
    for load in _deliveries(loads, input_):
        day = _day(load, zone)
        rows[day] = load.rows_read if input_.mode == "snapshot" else rows.get(day, 0) + load.rows_read
    return rows


def usual_rows(rows: dict[date, int], day: date) -> Fraction | None:
    """The median of the deliveries on the same weekday in the eight weeks before `day`; None if they are too few."""
    same = [rows[earlier] for week in range(1, WEEKS_COMPARED + 1) if (earlier := day - timedelta(weeks=week)) in rows]
    return Fraction(median(same)) if len(same) >= MIN_DELIVERIES else None


def volume_problem(loads: Iterable[Load], input_: Input, zone: ZoneInfo) -> str | None:
    """What is wrong with the size of the newest delivery of an input, or None.

    It is too small below `least_rows` of what is usual on its weekday; where nothing is usual yet, there is no judgement.
    """
    rows = rows_by_day(loads, input_, zone)
    if not rows:
        return None
    day = _day(_deliveries(loads, input_)[-1], zone)  # not the latest date: a clock may have been set back
    usual = usual_rows(rows, day)
    if usual is None or rows[day] >= Fraction(str(input_.guard.least_rows)) * usual:
        return None
    came = "1 row came" if rows[day] == 1 else f"{rows[day]} rows came"
    return f"{input_.name}: {came}, and {float(usual):g} are usual on a {WEEKDAYS[day.weekday()]}"


def loss_problem(load: Load, input_: Input) -> str | None:
    """What a snapshot lost of the one before, if that is more than `lost_keys` of it."""
    if load.missing is None or load.lost <= Fraction(str(input_.guard.lost_keys)) * load.lost_of:
        return None
    return _loss_in_words(load, input_)


def rejection_problem(load: Load, input_: Input) -> str | None:
    """What is wrong with a file of which too many rows are rejected, with what its load remarked; else None.

    Too many are all of them, or at least MIN_REJECTED and more than `max_rejected` of them. Filtered rows don't count.
    """
    allowed, rows = Fraction(str(input_.guard.max_rejected)), load.all_rejected
    of = load.rows_read - load.filtered
    is_too_many = rows >= MIN_REJECTED and rows > allowed * of
    if allowed == 1 or not rows or not (is_too_many or rows == of):
        return None
    which = "every row is" if rows == of else f"{rows:,} of {of:,} rows are"
    head = (
        f"{load.input}: {load.file_name}: {which} rejected; max_rejected allows {input_.guard.max_rejected * 100:g} %"
    )
    return "\n".join((head, *(f"  {remark}" for remark in load.warnings)))


def incomplete_deliveries(
    before: Sequence[Load], new: Sequence[Load], input_: Input, zone: ZoneInfo
) -> tuple[str, ...]:
    """Why the `new` loads of an input may not count unless somebody accepts them; `before` are all loads of the log."""
    if not new:
        return ()
    small = volume_problem((*before, *new), input_, zone) if _deliveries(new, input_) else None
    found = [small] if small else []
    return (*found, *(said for load in new if (said := loss_problem(load, input_))))


def newest_delivery_notes(inputs: Iterable[Input], loads: Sequence[Load], zone: ZoneInfo) -> tuple[str, ...]:
    """What readers should know of the newest delivery of each input. The same log says the same, whoever accepted what."""
    said = []
    for input_ in inputs:
        delivered = _deliveries(loads, input_)
        if not delivered:
            continue
        small = volume_problem(loads, input_, zone)
        is_judged = input_.table not in RARE_TABLES or input_.guard.least_rows > 0
        if small:
            said.append(small)
        elif is_judged and not rows_by_day(loads, input_, zone)[_day(delivered[-1], zone)]:
            said.append(f"{input_.name}: the newest delivery has no row")
        if delivered[-1].lost:
            said.append(_loss_in_words(delivered[-1], input_))
    return tuple(said)


def stale_inputs(
    inputs: Iterable[Input], loads: Sequence[Load], *, as_of: datetime, clock: datetime
) -> tuple[StaleInput, ...]:
    """The inputs whose newest delivery is older at as-of than they allow. Times are aware, or naive UTC.

    The age is that at as-of and not at the clock, so that the same log and as-of say the same whenever they are asked;
    an as-of well after the clock says nothing about ages.
    """
    at, now = _naive(as_of), _naive(clock)
    if at > now + MAX_AS_OF_AHEAD:
        return ()
    found = []
    for input_ in inputs:
        came = [load.loaded_at for load in _deliveries(loads, input_)]
        if not came:
            continue
        age = at - max(came)
        stops = input_.guard.error_after is not None and age > input_.guard.error_after
        if stops or (input_.guard.warn_after is not None and age > input_.guard.warn_after):
            found.append(StaleInput(input_.name, age, stops))
    return tuple(found)


def age_in_words(age: timedelta) -> str:
    """Whole days from two days on, else whole hours; minutes below one hour."""
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


def _naive(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
