"""File names of the pages and data files. All pages of a report are in one folder."""

from __future__ import annotations

VERSION = 1
"""Version of data/summary.json. It increases when a key is removed or changes its meaning, not for a new key."""

INDEX = "index.html"
CONVERSION = "conversion.html"
VOLUMES = "volumes.html"
ACCOUNTS = "accounts.html"
OWNERS = "owners.html"
OVERDUE = "overdue.html"
SKIPPED = "skipped.html"
QUALITY = "quality.html"
DEFINITIONS = "definitions.html"
DATA = "data.html"
ARCHIVE = "archive.html"
DATA_FOLDER = "data"
DATA_INDEX = f"{DATA_FOLDER}/README.txt"
ARCHIVE_FOLDER = "archive"
WORKBOOK = "funnel.xlsx"
TABLES_WORKBOOK = "tables.xlsx"
SUMMARY = "summary.json"
EMAIL = "email.html"


def pair_page(from_stage: str, to_stage: str) -> str:
    """Return the page of a headline pair. Stage keys have no hyphen, so the name is unique."""
    return f"pair-{from_stage}-{to_stage}.html"


def stage_page(stage: str) -> str:
    """Return the page of a stage."""
    return f"stage-{stage}.html"


def data_file(table: str) -> str:
    """Return the CSV file of a report table (name without schema)."""
    return f"{DATA_FOLDER}/{table}.csv"


def data_anchor(table: str) -> str:
    """Return the link to a report table (name without schema) on the page of data files."""
    return f"{DATA}#file-{table}"


def data_link(table: str) -> str:
    """Return the link to the data file of `schema.table`; empty for tables of other schemas."""
    schema, _, name = table.partition(".")
    return data_anchor(name) if schema == "report" else ""
