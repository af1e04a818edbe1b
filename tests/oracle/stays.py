"""The report's pictures of stays and accounts: how long stays lasted, which moves began and ended them, where accounts stand."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from pipeline.waterfall.definition import Waterfall

from .accounts import highest, where_it_counts
from .cuts import Dimensions
from .durations import Row, days_between, quantile
from .history import History
from .journey import Journey, travel
from .spans import Span

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EDGES = (
    timedelta(0), HOUR, 4 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 60 * DAY, 90 * DAY, 180 * DAY,
)  # fmt: skip
"""Lower edges of the classes of length; the last has no upper one."""


class Shown:
    """The stays of one cut, and all that the lead did before and after them."""

    def __init__(self, waterfall: Waterfall, history: History, dimension: str, value: str) -> None:
        self.waterfall, self.history = waterfall, history
        self.journey: Journey = travel(waterfall, history)
        self.dimensions = Dimensions(waterfall, history, self.journey)
        self.spans: list[Span] = [
            span for span in self.journey.spans if self.dimensions.value(dimension, span) == value
        ]


def shown(waterfall: Waterfall, history: History, dimension: str = "all", value: str = "all") -> Shown:
    """The stays that a report of this cut shows."""
    return Shown(waterfall, history, dimension, value)


def stay_lengths(cut: Shown) -> list[Row]:
    """report.stay_lengths: every stage, basis and class."""
    rows = []
    for stage in cut.waterfall.stages:
        for basis in ("completed", "open"):
            lengths = [
                length(span, cut.history.as_of)
                for span in cut.spans
                if span.stage.key == stage.key
                and (span.exited_at is None) == (basis == "open")
                and (span.lead_id, span.span_no) not in cut.journey.interrupted
            ]
            for class_no, low in enumerate(EDGES, 1):
                high = EDGES[class_no] if class_no < len(EDGES) else None
                stays = sum(1 for each in lengths if low <= each and (high is None or each < high))
                rows.append(
                    {
                        "stage": stage.key,
                        "basis": basis,
                        "class_no": class_no,
                        "stays": stays,
                        "share": stays / len(lengths) if lengths else None,
                    }
                )
    return rows


def length(span: Span, as_of: datetime) -> timedelta:
    """How long the stay lasted, or has lasted."""
    return (span.exited_at or as_of) - span.entered_at


def stage_moves(cut: Shown) -> list[Row]:
    """report.stage_moves: how the stays of each stage began and how they ended."""
    place = {stage.key: number for number, stage in enumerate(cut.waterfall.stages, 1)}
    span_of = {(span.lead_id, span.span_no): span for span in cut.journey.spans}
    days: dict[tuple[str, str, str, str | None], list[float | None]] = defaultdict(list)
    for span in cut.spans:
        before = span_of.get((span.lead_id, span.span_no - 1)) if span.came_by != "restored" else None
        is_measured = before is not None and (before.lead_id, before.span_no) not in cut.journey.interrupted
        stayed = days_between(before.entered_at, span.entered_at) if before and is_measured else None
        days[span.stage.key, "in", span.came_by, before.stage.key if before else None].append(stayed)
        if span.exited_at is not None:
            is_measured = (span.lead_id, span.span_no) not in cut.journey.interrupted
            left_after = days_between(span.entered_at, span.exited_at) if is_measured else None
            days[span.stage.key, "out", span.exit_kind, span.next_stage].append(left_after)
    rows: list[Row] = []
    for stage in cut.waterfall.stages:
        for direction in ("in", "out"):
            mine = [(key, found) for key, found in days.items() if key[:2] == (stage.key, direction)]
            mine.sort(key=lambda each: (-len(each[1]), place[each[0][3]] if each[0][3] else 0, each[0][2]))
            total = sum(len(found) for _, found in mine)
            rows += [
                {
                    "stage": stage.key,
                    "direction": direction,
                    "move_no": number,
                    "move_kind": kind,
                    "other_stage": other,
                    "moves": len(found),
                    "share": len(found) / total,
                    "median_days": quantile([each for each in found if each is not None], 0.5),
                }
                for number, ((_, _, kind, other), found) in enumerate(mine, 1)
            ]
    return rows


def accounts_now(cut: Shown) -> list[Row]:
    """report.account_standing: accounts with a stay, where they stand now and how far they came."""
    own: dict[str, list[Span]] = defaultdict(list)
    for span in cut.spans:
        account_id = cut.dimensions.account_of(span.lead_id)
        if account_id is not None:
            own[account_id].append(span)
    rows = []
    for account_id, spans in own.items():
        now = [span for span in spans if span.exited_at is None]
        counted = [where_it_counts(span, cut.journey) for span in now]
        stage, furthest = highest(cut.waterfall, counted), highest(cut.waterfall, spans)
        rows.append(
            {
                "account_id": account_id,
                "leads": len({span.lead_id for span in spans}),
                "leads_open": sum(1 for span in now if span.stage.kind in ("path", "hold")),
                "stage_label": stage.label if stage else None,
                "furthest_label": furthest.label if furthest else None,
            }
        )
    return rows
