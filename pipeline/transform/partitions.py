"""Builds models that are too large for memory in partitions: ranges of an integer column.

DuckDB spills sorts, joins and groups to disk, but not lists and quantiles. It can spill a window over a long history, but
partitions are faster. The header of such a model names the column and the memory of an input row (`-- parts:`). The model
reads its range from variables of the connection; without variables, for example in a shell, it reads all rows. The planner
treats a variable as a constant, so a scan skips row groups outside the range.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import duckdb

from pipeline.database.connection import literal
from pipeline.settings import Settings
from pipeline.transform.header import PartitionRule

MAX_PARTITION_SHARE = 0.4
"""Share of the memory limit for the rows of one partition. The rest is for joins and cached tables."""

BUCKET_COUNT = 4096
"""Rows are counted per bucket of the integer column, to find ranges of about equal size."""

Variables = dict[str, int | str]
"""Variables that limit a model to one partition. Empty: all rows."""


@dataclass(frozen=True)
class _Bucket:
    """A range of the integer column and its number of rows. None as first or last value leaves that side open."""

    each: str | None
    first: int | None
    last: int | None
    rows: int


def plan_partitions(connection: duckdb.DuckDBPyConnection, rules: tuple[PartitionRule, ...]) -> tuple[Variables, ...]:
    """Return the partitions of a model in build order; one without limits if the model fits into memory.

    With several rules, the model has several kinds of rows, and a partition has rows of one kind only. The partitions of
    a kind cover every integer, including values that the counted table does not have.
    """
    limit = MAX_PARTITION_SHARE * _memory(connection)
    buckets = {rule: _buckets(connection, rule) for rule in rules}
    if sum(bucket.rows * rule.bytes_each for rule in rules for bucket in buckets[rule]) <= limit:
        return ({},)
    partitions: list[Variables] = []
    for rule in rules:
        no_rows = {name: value for other in rules if other != rule for name, value in _between(other, 1, 0).items()}
        for bucket in _without_gaps(_merged(buckets[rule], limit / rule.bytes_each)):
            one = {f"one_{rule.each}": bucket.each} if bucket.each is not None else {}
            partitions.append({**no_rows, **_between(rule, bucket.first, bucket.last), **one})
    return tuple(partitions)


@contextmanager
def in_partition(connection: duckdb.DuckDBPyConnection, partition: Variables) -> Iterator[None]:
    """Set the variables of a partition, and reset them at the end."""
    try:
        for name, value in partition.items():
            connection.execute(f"set variable {name} = {literal(value)}")
        yield
    finally:
        for name in partition:
            connection.execute(f"reset variable {name}")


def _between(rule: PartitionRule, first: int | None, last: int | None) -> Variables:
    limits = {f"first_{rule.key}": first, f"last_{rule.key}": last}
    return {name: value for name, value in limits.items() if value is not None}


def _buckets(connection: duckdb.DuckDBPyConnection, rule: PartitionRule) -> list[_Bucket]:
    """Count the rows of each bucket, in order of the column."""
    rows = connection.execute(
        f"""
        with
        bounds as (
            select min({rule.key}) as lowest, (max({rule.key}) - min({rule.key})) // {BUCKET_COUNT} + 1 as width
            from {rule.table}
        )
        select
            {rule.each or "null"} as each_value,
            min({rule.key}) as first_value,
            max({rule.key}) as last_value,
            cast({rule.rows} as bigint)
        from {rule.table}
        cross join bounds
        group by each_value, ({rule.key} - bounds.lowest) // bounds.width
        order by each_value, first_value
        """
    ).fetchall()
    return [_Bucket(each, int(first), int(last), int(count)) for each, first, last, count in rows]


def _merged(buckets: list[_Bucket], max_rows: float) -> list[_Bucket]:
    """Merge neighbours while they have at most `max_rows`. A larger bucket stays alone."""
    merged: list[_Bucket] = []
    for bucket in buckets:
        if merged and merged[-1].each == bucket.each and merged[-1].rows + bucket.rows <= max_rows:
            merged[-1] = replace(merged[-1], last=bucket.last, rows=merged[-1].rows + bucket.rows)
        else:
            merged.append(bucket)
    return merged


def _without_gaps(buckets: list[_Bucket]) -> list[_Bucket]:
    """Close the gaps between ranges, and open the first and last range of each kind. Without buckets, one open range."""
    ranges: list[_Bucket] = []
    for bucket in buckets:
        before = ranges[-1] if ranges and ranges[-1].each == bucket.each else None
        if ranges and before is None:
            ranges[-1] = replace(ranges[-1], last=None)
        first = None if before is None or before.last is None else before.last + 1
        ranges.append(replace(bucket, first=first))
    return [*ranges[:-1], replace(ranges[-1], last=None)] if ranges else [_Bucket(None, None, None, 0)]


def _memory(connection: duckdb.DuckDBPyConnection) -> float:
    row = connection.execute("select current_setting('memory_limit')").fetchone()
    return Settings(str(row[0]) if row else "", 1).memory
