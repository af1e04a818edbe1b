"""Choose a waterfall for the stage names in files: the preset that knows most of them, or stages of their own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config import presets
from pipeline.config.starter import DEFAULT_PRESET
from pipeline.ingest.rows.columns import unused_name
from pipeline.waterfall.names import MAX_KEY_LENGTH, RESERVED_WORDS, label_of, normalise_stage

_MIN_KNOWN = 0.5
"""Share of the rows whose stage a preset must know."""
_EXITS = re.compile(
    r"\b(disqualif|unqualif|lost|not converted|rejected|dead|junk|spam|bad|closed - not)", re.IGNORECASE
)
_DETOURS = re.compile(r"\b(nurtur|recycl|on hold|parked|later)", re.IGNORECASE)


@dataclass(frozen=True)
class StageMoves:
    """Number of rows by stage, as written, and number of moves of leads by pair of stages."""

    rows: Counter[str]
    moves: Counter[tuple[str, str]]


@dataclass(frozen=True)
class ProposedStage:
    """A stage to write: its key, its name in the files, and its kind."""

    key: str
    name: str
    kind: str
    rows: int


@dataclass(frozen=True)
class WaterfallChoice:
    """A preset, or None, and additional stages; `headline` is the pair to report, `evidence` a sentence."""

    preset: str | None
    stages: tuple[ProposedStage, ...]
    headline: tuple[str, str] | None
    evidence: str


def choose_waterfall(stage_moves: StageMoves, wanted: str | None = None) -> WaterfallChoice:
    """Return the waterfall for the stage names in the rows. `wanted` is a preset that the user has chosen."""
    if not stage_moves.rows:
        return WaterfallChoice(wanted or DEFAULT_PRESET, (), None, "no names of stages were found")
    known = {name: _known_names(name, stage_moves.rows) for name in ([wanted] if wanted else presets.names())}
    total = sum(stage_moves.rows.values())
    best = max(known, key=lambda name: _fit_rank(name, known[name], stage_moves))
    share = sum(stage_moves.rows[each] for each in known[best]) / total
    if wanted is None and share < _MIN_KNOWN:
        own = _own_stages(stage_moves)
        if sum(stage.kind == "path" for stage in own.stages) > 1:
            return own
        best = DEFAULT_PRESET
    unknown = [name for name, _ in stage_moves.rows.most_common() if name not in known[best]]
    keys = {stage["key"] for stage in presets.load(best).stages}
    # A stage that is not in the preset is a hold, which keeps the cycle open, until the user changes its kind.
    kinds = {name: "hold" if _kind(name) == "path" else _kind(name) for name in unknown}
    stages = tuple(
        ProposedStage(_unused_key(name, keys), name, kinds[name], stage_moves.rows[name]) for name in unknown
    )
    path = _path_keys(best)
    reached = [key for key in path if key in known[best].values()]
    ends = (reached[0], reached[-1]) if len(reached) > 1 else None
    preset_headline = presets.load(best).headline[0]
    headline = preset_headline if set(preset_headline) <= set(reached) else ends
    return WaterfallChoice(best, stages, headline, f"the preset knows the stage of {share:.0%} of the rows")


def _fit_rank(name: str, known: dict[str, str], stage_moves: StageMoves) -> tuple[int, int, bool, int]:
    """Return the sort key of a preset: known rows, moves up minus moves down its path, is default, fewest stages."""
    rank = {key: number for number, key in enumerate(_path_keys(name))}
    up = 0
    for (before, after), moves in stage_moves.moves.items():
        first, second = rank.get(known.get(before, "")), rank.get(known.get(after, ""))
        if first is not None and second is not None:
            up += moves if first < second else -moves if first > second else 0
    return (sum(stage_moves.rows[each] for each in known), up, name == DEFAULT_PRESET, -len(presets.load(name).stages))


def _known_names(name: str, rows: Counter[str]) -> dict[str, str]:
    """Return the stage names in `rows` that the preset knows → the key of the stage."""
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


def _own_stages(stage_moves: StageMoves) -> WaterfallChoice:
    """Return stages of their own, in the order of most moves: A is before B if more leads move from A to B than back."""
    names = [name for name, _ in stage_moves.rows.most_common()]
    path = [name for name in names if _kind(name) == "path"]
    before = {
        name: sum(1 for other in path if other != name and _ahead(stage_moves.moves, other, name) > 0)
        - sum(1 for other in path if other != name and _ahead(stage_moves.moves, name, other) > 0)
        for name in path
    }
    ordered = sorted(path, key=lambda name: (before[name], names.index(name)))
    off = [name for name in names if name not in path]
    keys: set[str] = set()
    stages = tuple(
        ProposedStage(_unused_key(name, keys), name, _kind(name), stage_moves.rows[name]) for name in (*ordered, *off)
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
    """Return a new key for a stage and add it to `taken`."""
    letters = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    key = letters if re.match(r"[a-z]", letters) and letters not in RESERVED_WORDS else f"stage_{letters}".strip("_")
    key = key[: MAX_KEY_LENGTH - 3]
    free = unused_name(key, taken)
    taken.add(free)
    return free


def moves_of(rows: Sequence[tuple[str, str]]) -> StageMoves:
    """Count rows of (lead, stage) in the order of time. A stage has the name of its first spelling."""
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
