"""Collect the stage names in rows of history, and suggest aliases for unknown ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from pipeline.config.toml_text import value_text
from pipeline.database.connection import quoted
from pipeline.ingest.rows.columns import unused_name
from pipeline.waterfall.definition import Stage, Waterfall
from pipeline.waterfall.names import NORMALISE_STAGE_SQL, normalise_stage

MAX_UNKNOWN_KEPT = 200
"""The most frequent unknown names are kept. A wrong column can have as many names as rows."""
MAX_UNKNOWN_SHOWN = 10
"""Unknown names in a message."""
MIN_LIKENESS = 0.85
"""Jaro-Winkler similarity from which a name is suggested as an alias; below, matches are arbitrary."""
MAX_NAME_LENGTH = 60
FORMER_STAGE = "former_stage"
"""Suggested key for stages that the source has deleted."""


@dataclass(frozen=True)
class StageNames:
    """Stage names in rows: `known` normalised aliases of the waterfall; `unknown` (text, rows), most frequent first."""

    known: frozenset[str] = frozenset()
    unknown: tuple[tuple[str, int], ...] = ()

    def with_more(self, other: StageNames) -> StageNames:
        """Return the names of both, with the rows of equal texts added."""
        rows = dict(self.unknown)
        for text, count in other.unknown:
            rows[text] = rows.get(text, 0) + count
        ordered = sorted(rows.items(), key=lambda each: (-each[1], each[0]))
        return StageNames(self.known | other.known, tuple(ordered[:MAX_UNKNOWN_KEPT]))


NO_NAMES = StageNames()


@dataclass(frozen=True)
class SimilarName:
    """An unknown name, its rows, and its similarity to a stage (0 to 1)."""

    text: str
    rows: int
    likeness: float

    @property
    def is_near(self) -> bool:
        """Whether the name is suggested as an alias of the stage."""
        return self.likeness >= MIN_LIKENESS


def spellings(waterfall: Waterfall) -> list[tuple[str, str]]:
    """Return every declared spelling of a stage with its normalised alias."""
    written = {spelling for stage in waterfall.stages for spelling in stage.spellings}
    return sorted((spelling, normalise_stage(spelling)) for spelling in written)


def read_names(connection: duckdb.DuckDBPyConnection, counted: str) -> StageNames:
    """Return the names in the relation `counted` (stage, stage_alias, entries). Needs `landing_known`."""
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
    """Return the known names in column created_stage of the relation `source`. Needs `landing_known`."""
    alias = NORMALISE_STAGE_SQL.format(column="created_stage")
    rows = connection.execute(
        f"select distinct alias from temp.landing_known where alias in (select {alias} from {source})"
    ).fetchall()
    return StageNames(frozenset(alias for (alias,) in rows))


def nearest_stages(
    connection: duckdb.DuckDBPyConnection, unknown: Iterable[tuple[str, int]], stages: Sequence[Stage]
) -> dict[str, tuple[SimilarName, ...]]:
    """Return unknown names by the key of their most similar stage, most similar first. Needs at least one name and stage."""
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
    by_stage: dict[str, tuple[SimilarName, ...]] = {}
    for text, stage_no, likeness in nearest:
        key = stages[stage_no].key
        by_stage[key] = (*by_stage.get(key, ()), SimilarName(text, rows[text], likeness))
    return by_stage


def advice(connection: duckdb.DuckDBPyConnection, names: StageNames, waterfall: Waterfall) -> str:
    """Return the most frequent unknown names with their rows, and the lines that declare them as aliases."""
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
        lines.append(f"    aliases = {value_text(unplaced)}   # beside those of the stage that is meant{candidates}")
        lines += _former_stage_block(unplaced, waterfall)
    return "\n".join(lines)


def alias_line(stage: Stage, texts: Iterable[str]) -> str:
    """Return an `aliases` line of a stage with `texts` added, ready to paste; the block can be a new one on a preset."""
    aliases = [*stage.aliases, *filter(_may_be_shown, texts)]
    return f'    aliases = {value_text(aliases)}   # in the [[stages]] block with key = "{stage.key}"'


def _former_stage_block(texts: Sequence[str], waterfall: Waterfall) -> list[str]:
    """Return a block of kind hold, ready to paste, for stages that the source no longer has (T1)."""
    taken = {*(stage.key for stage in waterfall.stages), *(group.key for group in waterfall.groups)}
    return [
        "  or, where the source has deleted the stage: this block ends the stay before it, and the cycle goes on",
        "    [[stages]]",
        f'    key = "{unused_name(FORMER_STAGE, taken)}"',
        '    definition = "A stage that the source no longer has."',
        '    kind = "hold"',
        f"    aliases = {value_text(texts)}",
    ]


def list_names(unknown: Iterable[tuple[str, int]], more: int = 0) -> str:
    """Return `"Working" (12), "Sales Accept" (3)`, and how many more there are."""
    words = [f"{printable_name(text)} ({rows:,})" for text, rows in unknown]
    return ", ".join([*words, *([f"and {more:,} more"] if more > 0 else [])])


def printable_name(text: str) -> str:
    """Return a name in quotes. Addresses and long texts from a wrong column are only described."""
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
