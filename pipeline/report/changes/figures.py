"""What changed, read from a built database: the questions of the sections of that name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.database.connection import quoted
from pipeline.report.changes import rows
from pipeline.report.query import Answer


@dataclass(frozen=True)
class ChangeFigures:
    """Changes of rates, by pair and window; their parts, one answer for each row of `splits`; changes of volume."""

    rates: Answer[rows.RateChange]
    splits: Answer[rows.ChangeSplit]
    parts: tuple[Answer[rows.ChangePart], ...]
    volumes: Answer[rows.VolumeChange]


def read_changes(ask: Callable[..., Answer[Any]]) -> ChangeFigures:
    """Put the questions through `ask`, which knows the database and keeps the query beside its rows."""
    splits: Answer[rows.ChangeSplit] = ask(
        rows.ChangeSplit,
        "report.rate_change_split",
        "headline_no",
        order="headline_no, window_days nulls first, dimension_no",
    )
    return ChangeFigures(
        rates=ask(
            rows.RateChange,
            "report.rate_change",
            "headline_no",
            order="headline_no, window_days nulls first",
        ),
        splits=splits,
        parts=tuple(_parts(split, ask) for split in splits.rows),
        volumes=ask(rows.VolumeChange, "report.volume_change", "latest_ended", order="stage_no"),
    )


def _parts(split: rows.ChangeSplit, ask: Callable[..., Answer[Any]]) -> Answer[rows.ChangePart]:
    window = "is null" if split.window_days is None else f"= {split.window_days}"
    return ask(
        rows.ChangePart,
        "report.rate_change_parts",
        "latest_entered",
        where=f"headline_no = {split.headline_no}\n    and window_days {window}\n"
        f"    and dimension = {quoted(split.dimension)}",
        order="value_no",
    )
