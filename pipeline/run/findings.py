"""Warnings about history or leads that look incomplete, from the built tables. Messages show ids only in masked form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

from pipeline.config.configuration import Configuration
from pipeline.ingest.rows.shapes import shape_sql

MAX_DATES_SHOWN = 5
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


def warnings(connection: duckdb.DuckDBPyConnection, configuration: Configuration, *, is_whole: bool) -> list[str]:
    """Return one sentence per finding. Without `is_whole`, schema quality is not built and only schema clean is read."""
    sentences = leads_without_a_record(connection, configuration)
    if is_whole:
        sentences += first_stages_without_a_date(connection)
        sentences += cut_history(connection)
        sentences += unreconciled_leads(connection, configuration)
        sentences += missed_snapshots(connection)
    return sentences


def empty_reports(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return a sentence for each report whose value no lead has: it is complete but empty."""
    rows = connection.execute(
        """
        select reports.report, reports.dimension, reports.dimension_value
        from waterfall.reports as reports
        anti join journey.slices as slices
            on slices.dimension = reports.dimension and slices.dimension_value = reports.dimension_value
        where reports.report_no > 0
        order by reports.report_no
        """
    ).fetchall()
    return [f"report {report}: no lead has {dimension} = {value}, so it is empty" for report, dimension, value in rows]


def first_stages_without_a_date(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return a sentence for each history input with leads whose creation time no input has (E9)."""
    rows = connection.execute(
        "select input, without_date from quality.first_values where without_date > 0 order by input"
    ).fetchall()
    return [
        f"{name}: {leads:,} {'lead has' if leads == 1 else 'leads have'} a first status without a date: "
        "deliver the leads with created_at, or map record_created_at of this input"
        for name, leads in rows
    ]


def cut_history(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return a sentence for each input where most leads start on one day."""
    rows = connection.execute(
        "select input, bulk_leads, leads, bulk_date, complete_from from quality.history_coverage where is_cut order by input"
    ).fetchall()
    return [
        f"{name}: {bulk_leads:,} of {leads:,} leads have their first entry on {bulk_date}, so the history before that day looks "
        f"cut (a first sync, or an export that begins there). It is complete from {complete_from}, and the report marks earlier "
        "cohorts. Export the older history, too, or compare later cohorts only"
        for name, bulk_leads, leads, bulk_date, complete_from in rows
    ]


def unreconciled_leads(connection: duckdb.DuckDBPyConnection, configuration: Configuration) -> list[str]:
    """Return a sentence if more current stages than `max_unreconciled` allows differ from history or are unknown."""
    compared, differs, unknown = connection.execute(
        "select count(*), count(*) filter (where outcome = 'differs'), count(*) filter (where outcome = 'unknown') "
        "from quality.stage_reconciliation"
    ).fetchall()[0]
    allowed = configuration.max_unreconciled
    if differs + unknown <= allowed * compared:
        return []
    elsewhere = "stands elsewhere than its" if differs == 1 else "stand elsewhere than their"
    sentence = f"{differs:,} of {compared:,} {'lead' if compared == 1 else 'leads'} {elsewhere} history says"
    if unknown:
        sentence += f", and {unknown:,} {'shows' if unknown == 1 else 'show'} a current_stage that no alias names"
    return [
        f"{sentence} (max_unreconciled allows {allowed * 100:g} %): look at quality.stage_reconciliation, "
        "then export the history again or add the aliases"
    ]


def missed_snapshots(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return a sentence for each input with missing snapshots, whose changes get the date of the next snapshot."""
    rows = connection.execute(
        "select input, missed_dates, days_late from quality.stage_snapshots where missed > 0 order by input"
    ).fetchall()
    return [f"{name}: {_missed(dates, days_late)}" for name, dates, days_late in rows]


def _missed(dates: Sequence[date], days_late: int) -> str:
    nights = "1 night" if len(dates) == 1 else f"{len(dates):,} nights"
    shown = ", ".join(each.isoformat() for each in dates[:MAX_DATES_SHOWN])
    more = ", …" if len(dates) > MAX_DATES_SHOWN else ""
    days = "1 day" if days_late == 1 else f"{days_late:,} days"
    return (
        f"no snapshot of {nights} ({shown}{more}): changes of {'that night' if len(dates) == 1 else 'those nights'} have the "
        f"date of the next snapshot, up to {days} late; a snapshot that is put there later is sorted in by its date"
    )


def leads_without_a_record(connection: duckdb.DuckDBPyConnection, configuration: Configuration) -> list[str]:
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
