"""The page of the archive: the earlier nights with their headline, each a link to its own pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.report import text
from pipeline.report.archive.archive import EarlierNight
from pipeline.report.layout.table import Cell, Table, TableRow, columns


@dataclass(frozen=True)
class ArchivePage:
    """Earlier nights, newest first; `nights` is None while there is none."""

    nights: Table | None


def archive_page(earlier: tuple[EarlierNight, ...]) -> ArchivePage:
    """The page of the archive. Headline rates are those of the time, whatever is known now."""
    if not earlier:
        return ArchivePage(None)
    pairs = list(dict.fromkeys(title for night in earlier for title, _ in _pairs(night)))
    return ArchivePage(
        Table(
            caption="Earlier runs, newest first, with their headline rates",
            columns=columns("As of", "Leads waiting", "Overdue", *pairs),
            rows=tuple(_row(night, pairs) for night in earlier),
            key="nights",
        )
    )


def _row(night: EarlierNight, pairs: list[str]) -> TableRow:
    cohorts = dict(_pairs(night))
    return TableRow(
        (
            Cell(night.as_of_date, note=_time(night), link=night.index),
            Cell(text.count(night.summary["open_leads"])),
            Cell(text.count(night.summary["overdue"])),
            *(_rate(cohorts[pair]) if pair in cohorts else Cell(text.DASH) for pair in pairs),
        )
    )


def _rate(cohort: dict[str, Any]) -> Cell:
    return Cell(
        text.rate(cohort["rate"]),
        note=f"{text.count(cohort['converted'])} of {text.count(cohort['entered'])}" if cohort["entered"] else "",
    )


def _pairs(night: EarlierNight) -> Iterator[tuple[str, dict[str, Any]]]:
    """(pair in words, the months of its headline rate) of an earlier run. Runs before there was one have no such months."""
    for pair in night.summary["headline"]:
        recent = next((each for each in pair["cohorts"] if each["cohort"] == "recent"), None)
        if pair.get("is_headline_window") and recent is not None:
            name = f"{text.isolated(pair['from_label'])} → {text.isolated(pair['to_label'])}"
            yield f"{name}, within {pair['window_days']} days", recent


def _time(night: EarlierNight) -> str:
    return f"{datetime.fromisoformat(night.summary['as_of_local']):%H:%M:%S} {night.summary['timezone']}"
