"""Unknown stage values: the value, the most similar alias, and what to do."""

from __future__ import annotations

from pipeline.report import answers, text
from pipeline.report.layout.table import Cell, Table, TableColumn, number, table, word
from pipeline.report.query import Report, Row

MAX_UNKNOWN_STAGES_SHOWN = 20
MIN_SIMILARITY = 0.85
"""Jaro–Winkler similarity (0 to 1) from which the most similar alias is shown."""
MAX_VALUE_LENGTH = 60
"""Maximum characters of a value on the page."""


def unknown_stages(report: Report) -> Table | None:
    """Return the most frequent unknown values, and the number of the others; None if there are none."""
    answer = report.rows(
        "quality.unknown_stages", "entries", order="entries desc, stage_alias", max_rows=MAX_UNKNOWN_STAGES_SHOWN
    )
    if not answer.rows:
        return None
    labels = {stage.stage: stage.label for stage in answers.stages(report)}
    more = report.fetch("select count(*) from quality.unknown_stages")[0][0] - len(answer.rows)
    return table(
        answer.rows,
        (
            word("As delivered", "stage_text", _value_text),
            number("Rows", "entries"),
            number("Leads", "leads"),
            number("First", "first_date", text.day),
            number("Last", "last_date", text.day),
            TableColumn(
                "Nearest known",
                "",
                lambda row: Cell(row.nearest_alias, note=labels[row.nearest_stage]) if _is_similar(row) else text.DASH,
                "text",
            ),
            TableColumn("What to do", "", lambda row: Cell(_advice(row, labels[row.nearest_stage]), "prose"), "text"),
        ),
        caption="Stages that the configuration does not know",
        source=report.source(answer),
        notes=(
            f"and {text.count(more)} more; the {MAX_UNKNOWN_STAGES_SHOWN} most frequent are shown, the query lists them all.",
        )
        if more > 0
        else (),
        key="unknown-stages",
    )


def _value_text(value: str) -> str:
    """Return the value as delivered, without addresses that a shifted column may contain."""
    if "@" in value:
        return "an address (it has an @)"
    return value if len(value) <= MAX_VALUE_LENGTH else f"{value[: MAX_VALUE_LENGTH - 1]}…"


def _is_similar(row: Row) -> bool:
    return bool(row.nearest_likeness >= MIN_SIMILARITY)


def _advice(row: Row, label: str) -> str:
    if "@" in row.stage_text:
        return "Look at the file: a column may have slipped."
    if _is_similar(row):
        return f"If {label} is meant, add it to the aliases of {row.nearest_stage}."
    return (
        "Add it to the aliases of the stage that it means; if the source has deleted that stage, to those of a new one of kind "
        "hold. Or have the source stop sending it."
    )
