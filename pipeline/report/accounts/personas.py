"""Personas known at the accounts of each stage."""

from __future__ import annotations

from pipeline.report import text
from pipeline.report.layout.table import Cell, Table, TableColumn, more_rows, table
from pipeline.report.query import Answer, Report, Row

NO_PERSONA = "(none)"
MAX_PERSONAS_SHOWN = 12
"""Personas shown. The printed query lists all of them."""


def personas(report: Report) -> tuple[Table, ...]:
    """Return persona coverage of accounts now in each stage and of arrivals; empty without personas."""
    now = _coverage(report, "current")
    if all(row.persona == NO_PERSONA for row in now.rows):
        return ()
    return (
        _table(
            report,
            now,
            caption="Who we know at the accounts that are in the stage now",
            basis="the account’s stage at as-of; people with any stage entry by then",
            key="personas-now",
        ),
        _table(
            report,
            _coverage(report, "arrived"),
            caption="Whom we knew at the accounts when they arrived at the stage",
            basis="people with any stage entry by the account’s first arrival; later leads change nothing earlier",
            key="personas-arrived",
        ),
    )


def _coverage(report: Report, basis: str) -> Answer:
    return report.rows(
        "report.persona_coverage", "accounts_with", where=f"basis = '{basis}'", order="persona_no, milestone_no"
    )


def _table(report: Report, answer: Answer, *, caption: str, basis: str, key: str) -> Table:
    names = list(dict.fromkeys(row.persona for row in answer.rows))
    shown = [*[name for name in names if name != NO_PERSONA][:MAX_PERSONAS_SHOWN], NO_PERSONA]
    cells = {(row.persona, row.stage): row for row in answer.rows}

    def column(stage: str, label: str) -> TableColumn:
        return TableColumn(label, "", lambda name: _cell(cells[name, stage]))

    return table(
        shown,
        (
            TableColumn(
                "Persona", "", lambda name: Cell(name, note="nobody says which" if name == NO_PERSONA else ""), "text"
            ),
            *(
                column(stage, label)
                for stage, label in dict.fromkeys((row.stage, row.stage_label) for row in answer.rows)
            ),
        ),
        caption=caption,
        source=report.source(answer),
        notes=more_rows(len(names) - len(shown), "persona"),
        key=key,
    )


def _cell(row: Row) -> Cell:
    if row.accounts == 0:
        return Cell(text.DASH, "none")
    return Cell(text.rate(row.share), "", f"{text.count(row.accounts_with)} of {text.count(row.accounts)}")
