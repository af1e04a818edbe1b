"""Ids of leads and accounts: one form for what spreadsheets, exports and connectors make of one id (E11)."""

from __future__ import annotations

import duckdb

from pipeline.config.input_tables import Contract
from pipeline.database.connection import identifier, quoted
from pipeline.ingest.rows.columns import Bound
from pipeline.waterfall.names import PLAIN_TEXT_SQL

NULL_TEXTS = ("null", "NULL", "\\N", "#N/A", "None", "(blank)")
"""What tools write for an id that is missing."""

DAMAGED_ID = "[0-9]([.,][0-9]+)?[eE][+][0-9]{2}"
"""A long number that a spreadsheet has rounded: 1.01E+11 may be any of a billion ids."""

_PLAIN = "[0-9A-Za-z_.:/@+-]+"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def clean_id(cell: str) -> str:
    """SQL for the id in the text of the cell; null where it is none."""
    # Nearly every id is plain, and to look at it once is all that it costs.
    text = PLAIN_TEXT_SQL.format(column=cell)
    unwrapped = rf"regexp_replace(regexp_replace({text}, '^=\"(.*)\"$', '\1'), '^''', '')"
    nulls = ", ".join(map(quoted, NULL_TEXTS))
    return (
        f"case when strlen({cell}) <= {max(map(len, NULL_TEXTS))} and {cell} in ({nulls}) then null "
        f"when regexp_full_match({cell}, '{_PLAIN}') then {cell} "
        f"else nullif(trim({unwrapped}), '') end"
    )


def salesforce_id(text: str) -> str:
    """SQL for the 18 characters of a Salesforce id that has 15 or 18; other ids stay as they are.

    The last three tell the case of the first 15, five characters each: a digit of base 32 whose bits say which are capitals
    (Salesforce Help, "Convert 15-digit IDs to 18-digit IDs"). They are computed in both cases, so that the two forms agree.
    """
    ends = []
    for block in range(3):
        bits = " + ".join(
            f"case when {text}[{5 * block + place + 1}] between 'A' and 'Z' then {1 << place} else 0 end"
            for place in range(5)
        )
        ends.append(f"'{_ALPHABET}'[1 + {bits}]")
    whole = f"{text}[:15] || {' || '.join(ends)}"
    return f"case when regexp_full_match({text}, '[0-9A-Za-z]{{15}}([0-9A-Za-z]{{3}})?') then {whole} else {text} end"


def drop_decimals(connection: duckdb.DuckDBPyConnection, contract: Contract, bound: Bound) -> None:
    """Make 101.0 an id of 101 in `landing_rows`, in a column that has nothing but whole numbers.

    A writer that met a missing id makes decimal numbers of all the others.
    """
    names = [identifier(column.name) for column in contract.columns if column.is_id and column.name in bound.columns]
    asked = ", ".join(f"coalesce(bool_or(suffix({name}, '.0')), false)" for name in names)
    found = connection.execute(f"select {asked} from landing_rows").fetchall()[0]
    written = [name for name, is_written in zip(names, found, strict=True) if is_written]
    if not written:
        return
    asked = ", ".join(f"bool_and(regexp_full_match({name}, '[0-9]+([.]0)?'))" for name in written)
    found = connection.execute(f"select {asked} from landing_rows").fetchall()[0]
    whole = [name for name, is_whole in zip(written, found, strict=True) if is_whole]
    if whole:
        shorter = ", ".join(
            f"case when suffix({name}, '.0') then {name}[:-3] else {name} end as {name}" for name in whole
        )
        connection.execute("drop view if exists temp.landing_decimal")
        connection.execute("alter view temp.landing_rows rename to landing_decimal")
        connection.execute(
            f"create or replace temp view landing_rows as select * replace ({shorter}) from landing_decimal"
        )
