"""Which loads of the log a file is already: the same content, read by the same settings."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from pipeline.config.configuration import Input
from pipeline.config.input_tables import CONTRACTS
from pipeline.ingest.landing.landing_log import LandingLog, Load


def reading_settings(reads: Input) -> dict[str, Any]:
    """The settings that shape rows: a file that is read again with others is another load."""
    return {
        "columns": dict(sorted(reads.columns.items())),
        "timezone": reads.timezone,
        "time_format": list(reads.time_format) if isinstance(reads.time_format, tuple) else reads.time_format,
        "encoding": reads.encoding,
        "delimiter": reads.delimiter,
        "null_values": list(reads.null_values),
        "skip_lines": reads.skip_lines,
        "table": reads.table,
        **({} if reads.sheet is None else {"sheet": reads.sheet}),
        **({} if reads.header_row is None else {"header_row": reads.header_row}),
        **({} if reads.locale is None else {"locale": reads.locale}),
        **({} if reads.ids == "plain" else {"ids": reads.ids}),
        **({} if reads.reshaping is None else {"reshaping": json.loads(json.dumps(asdict(reads.reshaping)))}),
        **({} if reads.database is None else reads.database.reading),
    }


def find_same_load(log: LandingLog, reads: Input, name: str, sha256: str) -> int | None:
    """The load that has this content by the same settings.

    A keyed table may go back to what it was: a file whose latest load had other content is a new version.
    """
    loads = log.current(reads.name)
    reading = reading_settings(reads)
    same = [load for load in loads if load.sha256 == sha256 and load.reading == reading]
    if not same:
        return None
    of_that_name = [load for load in loads if load.file_name == name or reads.database]
    if CONTRACTS[reads.table].key and of_that_name and of_that_name[-1].sha256 != sha256:
        return None
    return same[-1].load_no


def superseded_loads(log: LandingLog, reads: Input, sha256: str) -> tuple[int, ...]:
    """The loads that no longer count once a file of this content is loaded: the same content by other settings."""
    reading = reading_settings(reads)
    return tuple(
        load.load_no
        for load in log.current(reads.name)
        if (load.sha256 == sha256 or _is_of_database(load, reads)) and load.reading != reading
    )


def _is_of_database(load: Load, reads: Input) -> bool:
    """Whether both are of one database: another query or other settings read all of it again, and not file by file."""
    return reads.database is not None and load.reading.get("source") == reads.database.source
