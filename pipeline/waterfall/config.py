"""From a TOML file to a Configuration that may be trusted, or to every problem in it at once: file, line, key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pipeline.waterfall import (
    assemble,
    formats,
    pair_settings,
    pairs,
    presets,
    rules,
    schema,
    schema_accounts,
    schema_calendar,
    schema_checks,
    schema_inputs,
    schema_mail,
    schema_privacy,
    schema_reports,
    secrets,
    toml_text,
)
from pipeline.waterfall.definition import (
    MAX_HEADLINE_PAIRS,
    Configuration,
    Group,
    Input,
    Pair,
    Stage,
    Waterfall,
    WorkingCalendar,
)
from pipeline.waterfall.moments import read_as_of
from pipeline.waterfall.presets import Preset
from pipeline.waterfall.problems import Problems
from pipeline.waterfall.words import did_you_mean, nearest, with_article

_LISTS = ("stages", "groups", "inputs", "scope", "origins", "personas", "reports")
BLOCKS = ("funnel", *_LISTS, "calendar", "accounts", "output", "mail", "checks", "privacy")

_ON_STAGES = (
    ("groups",),
    ("funnel", "headline"),
    ("funnel", "targets"),
    ("funnel", "headline_windows"),
    ("funnel", "settle_days"),
)
"""What can't be checked without the stages."""

SomeBlock = TypeVar("SomeBlock", bound=schema.Block)


def load(path: Path, *, as_of: str | None = None, output: Path | None = None) -> Configuration:
    """Read and check the configuration at `path`.

    `as_of` overrides the file's: ISO 8601; without an offset it is local to the waterfall's zone, and a bare date means
    the END of that day there (23:59:59). `output` overrides the file's `[output]`, relative to the working folder;
    every path in the file is relative to the file. Paths in the result are absolute.

    Raises ConfigurationError with all problems in the order of their lines.
    """
    text = toml_text.read(path)
    document = toml_text.parse(path, text)
    problems = Problems(path, text, document)
    document = secrets.taken_out(document, problems)
    document = _blocks_as_meant(document, problems)

    funnel = _block(schema.FunnelBlock, document, "funnel", problems)
    preset = _preset(document, problems)
    stages, groups = _marks(document, preset, problems)
    unreadable = _unreadable(document, stages)
    waterfall = _waterfall(funnel, preset, stages, groups, as_of, unreadable, problems)
    waterfall = replace(
        waterfall,
        scope=rules.scope(_blocks(rules.ScopeBlock, document, "scope", problems), problems),
        origins=rules.origins(_blocks(rules.OriginBlock, document, "origins", problems), problems),
        personas=rules.personas(_blocks(rules.PersonaBlock, document, "personas", problems), problems),
        unit=funnel.unit or (waterfall.unit if preset is None else preset.unit),
        origin_default=funnel.origin_default,
        entry_at_creation=bool(funnel.entry_at_creation),
        implied=funnel.implied,
    )
    checks = schema_checks.checked(_block(schema_checks.ChecksBlock, document, "checks", problems), problems)
    inputs = schema_inputs.inputs(
        _blocks(schema_inputs.InputBlock, document, "inputs", problems),
        _raw(document, "inputs"),
        path,
        waterfall.timezone,
        checks,
        problems,
        is_given="inputs" in document,
        stages=stages,
        ids="salesforce" if preset is not None and preset.name.startswith("salesforce") else "plain",
    )
    if funnel.entry_at_creation is None:
        waterfall = replace(waterfall, entry_at_creation=any(map(_tells_the_value_before, inputs)))
    keys = [*(stage.key for stage in stages), *(group.key for group in groups), *sorted(unreadable)]
    unused_stages = schema_checks.unused_stages(checks, keys, problems)
    waterfall = replace(waterfall, calendar=_calendar(document, waterfall.timezone, problems))
    accounts = _block(schema_accounts.AccountsBlock, document, "accounts", problems)
    waterfall = replace(
        waterfall, match_domains=accounts.match_domains, never_match=tuple(dict.fromkeys(accounts.never_match))
    )
    reports = schema_reports.reports(
        _blocks(schema_reports.ReportBlock, document, "reports", problems), waterfall.dimensions, problems
    )
    place = _block(schema.OutputBlock, document, "output", problems)
    mail = schema_mail.mail(document["mail"], path.absolute().parent, problems) if "mail" in document else None
    asked = _block(schema_privacy.PrivacyBlock, document, "privacy", problems)
    privacy = schema_privacy.privacy(asked, reports, problems)
    problems.raise_if_any()
    return Configuration(
        path=path.absolute(),
        waterfall=waterfall,
        inputs=inputs,
        output=output.absolute() if output is not None else schema_inputs.beside(path, place.path),
        keep_runs=place.keep_runs,
        reports=reports,
        keep_reports=place.keep_reports,
        mail=mail,
        memory=place.memory,
        threads=place.threads,
        privacy=privacy,
        unused_stages=unused_stages,
        max_unreconciled=checks.max_unreconciled,
    )


def _tells_the_value_before(reads: Input) -> bool:
    return reads.format in formats.names() and formats.load(reads.format).is_history_of_changes


