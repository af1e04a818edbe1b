"""Plans the partitions of a model that is too large for memory: ranges of an integer column.

DuckDB spills sorts, joins and groups to disk, but not lists and quantiles. It can spill a window over a long history, but
partitions are faster. The header of such a model names the column and the memory of an input row (`-- partition:`). In a
partition, every table that the model reads and that has the column is limited to the range; other tables are whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb

from pipeline.settings import Settings
from pipeline.transform.header import PartitionRule
from pipeline.transform.project import TableName

MAX_PARTITION_SHARE = 0.4
"""Share of the memory limit for the rows of one partition. The rest is for joins and cached tables."""

BUCKET_COUNT = 4096
"""Rows are counted per bucket of the integer column, to find ranges of about equal size."""


@dataclass(frozen=True)
class Range:
    """The values of an integer column from `first` to `last`; None leaves that side open. With no values, `first` > `last`."""

    key: str
    first: int | None
    last: int | None
    rows: int = 0

    @property
    def condition(self) -> str:
        """Return the SQL condition for the rows of this range."""
        limits = ((">=", self.first), ("<=", self.last))
        return " and ".join(f"{self.key} {sign} {limit}" for sign, limit in limits if limit is not None) or "true"


Partition = tuple[Range, ...]
"""The range of each column that limits the tables of a model."""


def plan_partitions(connection: duckdb.DuckDBPyConnection, rules: tuple[PartitionRule, ...]) -> tuple[Partition, ...]:
    """Return the partitions of a model in build order; none if the model fits into memory.

    With several rules, the model has several kinds of rows, and a partition has rows of one kind only. The partitions of
    a kind cover every integer, including values that the counted table does not have.
    """
    if not rules:
        return ()
    limit = MAX_PARTITION_SHARE * _memory(connection)
    buckets = {rule: _buckets(connection, rule, limit / rule.bytes_each, Range(rule.key, None, None)) for rule in rules}
    if sum(bucket.rows * rule.bytes_each for rule in rules for bucket in buckets[rule]) <= limit:
        return ()
    partitions = []
    for rule in rules:
        others = tuple(Range(other.key, 1, 0) for other in rules if other != rule)
        ranges = _without_gaps(_merged(buckets[rule], limit / rule.bytes_each)) or [Range(rule.key, None, None)]
        partitions += [(each, *others) for each in ranges]
    return tuple(partitions)


def condition_of(partition: Partition, _table: TableName, columns: tuple[str, ...]) -> str | None:
    """Return the condition for the rows of a table in a partition; None if the table has none of its columns."""
    return " and ".join(each.condition for each in partition if each.key in columns) or None


def _buckets(connection: duckdb.DuckDBPyConnection, rule: PartitionRule, max_rows: float, within: Range) -> list[Range]:
    """Count the rows of each bucket, in order of the column. A bucket with more than `max_rows` is divided again."""
    rows = connection.execute(
        f"""
        with
        counted as (from {rule.table} where {within.condition}),
        bounds as (
            select min({rule.key}) as lowest, (max({rule.key}) - min({rule.key})) // {BUCKET_COUNT} + 1 as width
            from counted
        )
        select min({rule.key}) as first_value, max({rule.key}) as last_value, cast({rule.rows} as bigint)
        from counted
        cross join bounds
        group by ({rule.key} - bounds.lowest) // bounds.width
        order by first_value
        """
    ).fetchall()
    buckets: list[Range] = []
    for first, last, count in rows:
        bucket = Range(rule.key, int(first), int(last), int(count))
        is_divisible = bucket.rows > max_rows and first < last
        buckets += _buckets(connection, rule, max_rows, bucket) if is_divisible else [bucket]
    return buckets


def _merged(buckets: list[Range], max_rows: float) -> list[Range]:
    """Merge neighbours while they have at most `max_rows`. A larger bucket, of one value, stays alone."""
    merged: list[Range] = []
    for bucket in buckets:
        if merged and merged[-1].rows + bucket.rows <= max_rows:
            merged[-1] = replace(merged[-1], last=bucket.last, rows=merged[-1].rows + bucket.rows)
        else:
            merged.append(bucket)
    return merged


def _without_gaps(ranges: list[Range]) -> list[Range]:
    """Let each range begin after the one before, and open the first and the last one."""
    firsts = [None, *(each.last + 1 for each in ranges[:-1] if each.last is not None)]
    lasts = [*(each.last for each in ranges[:-1]), None]
    return [replace(each, first=first, last=last) for each, first, last in zip(ranges, firsts, lasts, strict=False)]


def _memory(connection: duckdb.DuckDBPyConnection) -> float:
    row = connection.execute("select current_setting('memory_limit')").fetchone()
    return Settings(str(row[0]) if row else "", 1).memory
