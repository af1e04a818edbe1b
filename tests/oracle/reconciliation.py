"""Whether the source shows a lead in the stage in which its history ends, one lead after the other."""

from __future__ import annotations

from pipeline.waterfall.definition import Waterfall

from .durations import Row
from .entries import normalised, stages_by_name
from .history import History, survivors
from .journey import Journey


def stage_reconciliation(waterfall: Waterfall, history: History, journey: Journey) -> list[Row]:
    """The rows of quality.stage_reconciliation: leads in a stage, by their own record and those merged into them."""
    stage_by_name = stages_by_name(waterfall)
    rows = []
    for span in journey.spans:
        texts = current_stages(history, span.lead_id)
        if span.exited_at is not None or not texts:
            continue
        agreeing = [text for text in texts if stage_by_name.get(normalised(text)) == span.stage]
        text = (agreeing or texts)[0]
        shown = stage_by_name.get(normalised(text))
        rows.append(
            {
                "lead_id": span.lead_id,
                "history_stage": span.stage.key,
                "entered_at": span.entered_at.replace(tzinfo=None),
                "current_stage": shown.key if shown is not None else None,
                "stage_text": text,
                "outcome": "agrees" if agreeing else "unknown" if shown is None else "differs",
            }
        )
    return rows


def current_stages(history: History, lead_id: str) -> list[str]:
    """What the records of a lead show, its own first, then those merged into it, the last delivered first."""
    survivor_of = survivors(history)
    merged = [row for each, row in history.leads.items() if survivor_of.get(each) == lead_id]
    records = [history.leads.get(lead_id, {}), *reversed(merged)]
    texts = [record.get("current_stage") or "" for record in records]
    return [text for text in texts if normalised(text)]
