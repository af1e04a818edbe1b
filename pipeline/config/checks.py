"""The `[checks]` block and the thresholds of an `[[inputs]]` block, put together into the guard of that input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from pipeline.config.block import Age, Block, Share
from pipeline.config.configuration import MAX_UNRECONCILED, RARE_TABLES, Guard, Mode, age
from pipeline.config.problems import Problems
from pipeline.waterfall.definition import InputTable
from pipeline.waterfall.names import did_you_mean

_TOO_EARLY = "must not be less than warn_after"


class Thresholds(Block):
    """What `[checks]` and each `[[inputs]]` may give. None: not given."""

    warn_after: Age | None = None
    error_after: Age | None = None
    least_rows: Share | None = None
    lost_keys: Share | None = None
    max_rejected: Share | None = None


class ChecksBlock(Thresholds):
    """`[checks]`: for every input, unless its own block says otherwise."""

    max_unreconciled: Share = MAX_UNRECONCILED
    unused_stages: list[str] = Field(default_factory=list)


def checked(block: ChecksBlock, problems: Problems) -> ChecksBlock:
    """The block as it is; two ages in the wrong order are noted in `problems`."""
    found = _over(Guard(), block)
    if _in_wrong_order(found):
        problems.add(("checks", "error_after"), _TOO_EARLY)
    return block


def unused_stages(block: ChecksBlock, keys: Sequence[str], problems: Problems) -> frozenset[str]:
    """The stages and groups that no row has to name yet; one that is not among `keys` is noted in `problems`."""
    for position, key in enumerate(block.unused_stages):
        if key not in keys:
            problems.add(
                ("checks", "unused_stages", position), f"there is no stage or group `{key}`{did_you_mean(key, keys)}"
            )
    return frozenset(block.unused_stages)


def guard(
    checks: ChecksBlock, block: Thresholds, table: InputTable, mode: Mode, number: int, problems: Problems
) -> Guard:
    """What holds for one input: its own thresholds, else those of `[checks]`, else the defaults.

    Rare tables start from nothing at all. What can't hold is noted in `problems` at `inputs` block `number`.
    """
    if block.lost_keys is not None and mode != "snapshot":
        problems.add(("inputs", number, "lost_keys"), 'only concerns mode = "snapshot", where each file is the whole')
    usual = _over(Guard(), checks)
    if table in RARE_TABLES:
        usual = replace(usual, warn_after=None, error_after=None, least_rows=0.0)
    found = _over(usual, block)
    if _in_wrong_order(found) and (block.warn_after is not None or block.error_after is not None):
        key = "error_after" if block.error_after is not None else "warn_after"
        what = _TOO_EARLY if key == "error_after" else "must not be more than error_after"
        problems.add(("inputs", number, key), what)
    return found


def _over(before: Guard, given: Thresholds) -> Guard:
    return Guard(
        warn_after=before.warn_after if given.warn_after is None else age(given.warn_after),
        error_after=before.error_after if given.error_after is None else age(given.error_after),
        least_rows=before.least_rows if given.least_rows is None else given.least_rows,
        lost_keys=before.lost_keys if given.lost_keys is None else given.lost_keys,
        max_rejected=before.max_rejected if given.max_rejected is None else given.max_rejected,
    )


def _in_wrong_order(found: Guard) -> bool:
    return found.warn_after is not None and found.error_after is not None and found.error_after < found.warn_after
