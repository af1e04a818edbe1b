"""Find JSON paths in a column: `attributes."New Value"`, `data.item_id`, `propertiesWithHistory.lifecyclestage[].value`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.ingest.rows.columns import normalise_header

_PART = re.compile(r'(?:"(?P<quoted>[^"]+)"|(?P<plain>[^."\[\]]+))(?P<each>\[\])?(?:[.]|$)')


@dataclass(frozen=True)
class JsonPath:
    """A path in DuckDB's syntax: `inner` starts at the column at `position`, `each` at the elements of a list there.

    `each` is None if the path goes through no list.
    """

    position: int
    inner: str
    each: str | None = None


def find_path(written: str, positions: Mapping[str, int], json: str | None) -> JsonPath | None:
    """Parse a path; None if the text is not a path or does not begin with a column of the file.

    `positions` has the columns by normalised header; `json` is the column of a path that does not name one. A header can contain
    points: the longest header that matches is used.
    """
    parts = _parts(written)
    if parts is None:
        return None
    for length in range(len(parts), 0, -1):
        if any(is_list for _, is_list in parts[: length - 1]):
            continue
        position = positions.get(normalise_header(".".join(name for name, _ in parts[:length])))
        is_list = parts[length - 1][1]
        if position is not None and (length < len(parts) or is_list):
            return _path(position, ([("", True)] if is_list else []) + parts[length:])
    start = None if json is None else positions.get(normalise_header(json))
    return None if start is None else _path(start, parts)


def _parts(written: str) -> list[tuple[str, bool]] | None:
    """Return the parts of a path as (name, is a list); None if the text is not a path."""
    parts = []
    at = 0
    while at < len(written):
        match = _PART.match(written, at)
        if match is None:
            return None
        parts.append((match["quoted"] or match["plain"], match["each"] is not None))
        at = match.end()
    if not parts or written.endswith(".") or sum(is_list for _, is_list in parts) > 1:
        return None
    return parts


def _path(position: int, parts: list[tuple[str, bool]]) -> JsonPath:
    lists = [number for number, (_, is_list) in enumerate(parts) if is_list]
    if not lists:
        return JsonPath(position, _json_path(parts))
    at = lists[0] + 1
    return JsonPath(position, _json_path(parts[:at]), _json_path(parts[at:]))


def _json_path(parts: list[tuple[str, bool]]) -> str:
    return "$" + "".join(f'."{name}"' for name, _ in parts if name)
