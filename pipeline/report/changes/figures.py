"""Query results of the sections about changes."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.database.connection import quoted
from pipeline.report.changes import rows
from pipeline.report.query import QueryResult, ReportConnection


@dataclass(frozen=True)
class ChangeFigures:
    """Changes of rates and volumes. `parts` has one result per row of `splits`."""

    rates: QueryResult[rows.RateChange]
    splits: QueryResult[rows.ChangeSplit]
    parts: tuple[QueryResult[rows.ChangePart], ...]
    volumes: QueryResult[rows.VolumeChange]


def read_changes(connection: ReportConnection) -> ChangeFigures:
    """Return the changes of one report."""
    splits: QueryResult[rows.ChangeSplit] = connection.select(
        rows.ChangeSplit,
        "report.rate_change_split",
        "headline_no",
        order="headline_no, window_days nulls first, dimension_no",
    )
    return ChangeFigures(
        rates=connection.select(
            rows.RateChange,
            "report.rate_change",
            "headline_no",
            order="headline_no, window_days nulls first",
        ),
        splits=splits,
        parts=tuple(_parts(connection, split) for split in splits.rows),
        volumes=connection.select(rows.VolumeChange, "report.volume_change", "latest_ended", order="stage_no"),
    )


def _parts(connection: ReportConnection, split: rows.ChangeSplit) -> QueryResult[rows.ChangePart]:
    window = "is null" if split.window_days is None else f"= {split.window_days}"
    return connection.select(
        rows.ChangePart,
        "report.rate_change_parts",
        "latest_entered",
        where=f"headline_no = {split.headline_no}\n    and window_days {window}\n"
        f"    and dimension = {quoted(split.dimension)}",
        order="value_no",
    )
