"""Notes on the pages of a report of one dimension value."""

from __future__ import annotations

from pipeline.report import text
from pipeline.report.query import Report

MISSING_SECTIONS = (
    "Slices by a further dimension, the routes past qualification, personas and expected final rates are only in the report of "
    "all leads."
)
QUALITY_PAGE_NOTE = (
    "Rows, scope, dates and dimensions on this page are of all leads; origins and qualifications are of this report."
)


def filter_text(report: Report) -> str:
    """Return the filter in words, such as `region = EMEA`."""
    return f"{report.dimension(report.filter.dimension)} = {text.isolated(report.filter.dimension_value)}"


def sentence(report: Report) -> str:
    """Return what the report counts and omits; empty for the report of all leads."""
    if report.is_all:
        return ""
    return (
        f"Only what began with {filter_text(report)}: a stay or a move counts by the entry of that stay, "
        f"a cohort by its arrival at the first stage of the pair, a lead by its first entry. {MISSING_SECTIONS}"
    )


def quality_page_note(report: Report) -> str:
    """Return the note of the data-quality page; empty for the report of all leads."""
    return "" if report.is_all else QUALITY_PAGE_NOTE
