"""Clean ids of leads and accounts, which spreadsheets, exports and connectors write in different forms (E11)."""

from __future__ import annotations

import duckdb

from pipeline.config.input_tables import Contract
from pipeline.database.connection import identifier, quoted
from pipeline.ingest.rows.columns import Bound
from pipeline.waterfall.names import PLAIN_TEXT_SQL

NULL_TEXTS = ("null", "NULL", "\\N", "#N/A", "None", "(blank)")
"""Texts that tools write for a missing id."""

DAMAGED_ID = "[0-9]([.,][0-9]+)?[eE][+][0-9]{2}"
"""A long number that a spreadsheet has rounded: 1.01E+11 can be any of a billion ids."""

_PLAIN = "[0-9A-Za-z_.:/@+-]+"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def clean_id(cell: str) -> str:
    """Return SQL for the id in a cell; null if there is none."""
    # Nearly every id is plain and matches the first test.
    text = PLAIN_TEXT_SQL.format(column=cell)
    unwrapped = rf"regexp_replace(regexp_replace({text}, '^=\"(.*)\"$', '\1'), '^''', '')"
    nulls = ", ".join(map(quoted, NULL_TEXTS))
    return (
        f"case when strlen({cell}) <= {max(map(len, NULL_TEXTS))} and {cell} in ({nulls}) then null "
        f"when regexp_full_match({cell}, '{_PLAIN}') then {cell} "
        f"else nullif(trim({unwrapped}), '') end"
    )


def salesforce_id(text: str) -> str:
    """Return SQL for the 18-character form of a Salesforce id of 15 or 18 characters; other ids do not change.

    Each of the last three characters is a base-32 digit whose bits mark the capitals in a block of five (Salesforce Help, "Convert
    15-digit IDs to 18-digit IDs"). They are computed for both forms, so that the forms agree.
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
    """Change the id 101.0 to 101 in `landing_rows`, in columns that contain only whole numbers.

    Some writers turn all ids into floats if one is missing.
    """
    names = [identifier(column.name) for column in contract.columns if column.is_id and column.name in bound.columns]
    tests = ", ".join(f"coalesce(bool_or(suffix({name}, '.0')), false)" for name in names)
    results = connection.execute(f"select {tests} from landing_rows").fetchall()[0]
    decimal = [name for name, is_decimal in zip(names, results, strict=True) if is_decimal]
    if not decimal:
        return
    tests = ", ".join(f"bool_and(regexp_full_match({name}, '[0-9]+([.]0)?'))" for name in decimal)
    results = connection.execute(f"select {tests} from landing_rows").fetchall()[0]
    whole = [name for name, is_whole in zip(decimal, results, strict=True) if is_whole]
    if whole:
        shorter = ", ".join(
            f"case when suffix({name}, '.0') then {name}[:-3] else {name} end as {name}" for name in whole
        )
        connection.execute("drop view if exists temp.landing_decimal")
        connection.execute("alter view temp.landing_rows rename to landing_decimal")
        connection.execute(
            f"create or replace temp view landing_rows as select * replace ({shorter}) from landing_decimal"
        )
