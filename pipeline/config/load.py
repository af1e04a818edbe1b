"""Loads a TOML file as a Configuration, or raises all of its problems at once, each with file, line and key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.config import formats, presets, secrets, toml_text
from pipeline.config.accounts import AccountsBlock
from pipeline.config.block import Document
from pipeline.config.calendar import read_calendar
from pipeline.config.checks import ChecksBlock, check_ages, unused_stages
from pipeline.config.configuration import Configuration, IdKind, Input
from pipeline.config.events import read_events
from pipeline.config.funnel import FunnelBlock, read_waterfall
from pipeline.config.inputs import beside, read_inputs
from pipeline.config.locale import locale_of
from pipeline.config.mail import read_mail
from pipeline.config.output import OutputBlock
from pipeline.config.presets import Preset
from pipeline.config.privacy import read_privacy
from pipeline.config.problems import Problems
from pipeline.config.reports import read_reports
from pipeline.config.rules import read_origins, read_personas, read_scope
from pipeline.config.stages import read_stages, unreadable_keys
from pipeline.waterfall.names import did_you_mean, nearest

_LISTS = ("stages", "groups", "inputs", "scope", "origins", "personas", "reports", "events")
BLOCKS = ("funnel", *_LISTS, "calendar", "accounts", "output", "mail", "checks", "privacy")

_DEPENDS_ON_STAGES = (
    ("groups",),
    ("funnel", "headline"),
    ("funnel", "targets"),
    ("funnel", "headline_windows"),
    ("funnel", "settle_days"),
)
"""Blocks and keys that can't be checked without the stages."""


def load_configuration(path: Path, *, as_of: str | None = None, output: Path | None = None) -> Configuration:
    """Read and validate the configuration at `path`. Raises ConfigurationError with all problems, in order of lines.

    `as_of` (ISO 8601) overrides that of the file: without an offset it is in the waterfall's time zone, and a date without
    a time means the END of that day (23:59:59). `output` overrides `[output]` and is relative to the working folder. Every
    path in the file is relative to the file. Paths in the result are absolute.
    """
    text = toml_text.read(path)
    raw = toml_text.parse(path, text)
    problems = Problems(path, text, raw)
    document = Document(path, _with_known_names(secrets.without_secrets(raw, problems), problems), problems)

    funnel = document.block(FunnelBlock, "funnel")
    preset = _preset(document)
    stages, groups = read_stages(document, preset)
    unreadable = unreadable_keys(document, stages)
    checks = check_ages(document.block(ChecksBlock, "checks"), problems)
    ids: IdKind = "salesforce" if preset is not None and preset.name.startswith("salesforce") else "plain"
    inputs = read_inputs(document, funnel.timezone, checks, stages=stages, ids=ids)
    accounts = document.block(AccountsBlock, "accounts")
    waterfall = replace(
        read_waterfall(funnel, preset, stages, groups, as_of, unreadable, problems),
        scope=read_scope(document),
        origins=read_origins(document),
        personas=read_personas(document),
        events=read_events(document),
        entry_at_creation=_records_creation(inputs) if funnel.entry_at_creation is None else funnel.entry_at_creation,
        calendar=read_calendar(document, funnel.timezone),
        match_domains=accounts.match_domains,
        never_match=tuple(dict.fromkeys(accounts.never_match)),
    )
    reports = read_reports(document, waterfall.dimensions)
    output_block = document.block(OutputBlock, "output")
    mail = read_mail(document)
    privacy = read_privacy(document, reports)
    keys = [*(stage.key for stage in stages), *(group.key for group in groups), *sorted(unreadable)]
    unused = unused_stages(checks, keys, problems)
    problems.raise_if_any()
    return Configuration(
        path=path.absolute(),
        waterfall=waterfall,
        inputs=inputs,
        output=output.absolute() if output is not None else beside(path, output_block.path),
        keep_runs=output_block.keep_runs,
        reports=reports,
        keep_reports=output_block.keep_reports,
        locale=locale_of(output_block.locale),
        mail=mail,
        memory=output_block.memory,
        threads=output_block.threads,
        privacy=privacy,
        unused_stages=unused,
        max_unreconciled=checks.max_unreconciled,
    )


def _records_creation(inputs: tuple[Input, ...]) -> bool:
    """Whether an input is a history of changes, which has the previous stage of each change."""
    return any(each.format in formats.names() and formats.load(each.format).is_history_of_changes for each in inputs)


def _with_known_names(document: dict[str, Any], problems: Problems) -> dict[str, Any]:
    """Return the document with misspelt block names corrected, so that one misspelt name is only one problem."""
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
            problems.silence((name,), *(_DEPENDS_ON_STAGES if name == "stages" else ()))
        elif name in BLOCKS and name not in _LISTS and not isinstance(block, dict):
            problems.add((name,), f"write {shown} with single brackets, once")
    funnel = meant.get("funnel")
    if funnel is None:
        problems.add((), "there is no [funnel] block; it needs at least a name")
    elif isinstance(funnel, dict) and not funnel.keys() & {"name", "preset"}:
        problems.add(("funnel", "name"), "is missing; it is the title of the report")
    return meant


def _preset(document: Document) -> Preset | None:
    problems = document.problems
    # Not read from FunnelBlock: another problem in [funnel] must not make every stage of the preset unknown.
    funnel = document.raw.get("funnel")
    name = funnel.get("preset") if isinstance(funnel, dict) else None
    if not isinstance(name, str):
        return None
    if name in presets.names():
        return presets.load(name)
    problems.add(("funnel", "preset"), f"there is no preset `{name}`{did_you_mean(name, presets.names())}")
    problems.silence(("stages",), *_DEPENDS_ON_STAGES)
    return None
