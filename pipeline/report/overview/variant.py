"""What the report of one value of a dimension says about itself, on each of its pages."""

from __future__ import annotations

from pipeline.report import text
from pipeline.report.rows import Report

MISSING_SECTIONS = (
    "Cuts by a further dimension, the routes past qualification, personas and settled estimates are only in the report of "
    "all leads."
)
QUALITY_PAGE_NOTE = (
    "Rows, scope, dates and dimensions on this page are of all leads; origins and qualifications are of this report."
)


def filter_text(report: Report) -> str:
    """The value in words, as in `region = EMEA`."""
    return f"{report.dimension} = {text.isolated(report.dimension_value)}"


def sentence(report: Report) -> str:
    """What is counted and what is missing; empty for the report of all leads."""
    if report.is_all:
        return ""
    return (
        f"Only what began with {filter_text(report)}: a stay or a move counts by the entry of that stay, "
        f"a cohort by its arrival at the first stage of the pair, a lead by its first entry. {MISSING_SECTIONS}"
    )


def quality_page_note(report: Report) -> str:
    """What the page of data quality is about; empty for the report of all leads."""
    return "" if report.is_all else QUALITY_PAGE_NOTE
