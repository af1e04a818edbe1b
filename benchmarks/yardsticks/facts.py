"""What a yardstick is told: the files of the landing log, the stages, as-of. It reads nothing else of the product."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

OFF_PATH = 127
"""Stands above every rank: it sorts a move off the path last, and closes a cycle."""


@dataclass(frozen=True)
class Stage:
    """A stage with the spellings that the log has for it; `rank` is null off the path."""

    stage: str
    spellings: tuple[str, ...]
    kind: str
    rank: int | None

    @property
    def order(self) -> int:
        """Where it stands among moves of the same moment."""
        return OFF_PATH if self.rank is None else self.rank

    @property
    def rank_or_end(self) -> int | None:
        """The rank that decides whether the next path entry opens a cycle; null for a hold, which is looked through."""
        return None if self.kind == "hold" else self.order


@dataclass(frozen=True)
class Facts:
    """The log of one history. Files are in the order of their loads, and their rows in that of the delivery."""

    as_of: datetime
    stages: tuple[Stage, ...]
    stage_entries: tuple[str, ...]
    leads: tuple[str, ...]
    merges: tuple[str, ...]
    deletions: tuple[str, ...]

    @property
    def path(self) -> tuple[Stage, ...]:
        """The path stages by rank; rank r is at place r - 1."""
        return tuple(sorted((each for each in self.stages if each.rank is not None), key=lambda each: each.order))

    @property
    def codes(self) -> dict[str, int]:
        """The number of the stage (its place in `stages`) for each of its spellings."""
        return {spelling: number for number, each in enumerate(self.stages) for spelling in each.spellings}


def write(facts: Facts, path: Path) -> None:
    """As JSON."""
    told = asdict(facts) | {"as_of": facts.as_of.isoformat()}
    path.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def read(path: Path) -> Facts:
    """From JSON."""
    told = json.loads(path.read_text("utf-8"))
    stages = tuple(
        Stage(each["stage"], tuple(each["spellings"]), each["kind"], each["rank"]) for each in told["stages"]
    )
    files = {name: tuple(told[name]) for name in ("stage_entries", "leads", "merges", "deletions")}
    return Facts(as_of=datetime.fromisoformat(told["as_of"]), stages=stages, **files)


def survivors(merges: list[tuple[str, str]]) -> dict[str, str]:
    """The id at the end of each chain of merges (from, into)."""
    into = dict(merges)
    found = {}
    for lead in into:
        survivor = into[lead]
        while survivor in into:
            survivor = into[survivor]
        found[lead] = survivor
    return found
