"""The data-quality page: row accounting, rejected rows, dates and dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.report import answers, text
from pipeline.report.conversion import estimate, routes
from pipeline.report.layout.table import (
    Cell,
    Table,
    TableColumn,
    balanced,
    number,
    table,
    word,
)
from pipeline.report.overview import variant
from pipeline.report.quality import history_coverage
from pipeline.report.quality.unknown_stages import unknown_stages
from pipeline.report.query import Report, Row

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


def quality_page(report: Report, notes: tuple[str, ...]) -> dict[str, Any]:
    """Return what the data-quality page shows. `notes` are warnings of the run."""
    total = report.overview
    return {
        "about": variant.quality_page_note(report),
        "notes": notes,
        "accounting": _accounting(report),
        "scope": _scope(report),
        "unknown_stages": (
            f"{text.plural(total.unknown_stage, 'row names', 'rows name')} a stage that the configuration does not know. "
            "Add the value to a stage’s aliases and run again: the rows wait in the log and come in by themselves."
            if total.unknown_stage
            else "Every row names a stage that the configuration knows."
        ),
        "unknown": unknown_stages(report),
        "rejections": _rejections(report),
        "history": history_coverage.history_table(report),
        "dates": _dates(report),
        "orphans": tuple(_orphans(report)),
        "leads": tuple(_doubtful(total)),
        "expected_rate_record": estimate.record(report),
        "coverage": _coverage(report),
        "origins": routes.origins(report),
        "qualifications": routes.qualifications(report),
    }


def _orphans(report: Report) -> Iterator[str]:
    """Yield what is known from one kind of input only."""
    total = report.overview
    yield f"{text.plural(total.history_only, 'lead')} known from history only: no input of leads delivered them."
    yield f"{text.plural(total.bare_accounts, 'account')} named by leads only: no input of accounts delivered them."
    if report.is_all:  # a report of one value shows them with the accounts
        yield f"{text.plural(total.leads_without_account, 'lead')} without an account."
    if total.inferred:
        yield f"{text.plural(total.inferred, 'lead')} with an entry at creation that no row of history has: it is inferred."


def _doubtful(total: Row) -> Iterator[str]:
    """Yield current stages that differ from history, addresses of several leads, and entries that another input dates."""
    if total.compared:
        of_leads = f"{text.count(total.standing_elsewhere)} of {text.plural(total.compared, 'lead')}"
        verb = "stands elsewhere than its" if total.standing_elsewhere == 1 else "stand elsewhere than their"
        yield f"{of_leads} {verb} history says, by the current stage that the source shows: quality.stage_reconciliation."
        if total.unknown_current:
            yield f"{text.plural(total.unknown_current, 'lead')} with a current stage that no alias names."
    if total.shared_addresses:
        addresses = text.plural(total.shared_addresses, "e-mail address", "e-mail addresses")
        yield (
            f"{addresses} of more than one lead, with {text.plural(total.sharing_leads, 'lead')} together: each counts as a "
            "lead of its own until the source merges them: quality.shared_addresses."
        )
    if total.recorded_also:
        record = text.plural(total.recorded_also, "row records", "rows record")
        yield f"{record} an entry that another input dates by its priority: quality.recorded_also."


def _accounting(report: Report) -> Table:
    answer = report.rows("quality.row_accounting", "rows_read", order="input")
    # Most inputs have no filter, so the column is left out when it has only zeros.
    parts = ROW_OUTCOMES if any(row.filtered for row in answer.rows) else ROW_OUTCOMES[:-1]
    return table(
        answer.rows,
        (
            TableColumn("Input", "", lambda row: Cell(row.input, note=row.table_name.replace("_", " ")), "text"),
            number("Files", "loads"),
            number("Rows read", "rows_read"),
            *(_outcome(part) for part in parts),
            TableColumn(
                "Adds up",
                "",
                lambda row: balanced(row.rows_read == sum(getattr(row, part) for part in ROW_OUTCOMES)),
            ),
        ),
        caption="Every row that was ever read, and what became of it",
        source=report.source(answer),
        key="accounting",
    )


def _outcome(part: str) -> TableColumn:
    def cell(row: Row) -> Cell:
        rows = getattr(row, part)
        return Cell(text.count(rows), "alert" if part == "rejected" and rows else "")

    return TableColumn(f"{'=' if part == 'kept' else '+'} {part.replace('_', ' ')}", part, cell)


def _scope(report: Report) -> Table | None:
    answer = report.rows("quality.scope", "leads", order="rule_no")
    if not answer.rows:
        return None
    return table(
        answer.rows,
        (
            word("Rule", "rule"),
            word("Reason", "reason", tone="prose"),
            number("Leads", "leads"),
            number("Rows of history", "entries"),
        ),
        caption="Leads out of scope, by the first rule that says so",
        source=report.source(answer),
        key="scope",
    )


def _rejections(report: Report) -> Table | None:
    answer = report.rows("report.rejected_reasons", "rejected", order="input, file_name, reason")
    if not answer.rows:
        return None
    return table(
        answer.rows,
        (
            TableColumn("Input", "", lambda row: Cell(row.input, note=row.file_name), "text"),
            word("Reason", "reason", lambda reason: REJECTION_REASONS.get(reason, reason.replace("_", " "))),
            number("Rows", "rejected"),
            TableColumn("First row numbers", "", _first_rows, "text"),
        ),
        caption="Rejected rows by reason",
        source=report.source(answer),
        key="rejections",
    )


def _first_rows(row: Row) -> str:
    numbers = ", ".join(map(str, row.first_rows))
    return f"{numbers} …" if row.rejected > len(row.first_rows) else numbers


def _dates(report: Report) -> Table | None:
    answer = report.rows("quality.stage_dates", "leads", order="finding, stage")
    if not answer.rows:
        return None
    labels = {stage.stage: stage.label for stage in answers.stages(report)}
    return table(
        # It depends on when a file was read, and the page must not. Relative to as-of it is future_dated.
        (row for row in answer.rows if row.finding != "after_delivery"),
        (
            word("Finding", "finding", lambda finding: DATE_FINDINGS.get(finding, finding.replace("_", " "))),
            word("Stage", "stage", lambda stage: labels.get(stage, stage)),
            number("Leads", "leads"),
            number("Share", "share", text.rate),
            word("Examples", "examples", " ".join, tone="id prose"),
        ),
        caption="Dates that deserve a second look",
        source=report.source(answer),
        key="dates",
    )


def _coverage(report: Report) -> Table | None:
    answer = answers.dimension_coverage(report)
    if not answer.rows:
        return None
    return table(
        answer.rows,
        (
            word("Dimension", "dimension"),
            number("Known", "known"),
            number("of stays", "stays"),
            number("Share", "share_known", text.rate),
            number("Different values", "distinct_values"),
            word("Where it comes from", "source", lambda source: answers.DIMENSION_SOURCES.get(source, source)),
        ),
        caption="Dimensions: how often the value is known, and as of when",
        source=report.source(answer),
        key="coverage",
    )