def _blocks_as_meant(document: dict[str, Any], problems: Problems) -> dict[str, Any]:
    """The document with its blocks under the names that are meant, so that one misspelt name is one problem."""
    meant: dict[str, Any] = {}
    for name, block in document.items():
        near = nearest(name, [each for each in BLOCKS if each not in document and each not in meant])
        if name not in BLOCKS:
            problems.add((name,), f"unknown block{did_you_mean(name, BLOCKS)}")
        if name not in BLOCKS and near is not None:
            problems.read_as(name, near)
        meant[name if name in BLOCKS or near is None else near] = block
    for name, block in meant.items():
        shown = f"[[{name}]]" if name in _LISTS else f"[{name}]"
        if name in _LISTS and not (isinstance(block, list) and all(isinstance(one, dict) for one in block)):
            problems.add((name,), f"write {shown} with double brackets, once for each")
            problems.silence((name,), *(_ON_STAGES if name == "stages" else ()))
        elif name in BLOCKS and name not in _LISTS and not isinstance(block, dict):
            problems.add((name,), f"write {shown} with single brackets, once")
    funnel = meant.get("funnel")
    if funnel is None:
        problems.add((), "there is no [funnel] block; it needs at least a name")
    elif isinstance(funnel, dict) and not funnel.keys() & {"name", "preset"}:
        problems.add(("funnel", "name"), "is missing; it is the title of the report")
    return meant


def _block(model: type[SomeBlock], document: dict[str, Any], name: str, problems: Problems) -> SomeBlock:
    raw = document.get(name, {})
    block, found = schema.read_the_rest(model, raw if isinstance(raw, dict) else {})
    for place, what in found:
        problems.add((name, *place), what)
    return block


def _blocks(
    model: type[SomeBlock], document: dict[str, Any], name: str, problems: Problems
) -> list[tuple[int, SomeBlock]]:
    """The well-formed blocks of a list with their numbers in it; what is wrong with the others is noted."""
    blocks = []
    for number, raw in enumerate(_raw(document, name)):
        block, found = schema.read(model, raw)
        for place, what in found:
            problems.add((name, number, *place), what)
        if block is not None:
            blocks.append((number, block))
    return blocks


