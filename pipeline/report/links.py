"""Where the pages of a site lie, relative to each other: one flat folder, names made of keys, which are plain words."""

from __future__ import annotations

VERSION = 1
"""Version of data/summary.json: goes up when a key goes or means something else; new keys leave it."""

INDEX = "index.html"
CONVERSION = "conversion.html"
VOLUMES = "volumes.html"
ACCOUNTS = "accounts.html"
OWNERS = "owners.html"
QUALITY = "quality.html"
DEFINITIONS = "definitions.html"
DATA = "data.html"
ARCHIVE = "archive.html"
DATA_FOLDER = "data"
ARCHIVE_FOLDER = "archive"
WORKBOOK = "funnel.xlsx"
SUMMARY = "summary.json"
EMAIL = "email.html"


def pair_page(from_stage: str, to_stage: str) -> str:
    """The page of a headline pair. Keys hold no hyphen, so no two pairs share one."""
    return f"pair-{from_stage}-{to_stage}.html"


def stage_page(stage: str) -> str:
    """The page of a stage."""
    return f"stage-{stage}.html"


def data_file(table: str) -> str:
    """The CSV file of a report table, given without its schema."""
    return f"{DATA_FOLDER}/{table}.csv"


def data_anchor(table: str) -> str:
    """Where the page of files speaks of a report table, given without its schema."""
    return f"{DATA}#file-{table}"


def data_link(table: str) -> str:
    """Where a figure's table (`schema.table`) can be had; empty when it is none of the report."""
    schema, _, name = table.partition(".")
    return data_anchor(name) if schema == "report" or schema.startswith("report_") else ""
