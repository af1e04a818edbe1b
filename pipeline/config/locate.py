"""Finds the line of each key in a TOML text, for messages such as `funnel.toml:10`.

tomllib keeps no positions. This scanner reads text that tomllib has already parsed, so it can rely on valid syntax.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Path = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_LETTER = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}
_SCALAR = re.compile(r"[^,\]}#\n]+")


class Lines:
    """The line of every key and list element of a TOML text, by path: `("stages", 1, "kind")`."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._line = 1
        self._read_document()

    def line(self, path: Path) -> int:
        """Return the 1-based line of `path`, or of its nearest parent in the text."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 1

    def _read_document(self) -> None:
        table: Path = ()
        while True:
            self._skip(newlines=True)
            if self._at >= len(self._text):
                return
            line = self._line
            if self._peek("[["):
                self._forward(2)
                table = self._inside(self._key())
                index = self._counts.get(table, 0)
                self._counts[table] = index + 1
                self._note(table, line)
                table = (*table, index)
                self._note(table, line)
                self._forward(2)
            elif self._peek("["):
                self._forward(1)
                table = self._inside(self._key())
                self._note(table, line)
                self._forward(1)
            else:
                self._read_entry(table)

    def _inside(self, keys: Path) -> Path:
        """Return the path of a header: `keys`, with the current index after each array of tables except the last."""
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            if position < len(keys) - 1 and path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _read_entry(self, table: Path) -> None:
        line = self._line
        path = table
        for key in self._key():
            path = (*path, key)
            self._note(path, line)
        self._forward(1)  # =
        self._skip(newlines=False)
        self._read_value(path)

    def _read_value(self, path: Path) -> None:
        if self._peek('"') or self._peek("'"):
            self._string()
        elif self._peek("["):
            self._forward(1)
            index = 0

            def element() -> None:
                nonlocal index
                self._note((*path, index), self._line)
                self._read_value((*path, index))
                index += 1

            self._until("]", element)
        elif self._peek("{"):
            self._forward(1)
            self._until("}", lambda: self._read_entry(path))
        else:
            found = _SCALAR.match(self._text, self._at)
            self._forward(len(found.group()) if found else 1)

    def _until(self, end: str, read: Callable[[], None]) -> None:
        self._skip(newlines=True)
        while not self._peek(end):
            read()
            self._skip(newlines=True)
            if self._peek(","):
                self._forward(1)
                self._skip(newlines=True)
        self._forward(1)

    def _key(self) -> Path:
        """Read a dotted key, up to `=` or `]`."""
        parts: list[str | int] = []
        while True:
            self._skip(newlines=False)
            if self._peek('"') or self._peek("'"):
                parts.append(self._string())
            else:
                found = _BARE_KEY.match(self._text, self._at)
                parts.append(found.group() if found else "")
                self._forward(len(found.group()) if found else 1)
            self._skip(newlines=False)
            if not self._peek("."):
                return tuple(parts)
            self._forward(1)

    def _string(self) -> str:
        quote = self._text[self._at]
        mark = quote * 3 if self._peek(quote * 3) else quote
        self._forward(len(mark))
        start = self._at
        while not self._peek(mark):
            self._forward(2 if quote == '"' and self._peek("\\") else 1)
        while len(mark) == 3 and self._text[self._at + 3 : self._at + 4] == quote:
            self._forward(1)  # up to two quotes can come before the closing three
        inside = self._text[start : self._at]
        self._forward(len(mark))
        return _ESCAPE.sub(_unescape, inside) if quote == '"' else inside

    def _skip(self, *, newlines: bool) -> None:
        while self._at < len(self._text):
            letter = self._text[self._at]
            if letter == "#":
                end = self._text.find("\n", self._at)
                self._forward((end if end >= 0 else len(self._text)) - self._at)
            elif letter in " \t" or (newlines and letter == "\n"):
                self._forward(1)
            else:
                return

    def _note(self, path: Path, line: int) -> None:
        self._lines.setdefault(path, line)

    def _peek(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _forward(self, count: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + count)
        self._at += count


def _unescape(found: re.Match[str]) -> str:
    code = found.group(1) or found.group(2)
    return chr(int(code, 16)) if code else _LETTER.get(found.group(3), found.group(3))
