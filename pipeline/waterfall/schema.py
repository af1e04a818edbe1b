"""The blocks of a configuration, each checked alone, with problems in plain words. Only `config` and `assemble` use it.

What concerns several blocks at once (ranks, aliases, pairs) is theirs; here a block is only well formed.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar, cast, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator, ValidationError

from pipeline.settings import AMOUNT
from pipeline.waterfall.definition import Clock, InputTable, Kind, Sla, TimeUnit, Unit
from pipeline.waterfall.thresholds import target
from pipeline.waterfall.toml_text import unescaped
from pipeline.waterfall.words import did_you_mean, nearest, why_not_a_word
from pipeline.waterfall.zone_names import zone

Path = tuple[str | int, ...]
Found = list[tuple[Path, str]]
"""Problems inside a block: where, relative to the block, and what."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)

LONGEST_DAYS = 3650
MOST_DIMENSIONS = 12
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_WITHIN = re.compile(r"(\d{1,6}) *(minute|hour|day|week)s?")


def _text(text: str) -> str:
    if any("\x7f" <= letter <= "\x9f" for letter in text):
        raise ValueError("must not contain control characters")
    return _as_exported(text)


def _as_exported(text: str) -> str:
    """An export read in the wrong encoding holds such characters as U+0085: what has to meet its values may hold them too."""
    if any(letter < " " and letter not in "\t\r\n" for letter in text):
        raise ValueError("must not contain control characters")
    calm = " ".join(text.split())
    if not calm:
        raise ValueError("must not be empty")
    return calm


def _word(text: str) -> str:
    problem = why_not_a_word(text)
    if problem:
        raise ValueError(problem)
    return text


def _week_start(value: Any) -> int:
    if isinstance(value, str) and value.lower() in WEEKDAYS:
        return WEEKDAYS.index(value.lower()) + 1
    raise ValueError(f"must be one of {', '.join(WEEKDAYS)}")


