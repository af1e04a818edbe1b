"""Collect remarks about one file: missing and new columns, unknown stages, unreadable times."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipeline.config.configuration import Input
from pipeline.ingest.adapters import known_formats
from pipeline.ingest.landing import empty_columns
from pipeline.ingest.landing.classify import ClassifiedRows
from pipeline.ingest.landing.landing_log import Load
from pipeline.ingest.readers import headers
from pipeline.ingest.readers.file_reader import ParsedFile
from pipeline.ingest.rows import stage_names, unread_times
from pipeline.waterfall.definition import Waterfall


def remarks(
    connection: duckdb.DuckDBPyConnection,
    waterfall: Waterfall,
    earlier: Sequence[Load],
    input_: Input,
    parsed_file: ParsedFile,
    classified: ClassifiedRows,
) -> tuple[str, ...]:
    """Return one text per remark, with lines to paste if there are any. `earlier` are the current loads of the input.

    Needs `landing_rows` after `classify_rows`.
    """
    texts = [
        *_column_remarks(connection, earlier, input_, parsed_file),
        *_stage_remarks(connection, waterfall, classified),
        *_ambiguous_times(classified, input_),
    ]
    if parsed_file.records and classified.rejected:
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(classified.rejected.items()))
        texts.append(f"rejected rows: {counts}")
    if "unreadable_time" in classified.rejected:
        has_others = bool(classified.landed) or any(load.landed for load in earlier)
        unread = unread_times.describe(connection, input_)
        texts[-1] += "\n" + unread_times.advice(unread, input_, has_others=has_others)
    return tuple(texts)


def _column_remarks(
    connection: duckdb.DuckDBPyConnection, earlier: Sequence[Load], input_: Input, parsed_file: ParsedFile
) -> list[str]:
    bound = parsed_file.header.bound
    texts = []
    for column in bound.not_found:
        near = headers.nearest_header(column, parsed_file.header.names, input_)
        hint = f"; did you mean `{near}`?" if near else ""
        texts.append(
            f"column `{input_.columns[column]}`, configured as {column}, is not in the file; {column} is empty{hint}"
        )
    known = {name for load in earlier for name in load.extras}
    new = [name for name in bound.extras if name not in known]
    if earlier and new:
        texts.append(f"new columns, kept as they are: {', '.join(new)}")
    if remark := known_formats.remark(connection, parsed_file.header.names, bound, input_):
        texts.append(remark)
    texts += parsed_file.remarks
    texts += empty_columns.remarks(connection, parsed_file)
    if parsed_file.is_recovered:
        texts.append(
            f"read line by line, since DuckDB's reader could not account for every line ({parsed_file.recovery_reason})"
        )
    return texts


def _stage_remarks(
    connection: duckdb.DuckDBPyConnection, waterfall: Waterfall, classified: ClassifiedRows
) -> list[str]:
    texts = []
    if classified.respelled:
        verb = "row spells" if classified.respelled == 1 else "rows spell"
        texts.append(f"{classified.respelled} {verb} a stage differently from the waterfall; matched anyway")
    if classified.unknown:
        verb = "row names" if classified.unknown == 1 else "rows name"
        names = stage_names.advice(connection, classified.names, waterfall)
        texts.append(f"{classified.unknown} {verb} a stage that the waterfall does not know: {names}")
    if classified.late:
        verb = "row is" if classified.late == 1 else "rows are"
        texts.append(f"{classified.late} {verb} dated more than a year ahead")
    return texts


def _ambiguous_times(classified: ClassifiedRows, input_: Input) -> list[str]:
    """Return remarks about times that two formats of the list read differently, for example with month and day swapped."""
    texts = []
    for each in classified.formats:
        if each.other is not None:
            times = sum(classified.time_formats[each.column].values())
            texts.append(
                f"{each.rows:,} of {times:,} times in {each.column} fit both `{each.format}` and `{each.other}`, "
                "which read different days; the first is used\n"
                f'    time_format = "{each.other}"   # in an [[inputs]] block of their own, for files of input {input_.name} '
                "where the second is meant"
            )
    return texts
