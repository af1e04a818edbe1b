"""Finds leads in history that no leads input has. Messages show ids only in masked form."""

from __future__ import annotations

import duckdb

from pipeline.config.configuration import Configuration
from pipeline.ingest.rows.shapes import shape_sql

MAX_SHARE_UNMATCHED = 0.2
"""With a larger share of leads in history without a record, the run warns."""
MAX_IDS_READ = 10_000
"""Number of ids that are read to find their form. The first ids of the log are enough: one input has one form."""

_HISTORY = (
    "select leads.lead_id, leads.lead_no, leads.has_attributes from clean.leads as leads "
    "where leads.lead_no in (select entries.lead_no from clean.entries_facts as entries)"
)
_RECORDS = (
    "select records.lead_id, records.lead_no from clean.lead_records as records where records.load_no is not null"
)
# Long ids of letters and digits, such as Salesforce ids or UUIDs, have only their length in common.
_FORM = (
    "case when length(lead_id) >= 12 and regexp_matches(lead_id, '[0-9]') and regexp_matches(lead_id, '[A-Za-z]') "
    "then regexp_replace(lead_id, '[0-9A-Za-z]', 'x', 'g') "
    r"else regexp_replace(regexp_replace(lead_id, '\p{L}+', 'a', 'g'), '[0-9]+', '9', 'g') end"
)


def without_a_record(connection: duckdb.DuckDBPyConnection, configuration: Configuration) -> list[str]:
    """Return a sentence about leads in history that no leads input has; nothing if no input has leads. Reads schema clean."""
    people = _names(configuration, "leads")
    if not people:
        return []
    leads, unmatched = connection.execute(
        f"select count(*), count(*) filter (where not has_attributes) from ({_HISTORY})"
    ).fetchall()[0]
    if not unmatched:
        return []
    form, like = _commonest(connection, _HISTORY)
    other_form, other_like = _commonest(connection, _RECORDS)
    is_other = form != other_form
    if other_form is None or (unmatched <= MAX_SHARE_UNMATCHED * leads and not is_other):
        return []
    said = f"{unmatched:,} of {leads:,} leads in history are in no leads input ({people})"
    if is_other:
        history = _names(configuration, "stage_entries")
        said += f"; ids look like `{like}` in {history} and like `{other_like}` in {people}: export the same id in both"
    return [said]


def _names(configuration: Configuration, table: str) -> str:
    return ", ".join(reads.name for reads in configuration.inputs if reads.table == table)


def _commonest(connection: duckdb.DuckDBPyConnection, ids: str) -> tuple[str | None, str | None]:
    """Return the most common form of these ids, and the shape of the first id with this form."""
    rows = connection.execute(
        f"select {_FORM} as form, arg_min({shape_sql('lead_id')}, lead_no) as shape "
        f"from (from ({ids}) order by lead_no limit {MAX_IDS_READ}) group by form order by count(*) desc, form limit 1"
    ).fetchall()
    return rows[0] if rows else (None, None)
