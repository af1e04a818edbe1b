"""Recognise the format of a file by its headers, for `funnel init` and for hints in messages."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from pipeline.config import formats
from pipeline.config.configuration import Input
from pipeline.database.connection import identifier
from pipeline.ingest.adapters.stage_columns import stage_in
from pipeline.ingest.rows.columns import Bound, normalise_header

_MAX_FIELD_NAMES = 1_000
"""Different values of a column that contains names of fields."""


def format_of(names: Iterable[str]) -> str | None:
    """Return the format whose headers all occur; of several, the one with most headers."""
    headers = {normalise_header(name) for name in names}
    fitting = [
        name
        for name in formats.names()
        if (signature := formats.load(name).signature)
        and all(any(normalise_header(header) in headers for header in group) for group in signature)
    ]
    return max(fitting, key=lambda name: len(formats.load(name).signature), default=None)


def date_patterns() -> tuple[str, ...]:
    """Return the patterns of HubSpot's columns with stage dates."""
    return tuple(pattern for part in formats.load("hubspot_contacts").parts for pattern in part.patterns)


def advice(names: tuple[str, ...], input_: Input) -> str:
    """Return what to write for a file whose columns do not fit but look like a known format; else empty."""
    if input_.reshaping is not None:
        return ""
    format_name = format_of(names)
    if format_name is not None and any(part.table == input_.table for part in formats.load(format_name).parts):
        return f'it looks like the format {format_name}: write format = "{format_name}" in the place of `table` and `columns`'
    if input_.table != "stage_entries":
        return ""
    dates = sum(any(stage_in(pattern, name) is not None for pattern in date_patterns()) for name in names)
    if dates > 1:
        return f'{dates} columns look like stage dates: use format = "stage_dates"'
    return ""


def remark(connection: duckdb.DuckDBPyConnection, names: tuple[str, ...], bound: Bound, input_: Input) -> str | None:
    """Return a hint if an input without a format has a column that names the changed field. Needs `landing_rows`."""
    if input_.table != "stage_entries" or input_.reshaping is not None:
        return None
    format_name = format_of(names)
    fields = [] if format_name is None else [part.columns.get("field", ()) for part in formats.load(format_name).parts]
    candidates = {normalise_header(each.header) for several in fields for each in several}
    column = next(
        (name for name, position in bound.extras.items() if normalise_header(names[position]) in candidates),
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
    return (
        f'column `{shown}` has {values:,} values: did you mean format = "{format_name}", or a `where` on that column?'
    )
