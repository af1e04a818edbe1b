"""Paths into the JSON of a column: `attributes."New Value"`, `data.item_id`, `propertiesWithHistory.lifecyclestage[].value`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.ingest.rows.columns import normalise_header

_PART = re.compile(r'(?:"(?P<quoted>[^"]+)"|(?P<plain>[^."\[\]]+))(?P<each>\[\])?(?:[.]|$)')


@dataclass(frozen=True)
class JsonPath:
    """A path as DuckDB writes it: `inner` from the column at `position`, and `each` from the elements of the list there.

    `each` is None where the path goes through no list.
    """

    position: int
    inner: str
    each: str | None = None


def find_path(written: str, positions: Mapping[str, int], json: str | None) -> JsonPath | None:
    """The path for a column as it is written; None where it is none, or begins with no column of the file.

    `positions` are those of the headers as `normalise_header` gives them; `json` is the column that a path begins in that
    names none itself. A header may have points in it: the longest one that fits counts.
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
    """The parts of a path, each with whether it is a list; None where the text is no path."""
    parts = []
    at = 0
    while at < len(written):
        found = _PART.match(written, at)
        if found is None:
            return None
        parts.append((found["quoted"] or found["plain"], found["each"] is not None))
        at = found.end()
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
