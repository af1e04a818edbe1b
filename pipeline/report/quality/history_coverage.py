"""Incomplete history: which cohorts are marked, and which headline rates count them."""

from __future__ import annotations

from pipeline.report import answers, text
from pipeline.report.layout.table import Notice, Table, join_words, number, table, word
from pipeline.report.query import Report, Row


def incomplete_inputs(report: Report) -> tuple[Row, ...]:
    """Return inputs with incomplete history. The first is complete last and decides for all cohorts."""
    incomplete = (row for row in answers.history_coverage(report).rows if row.complete_from is not None)
    return tuple(sorted(incomplete, key=lambda row: (row.complete_from, row.input), reverse=True))


def sign_meaning(report: Report) -> str:
    """Return the meaning of the sign behind a month; empty if all history is complete."""
    incomplete = incomplete_inputs(report)
    if not incomplete:
        return ""
    return (
        f"{text.BEFORE_COVERAGE_SIGN} The history is complete from {text.day(incomplete[0].complete_from)}: "
        "earlier cohorts may lack leads, or count leads that came before."
    )


def notices(report: Report) -> tuple[Notice, ...]:
    """Return a notice with the incomplete inputs and the headline rates that count marked cohorts."""
    incomplete = incomplete_inputs(report)
    if not incomplete:
        return ()
    first = (
        f"The history of {join_words([row.input for row in incomplete])} looks cut: it is complete from "
        f"{text.day(incomplete[0].complete_from)}, and earlier cohorts are marked {text.BEFORE_COVERAGE_SIGN}."
    )
    pairs = [
        f"{row.from_label} → {row.to_label}"
        for row in answers.headline(report).rows
        if _counts_marked_cohorts(row, report)
    ]
    if pairs:
        rates = "The headline rate" if len(pairs) == 1 else "The headline rates"
        first += f" {rates} of {join_words(pairs)} {'counts' if len(pairs) == 1 else 'count'} some of them."
    return (Notice("warn", first),)


def _counts_marked_cohorts(row: Row, report: Report) -> bool:
    return row.is_headline_window and row.recent_months > 0 and row.recent_first_month in report.before_coverage


def history_table(report: Report) -> Table | None:
    """Return the first day and the largest day of each history input; None if all history is complete."""
    if not incomplete_inputs(report):
        return None
    answer = answers.history_coverage(report)
    return table(
        answer.rows,
        (
            word("Input", "input"),
            word("First entry", "first_date", text.day),
            number("Leads", "leads"),
            number("Begin on one day", "bulk_leads"),
            word("That day", "bulk_date", text.day),
            word("Complete from", "complete_from", text.day),
        ),
        caption="Where the history begins",
        source=report.source(answer),
        key="history-coverage",
    )
