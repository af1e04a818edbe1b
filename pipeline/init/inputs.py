"""Recognise what a file contains: a known format, a stage history, leads, accounts, merges or deletions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import duckdb

from pipeline.config import formats
from pipeline.config.input_tables import CONTRACTS
from pipeline.config.reshaping import normalise
from pipeline.ingest.adapters import known_formats, stage_columns
from pipeline.ingest.landing.loading import DATE_IN_NAME
from pipeline.ingest.rows.columns import normalise_header
from pipeline.init import columns
from pipeline.init.columns import TimeColumn
from pipeline.init.sampling import Sample, common_start, words
from pipeline.waterfall.definition import InputTable

_GUESS = {"columns": "a guess"}
_OTHER_TABLES: tuple[InputTable, ...] = ("merges", "deletions", "leads", "accounts")

_MAX_SNAPSHOT_COLUMNS = 4
"""A dated copy of leads with more columns also has attributes, so it is not read as a stage snapshot."""


@dataclass(frozen=True)
class ProposedInput:
    """An `[[inputs]]` block to write: its keys in order, and comments for some of them; a question starts with QUESTION."""

    sample: Sample
    keys: dict[str, Any]
    why: str
    comments: dict[str, str] = field(default_factory=dict)
    pattern: str = ""
    """A pattern for several files with equal settings; empty for one file."""
    has_local_times: bool = False
    """Whether some times have no offset, so that the time zone matters."""
    stage_columns: tuple[tuple[str, int], ...] = ()
    """(stage name, position) of the date columns, if there is one column per stage."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The input tables that the file fills."""
        if "format" in self.keys:
            return tuple(part.table for part in formats.load(self.keys["format"]).parts)
        return (self.keys["table"],)


def recognise(connection: duckdb.DuckDBPyConnection, sample: Sample) -> ProposedInput | None:
    """Return the input for a file; None if the file is not recognised."""
    times = columns.time_columns(connection, sample)
    known = known_formats.format_of(sample.names)
    if known is not None:
        return _known_format(connection, sample, known, times)
    proposal = (
        _snapshot(connection, sample)
        or _standard_table(sample, times)
        or _wide(sample, times)
        or _history(connection, sample, times)
        or _table(sample, times)
    )
    return None if proposal is None else _with_ids(connection, proposal)


