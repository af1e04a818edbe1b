"""Find earlier loads of a file: the same content, read by the same or by other settings."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from pipeline.config.configuration import Input
from pipeline.config.input_tables import CONTRACTS
from pipeline.ingest.landing.landing_log import LandingLog


def reading_settings(input_: Input) -> dict[str, Any]:
    """Return the settings that affect rows. A file that is read again with other settings is a new load."""
    return {
        "columns": dict(sorted(input_.columns.items())),
        "timezone": input_.timezone,
        "time_format": list(input_.time_format) if isinstance(input_.time_format, tuple) else input_.time_format,
        "encoding": input_.encoding,
        "delimiter": input_.delimiter,
        "null_values": list(input_.null_values),
        "skip_lines": input_.skip_lines,
        "table": input_.table,
        **({} if input_.sheet is None else {"sheet": input_.sheet}),
        **({} if input_.header_row is None else {"header_row": input_.header_row}),
        **({} if input_.locale is None else {"locale": input_.locale}),
        **({} if input_.ids == "plain" else {"ids": input_.ids}),
        **({} if input_.reshaping is None else {"reshaping": json.loads(json.dumps(asdict(input_.reshaping)))}),
        **({} if input_.database is None else input_.database.reading),
    }


def find_same_load(log: LandingLog, input_: Input, name: str, sha256: str) -> int | None:
    """Return the number of the load with this content and the same settings; None if there is none.

    In a keyed table, a file that returns to an older content is a new version: None if the latest load of its name differs.
    """
    loads = log.current(input_.name)
    reading = reading_settings(input_)
    same = [load for load in loads if load.sha256 == sha256 and load.reading == reading]
    if not same:
        return None
    same_name = [load for load in loads if load.file_name == name or input_.database]
    if CONTRACTS[input_.table].key and same_name and same_name[-1].sha256 != sha256:
        return None
    return same[-1].load_no


def superseded_loads(log: LandingLog, input_: Input, sha256: str) -> tuple[int, ...]:
    """Return the numbers of the loads that this file replaces: the same content, read by other settings."""
    reading = reading_settings(input_)
    return tuple(
        load.load_no
        for load in log.current(input_.name)
        # A new query or new settings replace all loads of a database.
        if (load.sha256 == sha256 or load.reading.get("source") == reading.get("source", ""))
        and load.reading != reading
    )
