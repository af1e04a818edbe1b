"""The shipped presets: known waterfalls as TOML, with own definitions. Unverified stages are marked."""

from __future__ import annotations

import textwrap
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from pipeline.config import ranks
from pipeline.errors import UsageError
from pipeline.waterfall.definition import Unit
from pipeline.waterfall.names import did_you_mean, label_of

FOLDER = Path(__file__).resolve().parent


class Preset(BaseModel):
    """One preset file. `stages` and `groups` are raw blocks as in a configuration; do not change them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    summary: str
    source: str
    unit: Unit
    headline: tuple[tuple[str, str], ...]
    stages: tuple[dict[str, Any], ...]
    groups: tuple[dict[str, Any], ...] = ()


def names() -> tuple[str, ...]:
    """Return the names of all presets, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@cache
def load(name: str) -> Preset:
    """Return a preset. Raises UsageError, with the nearest name, if there is none."""
    if name not in names():
        raise UsageError(
            f"there is no preset `{name}`{did_you_mean(name, names())}",
            next_step="`funnel presets` lists them",
        )
    raw = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return Preset.model_validate({"name": name, **raw.pop("preset"), **raw})


def overview() -> str:
    """Return one paragraph per preset, for `funnel presets`."""
    return "\n\n".join(
        "\n".join([preset.name, *_wrapped(f"{preset.title}. {preset.summary}", "  ")]) for preset in map(load, names())
    )


def describe(name: str) -> str:
    """Return one preset as plain text, for `funnel presets NAME`. Raises UsageError if there is none."""
    preset = load(name)
    path_ranks = _ranks(preset)
    lines = [
        f"{preset.name}: {preset.title}",
        "",
        *_wrapped(preset.summary, ""),
        *_wrapped(f"Source: {preset.source}", ""),
        f"Unit: {preset.unit}",
        f"Headline: {', '.join(f'{low} → {high}' for low, high in preset.headline)}",
        "",
        "Stages (path stages with their rank; equal ranks are parallel)",
    ]
    for stage in preset.stages:
        lines += _stage_lines(stage, path_ranks.get(stage["key"]))
    if preset.groups:
        lines += ["", "Groups"]
        for group in preset.groups:
            lines.append(f"  {group['key']} ({group['label']}) = {' + '.join(group['stages'])}")
            lines += _wrapped(group["definition"], "       ")
    if any(not stage.get("verified", True) for stage in preset.stages):
        lines += ["", "? = not confirmed by a public source; see the note."]
    return "\n".join(lines)


def _ranks(preset: Preset) -> dict[str, int]:
    path = [stage for stage in preset.stages if stage.get("kind", "path") == "path"]
    dense = ranks.dense(ranks.by_position([stage.get("rank") for stage in path]))
    return {stage["key"]: rank for stage, rank in zip(path, dense, strict=True)}


def _stage_lines(stage: dict[str, Any], rank: int | None) -> list[str]:
    label = stage.get("label", label_of(stage["key"]))
    facts = [stage.get("kind", "path")]
    facts += [f"{word} {stage[word]}" for word in ("team", "phase") if word in stage]
    if "sla" in stage:
        facts.append(f"SLA {stage['sla']['within']} ({stage['sla'].get('clock', 'calendar')})")
    facts += [word for word in ("gate", "qualifies") if stage.get(word)]
    mark = " " if stage.get("verified", True) else "?"
    number = "-" if rank is None else str(rank)
    lines = [f"  {number:>2} {mark} {stage['key']} ({label}): {', '.join(facts)}"]
    lines += _wrapped(stage["definition"], "       ")
    if stage.get("aliases"):
        lines += _wrapped(f"also: {', '.join(stage['aliases'])}", "       ")
    if stage.get("note"):
        lines += _wrapped(f"note: {stage['note']}", "       ")
    return lines


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, width=100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