def _with_ids(connection: duckdb.DuckDBPyConnection, proposal: ProposedInput) -> ProposedInput:
    """Return the input with `ids = "salesforce"` if its leads have Salesforce ids."""
    header = proposal.keys.get("columns", {}).get("lead_id")
    lead = header or next((each for each in proposal.sample.names if normalise_header(each) == "lead_id"), None)
    if lead is None or not columns.has_salesforce_ids(connection, proposal.sample, lead):
        return proposal
    return replace(
        proposal,
        keys=proposal.keys | {"ids": "salesforce"},
        comments=proposal.comments | {"ids": "15 and 18 characters are one id"},
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
    signature = ", ".join(next(header for header in group if sample.has(header)) for group in known.signature)
    patterns = [pattern for part in known.parts for pattern in part.patterns]
    proposal = ProposedInput(
        sample,
        keys,
        f"the file has {signature}",
        comments,
        stage_columns=_stage_columns(sample, range(len(sample.names)), patterns),
    )
    return _with_times(proposal, times, known.time_format)


def _stage_columns(sample: Sample, positions: Iterable[int], patterns: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Return (stage name, position) of the columns whose header matches a pattern."""
    found = []
    for position in positions:
        texts = (stage_columns.stage_in(pattern, sample.names[position]) for pattern in patterns)
        found += [(text, position) for text in islice(filter(None, texts), 1)]
    return tuple(found)


def _fields(connection: duckdb.DuckDBPyConnection, sample: Sample, known: formats.Format) -> list[tuple[str, int]]:
    """Return (name, rows) of the field names in the column that names the changed field."""
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
    """Recognise a file with the standard column names."""
    for table in ("stage_entries", *_OTHER_TABLES):
        required = CONTRACTS[table].required
        if all(map(sample.has, required)) and (len(required) > 1 or table in ("leads", "accounts")):
            return _with_times(ProposedInput(sample, {"table": table}, f"the file has {', '.join(required)}"), times)
    return None


def _history(
    connection: duckdb.DuckDBPyConnection, sample: Sample, times: tuple[TimeColumn, ...]
) -> ProposedInput | None:
    lead, stage, entered = columns.guess_history(connection, sample, times)
    if lead is None or stage is None or entered is None:
        return None
    mapped = {"lead_id": lead, "stage": stage, "entered_at": entered}
    names = {column: sample.names[position] for column, position in mapped.items()}
    renamed = {column: name for column, name in names.items() if normalise_header(name) != column}
    own = tuple(each for each in times if each.position == entered)
    keys: dict[str, Any] = {"table": "stage_entries", **({"columns": renamed} if renamed else {})}
    why = f"`{names['stage']}` has few different values and `{names['entered_at']}` has times"
    return _with_times(ProposedInput(sample, keys, why, _GUESS if renamed else {}), own)


def _snapshot(connection: duckdb.DuckDBPyConnection, sample: Sample) -> ProposedInput | None:
    """Recognise a snapshot of leads with their stage, with its date in the file name."""
    if DATE_IN_NAME.search(sample.path.name) is None or len(sample.names) > _MAX_SNAPSHOT_COLUMNS:
        return None
    lead, stage, _ = columns.guess_history(connection, sample, ())
    if lead is None or stage is None or columns.time_columns(connection, sample):
        return None
    known = formats.load("stage_snapshots").parts[0].columns
    names = {"lead_id": sample.names[lead], "stage": sample.names[stage]}
    listed = {column: {normalise_header(each.header) for each in known[column]} for column in names}
    mapped = {column: name for column, name in names.items() if normalise_header(name) not in listed[column]}
    keys: dict[str, Any] = {"format": "stage_snapshots", **({"columns": mapped} if mapped else {})}
    why = f"`{names['stage']}` has few different values and the name of the file a date"
    return ProposedInput(sample, keys, why, has_local_times=True)


def _wide(sample: Sample, times: tuple[TimeColumn, ...]) -> ProposedInput | None:
    """Recognise a file with one date column per stage: their headers differ only in the stage."""
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
    keys: dict[str, Any] = {"format": "stage_dates", "stages": stages if len(stages) > 1 else stages[0]}
    lead_headers = formats.load("stage_dates").parts[0].columns["lead_id"]
    if normalise_header(lead) not in {normalise_header(each.header) for each in lead_headers}:
        keys["columns"] = {"lead_id": lead}
    dated = _stage_columns(sample, (each.position for each in times), stages)
    why = f"{len(dated)} columns look like stage dates"
    return _with_times(ProposedInput(sample, keys, why, stage_columns=dated), times)


def _table(sample: Sample, times: tuple[TimeColumn, ...]) -> ProposedInput | None:
    """Recognise merges or leads by the words in the headers."""
    ids = [name for name in sample.names if words(name) & {"id", "vid", "lead", "contact", "merged"}]
    merged = [name for name in sample.names if words(name) & {"merged", "master", "into", "survivor"}]
    if merged and len(ids) > 1:
        into = next((name for name in merged if words(name) & {"into", "master", "survivor"}), None)
        other = next((name for name in sample.names if name != into), None)
        if into is not None:
            pair = {"from_lead_id": other, "into_lead_id": into}
            why = f"`{into}` says into which record"
            return ProposedInput(sample, {"table": "merges", "columns": pair}, why, _GUESS)
    if not ids:
        return None
    mapped = {} if ids[0] == "lead_id" else {"lead_id": ids[0]}
    stage = next(
        (name for name in sample.names if {"lifecycle", "stage"} & words(name) or "status" in words(name)), None
    )
    mapped |= {} if stage is None else {"current_stage": stage}
    for column in CONTRACTS["leads"].columns:
        close = next((each for each in sample.names if normalise(each) == normalise(column.name)), None)
        if close is not None and column.name not in mapped and normalise_header(close) != column.name:
            mapped[column.name] = close
    people: dict[str, Any] = {"table": "leads", **({"columns": mapped} if mapped else {})}
    proposal = _with_times(ProposedInput(sample, people, f"one row for each `{ids[0]}`"), times)
    return replace(proposal, comments=_GUESS)


def _with_times(
    proposal: ProposedInput, times: Sequence[TimeColumn], shipped: tuple[str, ...] | None = None
) -> ProposedInput:
    """Return the input with the key `time_format` if it is needed, its comment, and whether the time zone matters."""
    formats_seen = list(dict.fromkeys(each.formats[:1] or ("iso",) for each in times))
    patterns = [each for (each,) in formats_seen]
    comments = {}
    ambiguous = next((each for each in times if len(each.formats) > 1), None)
    if ambiguous is not None:
        comments["time_format"] = f"QUESTION: {' or '.join(ambiguous.formats)}? No day is above 12"
    keys: dict[str, Any] = {}
    needed = [each for each in patterns if each not in (shipped or ("iso",))]
    if needed:
        listed = [*(shipped or (("iso",) if "iso" in patterns else ())), *needed]
        keys["time_format"] = listed if len(listed) > 1 else listed[0]
    return replace(
        proposal,
        keys=proposal.keys | keys,
        comments=proposal.comments | comments,
        has_local_times=not all(each.has_offset for each in times),
    )
