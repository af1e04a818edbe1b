"""Changes of volume between the last two complete months in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.report import text
from pipeline.report.layout.table import join_words
from pipeline.report.query import Report, Row


def volume_change(report: Report) -> dict[str, Any]:
    """Return the change of arrivals at the path stages."""
    answer = report.rows("report.volume_change", "latest_arrivals", order="stage_no")
    return {
        "sentence": sentence(answer.rows),
        "source": report.source(answer),
    }


def sentence(stages: Sequence[Row]) -> str:
    """Return the changes of arrivals: significant ones with numbers, the other stages by name."""
    if not stages or stages[0].previous_month is None:
        return "Arrivals: there are no two complete months to compare yet."
    parts = []
    significant = [stage for stage in stages if stage.is_enough and not stage.is_noise]
    not_significant = [stage.label for stage in stages if stage.is_enough and stage.is_noise]
    few = [stage.label for stage in stages if not stage.is_enough]
    if significant:
        parts.append("clear changes at " + join_words([_moved(stage) for stage in significant]))
    if not_significant:
        parts.append(f"no clear change at {join_words(not_significant)}")
    if few:
        parts.append(f"too few to say at {join_words(few)}")
    months = f"{text.month(stages[0].latest_month)} against {text.month(stages[0].previous_month)}"
    return f"Arrivals in {months}: {'; '.join(parts)}."


def _moved(stage: Row) -> str:
    change = stage.change or 0
    then, now = text.count(stage.previous_arrivals), text.count(stage.latest_arrivals)
    return f"{stage.label}, {'up' if change > 0 else 'down'} {text.count(abs(change))} ({then} → {now})"
