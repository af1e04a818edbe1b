"""Everything wrong with one configuration, each with its file, line and key, collected before anything is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, Problem
from pipeline.waterfall.locate import Lines
from pipeline.waterfall.locate import Path as Place

_NAMED_BY = ("key", "name")


class Problems:
    """Collects problems of one TOML document and raises them together, in the order of their lines."""

    def __init__(self, path: Path, text: str, document: dict[str, Any]) -> None:
        self._path = path
        self._lines = Lines(text)
        self._document = document
        self._found: list[tuple[int, int, Problem]] = []

    def add(self, place: Place, what: str) -> None:
        """Note `what` at `place`, such as `("stages", 2, "kind")`; shown as `stages.mql.kind`."""
        line = self._lines.line(place)
        where = f"{self._path}:{line}: {self._spoken(place)}" if place else f"{self._path}:{line}"
        problem = Problem(where, what)
        if all(problem != known for _, _, known in self._found):
            self._found.append((line, len(self._found), problem))

    def add_outside(self, where: str, what: str) -> None:
        """Note a problem of something that is not in the file, such as `--as-of`."""
        self._found.append((0, len(self._found), Problem(where, what)))

    def line(self, place: Place) -> int:
        """The line of `place`, for a message that points at a second one."""
        return self._lines.line(place)

    def raise_if_any(self) -> None:
        """Raise all of them as one ConfigurationError; do nothing when there are none."""
        if self._found:
            raise ConfigurationError([problem for _, _, problem in sorted(self._found, key=lambda found: found[:2])])

    def _spoken(self, place: Place) -> str:
        words: list[str] = []
        here: Any = self._document
        for step in place:
            here = _within(here, step)
            if isinstance(step, int):
                names = [here.get(named) for named in _NAMED_BY] if isinstance(here, dict) else []
                words.append(next((name for name in names if isinstance(name, str) and name), f"#{step + 1}"))
            else:
                words.append(step)
        return ".".join(words)


def _within(here: Any, step: str | int) -> Any:
    if isinstance(step, int):
        return here[step] if isinstance(here, list) and step < len(here) else None
    return here.get(step) if isinstance(here, dict) else None
