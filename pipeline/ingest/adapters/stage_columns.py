"""Find the columns of a wide file that contain stage dates, by name or by a pattern with `*` for the stage."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pipeline.config.configuration import StageDates
from pipeline.ingest.rows.columns import normalise_header, visible
from pipeline.waterfall.names import normalise_stage

_PIPELINE = re.compile(r"\s*\([^()]*\)$")
"""HubSpot appends the pipeline to the stage: `Date entered "Lead (Lifecycle Stage Pipeline)"`."""


def find_stage_columns(
    dates: StageDates, names: tuple[str, ...], positions: Mapping[str, int]
) -> tuple[list[tuple[str, int]], list[str]]:
    """Return (stage, position) of each column with stage dates, in the order of the file, and remarks for warnings.

    `names` are the headers of the file; `positions` has the columns by normalised header. If two patterns match a column
    for the same stage, the first pattern is used.
    """
    columns = {}
    missing = []
    for stage, header in dates.columns:
        position = positions.get(normalise_header(header))
        if position is None:
            missing.append(header)
        else:
            columns[position] = stage
    keys = {spelling: (written, key) for spelling, written, key in dates.known}
    taken: dict[str, str] = {}
    unknown, beside = [], []
    for pattern in dates.patterns:
        for position, name in enumerate(names):
            text = stage_in(pattern, name)
            if text is None or position in columns:
                continue
            known = next((each for each in _spellings(text) if each in keys), None)
            if known is None:
                unknown.append(name)
            elif taken.setdefault(keys[known][1], pattern) == pattern:
                columns[position] = keys[known][0]
            else:
                beside.append(name)
    remarks = [
        *_remark("not in the file, though `stages` names them", missing),
        *_remark(
            "look like dates of stages that the waterfall does not know, and are not read", dict.fromkeys(unknown)
        ),
        *_remark("have dates of a stage that another column has, and are not read", dict.fromkeys(beside)),
    ]
    return [(stage, position) for position, stage in sorted(columns.items())], remarks


def stage_in(pattern: str, name: str) -> str | None:
    """Return the part of the header that `*` matches; None if the header does not match the pattern."""
    before, _, after = pattern.partition("*")
    match = re.fullmatch(
        f"{re.escape(before)}(.+){re.escape(after)}", " ".join(visible(name).split()), re.IGNORECASE | re.DOTALL
    )
    return None if match is None else match.group(1).strip(" \"'“”")


def _spellings(stage: str) -> Iterable[str]:
    yield normalise_stage(stage)
    yield normalise_stage(_PIPELINE.sub("", stage))
    yield normalise_stage(stage.replace("_", " "))


def _remark(text: str, headers: Iterable[str]) -> list[str]:
    shown = [f"`{header[:60]}`" for header in headers]
    return [f"columns {text}: {', '.join(shown[:10])}{' …' if len(shown) > 10 else ''}"] if shown else []
