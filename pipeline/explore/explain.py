"""The history of one lead from the published file: entries, stays, cycles, and every figure that counts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.database.connection import quoted
from pipeline.errors import InputError, UsageError

# Each query reads the variable lead_no. To run it in a DuckDB shell: `set variable lead_no = 5`, then paste the query.
ENTRIES = """
    select entries.entry_no, entries.stage, entries.entered_at, entries.owner, entries.basis, entries.original_lead_id,
        entries.input, inputs.format, coalesce(records.record_number, entries.row_number) as record
    from clean.stage_entries as entries
    inner join waterfall.inputs as inputs on inputs.input = entries.input
    left join clean.record_numbers as records on records.load_no = entries.load_no and records.row_number = entries.row_number
    where entries.lead_no = getvariable('lead_no')
    order by entries.entry_no"""
SET_ASIDE = """
    select rows.disposition, rows.reason, stages.stage, rows.entered_at, loads.input, inputs.format,
        coalesce(records.record_number, rows.row_number) as record, dating.input as dated_by, also.kept_at as dated_at
    from clean.entry_rows as rows
    inner join clean.loads as loads on loads.load_no = rows.load_no
    inner join waterfall.inputs as inputs on inputs.input = loads.input
    left join clean.record_numbers as records on records.load_no = rows.load_no and records.row_number = rows.row_number
    left join waterfall.stages as stages on stages.stage_no = rows.stage_no
    left join clean.recorded_also as also on also.load_no = rows.load_no and also.row_number = rows.row_number
    left join waterfall.inputs as dating on dating.input_no = also.kept_input_no
    where rows.lead_no = getvariable('lead_no') and rows.disposition <> 'kept'
    order by rows.entered_at, rows.load_no, rows.row_number"""
SPANS = """
    select spans.span_no, spans.cycle_no, spans.stage, spans.entered_at, spans.exited_at, spans.exit_kind, spans.skipped,
        spans.next_stage,
        (epoch_us(coalesce(spans.exited_at, run.as_of)) - epoch_us(spans.entered_at)) / 86400000000 as days
    from journey.stage_spans as spans
    cross join waterfall.run as run
    where spans.lead_no = getvariable('lead_no')
    order by spans.span_no"""
CYCLES = """
    select cycles.cycle_no, cycles.entry_stage, cycles.started_at, cycles.ended_at, cycles.outcome, cycles.furthest_stage,
        cycles.qualified_by
    from journey.cycles as cycles
    where cycles.lead_no = getvariable('lead_no')
    order by cycles.cycle_no"""
# Without a window, by the rules of marts.conversion (K3). A figure of the account is shown if this lead starts it.
COUNTED = """
    select unit_pairs.unit, pairs.from_stage, pairs.to_stage, periods.label as cohort,
        unit_pairs.outcome, unit_pairs.us_to_convert / 86400000000 as days
    from journey.unit_pairs as unit_pairs
    inner join waterfall.pairs as pairs on pairs.pair_no = unit_pairs.pair_no
    inner join waterfall.days as days on days.day = unit_pairs.from_date
    inner join waterfall.periods as periods on periods.grain = 'month' and periods.period_start = days.month_start
    where unit_pairs.lead_no = getvariable('lead_no')
    order by case unit_pairs.unit when 'cycle' then 1 when 'lead' then 2 else 3 end, unit_pairs.from_at, pairs.pair_no"""


@dataclass(frozen=True)
class Section:
    """One part of the history of a lead: title, column names and rows of text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class LeadHistory:
    """Everything that the file has about one lead."""

    lead_id: str
    facts: tuple[str, ...]
    sections: tuple[Section, ...]


