"""Personas known at the accounts of each stage."""

from __future__ import annotations

from pipeline.report import text
from pipeline.report.accounts.rows import PersonaCover
from pipeline.report.figures import Figures
from pipeline.report.layout.table import Cell, FootnoteBuilder, Table, TableRow, columns
from pipeline.report.query import QueryResult

NO_PERSONA = "(none)"
MAX_PERSONAS_SHOWN = 12
"""Personas shown. The printed query lists all of them."""


def personas(figures: Figures, footnotes: FootnoteBuilder) -> tuple[Table, ...]:
    """Return persona coverage of accounts now in each stage and of arrivals; empty without personas."""
    if all(row.persona == NO_PERSONA for row in figures.accounts.personas_now.rows):
        return ()
    return (
        _table(
            figures.accounts.personas_now,
            footnotes,
            caption="Who we know at the accounts that are in the stage now",
            basis="the account’s stage at as-of; people with any stage entry by then",
            key="personas-now",
        ),
        _table(
            figures.accounts.personas_arrived,
            footnotes,
            caption="Whom we knew at the accounts when they arrived at the stage",
            basis="people with any stage entry by the account’s first arrival; later leads change nothing earlier",
            key="personas-arrived",
        ),
    )


def _table(
    result: QueryResult[PersonaCover], footnotes: FootnoteBuilder, *, caption: str, basis: str, key: str
) -> Table:
    stages = list(dict.fromkeys((row.stage, row.stage_label) for row in result.rows))
    names = list(dict.fromkeys(row.persona for row in result.rows))
    shown = [*[name for name in names if name != NO_PERSONA][:MAX_PERSONAS_SHOWN], NO_PERSONA]
    cells = {(row.persona, row.stage): row for row in result.rows}
    more = len(names) - len(shown)
    return Table(
        caption=caption,
        columns=columns("Persona", *(label for _, label in stages)),
        rows=tuple(
            TableRow(
                (
                    Cell(name, note="nobody says which" if name == NO_PERSONA else ""),
                    *(_cell(cells[name, stage]) for stage, _ in stages),
                )
            )
            for name in shown
        ),
        source=footnotes.source(
            result,
            unit="accounts",
            basis=basis,
            denominator="accounts (the number after “of”), with at least one such person",
        ),
        notes=(f"and {text.plural(more, 'more persona')}; the query lists them all.",) if more > 0 else (),
        key=key,
    )


def _cell(row: PersonaCover) -> Cell:
    if row.accounts == 0:
        return Cell(text.DASH, "none")
    return Cell(text.rate(row.share), "", f"{text.count(row.accounts_with)} of {text.count(row.accounts)}")
