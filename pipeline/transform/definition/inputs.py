"""Writes the inputs as rows: order, time zone, and precision of times."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.config import formats
from pipeline.config.configuration import Input
from pipeline.waterfall.zones import midnights

Columns = tuple[tuple[str, str, str], ...]

PRECISION_SECONDS = {None: 0, "minute": 60, "hour": 3_600, "day": 86_400}
"""Length of the unit to which the times of an input are truncated. A local day may be an hour longer or shorter."""

MARGIN = timedelta(days=2)
"""Largest distance between the local dates of two time zones."""


def input_tables(
    inputs: tuple[Input, ...], first: date, last: date
) -> tuple[tuple[str, str, Columns, tuple[tuple[Any, ...], ...]], ...]:
    """Return name, comment, columns and rows of waterfall.inputs and waterfall.input_days for entries from `first` to `last`."""
    numbered = tuple(enumerate(inputs, 1))
    return (
        (
            "inputs",
            "One row per input of the configuration.",
            (
                ("input", "VARCHAR", "name in the configuration"),
                ("input_no", "SMALLINT", "position in the configuration; breaks ties between inputs"),
                ("table_name", "VARCHAR", "what its rows are"),
                ("format", "VARCHAR", "what its files look like; entries = each record is a row as it is"),
                ("timezone", "VARCHAR", "zone in which its naive times are read"),
                (
                    "precision_seconds",
                    "INTEGER",
                    "length of the unit to which its times are cut; 86400 = local day, 0 = not cut",
                ),
                (
                    "priority",
                    "SMALLINT",
                    "1 = first of those that date the same entry; null = it neither wins nor loses",
                ),
                (
                    "is_snapshots",
                    "BOOLEAN",
                    "whether a row is a lead as of a snapshot: its stage, not when it came there",
                ),
            ),
            tuple(
                (
                    each.name,
                    number,
                    each.table,
                    each.format,
                    each.timezone,
                    PRECISION_SECONDS[each.precision],
                    each.priority,
                    each.format == formats.SNAPSHOTS,
                )
                for number, each in numbered
            ),
        ),
        (
            "input_days",
            "One row per local day of an input of snapshots or one whose times are cut to days, from before the first entry "
            "to after as-of.",
            (
                ("input_no", "SMALLINT", "position in the configuration"),
                ("starts_at", "TIMESTAMP", "UTC instant at which the day begins: the time that the input gives"),
                ("ends_at", "TIMESTAMP", "UTC instant at which the next day begins"),
                ("day", "DATE", "the date of the day in the zone of the input"),
            ),
            tuple(
                (number, starts_at, ends_at, _local_date(starts_at, each.timezone))
                for number, each in numbered
                if each.precision == "day" or each.format == formats.SNAPSHOTS
                for starts_at, ends_at in pairwise(midnights(each.timezone, first - MARGIN, last + MARGIN))
            ),
        ),
    )


def _local_date(at: datetime, zone: str) -> date:
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
