"""Definitions and data quality."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report import text
from pipeline.report.conversion import estimate
from pipeline.report.conversion.cohorts import DIMENSION_SOURCES
from pipeline.report.figures import Figures
from pipeline.report.layout.table import (
    Cell,
    Column,
    FootnoteBuilder,
    Table,
    TableRow,
    balanced,
    columns,
    texts,
)
from pipeline.report.overview import variant
from pipeline.report.quality import history_coverage
from pipeline.report.quality.unknown_stages import unknown_stages
from pipeline.report.rows import Overview

REJECTION_REASONS = {
    "no_lead": "no lead id",
    "no_stage": "no stage",
    "no_key": "no key",
    "unknown_stage": "a stage that no alias names",
    "unreadable_time": "a time that can’t be read",
    "time_out_of_range": "a time outside the years 2000 to 2099",
    "unreadable_sequence": "a sequence number that can’t be read",
    "unknown_object": "an object of a merge that is neither lead nor account",
    "too_few_fields": "too few fields",
    "too_many_fields": "too many fields",
    "unclosed_quote": "a quote that never closes",
    "stray_quote": "a stray quote",
    "nul_byte": "a NUL byte",
    "bad_encoding": "bytes that are not in the declared encoding",
    "field_too_long": "a field longer than 1 MB",
    "not_json": "a line that is not JSON",
    "cell_not_json": "a cell that should be JSON and is not",
    "uneven_lists": "cells with lists of different length",
    "id_damaged_by_spreadsheet": "an id that a spreadsheet turned into a rounded number, such as 1.01E+11",
    "not_an_object": "a line of JSON that is not an object",
    "duplicate_key": "a key that is there twice",
    "nested_too_deep": "lists or objects in each other more than 50 deep",
}
DATE_FINDINGS = {
    "skipped": "Moved up past a stage without entering it",
    "regressed": "Moved back to a lower stage",
    "reopened": "Came back to the path from a stage that nobody comes back from",
    "restored": "Came back after the lead had been deleted",
    "off_path_move": "Moved from one stage off the path to another",
    "same_second": "Went through two stages or more within one second; the stage in which that ended",
    "weekend_entry": "Entered on a weekend, by an owner who works on weekdays",
    "last_minute": "Left in the last fifteen minutes of its limit",
    "bulk_stamp": "Fifty leads or more entered within one minute",
    "future_dated": "Dated after as-of; comes in by itself when due",
    "gate_holding": "Held for more than a minute in a stage that should hold nobody",
    "interrupted_by_unknown_stage": "Went through a stage that the configuration does not know; left out of time in stage",
    "dst_gap": "Time that the clock skipped in spring",
    "dst_overlap": "Time that the clock showed twice in autumn",
}

ROW_OUTCOMES = ("kept", "repeats", "duplicates", "out_of_scope", "after_as_of", "redelivered", "rejected", "filtered")
"""Outcomes of a row, from the last check to the first (E1)."""


@dataclass(frozen=True)
class Quality:
    """Row accounting and findings in the data."""

    about: str
    accounting: Table
    scope: Table | None
    rejections: Table | None
    unknown_stages: str
    unknown: Table | None
    history: Table | None
    dates: Table | None
    orphans: tuple[str, ...]
    leads: tuple[str, ...]
    coverage: Table | None
    expected_rate_record: Table | None
    notes: tuple[str, ...]


def quality(figures: Figures, notes: tuple[str, ...], footnotes: FootnoteBuilder) -> Quality:
    """Return the data-quality section."""
    total = figures.overview.rows[0]
    return Quality(
        about=variant.quality_page_note(figures.report),
        accounting=_accounting(figures, footnotes),
        scope=_scope(figures, footnotes) if figures.quality.scope.rows else None,
        rejections=_rejections(figures, footnotes) if figures.quality.rejections.rows else None,
        unknown_stages=(
            f"{text.plural(total.unknown_stage, 'row names', 'rows name')} a stage that the configuration does not know. "
            "Add the value to a stage’s aliases and run again: the rows wait in the log and come in by themselves."
            if total.unknown_stage
            else "Every row names a stage that the configuration knows."
        ),
        unknown=unknown_stages(figures, footnotes) if figures.quality.unknown.rows else None,
        history=history_coverage.table(figures, footnotes),
        dates=_dates(figures, footnotes) if figures.quality.dates.rows else None,
        orphans=(
            f"{text.plural(total.history_only, 'lead')} known from history only: no input of leads delivered them.",
            f"{text.plural(total.bare_accounts, 'account')} named by leads only: no input of accounts delivered them.",
            *_without_account(figures),
            *_inferred(total.inferred),
        ),
        leads=(*_reconciliation(total), *_shared_addresses(total), *_recorded_also(total)),
        coverage=_coverage(figures, footnotes) if figures.quality.coverage.rows else None,
        expected_rate_record=estimate.record(figures, footnotes),
        notes=notes,
    )


def _without_account(figures: Figures) -> tuple[str, ...]:
    """Return the leads without an account. A report of one value shows them with the accounts."""
    leads = figures.overview.rows[0].leads_without_account
    return (f"{text.plural(leads, 'lead')} without an account.",) if figures.report.is_all else ()


def _inferred(leads: int) -> tuple[str, ...]:
    """Return the leads with an inferred entry at creation (E9); empty if there are none."""
    if not leads:
        return ()
    return (f"{text.plural(leads, 'lead')} with an entry at creation that no row of history has: it is inferred.",)


def _reconciliation(total: Overview) -> tuple[str, ...]:
    """Return leads whose current stage differs from their history; empty without current stages."""
    if not total.compared:
        return ()
    of_leads = f"{text.count(total.standing_elsewhere)} of {text.plural(total.compared, 'lead')}"
    verb = "stands elsewhere than its" if total.standing_elsewhere == 1 else "stand elsewhere than their"
    unknown = f"{text.plural(total.unknown_current, 'lead')} with a current stage that no alias names."
    return (
        f"{of_leads} {verb} history says, by the current stage that the source shows: quality.stage_reconciliation.",
        *((unknown,) if total.unknown_current else ()),
    )


def _shared_addresses(total: Overview) -> tuple[str, ...]:
    """Return the addresses of several leads, which may be duplicates; empty if there are none."""
    if not total.shared_addresses:
        return ()
    addresses = text.plural(total.shared_addresses, "e-mail address", "e-mail addresses")
    return (
        f"{addresses} of more than one lead, with {text.plural(total.sharing_leads, 'lead')} together: each counts as a "
        "lead of its own until the source merges them: quality.shared_addresses.",
    )


def _recorded_also(total: Overview) -> tuple[str, ...]:
    """Return rows that another input with priority dates; empty if there are none."""
    if not total.recorded_also:
        return ()
    record = text.plural(total.recorded_also, "row records", "rows record")
    return (f"{record} an entry that another input dates by its priority: quality.recorded_also.",)


def _accounting(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    # Most inputs have no filter, so the column is left out when it has only zeros.
    parts = ROW_OUTCOMES if any(row.filtered for row in figures.quality.accounting.rows) else ROW_OUTCOMES[:-1]
    return Table(
        caption="Every row that was ever read, and what became of it",
        columns=(
            Column("Input", "text"),
            Column("Files"),
            Column("Rows read"),
            *(Column(f"{'=' if part == 'kept' else '+'} {part.replace('_', ' ')}") for part in parts),
            Column("Adds up"),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(row.input, note=row.table_name.replace("_", " ")),
                    *texts(text.count(row.loads), text.count(row.rows_read)),
                    *(_part(part, getattr(row, part)) for part in parts),
                    balanced(row.rows_read == sum(getattr(row, part) for part in ROW_OUTCOMES)),
                )
            )
            for row in figures.quality.accounting.rows
        ),
        source=footnotes.source(
            figures.quality.accounting,
            unit="rows of the inputs",
            basis="all files in the log; a row counts once, under the first that applies, read from right to left",
            denominator="none: these are counts",
        ),
        key="accounting",
    )


def _part(part: str, rows: int) -> Cell:
    return Cell(text.count(rows), "alert" if part == "rejected" and rows else "")


def _scope(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    return Table(
        caption="Leads out of scope, by the first rule that says so",
        columns=(Column("Rule", "text"), Column("Reason", "text"), Column("Leads"), Column("Rows of history")),
        rows=tuple(
            TableRow(
                (
                    Cell(row.rule),
                    Cell(row.reason, "prose"),
                    *texts(text.count(row.leads), text.count(row.entries)),
                )
            )
            for row in figures.quality.scope.rows
        ),
        source=footnotes.source(
            figures.quality.scope,
            unit="leads",
            basis="the configuration of this run; such leads are in no other figure of this page",
            denominator="none: these are counts",
        ),
        key="scope",
    )


def _rejections(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    return Table(
        caption="Rejected rows by reason",
        columns=(
            Column("Input", "text"),
            Column("Reason", "text"),
            Column("Rows"),
            Column("First row numbers", "text"),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(row.input, note=row.file_name),
                    Cell(REJECTION_REASONS.get(row.reason, row.reason.replace("_", " "))),
                    Cell(text.count(row.rejected)),
                    Cell(
                        ", ".join(str(number) for number in row.first_rows)
                        + (" …" if row.rejected > len(row.first_rows) else "")
                    ),
                )
            )
            for row in figures.quality.rejections.rows
        ),
        source=footnotes.source(
            figures.quality.rejections,
            unit="rows of the inputs",
            basis="row 1 is the first after the header; the rows themselves are in quality.rejected_rows",
            denominator="none: these are counts",
        ),
        key="rejections",
    )


def _dates(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    labels = {stage.stage: stage.label for stage in figures.stages.rows}
    return Table(
        caption="Dates that deserve a second look",
        columns=(
            Column("Finding", "text"),
            Column("Stage", "text"),
            Column("Leads"),
            Column("Share"),
            Column("Examples", "text"),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(DATE_FINDINGS.get(row.finding, row.finding.replace("_", " "))),
                    Cell(labels.get(row.stage, row.stage)),
                    Cell(text.count(row.leads)),
                    Cell(text.rate(row.share)),
                    Cell(" ".join(row.examples), "id prose"),
                )
            )
            for row in figures.quality.dates.rows
            # It depends on when a file was read, and the page must not. Relative to as-of it is future_dated.
            if row.finding != "after_delivery"
        ),
        source=footnotes.source(
            figures.quality.dates,
            unit="leads",
            basis="all history; skipped and moved back: the stage that was left",
            denominator="leads that had entered the stage by as-of",
        ),
        key="dates",
    )


def _coverage(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    return Table(
        caption="Dimensions: how often the value is known, and as of when",
        columns=(
            *columns("Dimension", "Known", "of stays", "Share", "Different values"),
            Column("Where it comes from", "text"),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(row.dimension),
                    *texts(
                        text.count(row.known),
                        text.count(row.stays),
                        text.rate(row.share_known),
                        text.count(row.distinct_values),
                    ),
                    Cell(DIMENSION_SOURCES.get(row.source, row.source)),
                )
            )
            for row in figures.quality.coverage.rows
        ),
        source=footnotes.source(
            figures.quality.coverage, unit="stays (spans)", basis="all history", denominator="all stays"
        ),
        key="coverage",
    )
