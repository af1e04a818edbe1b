"""The `[checks]` block and the thresholds of `[[inputs]]` blocks: freshness, volume and completeness checks."""

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
    """Thresholds that `[checks]` and each `[[inputs]]` can set. None: not set."""

    warn_after: Age | None = None
    error_after: Age | None = None
    least_rows: Share | None = None
    lost_keys: Share | None = None
    max_rejected: Share | None = None


class ChecksBlock(Thresholds):
    """`[checks]`: thresholds for every input that does not set its own."""

    max_unreconciled: Share = MAX_UNRECONCILED
    unused_stages: list[str] = Field(default_factory=list)


def check_ages(block: ChecksBlock, problems: Problems) -> ChecksBlock:
    """Return the block. Adds a problem if `error_after` is less than `warn_after`."""
    found = _over(Guard(), block)
    if _is_wrong_order(found):
        problems.add(("checks", "error_after"), _TOO_EARLY)
    return block


def unused_stages(block: ChecksBlock, keys: Sequence[str], problems: Problems) -> frozenset[str]:
    """Return the stages and groups that may be without rows. Adds a problem for one that is not among `keys`."""
    for position, key in enumerate(block.unused_stages):
        if key not in keys:
            problems.add(
                ("checks", "unused_stages", position), f"there is no stage or group `{key}`{did_you_mean(key, keys)}"
            )
    return frozenset(block.unused_stages)


def guard(
    checks: ChecksBlock, block: Thresholds, table: InputTable, mode: Mode, number: int, problems: Problems
) -> Guard:
    """Return the thresholds of one input: its own, else those of `[checks]`, else the defaults.

    Tables of rare events have no freshness and volume checks by default. Adds problems at `inputs` block `number`.
    """
    if block.lost_keys is not None and mode != "snapshot":
        problems.add(("inputs", number, "lost_keys"), 'only concerns mode = "snapshot", where each file is the whole')
    defaults = _over(Guard(), checks)
    if table in RARE_TABLES:
        defaults = replace(defaults, warn_after=None, error_after=None, least_rows=0.0)
    found = _over(defaults, block)
    if _is_wrong_order(found) and (block.warn_after is not None or block.error_after is not None):
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


def _is_wrong_order(found: Guard) -> bool:
    return found.warn_after is not None and found.error_after is not None and found.error_after < found.warn_after