def _raw(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    listed = document.get(name, [])
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _preset(document: dict[str, Any], problems: Problems) -> Preset | None:
    # Read apart from [funnel], whose other problems must not make every stage of the preset unknown.
    funnel = document.get("funnel")
    name = funnel.get("preset") if isinstance(funnel, dict) else None
    if not isinstance(name, str):
        return None
    if name in presets.names():
        return presets.load(name)
    problems.add(("funnel", "preset"), f"there is no preset `{name}`{did_you_mean(name, presets.names())}")
    problems.silence(("stages",), *_ON_STAGES)
    return None


def _marks(
    document: dict[str, Any], preset: Preset | None, problems: Problems
) -> tuple[tuple[Stage, ...], tuple[Group, ...]]:
    preset_stages = [schema.StageBlock.model_validate(raw) for raw in preset.stages] if preset else []
    preset_groups = [schema.GroupBlock.model_validate(raw) for raw in preset.groups] if preset else []
    blocks = _blocks(schema.StageBlock, document, "stages", problems)
    stages = assemble.stages(preset_stages, blocks, problems)
    unreadable = _unreadable(document, stages)
    path_ranks = {stage.rank for stage in stages if stage.rank is not None}
    wants_preset = isinstance(document.get("funnel"), dict) and "preset" in document["funnel"] and preset is None
    if not unreadable and not wants_preset and len(path_ranks) < 2:
        what = (
            "all path stages share one rank; conversion needs at least two"
            if len([stage for stage in stages if stage.kind == "path"]) > 1
            else 'a waterfall needs at least two [[stages]] of kind "path", or a `preset` in [funnel]'
        )
        problems.add(("stages",) if "stages" in document else ("funnel",), what)
    group_blocks = _blocks(schema.GroupBlock, document, "groups", problems)
    return stages, assemble.groups(preset_groups, group_blocks, stages, unreadable, problems)


def _unreadable(document: dict[str, Any], stages: Sequence[Stage]) -> frozenset[str]:
    """Keys that the file gives to stages and groups which could not be read: known, but without a rank."""
    given = [raw for name in ("stages", "groups") for raw in _raw(document, name) if not raw.get("remove")]
    written = {raw["key"] for raw in given if isinstance(raw.get("key"), str)}
    keys = written | {
        re.sub(r"[ -]+", "_", key.strip().lower()) for key in written
    }  # `Won` is refused, and known as `won`
    return frozenset(keys - {stage.key for stage in stages})


def _waterfall(
    funnel: schema.FunnelBlock,
    preset: Preset | None,
    stages: tuple[Stage, ...],
    groups: tuple[Group, ...],
    as_of: str | None,
    unreadable: frozenset[str],
    problems: Problems,
) -> Waterfall:
    marks = pairs.marks(stages, groups)
    couples = [(low.key, high.key) for low in marks for high in marks if low.high_rank < high.low_rank]
    settling = pair_settings.by_pair("settle_days", funnel.settle_days, couples, "pair of stages", problems)
    return Waterfall(
        name=funnel.name or (preset.title if preset else ""),
        timezone=funnel.timezone,
        stages=stages,
        groups=groups,
        headline=_headline(funnel, preset, marks, stages, unreadable, problems),
        headline_months=funnel.headline_months,
        settle_days=tuple((low, high, days) for (low, high), days in settling.items()),
        dimensions=tuple(funnel.dimensions),
        windows=tuple(funnel.windows),
        week_start=funnel.week_start,
        fiscal_year_start=funnel.fiscal_year_start,
        as_of=_as_of(funnel, as_of, problems),
        preset=preset.name if preset else None,
    )


def _calendar(document: dict[str, Any], timezone: str, problems: Problems) -> WorkingCalendar | None:
    if "calendar" in document:
        return _block(schema_calendar.CalendarBlock, document, "calendar", problems).calendar(timezone)
    for number, raw in enumerate(_raw(document, "stages")):
        limit = raw.get("sla")
        if isinstance(limit, dict) and limit.get("clock") == "business":
            what = "the business clock needs working hours; add [calendar]"
            problems.add(("stages", number, "sla", "clock"), what)
    return None


def _as_of(funnel: schema.FunnelBlock, override: str | None, problems: Problems) -> datetime | None:
    if override is not None:
        try:
            return read_as_of(override, funnel.timezone)
        except ValueError as error:
            problems.add_outside("--as-of", str(error))
    if funnel.as_of is not None:
        try:
            return read_as_of(funnel.as_of, funnel.timezone)
        except ValueError as error:
            problems.add(("funnel", "as_of"), str(error))
    return None


def _headline(
    funnel: schema.FunnelBlock,
    preset: Preset | None,
    marks: Sequence[pairs.Mark],
    stages: Sequence[Stage],
    unreadable: frozenset[str],
    problems: Problems,
) -> tuple[Pair, ...]:
    by_key = {mark.key: mark for mark in marks}
    couples = _legal(preset.headline if preset else (), by_key) or _usual_couples(marks)
    if funnel.headline is not None:
        couples = [(low, high) for low, high in funnel.headline]
        for number, couple in enumerate(couples):
            _check_headline(("funnel", "headline", number), couple, by_key, stages, unreadable, problems)
        if len(couples) > MAX_HEADLINE_PAIRS:
            problems.add(("funnel", "headline"), f"names {len(couples)} pairs; {MAX_HEADLINE_PAIRS} is the most")
    targets = pair_settings.by_pair("targets", funnel.targets, couples, "headline pair", problems)
    windows = pair_settings.by_pair("headline_windows", funnel.headline_windows, couples, "headline pair", problems)
    return tuple(
        Pair(
            low,
            high,
            targets.get((low, high)) if funnel.targets is not None else pair_settings.usual_target(low, high),
            windows.get((low, high), pair_settings.usual_window(low, high)),
        )
        for low, high in couples
    )


def _check_headline(
    place: tuple[str | int, ...],
    couple: tuple[str, str],
    by_key: dict[str, pairs.Mark],
    stages: Sequence[Stage],
    unreadable: frozenset[str],
    problems: Problems,
) -> None:
    kinds = {stage.key: stage.kind for stage in stages}
    for key in couple:
        if key in by_key:
            continue
        if key in kinds:
            what = f"`{key}` is {with_article(kinds[key])}, off the path; a pair needs path stages or groups"
            problems.add(place, what)
        elif key not in unreadable:  # else the stage has a problem of its own
            what = f"there is no stage or group `{key}`{did_you_mean(key, by_key)}"
            problems.add_once(f"no stage {key}", place, what)
        return
    if why_not := pairs.why_not_a_pair(by_key[couple[0]], by_key[couple[1]]):
        problems.add(place, why_not)


def _legal(couples: Sequence[tuple[str, str]], by_key: dict[str, pairs.Mark]) -> list[tuple[str, str]]:
    return [
        (low, high)
        for low, high in couples
        if low in by_key and high in by_key and by_key[low].high_rank < by_key[high].low_rank
    ]


def _usual_couples(marks: Sequence[pairs.Mark]) -> list[tuple[str, str]]:
    """MQL→SAL, MQL→SQL and booked→held where there are such marks; else the first path stage to the last."""
    goals = (*pair_settings.SALES_ACCEPTED, *pair_settings.SALES_QUALIFIED)
    wanted = [(low, high) for low in pair_settings.MARKETING_QUALIFIED for high in goals]
    meeting = (pair_settings.MEETING_BOOKED, pair_settings.MEETING_HELD)
    found = _legal([*wanted, meeting], {mark.key: mark for mark in marks})
    singles = [mark for mark in marks if not mark.is_group]
    if found or not singles:
        return found
    first = min(singles, key=lambda mark: mark.low_rank)  # min and max take the first of equals: file order
    last = max(singles, key=lambda mark: mark.low_rank)
    return _legal([(first.key, last.key)], {mark.key: mark for mark in marks})
