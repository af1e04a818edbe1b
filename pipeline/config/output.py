"""The `[output]` block: the output folder, the number of runs to keep, and the limits of a run."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from pipeline.config.block import Block, FilePath, NonNegative
from pipeline.settings import AMOUNT


def _amount(text: str) -> str:
    if not AMOUNT.fullmatch(text):
        raise ValueError('must be an amount of memory, such as "8GB" or "512MB"')
    return text


def _threads(number: int) -> int:
    if number < 1:
        raise ValueError("must be 1 or more")
    return number


def _runs(number: int) -> int:
    if number < 2:
        raise ValueError("must be 2 or more: a reader may still use the previous run")
    return number


class OutputBlock(Block):
    """`[output]`."""

    path: FilePath = "build"
    keep_runs: Annotated[int, AfterValidator(_runs)] = 7
    keep_reports: NonNegative = 30
    memory: Annotated[str, AfterValidator(_amount)] | None = None
    threads: Annotated[int, AfterValidator(_threads)] | None = None