def explain(connection: duckdb.DuckDBPyConnection, lead_id: str) -> LeadHistory:
    """Return the history of a lead, by its id or by an id that was merged into it.

    Raises UsageError if the file has no such lead, InputError if it is not a funnel database: a table is missing, or a view
    reads something outside the file.
    """
    try:
        return _history(connection, lead_id)
    except (duckdb.PermissionException, duckdb.CatalogException, duckdb.BinderException) as failure:
        raise InputError(
            "this is not a funnel database, or it was written by another version: a required table is missing or reads "
            "another file",
            where="funnel.duckdb",
            next_step="name an output folder with --output, or publish a run with `funnel run`",
        ) from failure


def _history(connection: duckdb.DuckDBPyConnection, lead_id: str) -> LeadHistory:
    ids = connection.execute(
        f"select survivor_id, lead_no from clean.lead_ids where lead_id = {quoted(lead_id)}"
    ).fetchone()
    if ids is None:
        raise UsageError(
            "the published file has no lead with this id",
            where="LEAD",
            next_step='ids are case-sensitive; `funnel sql "from clean.lead_ids limit 5"` shows some',
        )
    survivor, lead_no = ids
    connection.execute(f"set variable lead_no = {lead_no}")
    return LeadHistory(
        lead_id=survivor,
        facts=_facts(connection, lead_id, survivor),
        sections=tuple(
            _section(connection, title, query)
            for title, query in (
                ("Entries", ENTRIES),
                ("Rows set aside", SET_ASIDE),
                ("Stays", SPANS),
                ("Cycles", CYCLES),
                ("Where it counted (ever; marts.conversion)", COUNTED),
            )
        ),
    )


def as_text(history: LeadHistory) -> str:
    """Return the history as plain text."""
    lines = [f"Lead {history.lead_id}", *(f"  {fact}" for fact in history.facts)]
    for section in history.sections:
        lines += ["", section.title]
        if not section.rows:
            lines.append("  none")
            continue
        table = (section.columns, *section.rows)
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for row in table:
            cells = (f"  {text:<{width}}" for text, width in zip(row, widths, strict=True))
            lines.append("".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def _facts(connection: duckdb.DuckDBPyConnection, lead_id: str, survivor: str) -> tuple[str, ...]:
    row = connection.execute(
        "select account_id, account_match, origin, lead_source, deleted_at, has_attributes, scope_rule from clean.leads"
        " where lead_no = getvariable('lead_no')"
    ).fetchone()
    merged = connection.execute(
        "select lead_id from clean.lead_ids where lead_no = getvariable('lead_no') and lead_id <> survivor_id order by lead_id"
    ).fetchall()
    as_of = connection.execute("select as_of, timezone from waterfall.run").fetchone()
    assert as_of is not None, "waterfall.run has one row"
    facts = [f"as of {_text(as_of[0])} UTC (zone of dates: {as_of[1]})"]
    if lead_id != survivor:
        facts.append(f"{lead_id} was merged into it")
    if merged:
        facts.append(f"merged into it: {', '.join(each for (each,) in merged)}")
    if row is None:
        return (*facts, "only rejected rows have this id, so it is not a lead and counts nowhere")
    account, match, origin, source, deleted_at, has_attributes, scope_rule = row
    matched_by = {"email_domain": " (by the domain of its e-mail)", "website": " (by the domain of its website)"}.get(
        match, ""
    )
    facts.append(f"account {account or '–'}{matched_by} · origin {origin or '–'} · lead source {source or '–'}")
    if scope_rule is not None:
        facts.append(f"out of scope by the rule {scope_rule}: it counts nowhere")
    if not has_attributes:
        facts.append("no leads input has it: it is known only from history")
    if deleted_at is not None:
        facts.append(f"deleted in its source at {_text(deleted_at)} UTC")
    return tuple(facts)


def _section(connection: duckdb.DuckDBPyConnection, title: str, query: str) -> Section:
    rows = connection.execute(query).fetchall()
    names = tuple(column[0] for column in connection.description or [])
    return Section(title, names, tuple(tuple(_text(value) for value in row) for row in rows))


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value)
