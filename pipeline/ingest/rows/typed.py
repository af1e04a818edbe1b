"""SQL that turns the text of a file into typed rows with a reason for each row that can't be accepted (E1, E2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

from pipeline.config.configuration import Input
from pipeline.config.input_tables import CONTRACTS, Column, Contract
from pipeline.database.connection import identifier, quoted
from pipeline.ingest.rows import ids, times
from pipeline.ingest.rows.columns import Bound
from pipeline.waterfall.names import NORMALISE_STAGE_SQL

SQL_TYPES = {"text": "varchar", "time": "timestamp", "whole": "bigint"}
_ALIASES = {"stage_alias": "stage", "previous_alias": "previous"}
"""The columns of stage entries that hold another column as stage names are compared."""


@dataclass(frozen=True)
class TypedSelect:
    """A SELECT of typed rows. `nulls` are the columns (name, SQL type) that no row can fill.

    The SELECT leaves them out: it costs as much to keep a null as to keep a value.
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
    """The rows of `source` (columns c0, c1 …, all VARCHAR, and row_number if `numbered`), typed.

    Columns, with the nulls: row_number (if numbered), record_number (which the source has where `is_reshaped`, as it has
    `broken`), our columns, the extras, for stage_entries stage_alias and previous_alias, for each time that several formats
    may read those of `format_columns`, then unread_time (the text of a time that can't be read), time_note and reason
    (null for an accepted row). `iso_times` reads times as ISO 8601 whatever the input's format is (Parquet timestamps come
    that way); `counted` (fields, delimiter) adds delimiters_inside, those within a row's values.
    """
    contract = CONTRACTS[input_.table]
    number = ["row_number"] if numbered else []
    record, kept_broken = (["record_number"], ["broken"]) if is_reshaped else ([], [])
    extras = [identifier(name) for name in bound.extras]
    cleaned = [
        f"{clean(f'c{position}', input_.null_values)} as {identifier(name)}" for name, position in bound.fields.items()
    ]
    kept = [f"{delimiters_inside(*counted)} as delimiters_inside"] if counted else []
    keeps = ["delimiters_inside"] if counted else []
    there = [column for column in contract.columns if column.name in bound.columns]
    typed_values = {column.name: _typed_value(column, input_, iso_times) for column in there}
    values = [f"{each.sql} as {name}" for name, each in typed_values.items()]
    read = [step for each in typed_values.values() for step in each.steps]
    note = next((each.note for each in typed_values.values() if each.note), None)
    formats = {
        made: sql
        for name, each in typed_values.items()
        for made, sql in zip(format_columns(name), each.formats, strict=False)
    }
    aliased = {} if contract.key else _ALIASES
    aliases = {ours: _alias(name) for ours, name in aliased.items() if name in bound.columns}
    parsed = [column for column in there if column.type != "text"]
    given = [identifier(_given_column(column)) for column in parsed]
    timed = [column.name for column in parsed if column.type == "time"]
    texts = [f"{name} as {name}__text" for name in timed]
    unread = " ".join(f"when {name} is null then {name}__text" for name in timed)
    found = {"unread_time": f"case {unread} end" if timed else None, "time_note": note and "time_note"}
    found["reason"] = _reason(contract, bound, is_reshaped)
    told = {name: value for name, value in found.items() if value}
    valued = [
        *number,
        *record,
        *values,
        *extras,
        *_select_items(aliases),
        *keeps,
        *_select_items(formats),
        *given,
        *texts,
        *kept_broken,
    ]
    valued += [f"{note} as time_note"] if note else []
    out = [*number, *record, *typed_values, *extras, *aliases, *keeps, *formats, *_select_items(told)]
    nulls = {column.name: SQL_TYPES[column.type] for column in contract.columns if column not in there}
    nulls |= {name: "varchar" for name in (*aliased, *found) if name not in {**aliases, **told}}
    nulls |= {} if is_reshaped else {"record_number": "bigint"}
    return TypedSelect(
        f"with cells as (select {', '.join([*number, *record, *kept_broken, *cleaned, *kept])} from {source}), "
        f"read as (select {', '.join(['*', *read])} from {_with_tries('cells', [each.tries for each in typed_values.values()])}), "
        f"valued as (select {', '.join(valued)} from read) select {', '.join(out)} from valued",
        tuple(nulls.items()),
    )


