"""The keys of an `[[inputs]]` block that turn records into rows, and the inputs that a block with a format expands to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator

from pipeline.config import formats, rules
from pipeline.config.block import AsExported, Block, some
from pipeline.config.configuration import Candidate, Reshaping, Split, StageDates, Where
from pipeline.config.formats import Format, Part
from pipeline.config.problems import Problems
from pipeline.waterfall.definition import Condition, InputTable
from pipeline.waterfall.names import did_you_mean, normalise_stage


def _format(name: str) -> str:
    known = (formats.ENTRIES, *formats.names())
    if name not in known:
        raise ValueError(f"there is no format `{name}`{did_you_mean(name, known)}")
    return name


def _texts(given: Any) -> tuple[str, ...]:
    """Accept one text or a list of texts."""
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(one, str) and one for one in texts):
        raise ValueError("must be text in quotes, or a list of such texts")
    return tuple(some(texts))


def _conditions(given: Any) -> tuple[dict[str, Any], ...]:
    found = [given] if isinstance(given, dict) else given
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise ValueError('must be a condition such as { column = "Field", equals = "Status" }, or a list of them')
    return tuple(found)


def _stages(given: Any) -> dict[str, str] | tuple[str, ...]:
    if isinstance(given, dict):
        if not given or not all(isinstance(header, str) and header for header in given.values()):
            raise ValueError('must name a column for each stage: { mql = "Became a MQL Date" }')
        return dict(given)
    patterns = _texts(given)
    if any(pattern.count("*") != 1 for pattern in patterns):
        raise ValueError('must have one `*` in the place of the stage: "Date entered *"')
    return patterns


class JsonBlock(Block):
    """`json = { column = "attributes" }`."""

    column: AsExported


class SplitBlock(Block):
    """`split = { column = "merged_ids", by = ";" }`."""

    column: AsExported
    by: str = Field(min_length=1)


class ReshapingKeys(Block):
    """Keys of an `[[inputs]]` block for turning records into rows."""

    format: Annotated[str, AfterValidator(_format)] = formats.ENTRIES
    where: Annotated[tuple[dict[str, Any], ...], PlainValidator(_conditions)] = ()
    constant: dict[str, str] = Field(default_factory=dict)
    json_column: JsonBlock | None = Field(default=None, alias="json")
    split: SplitBlock | None = None
    stages: Annotated[dict[str, str] | tuple[str, ...], PlainValidator(_stages)] = ()
    field_value: Annotated[tuple[str, ...], PlainValidator(_texts)] = ()


@dataclass(frozen=True)
class Reshaped:
    """One input of a block: the suffix of its name, its table, and its reshaping, if any."""

    suffix: str
    table: InputTable
    columns: dict[str, str]
    reshaping: Reshaping | None
    is_optional: bool = False


def reshaped(
    block: ReshapingKeys,
    table: InputTable | None,
    columns: Mapping[str, str],
    known: Sequence[tuple[str, str, str]],
    number: int,
    problems: Problems,
) -> tuple[Reshaped, ...]:
    """Return the inputs of block `number`: one, or one for each table of its format.

    `known` has every spelling of a stage, normalised and as written, with the key of the stage.
    """
    where = _where(block, number, problems)
    if block.format == formats.ENTRIES:
        _only_with_format(block, number, problems)
        own = Reshaping(
            where=tuple(Where(each) for each in where),
            constants=dict(block.constant),
            json=block.json_column.column if block.json_column else None,
            split=_split(block),
        )
        is_plain = own == Reshaping() and not any(_is_path(theirs) for theirs in columns.values())
        return (Reshaped("", table or "stage_entries", dict(columns), None if is_plain else own),)
    found = formats.load(block.format)
    if table is not None and all(part.table != table for part in found.parts):
        problems.add(("inputs", number, "table"), f"the format {found.name} has no {table}; leave `table` out")
    _check_needs(block, found, known, number, problems)
    parts = [part for part in found.parts if table in (None, part.table)]
    return tuple(
        Reshaped(
            f"_{part.name}" if place and part.name else "",
            part.table,
            # The first part also gets columns that no part knows.
            {ours: theirs for ours, theirs in columns.items() if ours in part.columns or not place},
            _reshaping(block, found, part, where, known),
            part.is_optional and len(parts) > 1,
        )
        for place, part in enumerate(parts)
    )


def _is_path(header: str) -> bool:
    return header.endswith("[]") or "[]." in header or '."' in header or "." in header.strip(".")


def _where(block: ReshapingKeys, number: int, problems: Problems) -> list[Condition]:
    found = []
    for place, raw in enumerate(block.where):
        inner = (place,) if len(block.where) > 1 else ()
        found.append(rules.condition(("inputs", number, "where", *inner), raw, problems, as_exported=True))
    return list(filter(None, found))


def _split(block: ReshapingKeys) -> Split | None:
    return None if block.split is None else Split((block.split.column,), block.split.by)


def _only_with_format(block: ReshapingKeys, number: int, problems: Problems) -> None:
    for key, format_name in (("stages", "stage_dates"), ("field_value", "field_history")):
        if getattr(block, key):
            problems.add(("inputs", number, key), f'only concerns a format; write format = "{format_name}"')


def _check_needs(
    block: ReshapingKeys, found: Format, known: Sequence[tuple[str, str, str]], number: int, problems: Problems
) -> None:
    if found.needs_field_value and not block.field_value:
        problems.add(
            ("inputs", number),
            f'the format {found.name} needs field_value, the field that holds the stage: field_value = "Status"',
        )
    if found.needs_stages and not block.stages:
        problems.add(
            ("inputs", number),
            f'the format {found.name} needs stages, the columns with dates: stages = "Date entered *", or {{ mql = "MQL on" }}',
        )
    has_dates = any(part.has_stage_dates for part in found.parts)
    if block.stages and not has_dates:
        problems.add(("inputs", number, "stages"), f"does not concern the format {found.name}")
    if block.field_value and not (found.field_value or found.needs_field_value):
        problems.add(("inputs", number, "field_value"), f"does not concern the format {found.name}")
    if isinstance(block.stages, dict):
        spellings = {spelling for spelling, _, _ in known}
        keys = list(dict.fromkeys(key for _, _, key in known))
        for stage in block.stages:
            if normalise_stage(stage) not in spellings and keys:
                problems.add(
                    ("inputs", number, "stages", stage), f"there is no stage `{stage}`{did_you_mean(stage, keys)}"
                )


def _reshaping(
    block: ReshapingKeys, found: Format, part: Part, where: Sequence[Condition], known: Sequence[tuple[str, str, str]]
) -> Reshaping:
    values = block.field_value or found.field_value
    names = {ours: _with_field(candidates, values) for ours, candidates in part.columns.items()}
    own = {normalise(condition.column) for condition in where}
    shipped = [
        Where(_shipped(raw, values), raw.get("optional", False))
        for raw in part.where
        if not own & {normalise(raw["column"]), *(normalise(each.header) for each in names.get(raw["column"], ()))}
    ]
    stages = block.stages
    return Reshaping(
        names=names,
        where=(*shipped, *(Where(each) for each in where if part.table == found.parts[0].table)),
        constants=part.constants | block.constant,
        json=block.json_column.column if block.json_column else None,
        split=part.split or _split(block),
        stage_dates=StageDates(
            columns=tuple(stages.items()) if isinstance(stages, dict) else (),
            patterns=part.patterns if isinstance(stages, dict) or not stages else stages,
            known=tuple(known),
        )
        if part.has_stage_dates
        else None,
        created=part.created,
        keeps_extras=part.keeps_extras,
        dated_by_name=part.dated_by_name,
        footer=found.footer,
    )


def _with_field(candidates: tuple[Candidate, ...], values: Sequence[str]) -> tuple[Candidate, ...]:
    """Return the candidates with `{field_value}` in a path replaced by the field."""
    value = values[0] if values else ""
    return tuple(Candidate(each.header.replace("{field_value}", value), each.beside) for each in candidates)


def _shipped(raw: Mapping[str, Any], values: Sequence[str]) -> Condition:
    if "is_null" in raw:
        return Condition(raw["column"], "is_null", is_negated=not raw["is_null"])
    texts = values if raw["in"] == "field_value" else raw["in"]
    return Condition(raw["column"], "one_of", tuple(texts), raw.get("not", False))


def normalise(header: str) -> str:
    """Return a header for comparison, without case, spaces and underscores."""
    return header.casefold().replace(" ", "").replace("_", "")
