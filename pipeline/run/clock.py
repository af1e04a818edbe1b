"""Detects that the clock or as-of went back since the published run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline.publish.manifest import PublishedRun
from pipeline.run.options import RunOptions


@dataclass(frozen=True)
class WentBack:
    """Messages about earlier times than in the published run. `notes` are for report and log, `warnings` for the log only."""

    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def went_back(published: PublishedRun | None, options: RunOptions) -> WentBack:
    """Compare the clock and as-of with those of the published run, if its manifest has them.

    With a requested as-of the messages go to the log only, because its report must have the same bytes each time.
    """
    times = published.times if published else None
    if times is None:
        return WentBack()
    last_as_of, last_clock = times
    is_pinned = options.configuration.waterfall.as_of is not None
    texts = []
    if options.clock < last_clock:
        texts.append(
            f"the clock of this machine went back: the run started at {_moment(options.clock)}, and the published run at "
            f"{_moment(last_clock)}; set the clock"
        )
    if options.as_of < last_as_of:
        why = "as it was requested" if is_pinned else "the start of the run; give --as-of, or set the clock"
        texts.append(
            f"as-of {_moment(options.as_of)} is before {_moment(last_as_of)}, that of the published run: {why}"
        )
    return WentBack(warnings=tuple(texts)) if is_pinned else WentBack(notes=tuple(texts))


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
