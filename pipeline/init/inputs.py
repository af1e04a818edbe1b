"""What each file is an input of: a known format, a history, leads, accounts, merges or deletions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb

from pipeline.config import formats
from pipeline.config.input_tables import CONTRACTS
from pipeline.ingest.adapters import known_formats, stage_columns
from pipeline.ingest.landing.loading import DATE_IN_NAME
from pipeline.ingest.rows.columns import normalise_header
from pipeline.init import columns
from pipeline.init.columns import TimeColumn
from pipeline.init.sampling import Sample, common_start, words
from pipeline.waterfall.definition import InputTable

_OTHER_TABLES: tuple[InputTable, ...] = ("merges", "deletions", "leads", "accounts")

_MAX_SNAPSHOT_COLUMNS = 4
"""Columns up to which a dated copy of leads is taken for their stages; one with more has their attributes, too."""


@dataclass(frozen=True)
class ProposedInput:
    """An `[[inputs]]` block to write: its keys in order, a comment for some of them, and what nobody but the user can say."""

    sample: Sample
    keys: dict[str, Any]
    why: str
    comments: dict[str, str] = field(default_factory=dict)
    pattern: str = ""
    """The names of several files that are read alike; empty for one file."""
    has_local_times: bool = False
    """Whether there are times without an offset, so that the zone matters."""
    stage_columns: tuple[tuple[str, int], ...] = ()
    """(name of a stage, position) of the columns with its dates, where there is one column a stage."""

    @property
    def tables(self) -> tuple[str, ...]:
        """What the file brings."""
        if "format" in self.keys:
            return tuple(part.table for part in formats.load(self.keys["format"]).parts)
        return (self.keys["table"],)


def recognise(connection: duckdb.DuckDBPyConnection, sample: Sample) -> ProposedInput | None:
    """The input that the file is; None where it looks like none."""
    times = columns.time_columns(connection, sample)
    known = known_formats.format_of(sample.names)
    if known is not None:
        return _known_format(connection, sample, known, times)
    seen = (
        _snapshot(connection, sample)
        or _standard_table(sample, times)
        or _wide(sample, times)
        or _history(connection, sample, times)
        or _table(sample, times)
    )
    return None if seen is None else _with_ids(connection, seen)


def _with_ids(connection: duckdb.DuckDBPyConnection, seen: ProposedInput) -> ProposedInput:
    """The input with the ids of Salesforce, where its leads have such."""
    header = seen.keys.get("columns", {}).get("lead_id")
    lead = header or next((each for each in seen.sample.names if normalise_header(each) == "lead_id"), None)
    if lead is None or not columns.has_salesforce_ids(connection, seen.sample, lead):
        return seen
    return replace(
        seen,
        keys=seen.keys | {"ids": "salesforce"},
        comments=seen.comments | {"ids": "15 and 18 characters are one id"},
    )


def _known_format(
    connection: duckdb.DuckDBPyConnection, sample: Sample, name: str, times: tuple[TimeColumn, ...]
) -> ProposedInput:
    known = formats.load(name)
    keys: dict[str, Any] = {"format": name}
    field_values = _fields(connection, sample, known)
    comments = {}
    if field_values and not {each.lower() for each in known.field_value} & {each.lower() for each, _ in field_values}:
        keys["field_value"] = field_values[0][0]
        comments["field_value"] = "QUESTION: which field holds the stage? The file has " + ", ".join(
            f'"{each}" ({rows})' for each, rows in field_values[:5]
        )
    timed = _with_times(sample, times, known.time_format)
    signature = ", ".join(next(header for header in group if sample.has(header)) for group in known.signature)
    patterns = [pattern for part in known.parts for pattern in part.patterns]
    dated = tuple(
        (text, position)
        for position, header in enumerate(sample.names)
        if (text := next(filter(None, (stage_columns.stage_in(each, header) for each in patterns)), None))
    )
    return ProposedInput(
        sample,
        keys | timed[0],
        f"the file has {signature}",
        comments | timed[1],
        has_local_times=timed[2],
        stage_columns=dated,
    )


def _fields(connection: duckdb.DuckDBPyConnection, sample: Sample, known: formats.Format) -> list[tuple[str, int]]:
    """The names in the column that says which field changed, with their rows."""
    candidates = [each.header for part in known.parts for each in part.columns.get("field", ())]
    positions = [
        position
        for position, name in enumerate(sample.names)
        if normalise_header(name) in {normalise_header(each) for each in candidates}
    ]
    if not positions:
        return []
    cell = f"c{positions[0]}"
    rows = connection.execute(
        f"select {cell}, count(*) as entries from {sample.table} where {cell} is not null group by all order by entries desc, 1"
    ).fetchall()
    return [(name, entries) for name, entries in rows]


def _standard_table(sample: Sample, times: tuple[TimeColumn, ...]) -> ProposedInput | None:
    """A file that calls the columns as we do."""
    for table in ("stage_entries", *_OTHER_TABLES):
        required = CONTRACTS[table].required
        if all(map(sample.has, required)) and (len(required) > 1 or table in ("leads", "accounts")):
            timed = _with_times(sample, times, None)
            return ProposedInput(
                sample,
                {"table": table} | timed[0],
                f"the file has {', '.join(required)}",
                timed[1],
                has_local_times=timed[2],
            )
    return None


def _history(
    connection: duckdb.DuckDBPyConnection, sample: Sample, times: tuple[TimeColumn, ...]
) -> ProposedInput | None:
    seen = columns.guess_history(connection, sample, times)
    if seen.lead is None or seen.stage is None or seen.entered is None:
        return None
    mapped = {"lead_id": seen.lead, "stage": seen.stage, "entered_at": seen.entered}
    names = {ours: sample.names[position] for ours, position in mapped.items()}
    named = {ours: name for ours, name in names.items() if normalise_header(name) != ours}
    own = tuple(each for each in times if each.position == seen.entered)
    timed = _with_times(sample, own, None)
    keys: dict[str, Any] = {"table": "stage_entries", **({"columns": named} if named else {})}
    why = f"`{names['stage']}` has few different values and `{names['entered_at']}` has times"
    return ProposedInput(
        sample, keys | timed[0], why, {"columns": "a guess"} | timed[1] if named else timed[1], has_local_times=timed[2]
    )


def _snapshot(connection: duckdb.DuckDBPyConnection, sample: Sample) -> ProposedInput | None:
    """A copy of the leads with their stage, whose date is in the name of the file."""
    if DATE_IN_NAME.search(sample.path.name) is None or len(sample.names) > _MAX_SNAPSHOT_COLUMNS:
        return None
    seen = columns.guess_history(connection, sample, ())
    if seen.lead is None or seen.stage is None or columns.time_columns(connection, sample):
        return None
    known = formats.load("stage_snapshots").parts[0].columns
    names = {"lead_id": sample.names[seen.lead], "stage": sample.names[seen.stage]}
    listed = {ours: {normalise_header(each.header) for each in known[ours]} for ours in names}
    mapped = {ours: name for ours, name in names.items() if normalise_header(name) not in listed[ours]}
    keys: dict[str, Any] = {"format": "stage_snapshots", **({"columns": mapped} if mapped else {})}
    why = f"`{names['stage']}` has few different values and the name of the file a date"
    return ProposedInput(sample, keys, why, has_local_times=True)


def _wide(sample: Sample, times: tuple[TimeColumn, ...]) -> ProposedInput | None:
    """One date column for each stage: several columns of times, whose headers differ by the stage alone."""
    headers = [sample.names[each.position] for each in times]
    lead = next((name for name in sample.names if words(name) & {"lead", "id", "contact", "record", "deal"}), None)
    if len(headers) < 2 or lead is None:
        return None
    known = [
        each
        for each in known_formats.date_patterns()
        if sum(stage_columns.stage_in(each, name) is not None for name in headers) > 1
    ]
    start, end = common_start(headers), common_start([header[::-1] for header in headers])[::-1]
    middle = [header[len(start) : len(header) - len(end)] for header in headers]
    if not known and (not (start or end) or any(not each.strip() for each in middle)):
        return None
    stages = known or [f"{start}*{end}"]
    timed = _with_times(sample, times, None)
    keys: dict[str, Any] = {"format": "stage_dates", "stages": stages if len(stages) > 1 else stages[0]}
    if normalise_header(lead) not in {normalise_header(each.header) for each in _lead_candidates()}:
        keys["columns"] = {"lead_id": lead}
    named = [
        (text, each.position)
        for each in times
        if (
            text := next(
                filter(None, (stage_columns.stage_in(one, sample.names[each.position]) for one in stages)), None
            )
        )
    ]
    why = f"{len(named)} columns look like stage dates"
    return ProposedInput(sample, keys | timed[0], why, timed[1], has_local_times=timed[2], stage_columns=tuple(named))


def _letters(header: str) -> str:
    return header.lower().replace("_", "").replace(" ", "")


def _lead_candidates() -> tuple[Any, ...]:
    return formats.load("stage_dates").parts[0].columns["lead_id"]


def _table(sample: Sample, times: tuple[TimeColumn, ...]) -> ProposedInput | None:
    """Leads, accounts, merges or deletions, by the words in the headers."""
    ids = [name for name in sample.names if words(name) & {"id", "vid", "lead", "contact", "merged"}]
    merged = [name for name in sample.names if words(name) & {"merged", "master", "into", "survivor"}]
    if merged and len(ids) > 1:
        into = next((name for name in merged if words(name) & {"into", "master", "survivor"}), None)
        other = next((name for name in sample.names if name != into), None)
        if into is not None:
            pair = {"from_lead_id": other, "into_lead_id": into}
            return ProposedInput(
                sample, {"table": "merges", "columns": pair}, f"`{into}` says into which record", {"columns": "a guess"}
            )
    if not ids:
        return None
    timed = _with_times(sample, times, None)
    mapped = {} if ids[0] == "lead_id" else {"lead_id": ids[0]}
    stage = next(
        (name for name in sample.names if {"lifecycle", "stage"} & words(name) or "status" in words(name)), None
    )
    mapped |= {} if stage is None else {"current_stage": stage}
    for column in CONTRACTS["leads"].columns:
        close = next((each for each in sample.names if _letters(each) == _letters(column.name)), None)
        if close is not None and column.name not in mapped and normalise_header(close) != column.name:
            mapped[column.name] = close
    people: dict[str, Any] = {"table": "leads", **({"columns": mapped} if mapped else {})}
    return ProposedInput(
        sample, people | timed[0], f"one row for each `{ids[0]}`", {"columns": "a guess"}, has_local_times=timed[2]
    )


def _with_times(
    sample: Sample, times: Sequence[TimeColumn], shipped: tuple[str, ...] | None
) -> tuple[dict[str, Any], dict[str, str], bool]:
    """The key `time_format` where it is needed, its comment, and whether the zone matters."""
    formats_seen = list(dict.fromkeys(each.formats[:1] or ("iso",) for each in times))
    patterns = [each for (each,) in formats_seen]
    comments = {}
    twice = next((each for each in times if len(each.formats) > 1), None)
    if twice is not None:
        comments["time_format"] = f"QUESTION: {' or '.join(twice.formats)}? No day is above 12"
    keys: dict[str, Any] = {}
    needed = [each for each in patterns if each not in (shipped or ("iso",))]
    if needed:
        listed = [*(shipped or (("iso",) if "iso" in patterns else ())), *needed]
        keys["time_format"] = listed if len(listed) > 1 else listed[0]
    return keys, comments, not all(each.has_offset for each in times)
