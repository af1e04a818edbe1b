"""The `[output]` block: where runs are published, how many are kept, and what a run may use."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from pipeline.config.block import Block, FilePath, NonNegative
from pipeline.settings import AMOUNT


def _amount(text: str) -> str:
    if not AMOUNT.fullmatch(text):
        raise ValueError('must be an amount of memory, such as "8GB" or "512MB"')
    return text


def _some_threads(number: int) -> int:
    if number < 1:
        raise ValueError("must be 1 or more")
    return number


def _runs(number: int) -> int:
    if number < 2:
        raise ValueError("must be 2 or more: somebody may still read the night before")
    return number


class OutputBlock(Block):
    """`[output]`."""

    path: FilePath = "build"
    keep_runs: Annotated[int, AfterValidator(_runs)] = 7
    keep_reports: NonNegative = 30
    memory: Annotated[str, AfterValidator(_amount)] | None = None
    threads: Annotated[int, AfterValidator(_some_threads)] | None = None
