"""The `[[events]]` blocks: days that explain a trend, such as the start of a new team."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import PlainValidator

from pipeline.config.block import Block, Document, Text
from pipeline.waterfall.definition import Event

MAX_EVENTS = 50
MAX_LABEL_LENGTH = 40
"""Characters of a label, so that it has a place on a trend."""


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("must be a day such as 2025-09-08, without quotes")


class EventBlock(Block):
    """One `[[events]]`."""

    date: Annotated[date, PlainValidator(_day)]
    label: Text


def read_events(document: Document) -> tuple[Event, ...]:
    """Return the events in the order of their days. Adds problems for long labels and too many events."""
    blocks, problems = document.blocks(EventBlock, "events"), document.problems
    for number, block in blocks:
        if len(block.label) > MAX_LABEL_LENGTH:
            problems.add(("events", number, "label"), f"must have at most {MAX_LABEL_LENGTH} characters")
    if len(blocks) > MAX_EVENTS:
        problems.add(("events",), f"at most {MAX_EVENTS} events")
    return tuple(sorted((Event(block.date, block.label) for _, block in blocks), key=lambda event: event.date))
