"""The archive page: earlier runs with their headline rates and links."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pipeline.report import text
from pipeline.report.archive.archive import EarlierRun
from pipeline.report.layout.table import Cell, TableColumn, table


def archive_page(earlier: tuple[EarlierRun, ...]) -> dict[str, Any]:
    """Return earlier runs, newest first, with the headline rates as each run published them; None if there are none."""
    cohorts = {run.as_of_date: dict(_pairs(run)) for run in earlier}

    def pair(name: str) -> TableColumn:
        return TableColumn(name, "", lambda run: _rate(cohorts[run.as_of_date].get(name)))

    runs = table(
        earlier,
        (
            TableColumn("As of", "", lambda run: Cell(run.as_of_date, note=_time(run), link=run.index), "text"),
            TableColumn("Leads waiting", "", lambda run: text.count(run.summary["open_leads"])),
            TableColumn("Overdue", "", lambda run: text.count(run.summary["overdue"])),
            *map(pair, dict.fromkeys(name for run in earlier for name, _ in _pairs(run))),
        ),
        caption="Earlier runs, newest first, with their headline rates",
        key="nights",
    )
    return {"runs": runs if earlier else None}


def _rate(cohort: dict[str, Any] | None) -> Cell:
    if cohort is None:
        return Cell(text.DASH)
    return Cell(
        text.rate(cohort["rate"]),
        note=f"{text.count(cohort['converted'])} of {text.count(cohort['entered'])}" if cohort["entered"] else "",
    )


def _pairs(run: EarlierRun) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (pair, recent cohorts) of a run for each headline rate. Older runs have no such cohorts."""
    for pair in run.summary["headline"]:
        recent = next((each for each in pair["cohorts"] if each["cohort"] == "recent"), None)
        if pair.get("is_headline_window") and recent is not None:
            name = f"{text.isolated(pair['from_label'])} → {text.isolated(pair['to_label'])}"
            yield f"{name}, within {pair['window_days']} days", recent


def _time(run: EarlierRun) -> str:
    return f"{datetime.fromisoformat(run.summary['as_of_local']):%H:%M:%S} {run.summary['timezone']}"