def _month(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 12:
        return value
    if isinstance(value, str):
        for number, month in enumerate(MONTHS, start=1):
            if value.lower() in (month, month[:3]):
                return number
    raise ValueError("must be a month: 1 to 12, or its English name")


def _window(days: int) -> int:
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueError(f"must be 1 to {LONGEST_DAYS} days")
    return days


def _headline_months(months: int) -> int:
    if not 1 <= months <= 24:
        raise ValueError("must be 1 to 24 months")
    return months


def _once(values: list[Any]) -> list[Any]:
    twice = [value for number, value in enumerate(values) if value in values[:number]]
    if twice:
        raise ValueError(f"names `{twice[0]}` twice")
    return values


def _dimensions(values: list[str]) -> list[str]:
    if len(values) > MOST_DIMENSIONS:
        raise ValueError(f"names {len(values)} dimensions; {MOST_DIMENSIONS} is the most")
    return _once(values)


def _couple(keys: list[str]) -> list[str]:
    if len(keys) != 2:
        raise ValueError('must be two keys: ["from", "to"]')
    return keys


def _within(text: str) -> str:
    found = _WITHIN.fullmatch(text)
    if not found:
        raise ValueError('must be a number and a unit: "30 minutes", "8 hours", "2 days" or "1 week"')
    if not 0 < int(found.group(1)) * _SECONDS[found.group(2)] <= LONGEST_DAYS * 86_400:
        raise ValueError(f"must be more than nothing and at most {LONGEST_DAYS} days")
    return text


def some(values: list[Any]) -> list[Any]:
    """The list as it is. ValueError when it is empty or names a value twice."""
    if not values:
        raise ValueError("must name at least one")
    return _once(values)


def _count(number: int) -> int:
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _positive(number: int) -> int:
    if number < 1:
        raise ValueError("must be 1 or more")
    return number


def _amount(text: str) -> str:
    if not AMOUNT.fullmatch(text):
        raise ValueError('must be an amount of memory, such as "8GB" or "512MB"')
    return text


def _some_threads(number: int) -> int:
    if number < 1:
        raise ValueError("must be 1 or more")
    return number


def _runs(number: int) -> int:
    if number < 2:
        raise ValueError("must be 2 or more: somebody may still read the night before")
    return number


Text = Annotated[str, AfterValidator(_text)]
AsExported = Annotated[str, AfterValidator(_as_exported)]
FilePath = Annotated[str, AfterValidator(unescaped), AfterValidator(_text)]
Word = Annotated[str, AfterValidator(_word)]
Zone = Annotated[str, AfterValidator(zone)]
NonNegative = Annotated[int, AfterValidator(_count)]


class Block(BaseModel):
    """What every block keeps to: no unknown key, and no guessing between text, numbers and lists."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FunnelBlock(Block):
    """`[funnel]`. `as_of` stays as written: reading it needs the time zone."""

    name: Text | None = None
    preset: str | None = None
    unit: Unit | None = None
    timezone: Zone = "UTC"
    as_of: Any = None
    week_start: Annotated[int, PlainValidator(_week_start)] = 1
    fiscal_year_start: Annotated[int, PlainValidator(_month)] = 1
    dimensions: Annotated[list[Word], AfterValidator(_dimensions)] = []
    windows: Annotated[list[Annotated[int, AfterValidator(_window)]], AfterValidator(_once)] = []
    headline: Annotated[list[Annotated[list[str], AfterValidator(_couple)]], AfterValidator(some)] | None = None
    targets: dict[str, Annotated[float, PlainValidator(target)]] | None = None
    headline_windows: dict[str, Annotated[int, AfterValidator(_window)]] | None = None
    headline_months: Annotated[int, AfterValidator(_headline_months)] = 3
    settle_days: dict[str, Annotated[int, AfterValidator(_window)]] | None = None
    origin_default: Text | None = None
    entry_at_creation: bool | None = None
    implied: bool = False


class SlaBlock(Block):
    """`sla = { within = "2 days", clock = "calendar" }`."""

    within: Annotated[str, AfterValidator(_within)]
    clock: Clock = "calendar"

    def sla(self) -> Sla:
        """The limit in units of its clock."""
        found = _WITHIN.fullmatch(self.within)
        assert found is not None  # checked when the block was read
        return Sla(int(found.group(1)), cast(TimeUnit, found.group(2)), self.clock)


class StageBlock(Block):
    """One `[[stages]]`: whole, or the fields that it changes in a stage of the preset."""

    key: Word
    label: Text | None = None
    name: Text | None = None
    definition: Text | None = None
    kind: Kind = "path"
    rank: int | None = None
    team: Text | None = None
    phase: Text | None = None
    sla: SlaBlock | None = None
    aliases: list[AsExported] = []
    gate: bool = False
    qualifies: bool = False
    verified: bool = True
    note: Text | None = None
    after: str | None = None
    remove: bool = False


class GroupBlock(Block):
    """One `[[groups]]`: whole, or the fields that it changes in a group of the preset."""

    key: Word
    label: Text | None = None
    definition: Text | None = None
    stages: Annotated[list[str], AfterValidator(some)] | None = None
    remove: bool = False


class OutputBlock(Block):
    """`[output]`."""

    path: FilePath = "build"
    keep_runs: Annotated[int, AfterValidator(_runs)] = 7
    keep_reports: NonNegative = 30
    memory: Annotated[str, AfterValidator(_amount)] | None = None
    threads: Annotated[int, AfterValidator(_some_threads)] | None = None


SomeBlock = TypeVar("SomeBlock", bound=Block)


def read_the_rest(model: type[SomeBlock], raw: dict[str, Any]) -> tuple[SomeBlock, Found]:
    """Like `read`, for blocks that need no key: what is wrong counts as not given, and the rest gets checked."""
    block, found = read(model, raw)
    if block is None:
        wrong = {place[0] for place, _ in found}
        block = model.model_validate({key: value for key, value in raw.items() if key not in wrong})
    return block, found


def read(model: type[SomeBlock], raw: Any) -> tuple[SomeBlock | None, Found]:
    """The block that `raw` holds, or None and everything that is wrong with it."""
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
    "column": "is missing; the column that it asks about",
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


def _known_keys(model: type[Block], place: Path) -> list[str]:
    fields = (SlaBlock if len(place) > 1 and place[0] == "sla" else model).model_fields
    return [field.alias or name for name, field in fields.items()]
