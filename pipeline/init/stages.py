"""Which waterfall the names of stages in the files belong to: a preset that knows most of them, or one of their own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config import presets
from pipeline.waterfall.names import LONGEST_WORD, RESERVED_WORDS, label_of, normalise_stage

_MIN_KNOWN = 0.5
"""Share of the rows whose stage a preset must know to be taken."""
_DEFAULT_PRESET = "mcl-mel-mql-sal-sql"
_EXITS = re.compile(
    r"\b(disqualif|unqualif|lost|not converted|rejected|dead|junk|spam|bad|closed - not)", re.IGNORECASE
)
_DETOURS = re.compile(r"\b(nurtur|recycl|on hold|parked|later)", re.IGNORECASE)


@dataclass(frozen=True)
class StageMoves:
    """How often each stage is named, as written, and how often a lead went from one to another."""

    rows: Counter[str]
    moves: Counter[tuple[str, str]]


@dataclass(frozen=True)
class ProposedStage:
    """A stage to write: its key, what the files call it, and its kind."""

    key: str
    name: str
    kind: str
    rows: int


@dataclass(frozen=True)
class WaterfallChoice:
    """A preset, or none, with stages to write beside it; `headline` is the pair to report, `evidence` a sentence."""

    preset: str | None
    stages: tuple[ProposedStage, ...]
    headline: tuple[str, str] | None
    evidence: str


def choose_waterfall(seen: StageMoves, wanted: str | None = None) -> WaterfallChoice:
    """The waterfall for the names that were seen; `wanted` is a preset to take in any case."""
    if not seen.rows:
        return WaterfallChoice(wanted or _DEFAULT_PRESET, (), None, "no names of stages were found")
    known = {name: _known_names(name, seen.rows) for name in ([wanted] if wanted else presets.names())}
    total = sum(seen.rows.values())
    best = max(known, key=lambda name: _fit_rank(name, known[name], seen))
    share = sum(seen.rows[each] for each in known[best]) / total
    if wanted is None and share < _MIN_KNOWN:
        own = _own_stages(seen)
        if sum(stage.kind == "path" for stage in own.stages) > 1:
            return own
        best = _DEFAULT_PRESET
    unknown = [name for name, _ in seen.rows.most_common() if name not in known[best]]
    keys = {stage["key"] for stage in presets.load(best).stages}
    # A stage that the preset does not have ends the stay before it, and the cycle goes on, until somebody says what it is.
    kinds = {name: "hold" if _kind(name) == "path" else _kind(name) for name in unknown}
    stages = tuple(ProposedStage(_unused_key(name, keys), name, kinds[name], seen.rows[name]) for name in unknown)
    path = _path_keys(best)
    there = [key for key in path if key in known[best].values()]
    shipped = presets.load(best).headline[0]
    headline = shipped if set(shipped) <= set(there) else (there[0], there[-1]) if len(there) > 1 else None
    return WaterfallChoice(best, stages, headline, f"the preset knows the stage of {share:.0%} of the rows")


def _fit_rank(name: str, known: dict[str, str], seen: StageMoves) -> tuple[int, int, bool, int]:
    """How well a preset fits: rows that it knows, moves up its path less those down, whether it is the usual one, its size."""
    place = {key: number for number, key in enumerate(_path_keys(name))}
    up = 0
    for (before, after), moves in seen.moves.items():
        first, second = place.get(known.get(before, "")), place.get(known.get(after, ""))
        if first is not None and second is not None:
            up += moves if first < second else -moves if first > second else 0
    return (sum(seen.rows[each] for each in known), up, name == _DEFAULT_PRESET, -len(presets.load(name).stages))


def _known_names(name: str, rows: Counter[str]) -> dict[str, str]:
    """The seen names that the preset knows → the key of the stage."""
    spelled = {}
    for stage in presets.load(name).stages:
        texts = (
            stage["key"],
            stage.get("label", label_of(stage["key"])),
            stage.get("name", ""),
            *stage.get("aliases", ()),
        )
        spelled.update({normalise_stage(each): stage["key"] for each in texts if each})
    return {each: spelled[normalise_stage(each)] for each in rows if normalise_stage(each) in spelled}


def _path_keys(name: str) -> list[str]:
    return [stage["key"] for stage in presets.load(name).stages if stage.get("kind", "path") == "path"]


def _own_stages(seen: StageMoves) -> WaterfallChoice:
    """Stages in the order in which leads meet them: one is before another that more moves lead to than come back from."""
    names = [name for name, _ in seen.rows.most_common()]
    path = [name for name in names if _kind(name) == "path"]
    before = {
        name: sum(1 for other in path if other != name and _ahead(seen.moves, other, name) > 0)
        - sum(1 for other in path if other != name and _ahead(seen.moves, name, other) > 0)
        for name in path
    }
    ordered = sorted(path, key=lambda name: (before[name], names.index(name)))
    off = [name for name in names if name not in path]
    keys: set[str] = set()
    stages = tuple(
        ProposedStage(_unused_key(name, keys), name, _kind(name), seen.rows[name]) for name in (*ordered, *off)
    )
    headline = (stages[0].key, stages[len(ordered) - 1].key) if len(ordered) > 1 else None
    return WaterfallChoice(
        None, stages, headline, "no preset knows these stages; they are in the order in which leads meet them"
    )


def _ahead(moves: Counter[tuple[str, str]], first: str, second: str) -> int:
    return moves[first, second] - moves[second, first]


def _kind(name: str) -> str:
    return "exit" if _EXITS.search(name) else "detour" if _DETOURS.search(name) else "path"


def _unused_key(name: str, taken: set[str]) -> str:
    """A key for the stage that none of the `taken` ones is; it is taken afterwards."""
    letters = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    key = letters if re.match(r"[a-z]", letters) and letters not in RESERVED_WORDS else f"stage_{letters}".strip("_")
    key = key[: LONGEST_WORD - 3]
    free = next(each for each in (key, *(f"{key}_{number}" for number in range(2, 999))) if each not in taken)
    taken.add(free)
    return free


def moves_of(rows: Sequence[tuple[str, str]]) -> StageMoves:
    """Count (lead, stage) rows that are in the order of time; a stage is named by the first of its spellings."""
    spelled: dict[str, str] = {}
    counted: Counter[str] = Counter()
    moved: Counter[tuple[str, str]] = Counter()
    last: dict[str, str] = {}
    for lead, written in rows:
        stage = spelled.setdefault(normalise_stage(written), written)
        counted[stage] += 1
        if lead in last and last[lead] != stage:
            moved[last[lead], stage] += 1
        last[lead] = stage
    return StageMoves(counted, moved)
