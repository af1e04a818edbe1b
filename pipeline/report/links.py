"""Where the pages of a site lie, relative to each other: one flat folder, names made of keys, which are plain words."""

from __future__ import annotations

INDEX = "index.html"
CONVERSION = "conversion.html"
VOLUMES = "volumes.html"
ACCOUNTS = "accounts.html"
OWNERS = "owners.html"
QUALITY = "quality.html"
DEFINITIONS = "definitions.html"


def pair_page(from_stage: str, to_stage: str) -> str:
    """The page of a headline pair. Keys hold no hyphen, so no two pairs share one."""
    return f"pair-{from_stage}-{to_stage}.html"


def stage_page(stage: str) -> str:
    """The page of a stage."""
    return f"stage-{stage}.html"
