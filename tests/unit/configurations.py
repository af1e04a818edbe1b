"""Small configurations as text, for the tests of loading."""

from __future__ import annotations

from pipeline.config.configuration import Configuration

STAGES = """
[[stages]]
key = "mql"
definition = "Ready for sales."
[[stages]]
key = "sal"
definition = "Taken on by sales."
[[stages]]
key = "sql"
definition = "A deal."
[[stages]]
key = "nurture"
kind = "detour"
definition = "Not ready."
"""

INPUT = """
[[inputs]]
name = "history"
table = "stage_entries"
path = "history.csv"
"""


def funnel(more: str = "", stages: str = STAGES, inputs: str = INPUT) -> str:
    """A whole configuration. The `[funnel]` block starts in line 1 and has `more` from line 3 on."""
    return f'[funnel]\nname = "Test"\n{more}\n{stages}{inputs}'


def ranks(loaded: Configuration) -> dict[str, int | None]:
    return {stage.key: stage.rank for stage in loaded.waterfall.stages}
