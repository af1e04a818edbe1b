"""Shared types of the configuration blocks, and messages for their problems.

Each block is validated by its own module. Rules across blocks are checked where the later block is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator, ValidationError

from pipeline.config.configuration import MAX_DAYS, age
from pipeline.config.problems import Problems
from pipeline.config.toml_text import unescaped
from pipeline.config.zone_names import zone
from pipeline.waterfall.definition import InputTable
from pipeline.waterfall.names import did_you_mean, nearest, why_not_a_word

Place = tuple[str | int, ...]
Found = list[tuple[Place, str]]
"""Problems inside a block: the key, relative to the block, and the message."""

_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _text(text: str) -> str:
    if any("\x7f" <= letter <= "\x9f" for letter in text):
        raise ValueError("must not contain control characters")
    return _as_exported(text)


def _as_exported(text: str) -> str:
    """Validate a text that is compared with exported values. Allows U+0080 to U+009F, which a wrong encoding produces."""
    if any(letter < " " and letter not in "\t\r\n" for letter in text):
        raise ValueError("must not contain control characters")
    single_spaced = " ".join(text.split())
    if not single_spaced:
        raise ValueError("must not be empty")
    return single_spaced


def _word(text: str) -> str:
    problem = why_not_a_word(text)
    if problem:
        raise ValueError(problem)
    return text


def checked(is_valid: Callable[[Any], object], what: str) -> Callable[[Any], Any]:
    """Return a validator of pydantic. It raises ValueError with the message `what` for a value that is not valid."""

    def check(value: Any) -> Any:
        if not is_valid(value):
            raise ValueError(what)
        return value

    return check


def must(is_valid: Callable[[Any], object], what: str) -> AfterValidator:
    """Return the mark of a type with a further condition, and the message for a value that does not meet it."""
    return AfterValidator(checked(is_valid, what))


def is_place(value: Any, most: float = inf) -> bool:
    """Whether a value is a whole number from 1 to `most`."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def once(values: list[Any]) -> list[Any]:
    """Return the list. Raises ValueError if it has a value twice."""
    twice = [value for number, value in enumerate(values) if value in values[:number]]
    if twice:
        raise ValueError(f"names `{twice[0]}` twice")
    return values


def some(values: list[Any]) -> list[Any]:
    """Return the list. Raises ValueError if it is empty or has a value twice."""
    if not values:
        raise ValueError("must name at least one")
    return once(values)


def _age(text: str) -> str:
    age(text)
    return text


def target(value: Any) -> float:
    """Return a share above 0 and up to 1. Raises ValueError, which shows a percentage as a share."""
    if _is_number(value) and 0 < value <= 1:
        return float(value)
    raise ValueError(f"must be a share above 0 and up to 1.0; {_as_share(value)}")


def _share(value: Any) -> float:
    if _is_number(value) and 0 <= value <= 1:
        return float(value)
    raise ValueError(f"must be a share from 0 to 1.0; {_as_share(value)}")


def _as_share(value: Any) -> str:
    found = _PERCENT.fullmatch(str(value)) if _is_number(value) or isinstance(value, str) else None
    percent = float(found[1]) if found else 0.0
    is_meant = 1 < percent <= 100 or (found is not None and found[2] and 0 < percent <= 1)
    return f"{percent:g} % is written {percent / 100:g}" if is_meant else "80 % is written 0.8"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


Text = Annotated[str, AfterValidator(_text)]
AsExported = Annotated[str, AfterValidator(_as_exported)]
FilePath = Annotated[str, AfterValidator(unescaped), AfterValidator(_text)]
Word = Annotated[str, AfterValidator(_word)]
Zone = Annotated[str, AfterValidator(zone)]
NonNegative = Annotated[int, must(lambda number: number >= 0, "must not be negative")]
Window = Annotated[int, must(lambda days: 1 <= days <= MAX_DAYS, f"must be 1 to {MAX_DAYS} days")]
Age = Annotated[str, AfterValidator(_age)]

