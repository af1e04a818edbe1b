"""What deserves a look in one file: columns that it lacks or has anew, stages that nobody knows, times that can't be read."""

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
    """One text per remark, with the lines to paste where there are some. `earlier` are the loads of the input that count.

    Needs `landing_rows` and what `sorting.sort` made of it.
    """
    bound = parsed_file.header.bound
    found = []
    for ours in bound.not_found:
        near = headers.nearest_header(ours, parsed_file.header.names, input_)
        hint = f"; did you mean `{near}`?" if near else ""
        found.append(
            f"column `{input_.columns[ours]}`, configured as {ours}, is not in the file; {ours} is empty{hint}"
        )
    seen = {name for load in earlier for name in load.extras}
    new = [name for name in bound.extras if name not in seen]
    if earlier and new:
        found.append(f"new columns, kept as they are: {', '.join(new)}")
    if told := known_formats.remark(connection, parsed_file.header.names, bound, input_):
        found.append(told)
    found += parsed_file.remarks
    found += empty_columns.remarks(connection, parsed_file)
    if parsed_file.is_recovered:
        found.append(
            f"read line by line, since DuckDB's reader could not account for every line ({parsed_file.recovery_reason})"
        )
    if classified.respelled:
        verb = "row spells" if classified.respelled == 1 else "rows spell"
        found.append(f"{classified.respelled} {verb} a stage otherwise than the waterfall does; matched all the same")
    if classified.unknown:
        verb = "row names" if classified.unknown == 1 else "rows name"
        names = stage_names.advice(connection, classified.names, waterfall)
        found.append(f"{classified.unknown} {verb} a stage that the waterfall does not know: {names}")
    if classified.late:
        verb = "row is" if classified.late == 1 else "rows are"
        found.append(f"{classified.late} {verb} dated more than a year ahead")
    found += _ambiguous_times(classified, input_)
    if parsed_file.records and classified.rejected:
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(classified.rejected.items()))
        found.append(f"rejected rows: {counts}")
    if "unreadable_time" in classified.rejected:
        has_others = bool(classified.landed) or any(load.landed for load in earlier)
        found[-1] += "\n" + unread_times.advice(
            unread_times.describe(connection, input_), input_, has_others=has_others
        )
    return tuple(found)


def _ambiguous_times(classified: ClassifiedRows, input_: Input) -> list[str]:
    """Times that two formats of the list read as different times: whether the month or the day comes first, say."""
    found = []
    for each in classified.formats:
        if each.other is not None:
            times = sum(classified.time_formats[each.column].values())
            found.append(
                f"{each.rows:,} of {times:,} times in {each.column} fit `{each.format}` and `{each.other}` alike and mean "
                "different days; the first counts\n"
                f'    time_format = "{each.other}"   # in an [[inputs]] block of their own, for files of input {input_.name} '
                "where the second is meant"
            )
    return found
