"""Unknown stage values: the value, the most similar alias, and what to do."""

from __future__ import annotations

from pipeline.report import text
from pipeline.report.figures import Figures
from pipeline.report.layout.table import Cell, Column, FootnoteBuilder, Table, TableRow, texts
from pipeline.report.quality.figures import MAX_UNKNOWN_STAGES_SHOWN
from pipeline.report.quality.rows import UnknownStage

MIN_SIMILARITY = 0.85
"""Jaro–Winkler similarity (0 to 1) from which the most similar alias is shown."""
MAX_VALUE_LENGTH = 60
"""Maximum characters of a value on the page."""


def unknown_stages(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    """Return the most frequent unknown values, and the number of the others."""
    labels = {stage.stage: stage.label for stage in figures.stages.rows}
    more = figures.quality.unknown_stage_count - len(figures.quality.unknown.rows)
    return Table(
        caption="Stages that the configuration does not know",
        columns=(
            Column("As delivered", "text"),
            Column("Rows"),
            Column("Leads"),
            Column("First"),
            Column("Last"),
            Column("Nearest known", "text"),
            Column("What to do", "text"),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(_value_text(row.stage_text)),
                    *texts(
                        text.count(row.entries),
                        text.count(row.leads),
                        text.day(row.first_date),
                        text.day(row.last_date),
                    ),
                    Cell(row.nearest_alias, note=labels[row.nearest_stage]) if _is_similar(row) else Cell(text.DASH),
                    Cell(_advice(row, labels[row.nearest_stage]), "prose"),
                )
            )
            for row in figures.quality.unknown.rows
        ),
        source=footnotes.source(
            figures.quality.unknown,
            unit="rows of the inputs",
            basis="all rejected rows with the value, by the day for which they were delivered; spelling: the most frequent",
            denominator="none: these are counts",
        ),
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


def _is_similar(row: UnknownStage) -> bool:
    return row.nearest_likeness >= MIN_SIMILARITY


def _advice(row: UnknownStage, label: str) -> str:
    if "@" in row.stage_text:
        return "Look at the file: a column may have slipped."
    if _is_similar(row):
        return f"If {label} is meant, add it to the aliases of {row.nearest_stage}."
    return (
        "Add it to the aliases of the stage that it means; if the source has deleted that stage, to those of a new one of kind "
        "hold. Or have the source stop sending it."
    )
