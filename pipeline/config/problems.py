"""Collects all problems of a configuration, each with file, line and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.config.locate import Lines
from pipeline.config.locate import Path as Place
from pipeline.errors import ConfigurationError, Problem

_NAME_KEYS = ("key", "name")


class Problems:
    """Collects the problems of a TOML document, and raises them together in order of lines."""

    def __init__(self, path: Path, text: str, document: dict[str, Any]) -> None:
        self._path = path
        self._lines = Lines(text)
        self._document = document
        self._found: list[tuple[int, int, Problem]] = []
        self._places: list[Place] = []
        self._causes: dict[str, list[tuple[int, Place, str]]] = {}
        self._written: dict[str, str] = {}
        self._silent: tuple[Place, ...] = ()

    def add(self, place: Place, what: str) -> None:
        """Add a problem at `place`, such as `("stages", 2, "kind")`; the message shows `stages.mql.kind`."""
        if self._is_silent(place):
            return
        self._places.append(place)
        line = self.line(place)
        where = f"{self._path}:{line}: {self._key_path(place)}" if place else f"{self._path}:{line}"
        problem = Problem(where, what)
        if all(problem != known for _, _, known in self._found):
            self._found.append((line, len(self._found), problem))

    def add_once(self, cause: str, place: Place, what: str) -> None:
        """Add one problem for all places with the same `cause`: at the first place, with the lines of the others."""
        if self._is_silent(place):
            return
        self._places.append(place)
        self._causes.setdefault(cause, []).append((self.line(place), place, what))

    def add_twice(self, what: str, word: str, place: Place, first: Place) -> None:
        """Add the problem that a key or name is used at `place` and, earlier, at `first`."""
        self.add(place, f"the {what} `{word}` is used twice, here and in line {self.line(first)}")

    def are_in(self, *place: str | int) -> bool:
        """Whether there is a problem at `place` or inside it. Then no check that depends on it is needed."""
        return any(noted[: len(place)] == place for noted in self._places)

    def silence(self, *places: Place) -> None:
        """Ignore later problems inside `places`, because they follow from an earlier problem."""
        self._silent += places

    def read_as(self, written: str, meant: str) -> None:
        """Show later problems of block `meant` at the block that the file calls `written`."""
        self._written[meant] = written

    def add_outside(self, where: str, what: str) -> None:
        """Add a problem of something outside the file, such as `--as-of`."""
        self._found.append((0, len(self._found), Problem(where, what)))

    def line(self, place: Place) -> int:
        """Return the line of `place`, for a message about another place."""
        return self._lines.line(self._in_file(place))

    def raise_if_any(self) -> None:
        """Raise all problems as one ConfigurationError, if there are any."""
        for noted in self._causes.values():
            (first, place, what), *others = sorted(noted, key=lambda each: each[0])
            self.add(place, f"{what}{_also(sorted({line for line, _, _ in others} - {first}))}")
        self._causes.clear()
        if self._found:
            raise ConfigurationError([problem for _, _, problem in sorted(self._found, key=lambda found: found[:2])])

    def _is_silent(self, place: Place) -> bool:
        return any(place[: len(silent)] == silent for silent in self._silent)

    def _in_file(self, place: Place) -> Place:
        return (self._written.get(str(place[0]), place[0]), *place[1:]) if place else place

    def _key_path(self, place: Place) -> str:
        words: list[str] = []
        here: Any = self._document
        for step in self._in_file(place):
            here = _within(here, step)
            if isinstance(step, int):
                names = [here.get(named) for named in _NAME_KEYS] if isinstance(here, dict) else []
                words.append(next((name for name in names if isinstance(name, str) and name), f"#{step + 1}"))
            else:
                words.append(step)
        return ".".join(words)


def _also(lines: list[int]) -> str:
    if not lines:
        return ""
    return f" (also in line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))})"


def _within(here: Any, step: str | int) -> Any:
    if isinstance(step, int):
        return here[step] if isinstance(here, list) and step < len(here) else None
    return here.get(step) if isinstance(here, dict) else None
