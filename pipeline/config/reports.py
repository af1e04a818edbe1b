"""The `[[reports]]` blocks: reports for one value of a dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from pipeline.config.block import AsExported, Block, Document, Text, Word
from pipeline.config.configuration import ReportOfOne
from pipeline.config.mail import address
from pipeline.waterfall.names import did_you_mean

RESERVED_FOLDERS = frozenset({"archive", "assets", "data"})
"""Other folders of reports/. The name `all` is reserved by `Word`."""

MAX_REPORTS = 50


class ReportBlock(Block):
    """One `[[reports]]`."""

    name: Word
    dimension: Word
    value: AsExported
    title: Text | None = None
    to: list[Annotated[str, AfterValidator(address)]] = Field(default_factory=list)


def read_reports(document: Document, dimensions: Sequence[str]) -> tuple[ReportOfOne, ...]:
    """Return the reports for one value. Adds problems for repeated names and unknown dimensions."""
    blocks, problems = document.blocks(ReportBlock, "reports"), document.problems
    first: dict[str, int] = {}
    for number, block in blocks:
        if block.name in RESERVED_FOLDERS:
            problems.add(("reports", number, "name"), f"`{block.name}` is the name of another folder of reports/")
        if block.name in first:
            problems.add_twice("name", block.name, ("reports", number, "name"), ("reports", first[block.name]))
        first.setdefault(block.name, number)
        if block.dimension not in dimensions and not problems.are_in("funnel", "dimensions"):
            hint = did_you_mean(block.dimension, dimensions) or "; name it in [funnel] dimensions"
            problems.add(("reports", number, "dimension"), f"`{block.dimension}` is no dimension of this funnel{hint}")
    if len(blocks) > MAX_REPORTS:
        problems.add(("reports",), f"at most {MAX_REPORTS} reports; each is built and written in every run")
    return tuple(
        ReportOfOne(
            block.name, block.title or block.value, block.dimension, block.value, tuple(dict.fromkeys(block.to))
        )
        for _, block in blocks
    )
