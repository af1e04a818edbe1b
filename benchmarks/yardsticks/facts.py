"""Input of the reference implementations: files of the landing log, stages and as-of."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

OFF_PATH = 127
"""Order above every rank. Moves off the path sort last, and close a cycle."""


@dataclass(frozen=True)
class Stage:
    """A stage and its spellings in the log. `rank` is null off the path."""

    stage: str
    spellings: tuple[str, ...]
    kind: str
    rank: int | None

    @property
    def order(self) -> int:
        """Order among moves of the same moment."""
        return OFF_PATH if self.rank is None else self.rank

    @property
    def rank_or_end(self) -> int | None:
        """Rank that decides whether the next path entry opens a cycle; null for a hold, which does not count."""
        return None if self.kind == "hold" else self.order


@dataclass(frozen=True)
class Facts:
    """The log of one history. Files are in the order of their loads, rows in the order of delivery."""

    as_of: datetime
    stages: tuple[Stage, ...]
    stage_entries: tuple[str, ...]
    leads: tuple[str, ...]
    merges: tuple[str, ...]
    deletions: tuple[str, ...]

    @property
    def path(self) -> tuple[Stage, ...]:
        """The path stages by rank. The stage of rank r has index r - 1."""
        return tuple(sorted((each for each in self.stages if each.rank is not None), key=lambda each: each.order))

    @property
    def codes(self) -> dict[str, int]:
        """Spelling → index of its stage in `stages`."""
        return {spelling: number for number, each in enumerate(self.stages) for spelling in each.spellings}


def write(facts: Facts, path: Path) -> None:
    """Write the facts as JSON."""
    document = asdict(facts) | {"as_of": facts.as_of.isoformat()}
    path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def read(path: Path) -> Facts:
    """Read the facts from JSON."""
    document = json.loads(path.read_text("utf-8"))
    stages = tuple(
        Stage(each["stage"], tuple(each["spellings"]), each["kind"], each["rank"]) for each in document["stages"]
    )
    files = {name: tuple(document[name]) for name in ("stage_entries", "leads", "merges", "deletions")}
    return Facts(as_of=datetime.fromisoformat(document["as_of"]), stages=stages, **files)


def survivors(merges: list[tuple[str, str]]) -> dict[str, str]:
    """Return lead → last lead of its chain of merges (from, into)."""
    into = dict(merges)
    survivor_of = {}
    for lead in into:
        survivor = into[lead]
        while survivor in into:
            survivor = into[survivor]
        survivor_of[lead] = survivor
    return survivor_of