def _select_items(values: Mapping[str, str]) -> list[str]:
    return [f"{value} as {name}" for name, value in values.items()]


def format_columns(column: str) -> tuple[str, str]:
    """Names of the columns for the format that read a time, and for another of the list that reads another time in it."""
    return f"{column}__format", f"{column}__other"


def _with_tries(source: str, tries: list[tuple[str, ...]]) -> str:
    """The source with one step after the other for each format of a list; a step reads what those before it left."""
    for level in zip_longest(*tries):
        source = f"(select *, {', '.join(filter(None, level))} from {source})"
    return source


def _given_column(column: Column) -> str:
    return f"{column.name}__given"


def delimiters_inside(fields: int, delimiter: str) -> str:
    """SQL for how many delimiters the values of a row hold in all."""
    sign = quoted(delimiter)
    counts = [
        f"case when contains(c{n}, {sign}) then length(c{n}) - length(replace(c{n}, {sign}, '')) else 0 end"
        for n in range(fields)
    ]
    return _sum(counts)


def _sum(terms: list[str]) -> str:
    """Halved again and again: DuckDB takes no expression that is a thousand deep."""
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return f"({_sum(terms[:middle])} + {_sum(terms[middle:])})"


def clean(cell: str, null_values: tuple[str, ...]) -> str:
    """SQL for the text of a cell without spaces around it; null for one of `null_values` and for an empty cell."""
    # trim() walks through every letter; to look at both ends first makes it four times faster.
    trimmed = f"case when prefix({cell}, ' ') or suffix({cell}, ' ') then trim({cell}) else {cell} end"
    nulls = [value.strip() for value in null_values if value.strip()]
    if not nulls:
        return f"nullif({trimmed}, '')"
    listed = ", ".join(quoted(value) for value in nulls)
    return f"case when trim({cell}) in ({listed}) then null else nullif({trimmed}, '') end"


def _alias(stage: str) -> str:
    # What is printable ASCII without double spaces only needs its case changed, and that is nearly every row.
    whole = NORMALISE_STAGE_SQL.format(column=stage)
    return f"case when regexp_matches({stage}, '[^ -~]|  ') then {whole} else lower({stage}) end"


@dataclass(frozen=True)
class _TypedValue:
    """SQL for a value: the `steps` that it needs, the `tries` that those need, its note, and the columns of formats.

    `note` is None where no row can have one.
    """

    sql: str
    steps: tuple[str, ...] = ()
    tries: tuple[str, ...] = ()
    note: str | None = None
    formats: tuple[str, ...] = ()


def _typed_value(column: Column, input_: Input, iso_times: bool) -> _TypedValue:
    if column.is_id:
        step = f"{column.name}__cleaned"
        value = ids.salesforce_id(step) if input_.ids == "salesforce" else step
        return _TypedValue(value, (f"{ids.clean_id(column.name)} as {step}",))
    if column.type == "text":
        return _TypedValue(column.name)
    given = f"{column.name} is not null as {identifier(_given_column(column))}"
    if column.type == "whole":
        whole = f"regexp_full_match({column.name}, '[+-]?[0-9]{{1,18}}([.]0*)?')"
        return _TypedValue(f"case when {whole} then trunc({column.name}::decimal(38,3))::bigint end", (given,))
    step, is_local = f"{column.name}__read", f"{column.name}__is_local"
    time_format = None if iso_times else input_.time_format
    sql = times.time_sql(column.name, input_.timezone, time_format, read=step, is_local=is_local, locale=input_.locale)
    steps = (given, f"{sql.first.read} as {step}", f"{sql.first.is_local} as {is_local}")
    tries = tuple(f"{each} as {name}" for name, each in sql.first.tries)
    return _TypedValue(sql.at, steps, tries, sql.note, sql.first.formats)


def _reason(contract: Contract, bound: Bound, is_reshaped: bool) -> str | None:
    """The first reason that applies: a record that can't be taken apart, then in the order of the contract's columns."""
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
