"""The index page: one sentence, the headline rates, actions, the funnel, and everything else folded."""

from __future__ import annotations

from typing import Any

from pipeline.report import answers, links, text, units
from pipeline.report.actions.actions import actions
from pipeline.report.changes.volumes import volume_change
from pipeline.report.conversion import cohorts
from pipeline.report.flow.funnel import funnel, stops_source
from pipeline.report.headline.by_value import index_charts
from pipeline.report.headline.key_rates import key_rates, sentence
from pipeline.report.headline.ways import ways_to_count
from pipeline.report.overview.notices import notices, warnings
from pipeline.report.overview.stage_summary import stage_summary
from pipeline.report.query import Report, Row
from pipeline.report.stage.time import times


def index_page(report: Report, notes: tuple[str, ...], stale: tuple[str, ...]) -> dict[str, Any]:
    """Return what the index shows. It counts the `notes` of the run and names the `stale` inputs first."""
    return {
        "sentence": sentence(report),
        "basis": basis(report),
        "stats": _stats(report.overview),
        "warnings": warnings(report, stale),
        "notices": notices(report, notes),
        "key_rates": key_rates(report),
        "actions": actions(report),
        "funnel": funnel(report),
        "funnel_source": stops_source(report),
        "by_value": index_charts(report),
        "volumes": volume_change(report),
        "summary": stage_summary(report),
        "grid": cohorts.grid(report),
        "times": times(report),
        "ways": ways_to_count(report) if answers.headline_pairs(report) else None,
    }


def basis(report: Report) -> str:
    """Return the unit of the headline and which months count, in words."""
    unit = report.overview.unit
    return (
        f"Unless a figure says otherwise, the unit is the {unit}: {units.MEANINGS[unit]}. A rate counts the units "
        "that arrived at the first stage of the pair in the months named. These months are final: even their youngest unit "
        "has had the days of the window."
    )


def _stats(total: Row) -> tuple[tuple[str, str, str], ...]:
    """Return (number, what it counts, the page that explains it) for the foot of the index."""
    return (
        (text.count(total.leads), "leads with history", links.VOLUMES),
        (
            text.count(total.entries),
            f"stage entries since {text.month(total.first_date)}" if total.entries else "stage entries",
            links.QUALITY,
        ),
        (text.count(total.cycles), f"cycles, {text.count(total.open_cycles)} open", links.VOLUMES),
        (text.count(total.accounts), "accounts with leads", links.ACCOUNTS),
        (text.count(total.open_leads), f"leads waiting, {text.count(total.overdue)} overdue", links.OWNERS),
    )
