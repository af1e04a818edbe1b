"""report.sla_by_owner: who is charged with a missed limit, and who has the open lead to do (docs/RULES.md T5)."""

from __future__ import annotations

from pipeline.waterfall.definition import Waterfall

from .conversion import wilson
from .cuts import NOTHING, Dimensions
from .durations import Row, open_leads
from .history import History, present
from .journey import travel
from .sla import share, stand

STATES = ("met", "breached", "open_within", "open_overdue")


def sla_by_owner(waterfall: Waterfall, history: History) -> list[Row]:
    """One row per stage with a limit and owner, by stage in the order of the file, then as the owners are listed."""
    journey = travel(waterfall, history)
    waiting = open_leads(waterfall, history, journey, Dimensions(waterfall, history, journey))
    rows = []
    for stage in waterfall.stages:
        mine: dict[str, Row] = {}
        for span in journey.spans:
            standing = stand(waterfall, span, history.as_of)
            if span.stage.key == stage.key and standing is not None:
                _row(mine, stage.key, present(span.entry.owner))[standing.state] += 1
        for lead in waiting:
            if lead["stage"] == stage.key and lead["sla_state"] is not None:
                _row(mine, stage.key, lead["current_owner"])[lead["sla_state"].replace("open", "now")] += 1
        for row in mine.values():
            row["decided"] = row["met"] + row["breached"] + row["open_overdue"]
            row["met_share"] = share(row["met"], row["decided"])
            low, high = wilson(row["met"], row["decided"]) if row["decided"] else (None, None)
            row |= {"met_low": low, "met_high": high}
        rows += [row | {"owner_no": place} for place, row in enumerate(sorted(mine.values(), key=_place), 1)]
    return rows


def _row(mine: dict[str, Row], stage: str, owner: str | None) -> Row:
    name = owner or NOTHING
    nothing = dict.fromkeys((*STATES, "now_within", "now_overdue"), 0)
    return mine.setdefault(name, {"stage": stage, "owner": name, **nothing})


def _place(row: Row) -> tuple[int, str]:
    """Most to do first, then by name."""
    return -row["now_overdue"], row["owner"]
