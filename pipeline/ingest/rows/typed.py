"""SQL that turns the text of a file into typed rows, with a reason for each rejected row (E1, E2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest

from pipeline.config.configuration import Input
from pipeline.config.input_tables import CONTRACTS, Column, Contract
from pipeline.database.connection import identifier, quoted
from pipeline.ingest.rows import ids, times
from pipeline.ingest.rows.columns import Bound
from pipeline.ingest.rows.times import TypedValue
from pipeline.waterfall.names import NORMALISE_STAGE_SQL

SQL_TYPES = {"text": "varchar", "time": "timestamp", "whole": "bigint"}
_ALIASES = {"stage_alias": "stage", "previous_alias": "previous"}
"""Columns of stage entries with a normalised stage name, and the column that each one is made from."""


@dataclass(frozen=True)
class TypedSelect:
    """A SELECT of typed rows. `nulls` are the columns (name, SQL type) that no row can fill.

    The SELECT omits them, because storing a null costs as much as storing a value.
    """

    sql: str
    nulls: tuple[tuple[str, str], ...]


def typed_select(
    input_: Input,
    bound: Bound,
    source: str,
    *,
    numbered: bool,
    is_reshaped: bool = False,
    iso_times: bool = False,
    counted: tuple[int, str] | None = None,
) -> TypedSelect:
    """Return SQL for the typed rows of `source` (columns c0, c1 …, all VARCHAR, and row_number if `numbered`).

    Columns, with the nulls: row_number (if numbered), record_number, the columns of the table, the extra columns, stage_alias and
    previous_alias (stage_entries only), the `format_columns` of each time with several formats, unread_time (the text of an
    unreadable time), time_note, and reason (null for an accepted row). If `is_reshaped`, the source has record_number and `broken`.
    `iso_times` reads times as ISO 8601 whatever the input's format is, for Parquet timestamps. `counted` (fields, delimiter) adds
    delimiters_inside, the number of delimiters in the values of a row.
    """
    contract = CONTRACTS[input_.table]
    # cells: the texts of the file without spaces and null values.
    number = ["row_number"] if numbered else []
    record, broken = (["record_number"], ["broken"]) if is_reshaped else ([], [])
    extras = [identifier(name) for name in bound.extras]
    cleaned = [
        f"{clean(f'c{position}', input_.null_values)} as {identifier(name)}" for name, position in bound.fields.items()
    ]
    counts = [f"{delimiters_inside(*counted)} as delimiters_inside"] if counted else []
    count_names = ["delimiters_inside"] if counted else []
    # read: the first step of each time and id.
    present = [column for column in contract.columns if column.name in bound.columns]
    typed_values = {column.name: _typed_value(column, input_, iso_times) for column in present}
    steps = [step for each in typed_values.values() for step in each.steps]
    # valued: the typed values, and what the reasons need.
    values = [f"{each.sql} as {name}" for name, each in typed_values.items()]
    note = next((each.note for each in typed_values.values() if each.note), None)
    formats = {
        made: sql
        for name, each in typed_values.items()
        for made, sql in zip(format_columns(name), each.formats, strict=False)
    }
    aliased = {} if contract.key else _ALIASES
    aliases = {alias: _alias(name) for alias, name in aliased.items() if name in bound.columns}
    parsed = [column for column in present if column.type != "text"]
    is_given = [identifier(_given_column(column)) for column in parsed]
    timed = [column.name for column in parsed if column.type == "time"]
    texts = [f"{name} as {name}__text" for name in timed]
    unread = " ".join(f"when {name} is null then {name}__text" for name in timed)
    results = {"unread_time": f"case {unread} end" if timed else None, "time_note": note and "time_note"}
    results["reason"] = _reason(contract, bound, is_reshaped)
    filled_results = {name: value for name, value in results.items() if value}
    valued = [
        *number,
        *record,
        *values,
        *extras,
        *_select_items(aliases),
        *count_names,
        *_select_items(formats),
        *is_given,
        *texts,
        *broken,
    ]
    valued += [f"{note} as time_note"] if note else []
    out = [*number, *record, *typed_values, *extras, *aliases, *count_names, *formats, *_select_items(filled_results)]
    nulls = {column.name: SQL_TYPES[column.type] for column in contract.columns if column not in present}
    nulls |= {name: "varchar" for name in (*aliased, *results) if name not in {**aliases, **filled_results}}
    nulls |= {} if is_reshaped else {"record_number": "bigint"}
    return TypedSelect(
        f"with cells as (select {', '.join([*number, *record, *broken, *cleaned, *counts])} from {source}), "
        f"read as (select {', '.join(['*', *steps])} from {_with_tries('cells', [each.tries for each in typed_values.values()])}), "
        f"valued as (select {', '.join(valued)} from read) select {', '.join(out)} from valued",
        tuple(nulls.items()),
    )


def _select_items(values: Mapping[str, str]) -> list[str]:
    return [f"{value} as {name}" for name, value in values.items()]


def format_columns(column: str) -> tuple[str, str]:
    """Return the names of two columns: the format that read a time, and a later format that reads it as another time."""
    return f"{column}__format", f"{column}__other"


def _with_tries(source: str, tries: list[tuple[str, ...]]) -> str:
    """Return the source with one step per format of a list. A step reads the times that the steps before it could not read."""
    for level in zip_longest(*tries):
        source = f"(select *, {', '.join(filter(None, level))} from {source})"
    return source


def _given_column(column: Column) -> str:
    return f"{column.name}__given"


def delimiters_inside(fields: int, delimiter: str) -> str:
    """Return SQL for the number of delimiters in the values of a row."""
    sign = quoted(delimiter)
    counts = [
        f"case when contains(c{n}, {sign}) then length(c{n}) - length(replace(c{n}, {sign}, '')) else 0 end"
        for n in range(fields)
    ]
    return _sum(counts)


def _sum(terms: list[str]) -> str:
    """Return SQL for a sum as a balanced tree, because DuckDB rejects an expression that is a thousand levels deep."""
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return f"({_sum(terms[:middle])} + {_sum(terms[middle:])})"


def clean(cell: str, null_values: tuple[str, ...]) -> str:
    """Return SQL for a cell without spaces around it; null if it is empty or one of `null_values`."""
    # A test of both ends before trim() is four times faster than trim() alone.
    trimmed = f"case when prefix({cell}, ' ') or suffix({cell}, ' ') then trim({cell}) else {cell} end"
    nulls = [value.strip() for value in null_values if value.strip()]
    if not nulls:
        return f"nullif({trimmed}, '')"
    listed = ", ".join(quoted(value) for value in nulls)
    return f"case when trim({cell}) in ({listed}) then null else nullif({trimmed}, '') end"


def _alias(stage: str) -> str:
    # Nearly every name is printable ASCII without double spaces, and only needs lower case.
    whole = NORMALISE_STAGE_SQL.format(column=stage)
    return f"case when regexp_matches({stage}, '[^ -~]|  ') then {whole} else lower({stage}) end"


def _typed_value(column: Column, input_: Input, iso_times: bool) -> TypedValue:
    if column.is_id:
        step = f"{column.name}__cleaned"
        value = ids.salesforce_id(step) if input_.ids == "salesforce" else step
        return TypedValue(value, (f"{ids.clean_id(column.name)} as {step}",))
    if column.type == "text":
        return TypedValue(column.name)
    given = f"{column.name} is not null as {identifier(_given_column(column))}"
    if column.type == "whole":
        whole = f"regexp_full_match({column.name}, '[+-]?[0-9]{{1,18}}([.]0*)?')"
        return TypedValue(f"case when {whole} then trunc({column.name}::decimal(38,3))::bigint end", (given,))
    time_format = None if iso_times else input_.time_format
    time = times.time_sql(column.name, input_.timezone, time_format, input_.locale)
    return replace(time, steps=(given, *time.steps))


def _reason(contract: Contract, bound: Bound, is_reshaped: bool) -> str | None:
    """Return SQL for the first reason that applies: a broken record, then by column in the order of the contract."""
    whens = ["when broken is not null then broken"] if is_reshaped else []
    for column in contract.columns:
        if column.name not in bound.columns:
            continue
        if column.is_required and not column.may_be_empty:
            whens.append(f"when {column.name} is null then '{column.refused}'")
        if column.is_id:
            damaged = f"contains({column.name}, '+') and regexp_full_match({column.name}, '{ids.DAMAGED_ID}')"
            whens.append(f"when {damaged} then 'id_damaged_by_spreadsheet'")
        if column.type == "time":
            early = f"{column.name} < {quoted(str(times.MIN_TIME))}::timestamp"
            late = f"{column.name} >= {quoted(str(times.MAX_TIME))}::timestamp"
            if not column.is_required or column.may_be_empty:
                whens.append(f"when {column.name}__given and {column.name} is null then 'unreadable_time'")
            whens.append(f"when {early} or {late} then 'time_out_of_range'")
        elif column.allowed:
            allowed = ", ".join(map(quoted, column.allowed))
            whens.append(f"when lower({column.name}) not in ({allowed}) then 'unknown_{column.name}'")
        elif column.type == "whole":
            whens.append(f"when {column.name}__given and {column.name} is null then 'unreadable_{column.name}'")
    return f"case {' '.join(whens)} end" if whens else None
