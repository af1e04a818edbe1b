"""The `[[stages]]` and `[[groups]]` blocks, with or without a preset, as the stages and groups of a waterfall."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, cast

from pydantic import AfterValidator, Field

from pipeline.config import ranks
from pipeline.config.block import AsExported, Block, Document, Text, Word, some
from pipeline.config.configuration import AMOUNT_OF_TIME, MAX_DAYS, UNITS
from pipeline.config.presets import Preset
from pipeline.config.problems import Problems
from pipeline.waterfall.definition import MAX_GROUPS, MAX_STAGES, Clock, Group, Kind, Sla, Stage, TimeUnit
from pipeline.waterfall.names import did_you_mean, label_of, nearest, normalise_stage, with_article


def _within(text: str) -> str:
    found = AMOUNT_OF_TIME.fullmatch(text)
    if not found:
        raise ValueError('must be a number and a unit: "30 minutes", "8 hours", "2 days" or "1 week"')
    if not timedelta() < int(found.group(1)) * UNITS[found.group(2)] <= timedelta(days=MAX_DAYS):
        raise ValueError(f"must be more than 0 and at most {MAX_DAYS} days")
    return text


class SlaBlock(Block):
    """`sla = { within = "2 days", clock = "calendar" }`."""

    within: Annotated[str, AfterValidator(_within)]
    clock: Clock = "calendar"

    def sla(self) -> Sla:
        """Return the SLA in units of its clock."""
        found = AMOUNT_OF_TIME.fullmatch(self.within)
        assert found is not None  # checked when the block was read
        return Sla(int(found.group(1)), cast(TimeUnit, found.group(2)), self.clock)


class StageBlock(Block):
    """One `[[stages]]`: a complete stage, or the changed fields of a stage of the preset."""

    key: Word
    label: Text | None = None
    name: Text | None = None
    definition: Text | None = None
    kind: Kind = "path"
    rank: int | None = None
    team: Text | None = None
    phase: Text | None = None
    sla: SlaBlock | None = None
    aliases: list[AsExported] = Field(default_factory=list)
    gate: bool = False
    qualifies: bool = False
    verified: bool = True
    note: Text | None = None
    after: str | None = None
    remove: bool = False


class GroupBlock(Block):
    """One `[[groups]]`: a complete group, or the changed fields of a group of the preset."""

    key: Word
    label: Text | None = None
    definition: Text | None = None
    stages: Annotated[list[str], AfterValidator(some)] | None = None
    remove: bool = False


Numbered = tuple[int, StageBlock]
NumberedGroup = tuple[int, GroupBlock]


def read_stages(document: Document, preset: Preset | None) -> tuple[tuple[Stage, ...], tuple[Group, ...]]:
    """Return the stages and groups of the file, on top of `preset` if there is one."""
    problems = document.problems
    preset_stages = [StageBlock.model_validate(raw) for raw in preset.stages] if preset else []
    preset_groups = [GroupBlock.model_validate(raw) for raw in preset.groups] if preset else []
    blocks = document.blocks(StageBlock, "stages")
    found = stages(preset_stages, blocks, problems)
    unreadable = unreadable_keys(document, found)
    path_ranks = {stage.rank for stage in found if stage.rank is not None}
    wants_preset = (
        isinstance(document.raw.get("funnel"), dict) and "preset" in document.raw["funnel"] and preset is None
    )
    if not unreadable and not wants_preset and len(path_ranks) < 2:
        what = (
            "all path stages share one rank; conversion needs at least two"
            if len([stage for stage in found if stage.kind == "path"]) > 1
            else 'a waterfall needs at least two [[stages]] of kind "path", or a `preset` in [funnel]'
        )
        problems.add(("stages",) if "stages" in document.raw else ("funnel",), what)
    group_blocks = document.blocks(GroupBlock, "groups")
    return found, groups(preset_groups, group_blocks, found, unreadable, problems)


def unreadable_keys(document: Document, stages: Sequence[Stage]) -> frozenset[str]:
    """Return the keys of stages and groups in the file that could not be read. They are known but have no rank."""
    given = [raw for name in ("stages", "groups") for raw in document.tables(name) if not raw.get("remove")]
    written = {raw["key"] for raw in given if isinstance(raw.get("key"), str)}
    # `Won` is invalid as a key, but other blocks may refer to `won`.
    keys = written | {re.sub(r"[ -]+", "_", key.strip().lower()) for key in written}
    return frozenset(keys - {stage.key for stage in stages})


@dataclass(frozen=True)
class Draft:
    """A stage before validation: its merged block, its number in the file (None: from the preset), its rank in the preset."""

    block: StageBlock
    number: int | None
    preset_rank: int | None = None

    def place(self, *field: str) -> tuple[str | int, ...]:
        """Return the place of its problems: its block, or `preset` for a stage of the preset."""
        return ("stages", self.number, *field) if self.number is not None else ("funnel", "preset")


def stages(preset: Sequence[StageBlock], blocks: Sequence[Numbered], problems: Problems) -> tuple[Stage, ...]:
    """Return the stages in order, with dense ranks. Adds problems."""
    drafts = _on_preset(preset, blocks, problems) if preset else _without_preset(blocks, problems)
    misspelt = _misspelt(drafts, [block.key for block in preset], problems)
    for draft in drafts:
        if draft not in misspelt:
            _check_fields(draft, problems)
    _check_aliases([draft for draft in drafts if draft not in misspelt], problems)
    if len(drafts) > MAX_STAGES:
        problems.add(("stages",), f"there are {len(drafts)} stages; {MAX_STAGES} is the most")
    path = [draft for draft in drafts if draft.block.kind == "path"]
    if preset:
        placed = [draft.block.rank if draft.block.rank is not None else draft.preset_rank for draft in path]
        dense = ranks.dense(ranks.between(placed))
    else:
        dense = ranks.dense(ranks.by_position([draft.block.rank for draft in path]))
    by_key = {draft.block.key: rank for draft, rank in zip(path, dense, strict=True)}
    return tuple(_stage(draft.block, by_key.get(draft.block.key)) for draft in drafts)


def groups(
    preset: Sequence[GroupBlock],
    blocks: Sequence[NumberedGroup],
    waterfall_stages: Sequence[Stage],
    unreadable: frozenset[str],
    problems: Problems,
) -> tuple[Group, ...]:
    """Return the groups in order. A group of the preset loses the members that the configuration removes.

    `unreadable` are keys of stages that already have problems.
    """
    by_key = {stage.key: stage for stage in waterfall_stages}
    path = [stage.key for stage in waterfall_stages if stage.rank is not None]
    merged: dict[str, tuple[int | None, GroupBlock]] = {block.key: (None, block) for block in preset}
    seen: dict[str, int] = {}
    for number, block in blocks:
        if block.key in seen:
            problems.add_twice("key", block.key, ("groups", number, "key"), ("groups", seen[block.key]))
            continue
        seen[block.key] = number
        known = merged.get(block.key)
        if block.remove:
            if known is None:
                problems.add(("groups", number, "remove"), f"there is no group `{block.key}` to remove")
            merged.pop(block.key, None)
            continue
        merged[block.key] = (number, known[1].model_copy(update=_given(block)) if known else block)

    found: list[Group] = []
    for origin, block in merged.values():
        if origin is not None:
            _check_group(origin, block, by_key, unreadable, problems)
        members = [key for key in block.stages or [] if key in path]
        if members:
            found.append(Group(block.key, block.label or label_of(block.key), block.definition or "", tuple(members)))
    if len(found) > MAX_GROUPS:
        problems.add(("groups",), f"there are {len(found)} groups; {MAX_GROUPS} is the most")
    return tuple(found)


def _without_preset(blocks: Sequence[Numbered], problems: Problems) -> list[Draft]:
    drafts: dict[str, Draft] = {}
    for number, block in blocks:
        for field in ("after", "remove"):
            if field in block.model_fields_set:
                problems.add(("stages", number, field), "only changes a preset; without one, order the blocks")
        if block.key in drafts:
            problems.add_twice("key", block.key, ("stages", number, "key"), drafts[block.key].place())
        else:
            drafts[block.key] = Draft(block, number)
    return list(drafts.values())


def _on_preset(preset: Sequence[StageBlock], blocks: Sequence[Numbered], problems: Problems) -> list[Draft]:
    path = [block for block in preset if block.kind == "path"]
    dense = ranks.dense(ranks.by_position([block.rank for block in path]))
    preset_ranks = {block.key: rank for block, rank in zip(path, dense, strict=True)}
    # The rank of the preset is kept outside the block, so a rank in the block was always written by the user.
    drafts = [Draft(block.model_copy(update={"rank": None}), None, preset_ranks.get(block.key)) for block in preset]
    seen: dict[str, int] = {}
    for number, block in blocks:
        if block.key in seen:
            problems.add_twice("key", block.key, ("stages", number, "key"), ("stages", seen[block.key]))
            continue
        seen[block.key] = number
        keys = [draft.block.key for draft in drafts]
        at = keys.index(block.key) if block.key in keys else None
        if block.remove:
            if at is None:
                known = did_you_mean(block.key, keys)
                problems.add(("stages", number, "key"), f"there is no such stage to remove{known}")
            else:
                del drafts[at]
            continue
        if at is None:
            draft = Draft(block, number)
            at = len(drafts)
        else:
            draft = Draft(_merged_stage(drafts[at].block, block), number, drafts[at].preset_rank)
            del drafts[at]
        if draft.block.kind == "path" and draft.preset_rank is None and draft.block.rank is None:
            _check_place(draft, keys, problems)
        if block.after is not None:
            at, draft = _move_after(drafts, draft, at, problems)
        drafts.insert(at, draft)
    return drafts


def _check_place(draft: Draft, preset_keys: list[str], problems: Problems) -> None:
    """Require `rank` or `after` for an off-path stage of the preset that is moved to the path: its position has no meaning."""
    if draft.block.key in preset_keys and draft.block.after is None:
        problems.add(
            draft.place("kind"),
            f"`{draft.block.key}` is off the path in the preset; give its `rank`, or `after` a stage",
        )


def _move_after(drafts: list[Draft], draft: Draft, at: int, problems: Problems) -> tuple[int, Draft]:
    """Return the position after the stage that `after` names, and the draft without its old rank."""
    keys = [other.block.key for other in drafts]
    if draft.block.after not in keys:
        known = did_you_mean(str(draft.block.after), keys)
        problems.add(draft.place("after"), f"there is no stage `{draft.block.after}` above this one{known}")
        return at, draft
    return keys.index(draft.block.after) + 1, Draft(draft.block, draft.number)


def _merged_stage(preset: StageBlock, block: StageBlock) -> StageBlock:
    given = _given(block)
    merged = preset.model_copy(update=given)
    if merged.kind != "path" and "qualifies" not in given:
        merged = merged.model_copy(update={"qualifies": False})  # only path stages qualify
    return merged


def _given(block: Block) -> dict[str, Any]:
    return {field: getattr(block, field) for field in block.model_fields_set}


def _misspelt(drafts: Sequence[Draft], preset_keys: Sequence[str], problems: Problems) -> list[Draft]:
    """Return blocks without a definition whose key is similar to a stage of the preset: probably misspelt, not new stages."""
    found = []
    for draft in drafts:
        near = nearest(draft.block.key, preset_keys)
        if draft.number is not None and draft.block.definition is None and near is not None:
            what = f"is no stage of the preset; did you mean `{near}`? A new stage needs a definition"
            problems.add(draft.place("key"), what)
            found.append(draft)
    return found


def _check_fields(draft: Draft, problems: Problems) -> None:
    block = draft.block
    if block.definition is None:
        problems.add(draft.place("definition"), "is missing; one sentence, because every report prints it")
    if block.kind != "path":
        if block.rank is not None:
            what = f"only path stages have a rank, and `{block.key}` is {with_article(block.kind)}"
            problems.add(draft.place("rank"), what)
        if block.qualifies:
            what = f"only path stages can qualify a lead, and `{block.key}` is {with_article(block.kind)}"
            problems.add(draft.place("qualifies"), what)


def _check_aliases(drafts: Sequence[Draft], problems: Problems) -> None:
    """Add a problem if two stages share a key, label, name or alias: a value of the CRM must match one stage."""
    owners: dict[str, Draft] = {}
    for draft in drafts:
        for alias, (field, text) in _spellings(draft.block).items():
            other = owners.setdefault(alias, draft)
            if not alias:
                problems.add(draft.place(field), "must have a visible character")
            elif other.block.key != draft.block.key:
                late, early = (other, draft) if draft.number is None else (draft, other)
                beside = f" (line {problems.line(early.place())})" if early.number is not None else " of the preset"
                problems.add(
                    late.place(field if field in late.block.model_fields_set else "key"),
                    f'"{text}" names both `{late.block.key}` and `{early.block.key}`{beside}; '
                    "a stage name must match one stage",
                )


def _spellings(block: StageBlock) -> dict[str, tuple[str, str]]:
    """Return every normalised alias of a stage, with the first field that has it and its text."""
    label = block.label or label_of(block.key)
    spelled = [("key", block.key), ("label", label), ("name", block.name or label)]
    spelled += [("aliases", alias) for alias in block.aliases]
    found: dict[str, tuple[str, str]] = {}
    for field, text in spelled:
        found.setdefault(normalise_stage(text), (field, text))
    return found


def _check_group(
    number: int, block: GroupBlock, by_key: dict[str, Stage], unreadable: frozenset[str], problems: Problems
) -> None:
    path = [key for key, stage in by_key.items() if stage.rank is not None]
    if block.key in by_key:
        problems.add(("groups", number, "key"), f"`{block.key}` is a stage already; a group needs a key of its own")
    if block.definition is None:
        problems.add(("groups", number, "definition"), "is missing; one sentence, because every report prints it")
    if block.stages is None:
        problems.add(("groups", number, "stages"), "is missing; the path stages that the group holds")
    given = "stages" in block.model_fields_set
    for position, key in enumerate(block.stages or []):
        place = ("groups", number, "stages", position) if given else ("groups", number)
        if key in by_key and by_key[key].rank is None:
            problems.add(place, f"`{key}` is {with_article(by_key[key].kind)}; a group holds path stages only")
        elif key not in by_key and key not in unreadable:
            what = f"there is no stage `{key}`{did_you_mean(key, [*path, *sorted(unreadable)])}"
            problems.add_once(f"no stage {key}", place, what)


def _stage(block: StageBlock, rank: int | None) -> Stage:
    label = block.label or label_of(block.key)
    return Stage(
        key=block.key,
        label=label,
        name=block.name or label,
        definition=block.definition or "",
        kind=block.kind,
        rank=rank,
        team=block.team,
        phase=block.phase,
        sla=block.sla.sla() if block.sla else None,
        aliases=tuple(block.aliases),
        gate=block.gate,
        qualifies=block.qualifies,
        verified=block.verified,
        note=block.note or "",
    )
