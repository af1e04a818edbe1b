"""Find stages of headline pairs that no row of the landing log names: their counts would be meaningless zeros."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipeline.config.configuration import Configuration
from pipeline.config.input_tables import CONTRACTS
from pipeline.ingest.landing import classify
from pipeline.ingest.landing.landing_log import LandingLog, Load
from pipeline.ingest.landing.records import scan_rows
from pipeline.ingest.rows import stage_names
from pipeline.ingest.rows.stage_names import NO_NAMES, StageNames
from pipeline.waterfall.definition import Stage, Waterfall
from pipeline.waterfall.names import normalise_stage

MAX_CANDIDATES = 3
"""Unknown names that are suggested for a stage."""


def names_in_log(
    connection: duckdb.DuckDBPyConnection, log: LandingLog, loads: Sequence[Load], waterfall: Waterfall
) -> StageNames:
    """Return the stage names in the rows of these loads. Reads the stage column once."""
    classify.create_known_stages(connection, stage_names.spellings(waterfall))
    names = NO_NAMES
    history = [load for load in loads if load.table == "stage_entries" and load.landed]
    if history:
        scanned = scan_rows(log, CONTRACTS["stage_entries"], history)
        counted = f"(select stage, stage_alias, count(*) as entries from {scanned} group by all)"
        names = stage_names.read_names(connection, counted)
    leads = [load for load in loads if load.table == "leads" and load.landed]
    if leads and waterfall.entry_at_creation:
        names = names.with_more(stage_names.created_stage_names(connection, scan_rows(log, CONTRACTS["leads"], leads)))
    connection.execute("drop table temp.landing_known")
    return names


def never_named_messages(
    connection: duckdb.DuckDBPyConnection, configuration: Configuration, names: StageNames
) -> tuple[str, ...]:
    """Return one message per stage or group of a headline pair that no row names, with the lines to paste.

    A row that names any member names its group. If all names in the rows are known, no lead has reached the stage yet, so there is
    no message.
    """
    if not names.unknown:
        return ()
    waterfall = configuration.waterfall
    messages = []
    for key, pair in _headline_keys(waterfall).items():
        members = _members(waterfall, key)
        aliases = {normalise_stage(text) for stage in members for text in stage.spellings}
        if key not in configuration.unused_stages and not aliases & names.known:
            messages.append(_message(connection, key, pair, members, names))
    return tuple(messages)


def _headline_keys(waterfall: Waterfall) -> dict[str, str]:
    """Return every stage and group of a headline pair with the first pair that contains it."""
    keys: dict[str, str] = {}
    for pair in waterfall.headline:
        for key in (pair.from_key, pair.to_key):
            keys.setdefault(key, f"{pair.from_key} > {pair.to_key}")
    return keys


def _members(waterfall: Waterfall, key: str) -> list[Stage]:
    group = next((group for group in waterfall.groups if group.key == key), None)
    return [waterfall.stage(each) for each in (group.stages if group else (key,))]


def _message(
    connection: duckdb.DuckDBPyConnection, key: str, pair: str, members: Sequence[Stage], names: StageNames
) -> str:
    nearest = stage_names.nearest_stages(connection, names.unknown, members)
    likely = sorted((each for several in nearest.values() for each in several), key=lambda each: -each.likeness)
    lines = [f"no row has ever named {_stage_words(key, members)}, and the headline pair {pair} counts it"]
    candidates = likely[:MAX_CANDIDATES]
    lines.append(f"  nearest unknown names: {stage_names.list_names((each.text, each.rows) for each in candidates)}")
    for stage in members:
        of_stage = [each for each in nearest.get(stage.key, ()) if each in candidates]
        texts = [each.text for each in of_stage if each.is_near] or [each.text for each in of_stage[:1]]
        if texts:
            lines.append(stage_names.alias_line(stage, texts))
    lines.append(f'  or, where no lead has reached it yet, in [checks]\n    unused_stages = ["{key}"]')
    return "\n".join(lines)


def _stage_words(key: str, members: Sequence[Stage]) -> str:
    if [stage.key for stage in members] == [key]:
        return f"the stage `{key}`"
    return f"a stage of the group `{key}` ({', '.join(stage.key for stage in members)})"
