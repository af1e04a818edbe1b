"""Reads and parses the text of a configuration. Explains invalid TOML in plain words, with a line to paste."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, Problem

_COORDINATES = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_KEY = re.compile(r"\s*([\w-]+)\s*=\s*")
_PATH = re.compile(r"[A-Za-z]:\\|\\\\|\.{1,2}\\")
_HEADER = re.compile(r"[ \t]*\[\[?[ \t]*[A-Za-z_.]+[ \t]*\]?\]?[ \t]*(?:#.*)?$", re.MULTILINE)
_BACKSLASH = "a backslash inside double quotes begins an escape such as \\n"
_ESCAPED = {"\t": r"\t", "\n": r"\n", "\r": r"\r", "\b": r"\b", "\f": r"\f"}
_TYPOGRAPHIC = "“”„‟‘’‚«»"
_LIST_HINT = "a block that comes several times, such as [[stages]], has double brackets"

_PLAIN = {
    "Expected '=' after a key in a key/value pair": "write `key = value`, with = between them",
    "Expected ']' at the end of a table declaration": "the ] behind the name of the block is missing",
    "Expected ']]' at the end of an array declaration": "the ]] behind the name of the block is missing",
    "Expected newline or end of document after a statement": (
        'there is more text after the value; write one key per line, and write a " inside a text as \\"'
    ),
    "Invalid statement": "a line is `key = value`, `[block]`, `[[block]]` or a comment behind #",
    "Invalid initial character for a key part": (
        "a key is missing here; a table in braces is written on one line, { key = value, key = value }"
    ),
    "Invalid date or datetime": "there is no such date; write one like 2025-03-31",
}
"""Messages of tomllib, and ours."""

_OPEN = {
    "[": "the list that opens here has no closing ], or a comma is missing in it",
    "{": "the table in braces that opens here has no closing } on its line, or a comma is missing in it",
}


def read(path: Path) -> str:
    """Return the text of the file. Raises ConfigurationError if it can't be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        what = "there is no such file; `funnel init DIR` writes a commented one to start from"
    except IsADirectoryError:
        what = "is a folder; name the TOML file in it"
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 (byte {error.start + 1}); save it as UTF-8"
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
    raise ConfigurationError([Problem(str(path), what)])


def parse(path: Path, text: str) -> dict[str, Any]:
    """Parse the text. Raises ConfigurationError with line and column of the first mistake."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at, what = _explained(text.replace("\r\n", "\n"), str(error))
    line, column = _place(text.replace("\r\n", "\n"), at)
    raise ConfigurationError([Problem(f"{path}:{line}", f"this is not TOML, column {column}: {what}")])


def _explained(text: str, message: str) -> tuple[int, str]:
    """Return position and description of a mistake. For an unclosed quote or bracket, this is where it opens."""
    found = _COORDINATES.fullmatch(message)
    what = found.group(1) if found else message
    at = _offset(text, int(found.group(2)), int(found.group(3))) if found and found.group(2) else len(text)
    start, end = _line_around(text, at)
    if what == "Invalid value" and (explanation := _invalid_value(text[start:end], at - start)):
        return at, explanation
    if what.startswith(("Unescaped '\\'", "Invalid hex value", "Escaped character")):
        return _escape(text, at)
    for opened, quote, closed in _quotes(text):
        if closed < 0 and opened < end:
            if opened > at and len(quote) == 1:
                return at, "the quotes in this line are not in pairs; each text has one at its start and one at its end"
            return opened, f"the quote that opens here is not closed; add {quote} at the end of the text"
    if brackets := _open_brackets(text[:at]):
        opened, bracket = brackets[-1]
        return opened, _OPEN[bracket]
    if what.startswith(("Cannot overwrite", "Duplicate inline", "Cannot mutate", "Cannot redefine")):
        return at, _set_twice(text[:start], text[start:end])
    if what.startswith("Cannot declare"):
        return at, _declared_twice(text, start, what)
    if what.startswith(("Illegal character", "Found invalid character")):
        return at, "there is an invisible character here; remove it"
    return at, _PLAIN.get(what, "this cannot be read")


def _invalid_value(line: str, column: int) -> str | None:
    """Explain an invalid value. Returns None if a bracket may be the cause."""
    written = line[column:].partition("#")[0].strip()
    key = _KEY.match(line)
    if written[:1] in _TYPOGRAPHIC and written:
        return 'these are typographic quotes; write straight ones, "'
    if not written:
        return "a value is missing after the =" if key else None
    if written.lower() in ("true", "false"):
        return f"write {written.lower()} in lower case"
    if key is None or key.end() != column or written[:1] in "[{\"'":
        return None
    if re.fullmatch(r"[\w./@%+ -]+", written) and _is_plain_key(key.group(1)):
        return f'text needs quotes: {key.group(1)} = "{written}"'
    return "text needs quotes, and a number has digits only"


def _escape(text: str, at: int) -> tuple[int, str]:
    """Return the position of a text whose backslash was read as an escape, and how to write it."""
    opened, mark, closed = next(each for each in _quotes(text) if each[0] < at and (each[2] < 0 or at <= each[2]))
    written = text[opened + len(mark) : closed if closed >= 0 else _line_around(text, opened)[1]]
    return opened, f"{_BACKSLASH}; {_in_single_quotes(_key_before(text, opened), written)}"


def unescaped(text: str) -> str:
    """Return `text`. Raises ValueError if backslashes of a path were read as escapes, as in "C:\\temp"."""
    if not any(letter in _ESCAPED for letter in text):
        return text
    written = "".join(_ESCAPED.get(letter, letter) for letter in text)
    raise ValueError(f"{_BACKSLASH}; {_in_single_quotes('path', written)}")


def value_text(value: Any) -> str:
    """Return a text, number, list or table as TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {value_text(each)}" for key, each in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(value_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _in_single_quotes(key: str, written: str) -> str:
    """Explain how to write a text with backslashes, with a line to paste for a path. Does not repeat a secret."""
    if "'" in written or "\n" in written or not _is_plain_key(key):
        return "write the text in single quotes, or each backslash twice"
    line = f"{key} = " if key else ""
    single = f"write it in single quotes: {line}'{written}'"
    if not _PATH.match(written):
        return single
    return f'{single}, or with forward slashes: {line}"{written.replace(chr(92), "/")}"'


