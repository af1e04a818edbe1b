"""Rows as a page gets them, for tests of one sentence or drawing."""

from __future__ import annotations

from pipeline.report.query import Row, row_class


def made_row(**columns: object) -> Row:
    """A row with these columns. `row._replace(column=value)` returns a changed one."""
    return row_class(tuple(columns))(**columns)
