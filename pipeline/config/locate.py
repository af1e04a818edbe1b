"""Finds the line of each key in a TOML text, for messages such as `funnel.toml:10`.

tomllib keeps no positions. This scanner reads text that tomllib has already parsed, so it can rely on valid syntax.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import Any

Path = tuple[str | int, ...]

_TEXT = r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\])*"' r"|'[^']*'"
_VALUE = re.compile(rf"{_TEXT}|[^,\]}}#\n]+", re.DOTALL)
_GAP = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_HEADER, _HEADER_END = re.compile(r"\[\[?"), re.compile(r"[ \t]*\]\]?")
_OPENING, _CLOSING = re.compile(r"[\[{]"), re.compile(r"[\]}]")
_NAME = r"""[ \t]*(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*')[ \t]*"""
_KEY = re.compile(rf"{_NAME}(?:\.{_NAME})*")
_EQUALS, _COMMA = re.compile(r"=[ \t]*"), re.compile(r",")


class Lines:
    """The line of every key and list element of a TOML text, by path: `("stages", 1, "kind")`."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        self._text = text.replace("\r\n", "\n")
        self._line_ends = [found.start() for found in re.finditer("\n", self._text)]
        self._at = 0
        self._read_document()

    def line(self, path: Path) -> int:
        """Return the 1-based line of `path`, or of its nearest parent in the text."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 1

    def _read_document(self) -> None:
        table: Path = ()
        self._take(_GAP)
        while self._at < len(self._text):
            at = self._at
            if brackets := self._take(_HEADER):
                table = self._inside(self._key())
                self._note(table, at)
                if brackets == "[[":
                    self._counts[table] = self._counts.get(table, 0) + 1
                    table = (*table, self._counts[table] - 1)
                    self._note(table, at)
                self._take(_HEADER_END)
            else:
                self._read_entry(table)
            self._take(_GAP)

    def _inside(self, keys: Path) -> Path:
        """Return the path of a header: `keys`, with the current index after each array of tables except the last."""
        path: Path = ()
        for key in keys:
            path = (*path, self._counts[path] - 1, key) if path in self._counts else (*path, key)
        return path

    def _read_entry(self, table: Path) -> None:
        at, path = self._at, table
        for key in self._key():
            path = (*path, key)
            self._note(path, at)
        self._take(_EQUALS)
        self._read_value(path)

    def _read_value(self, path: Path) -> None:
        opening = self._take(_OPENING)
        if not opening:
            self._take(_VALUE)
            return
        self._take(_GAP)
        index = 0
        while not self._take(_CLOSING):
            if opening == "[":
                self._note((*path, index), self._at)
                self._read_value((*path, index))
            else:
                self._read_entry(path)
            for between in (_GAP, _COMMA, _GAP):
                self._take(between)
            index += 1

    def _key(self) -> Path:
        """Read a dotted key, up to `=` or `]`."""
        inner: Any = tomllib.loads(f"{self._take(_KEY)} = 0")
        names: list[str] = []
        while isinstance(inner, dict):
            ((name, inner),) = inner.items()
            names.append(name)
        return tuple(names)

    def _note(self, path: Path, at: int) -> None:
        self._lines.setdefault(path, bisect_right(self._line_ends, at) + 1)

    def _take(self, pattern: re.Pattern[str]) -> str:
        """Return the text here that matches, and continue after it."""
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found.group() if found else ""