def _is_plain_key(key: str) -> bool:
    return not re.search(r"pass|secret|token|key|pwd|credential|user|login|salt", key.lower())


def _key_before(text: str, at: int) -> str:
    key = _KEY.fullmatch(text[text.rfind("\n", 0, at) + 1 : at])
    return key.group(1) if key else ""


def _set_twice(before: str, line: str) -> str:
    """Explain that a block has a key twice, with the line of the first."""
    key = _KEY.match(line)
    if key is None:
        return "this is set already; each key may be there once in its block"
    block = before[max(before.rfind("\n["), 0) :]
    first = re.search(rf"^[ \t]*{re.escape(key.group(1))}[ \t]*=", block, re.MULTILINE)
    if first is None:
        return f"`{key.group(1)}` is set already; each key may be there once in its block"
    number = before.count("\n", 0, len(before) - len(block) + first.start()) + 1
    return f"`{key.group(1)}` is set in line {number} already; each key may be there once in its block"


def _declared_twice(text: str, start: int, what: str) -> str:
    name = ".".join(re.findall(r"'([^']*)'", what))
    first = re.search(rf"^\[{{1,2}}\s*{re.escape(name)}\s*\]", text[:start], re.MULTILINE)
    there = f" in line {text.count(chr(10), 0, first.start()) + 1}" if first else ""
    return f"[{name}] is there already{there}; put its keys together, or if it is a list: {_LIST_HINT}"


def _open_brackets(text: str) -> list[tuple[int, str]]:
    """Return the position and the sign of each bracket that is open at the end of the text, the innermost last."""
    opened: list[tuple[int, str]] = []
    for position, mark in _marks(text):
        if mark in "[{":
            opened.append((position, mark))
        elif mark in "]}" and opened:
            opened.pop()
    return opened


def _quotes(text: str) -> Iterator[tuple[int, str, int]]:
    """Return for each text the position of its quote, the quote, and the position of its end (-1: not closed)."""
    return ((at, mark, _closing(text, at, mark)) for at, mark in _marks(text) if mark not in "[]{}")


def _marks(text: str) -> Iterator[tuple[int, str]]:
    """Yield every bracket of a value and every opening quote with its position, up to the first unclosed quote."""
    at = 0
    while at < len(text):
        letter = text[at]
        is_header = (at == 0 or text[at - 1] == "\n") and _HEADER.match(text, at)
        if letter == "#" or is_header:
            at = _line_around(text, at)[1]
        elif letter in "\"'":
            mark = letter * 3 if text.startswith(letter * 3, at) else letter
            yield at, mark
            closed = _closing(text, at, mark)
            if closed < 0:
                return
            at = closed + len(mark)
        else:
            if letter in "[]{}":
                yield at, letter
            at += 1


def _closing(text: str, at: int, mark: str) -> int:
    """Return where the quote at `at` is closed, or -1. It must be on the same line, or in the file for three quotes."""
    position = at + len(mark)
    while position < len(text):
        if text.startswith(mark, position):
            return position
        if text[position] == "\n" and len(mark) == 1:
            return -1
        position += 2 if text[position] == "\\" and mark[0] == '"' else 1
    return -1


def _line_around(text: str, at: int) -> tuple[int, int]:
    end = text.find("\n", at)
    return text.rfind("\n", 0, at) + 1, len(text) if end < 0 else end


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return min(start + column - 1, len(text))


def _place(text: str, at: int) -> tuple[int, int]:
    at = min(at, len(text.rstrip("\n")))
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