Share = Annotated[float, PlainValidator(_share)]


class Block(BaseModel):
    """Base of all blocks: forbids unknown keys and never converts between text, numbers and lists."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


SomeBlock = TypeVar("SomeBlock", bound=Block)


def read_leniently(model: type[SomeBlock], raw: dict[str, Any]) -> tuple[SomeBlock, Found]:
    """Read a block without required keys. An invalid value counts as not set, and the other keys are still checked."""
    block, found = read(model, raw)
    if block is None:
        wrong = {place[0] for place, _ in found}
        block = model.model_validate({key: value for key, value in raw.items() if key not in wrong})
    return block, found


def read(model: type[SomeBlock], raw: Any) -> tuple[SomeBlock | None, Found]:
    """Return the block, or None and all of its problems."""
    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        faults = error.errors(include_url=False)
    found = [(fault, tuple(fault["loc"]), _in_plain_words(model, fault)) for fault in faults]
    misspelt = {
        (*place[:-1], nearest(str(place[-1]), _known_keys(model, place)))
        for fault, place, _ in found
        if fault["type"] == "extra_forbidden"
    }
    return None, [(place, what) for fault, place, what in found if fault["type"] != "missing" or place not in misspelt]


_PLAIN = {
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list in brackets",
    "dict_type": "must be a table in braces",
    "model_type": "must be a table in braces",
    "model_attributes_type": "must be a table in braces",
}

_MISSING = {
    "key": "is missing; every block needs a key, a lower-case word",
    "table": f"is missing; one of {', '.join(get_args(InputTable))}",
    "within": 'is missing; for example "2 days"',
    "where": 'is missing; for example { column = "email", matches = "@example\\.com$" }',
    "column": "is missing; the column that the condition tests",
    "reason": "is missing; the report prints it",
}


def _in_plain_words(model: type[Block], fault: Any) -> str:
    kind, where = fault["type"], fault["loc"]
    if kind == "value_error":
        return str(fault["ctx"]["error"])
    if kind == "missing":
        return _MISSING.get(str(where[-1]), "is missing")
    if kind == "extra_forbidden":
        return f"unknown key{did_you_mean(str(where[-1]), _known_keys(model, where))}"
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
        given = fault["input"] if isinstance(fault["input"], str) else ""
        near = did_you_mean(given, allowed)
        return f"must be one of {', '.join(allowed)}" + (near if "did you mean" in near else "")
    return _PLAIN.get(kind, "has a form that does not fit here")


def _known_keys(model: type[Block], place: Place) -> list[str]:
    fields = model.model_fields
    if len(place) > 1 and place[0] in fields:  # inside a block of a block, such as `sla`
        inner = [each for each in get_args(fields[str(place[0])].annotation) if isinstance(each, type)]
        fields = next((each.model_fields for each in inner if issubclass(each, Block)), fields)
    return [field.alias or name for name, field in fields.items()]


@dataclass(frozen=True)
class Document:
    """The parsed TOML with every block under its correct name, and the problems so far."""

    path: Path
    raw: dict[str, Any]
    problems: Problems

    def block(self, model: type[SomeBlock], name: str) -> SomeBlock:
        """Return the block `[name]`. Adds its problems; an invalid value counts as not set."""
        raw = self.raw.get(name, {})
        block, found = read_leniently(model, raw if isinstance(raw, dict) else {})
        for place, what in found:
            self.problems.add((name, *place), what)
        return block

    def blocks(self, model: type[SomeBlock], name: str) -> list[tuple[int, SomeBlock]]:
        """Return the valid blocks `[[name]]` with their numbers. Adds the problems of the others."""
        blocks = []
        for number, raw in enumerate(self.tables(name)):
            block, found = read(model, raw)
            for place, what in found:
                self.problems.add((name, number, *place), what)
            if block is not None:
                blocks.append((number, block))
        return blocks

    def tables(self, name: str) -> list[dict[str, Any]]:
        """Return the raw blocks `[[name]]`."""
        listed = self.raw.get(name, [])
        return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
