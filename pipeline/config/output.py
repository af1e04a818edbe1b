"""The `[output]` block: the output folder, the number of runs to keep, and the limits of a run."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from pipeline.config.block import Block, FilePath, NonNegative, must
from pipeline.config.locale import locale_of
from pipeline.settings import AMOUNT


def _locale(name: str) -> str:
    locale_of(name)
    return name


_Amount = Annotated[str, must(AMOUNT.fullmatch, 'must be an amount of memory, such as "8GB" or "512MB"')]
_Runs = Annotated[int, must(lambda runs: runs > 1, "must be 2 or more: a reader may still use the previous run")]
_Locale = Annotated[str, AfterValidator(_locale)]
_Threads = Annotated[int, must(lambda threads: threads > 0, "must be 1 or more")]


class OutputBlock(Block):
    """`[output]`."""

    path: FilePath = "build"
    keep_runs: _Runs = 7
    keep_reports: NonNegative = 30
    locale: _Locale = "en-US"
    memory: _Amount | None = None
    threads: _Threads | None = None
