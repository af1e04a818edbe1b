"""Which format a file looks like, by its headers: for a first configuration, and to say so where a file is read otherwise."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from pipeline.config import formats
from pipeline.config.configuration import Input
from pipeline.database.connection import identifier
from pipeline.ingest.adapters.stage_columns import stage_in
from pipeline.ingest.rows.columns import Bound, normalise_header

_MAX_FIELD_NAMES = 1_000
"""Different values that a column with the names of fields may have."""


def format_of(names: Iterable[str]) -> str | None:
    """The format whose headers are all there; of several the one that asks for most."""
    there = {normalise_header(name) for name in names}
    fitting = [
        name
        for name in formats.names()
        if (signature := formats.load(name).signature)
        and all(any(normalise_header(header) in there for header in group) for group in signature)
    ]
    return max(fitting, key=lambda name: len(formats.load(name).signature), default=None)


def date_patterns() -> tuple[str, ...]:
    """The patterns by which HubSpot calls its columns with dates of stages."""
    return tuple(pattern for part in formats.load("hubspot_contacts").parts for pattern in part.patterns)


def advice(names: tuple[str, ...], input_: Input) -> str:
    """What to write for a file whose columns do not fit, where it looks like one that is known; empty where it does not."""
    if input_.reshaping is not None:
        return ""
    found = format_of(names)
    if found is not None and any(part.table == input_.table for part in formats.load(found).parts):
        return f'it looks like the format {found}: write format = "{found}" in the place of `table` and `columns`'
    if input_.table != "stage_entries":
        return ""
    dates = sum(any(stage_in(pattern, name) is not None for pattern in date_patterns()) for name in names)
    if dates > 1:
        return f'{dates} columns look like stage dates: use format = "stage_dates"'
    return ""


def remark(connection: duckdb.DuckDBPyConnection, names: tuple[str, ...], bound: Bound, input_: Input) -> str | None:
    """What to say of a history that is read as it is and has a column which tells its rows apart. Needs `landing_rows`."""
    if input_.table != "stage_entries" or input_.reshaping is not None:
        return None
    found = format_of(names)
    fields = [] if found is None else [part.columns.get("field", ()) for part in formats.load(found).parts]
    candidates = {normalise_header(each.header) for several in fields for each in several}
    column = next(
        (ours for ours, position in bound.extras.items() if normalise_header(names[position]) in candidates),
        None,
    )
    if column is None:
        return None
    (values,) = connection.execute(
        f"select count(distinct {identifier(column)}) from (select {identifier(column)} from landing_rows limit 100000)"
    ).fetchall()[0]
    if not 1 < values <= _MAX_FIELD_NAMES:
        return None
    shown = names[bound.extras[column]]
    return f'column `{shown}` has {values:,} values: did you mean format = "{found}", or a `where` on that column?'
