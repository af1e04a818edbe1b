"""The stage names that rows of history give, and what to tell the user of those that no stage is called by."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import duckdb

from pipeline.database.connection import quoted
from pipeline.waterfall.definition import Stage, Waterfall
from pipeline.waterfall.names import NORMALISE_STAGE_SQL, normalise_stage

MAX_UNKNOWN_KEPT = 200
"""Unknown names that are kept, the most frequent ones: a column that slipped has as many as rows."""
MAX_UNKNOWN_SHOWN = 10
"""Unknown names that a message lists."""
MIN_LIKENESS = 0.85
"""Jaro-Winkler similarity from which a name is taken to mean a stage; below, anything resembles anything."""
MAX_NAME_LENGTH = 60
FORMER_STAGE = "former_stage"
"""Key that is offered for stages that the source has deleted."""


@dataclass(frozen=True)
class StageNames:
    """What rows call stages: `known` aliases of the waterfall, normalised; `unknown` (text, rows), most frequent first."""

    known: frozenset[str] = frozenset()
    unknown: tuple[tuple[str, int], ...] = ()

    def with_more(self, other: StageNames) -> StageNames:
        """The names of both, rows of the same text added up."""
        rows = dict(self.unknown)
        for text, count in other.unknown:
            rows[text] = rows.get(text, 0) + count
        ordered = sorted(rows.items(), key=lambda each: (-each[1], each[0]))
        return StageNames(self.known | other.known, tuple(ordered[:MAX_UNKNOWN_KEPT]))


NO_NAMES = StageNames()


@dataclass(frozen=True)
class SimilarName:
    """An unknown name with its rows, and how much it resembles a stage (0 to 1)."""

    text: str
    rows: int
    likeness: float

    @property
    def is_near(self) -> bool:
        """Whether the name may be offered as an alias of the stage."""
        return self.likeness >= MIN_LIKENESS


def spellings(waterfall: Waterfall) -> list[tuple[str, str]]:
    """Every declared spelling of a stage and its alias, normalised."""
    written = {spelling for stage in waterfall.stages for spelling in stage.spellings}
    return sorted((spelling, normalise_stage(spelling)) for spelling in written)


def read_names(connection: duckdb.DuckDBPyConnection, counted: str) -> StageNames:
    """The names in the relation `counted` (stage, stage_alias, entries); needs `landing_known`."""
    known = connection.execute(
        f"select distinct stage_alias from {counted} semi join temp.landing_known on alias = stage_alias"
    ).fetchall()
    unknown = connection.execute(
        f"select arg_max(stage, (entries, stage)), sum(entries)::bigint as entries from {counted} "
        "anti join temp.landing_known on alias = stage_alias "
        f"group by stage_alias order by entries desc, stage_alias limit {MAX_UNKNOWN_KEPT}"
    ).fetchall()
    return StageNames(frozenset(alias for (alias,) in known), tuple((text, rows) for text, rows in unknown))


def created_stage_names(connection: duckdb.DuckDBPyConnection, source: str) -> StageNames:
    """The known names that leads of the relation `source` were created in; needs `landing_known`."""
    alias = NORMALISE_STAGE_SQL.format(column="created_stage")
    rows = connection.execute(
        f"select distinct alias from temp.landing_known where alias in (select {alias} from {source})"
    ).fetchall()
    return StageNames(frozenset(alias for (alias,) in rows))


def nearest_stages(
    connection: duckdb.DuckDBPyConnection, unknown: Iterable[tuple[str, int]], stages: Sequence[Stage]
) -> dict[str, tuple[SimilarName, ...]]:
    """The unknown names by the key of the one of `stages` that each resembles most; the most alike first. At least one each."""
    rows = dict(unknown)
    texts = ", ".join(f"({quoted(text)}, {quoted(normalise_stage(text))})" for text in rows)
    known = ", ".join(
        f"({number}, {quoted(alias)})"
        for number, stage in enumerate(stages)
        for alias in dict.fromkeys(map(normalise_stage, stage.spellings))
    )
    nearest = connection.execute(
        f"select text, stage_no, likeness from (select text, stage_no, "
        f"jaro_winkler_similarity(unknown.alias, known.alias) as likeness from (values {texts}) as unknown(text, alias), "
        f"(values {known}) as known(stage_no, alias)) "
        "qualify row_number() over (partition by text order by likeness desc, stage_no) = 1 order by likeness desc, text"
    ).fetchall()
    found: dict[str, tuple[SimilarName, ...]] = {}
    for text, stage_no, likeness in nearest:
        key = stages[stage_no].key
        found[key] = (*found.get(key, ()), SimilarName(text, rows[text], likeness))
    return found


def advice(connection: duckdb.DuckDBPyConnection, names: StageNames, waterfall: Waterfall) -> str:
    """The most frequent unknown names with their rows, and the lines that make aliases of them."""
    frequent = names.unknown[:MAX_UNKNOWN_SHOWN]
    lines = [list_names(frequent, len(names.unknown) - len(frequent))]
    nearest = nearest_stages(connection, frequent, waterfall.stages)
    far = [each.text for several in nearest.values() for each in several if not each.is_near]
    for stage in waterfall.stages:
        near = [each.text for each in nearest.get(stage.key, ()) if each.is_near]
        if any(map(_may_be_shown, near)):
            lines.append(alias_line(stage, near))
    unplaced = [text for text, _ in frequent if text in far and _may_be_shown(text)]
    if unplaced:
        candidates = _stages_without_rows(names, waterfall)
        lines.append(f"    aliases = {_toml_list(unplaced)}   # beside those of the stage that is meant{candidates}")
        lines += _former_stage_block(unplaced, waterfall)
    return "\n".join(lines)


def alias_line(stage: Stage, texts: Iterable[str]) -> str:
    """The `aliases` of a stage with more of them, ready to paste; its block may be a new one on a preset."""
    aliases = [*stage.aliases, *filter(_may_be_shown, texts)]
    return f'    aliases = {_toml_list(aliases)}   # in the [[stages]] block with key = "{stage.key}"'


def _former_stage_block(texts: Sequence[str], waterfall: Waterfall) -> list[str]:
    """A block of kind hold, ready to paste, for stages that the source no longer has (T1)."""
    taken = {*(stage.key for stage in waterfall.stages), *(group.key for group in waterfall.groups)}
    numbered = (f"{FORMER_STAGE}_{number}" for number in range(2, len(taken) + 3))
    key = next(each for each in chain([FORMER_STAGE], numbered) if each not in taken)
    return [
        "  or, where the source has deleted the stage: this block ends the stay before it, and the cycle goes on",
        "    [[stages]]",
        f'    key = "{key}"',
        '    definition = "A stage that the source no longer has."',
        '    kind = "hold"',
        f"    aliases = {_toml_list(texts)}",
    ]


def list_names(unknown: Iterable[tuple[str, int]], more: int = 0) -> str:
    """`"Working" (12), "Sales Accept" (3)`, and how many more there are."""
    words = [f"{printable_name(text)} ({rows:,})" for text, rows in unknown]
    return ", ".join([*words, *([f"and {more:,} more"] if more > 0 else [])])


def printable_name(text: str) -> str:
    """A name in quotes. A column that slipped may hold addresses and sentences, which no message repeats."""
    if "@" in text:
        return "an address (it has an @)"
    if not _may_be_shown(text):
        return f"a text of {len(text)} characters"
    return json.dumps(text, ensure_ascii=False)


def _stages_without_rows(names: StageNames, waterfall: Waterfall) -> str:
    absent = [
        stage.key
        for stage in waterfall.stages
        if stage.kind == "path" and not names.known & {normalise_stage(text) for text in stage.spellings}
    ]
    return f"; no row of the file names {', '.join(absent)}" if absent else ""


def _may_be_shown(text: str) -> bool:
    return "@" not in text and len(text) <= MAX_NAME_LENGTH and text.isprintable()


def _toml_list(texts: Iterable[str]) -> str:
    return f"[{', '.join(json.dumps(text, ensure_ascii=False) for text in texts)}]"
