"""The `[[reports]]` blocks: reports of one value of a dimension, with problems in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from pipeline.config.block import AsExported, Block, Document, Text, Word
from pipeline.config.configuration import ReportOfOne
from pipeline.config.mail import address
from pipeline.waterfall.names import did_you_mean

TAKEN = frozenset({"archive", "assets", "data"})
"""Folders that reports/ has, or may come to have, beside the reports; `all`, the report of all leads, is no word anyway."""

MOST_REPORTS = 50


class ReportBlock(Block):
    """One `[[reports]]`."""

    name: Word
    dimension: Word
    value: AsExported
    title: Text | None = None
    to: list[Annotated[str, AfterValidator(address)]] = Field(default_factory=list)


def read_reports(document: Document, dimensions: Sequence[str]) -> tuple[ReportOfOne, ...]:
    """The reports of one value; what does not fit the others, or `[funnel] dimensions`, is a problem."""
    blocks, problems = document.blocks(ReportBlock, "reports"), document.problems
    first: dict[str, int] = {}
    for number, block in blocks:
        if block.name in TAKEN:
            problems.add(("reports", number, "name"), f"`{block.name}` is the name of another folder of reports/")
        if block.name in first:
            line = problems.line(("reports", first[block.name]))
            problems.add(("reports", number, "name"), f"the name `{block.name}` is used twice, here and in line {line}")
        first.setdefault(block.name, number)
        if block.dimension not in dimensions and not problems.are_in("funnel", "dimensions"):
            hint = did_you_mean(block.dimension, dimensions) or "; name it in [funnel] dimensions"
            problems.add(("reports", number, "dimension"), f"`{block.dimension}` is no dimension of this funnel{hint}")
    if len(blocks) > MOST_REPORTS:
        problems.add(("reports",), f"at most {MOST_REPORTS} reports; each is built and written in every run")
    return tuple(
        ReportOfOne(
            block.name, block.title or block.value, block.dimension, block.value, tuple(dict.fromkeys(block.to))
        )
        for _, block in blocks
    )
