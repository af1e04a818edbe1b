"""`funnel init --from`: look at the files, write a configuration, and say what nobody but the user can decide."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from pipeline.config.load import load_configuration
from pipeline.database.connection import connect
from pipeline.errors import UsageError
from pipeline.ingest.files import archives, formats
from pipeline.ingest.files.find import find
from pipeline.ingest.landing import loading
from pipeline.ingest.readers import file_reader
from pipeline.ingest.refusal import FileRefusedError
from pipeline.init import inputs, stages
from pipeline.init.inputs import ProposedInput
from pipeline.init.sampling import common_start, sample
from pipeline.init.stages import StageMoves, WaterfallChoice
from pipeline.settings import Settings

_SAMPLE_PRESET = "mcl-mel-mql-sal-sql"
"""For a first reading of the rows, before it is known which stages there are."""


@dataclass(frozen=True)
class ProposedConfiguration:
    """The text of the configuration, a line for each file, and what remains to be decided, in a sentence each."""

    text: str
    files: tuple[str, ...]
    questions: tuple[str, ...]


def propose_configuration(files: Sequence[Path], folder: Path, preset: str | None = None) -> ProposedConfiguration:
    """A configuration for `folder` that reads the files. UsageError when none of them is a history of stages."""
    questions: list[str] = []
    found: list[ProposedInput] = []
    with tempfile.TemporaryDirectory() as work:
        connection = connect(None, Settings("1GB", 2), spill=Path(work), reads_files=True)
        for number, file in enumerate(files):
            try:
                seen = inputs.recognise(connection, sample(connection, file, number, Path(work)))
            except FileRefusedError as refused:
                questions.append(f"{file.name} can't be read: {refused.reason}; {refused.next_step}")
                continue
            if seen is None:
                questions.append(f"{file.name} has no column of ids, stages and times that can be told: what is in it?")
            else:
                found.append(seen)
        if not any("stage_entries" in each.tables for each in found):
            raise UsageError(
                "; ".join((*questions, "none of the files is a history of stages, or has a date for each stage")),
                where=", ".join(file.name for file in files),
                next_step="name an export with a lead, a stage and a time in each row, or `funnel init` without --from",
            )
        found = _group_files(found)
        names = _names(found)
        chosen = stages.choose_waterfall(_moves(connection, found, names, Path(work)), preset)
        connection.close()
    text = _text(found, names, chosen, folder)
    questions += _questions(found, names, chosen)
    said = [f"{each.pattern or each.sample.path.name}: {_content_words(each)}; {each.why}" for each in found]
    said.append(f"stages: {f'preset {chosen.preset}' if chosen.preset else 'their own'}; {chosen.evidence}")
    return ProposedConfiguration(text, tuple(said), tuple(questions))


def _group_files(proposals: Sequence[ProposedInput]) -> list[ProposedInput]:
    """Files of one folder that are read alike are one input, where a pattern has them and no other file."""
    groups: dict[str, list[ProposedInput]] = {}
    for each in proposals:
        alike = (each.sample.path.parent, each.keys, each.sample.settings)
        groups.setdefault(repr(alike), []).append(each)
    inputs_found = []
    for group in groups.values():
        names = [each.sample.path.name for each in group]
        prefix = common_start(names, whole_words=False)
        suffix = common_start([name[::-1] for name in names], whole_words=False)[::-1]
        pattern = f"{prefix}*{suffix}"
        there = {path.name for path in group[0].sample.path.parent.glob(pattern)}
        if len(group) > 1 and there == set(names) and len(prefix) + len(suffix) < min(map(len, names)) + 1:
            inputs_found.append(replace(group[0], pattern=pattern))
        else:
            inputs_found += group
    return inputs_found


def _content_words(proposal: ProposedInput) -> str:
    return f"format {proposal.keys['format']}" if "format" in proposal.keys else str(proposal.keys["table"])


def _names(proposals: Sequence[ProposedInput]) -> list[str]:
    """A name for each input, after its file; a number tells two of one name apart."""
    names: list[str] = []
    for each in proposals:
        parts = re.findall(r"[a-z]+", each.sample.path.stem.lower())
        name = "_".join(parts[:3])[:40] or "export"
        while name in names:
            name += "_2"
        names.append(name)
    return names


def _moves(
    connection: duckdb.DuckDBPyConnection, proposals: Sequence[ProposedInput], names: Sequence[str], work: Path
) -> StageMoves:
    """The stages that the files name, and how leads move between them."""
    rows: list[tuple[str, str]] = []
    wide = StageMoves(Counter(), Counter())
    for each in proposals:
        for number, (stage, position) in enumerate(each.stage_columns):
            (filled,) = connection.execute(f"select count(c{position}) from {each.sample.table}").fetchall()[0]
            wide.rows[stage] += filled
            wide.moves.update({(before, stage): 1 for before, _ in each.stage_columns[:number]})
    toml = work / "funnel.toml"
    toml.write_text(_text(proposals, names, WaterfallChoice(_SAMPLE_PRESET, (), None, ""), work), encoding="utf-8")
    for input_ in load_configuration(toml).inputs:
        if input_.table != "stage_entries" or (input_.reshaping and input_.reshaping.stage_dates):
            continue
        for file in archives.expand(find(input_), work):
            try:
                dated = loading.with_date_of_name(input_, file.name or file.path.name)
                file_reader.read(connection, formats.scan_file(file.path, input_, work), dated, work)
            except FileRefusedError:
                continue
            rows += connection.execute(
                "select lead_id, stage from landing_rows where reason is null order by entered_at, sequence, row_number"
            ).fetchall()
    moved = stages.moves_of(rows)
    return StageMoves(moved.rows + wide.rows, moved.moves + wide.moves)


def _questions(proposals: Sequence[ProposedInput], names: Sequence[str], chosen: WaterfallChoice) -> list[str]:
    asked = [
        f"{name}: {comment.removeprefix('QUESTION: ')}"
        for name, each in zip(names, proposals, strict=True)
        for comment in each.comments.values()
        if comment.startswith("QUESTION: ")
    ]
    local = [name for name, each in zip(names, proposals, strict=True) if each.has_local_times]
    if local:
        asked.append(f"times of {', '.join(local)} have no offset: is `timezone` the zone in which they were written?")
    if chosen.preset is None:
        asked.append("are the stages in the right order, and of the right kind (path, hold, detour, exit)?")
    elif chosen.stages:
        listed = ", ".join(f'"{each.name}"' for each in chosen.stages[:5])
        asked.append(
            f"the preset does not have {listed}: write them as aliases of its stages, or leave them as they are"
        )
    if chosen.headline is None:
        asked.append("which two stages is the report about? There is no pair to propose for `headline`")
    return asked


def _text(proposals: Sequence[ProposedInput], names: Sequence[str], chosen: WaterfallChoice, folder: Path) -> str:
    lines = [
        "# Written by `funnel init --from`: each guess has its evidence beside it. `funnel check` reads everything.",
        "# All keys: docs/configuration.md",
        "",
        "[funnel]",
        'name = "Our lead waterfall"',
    ]
    if chosen.preset is not None:
        lines.append(f"preset = {_toml(chosen.preset)}   # {chosen.evidence}")
    elif chosen.evidence:
        lines.append(f"# {chosen.evidence}")
    is_asked = any(each.has_local_times for each in proposals)
    question = "   # QUESTION: the zone of times without an offset, and of days and months" if is_asked else ""
    lines.append(f'timezone = "UTC"{question}')
    lines.append("windows = [30, 90]")
    if chosen.headline is not None:
        lines.append(f"headline = [[{_toml(chosen.headline[0])}, {_toml(chosen.headline[1])}]]")
    for stage in chosen.stages:
        label = json.dumps(stage.name, ensure_ascii=False)
        lines += [
            "",
            f"[[stages]]   # {stage.rows:,} row{'' if stage.rows == 1 else 's'}",
            f"key = {_toml(stage.key)}",
            f"label = {label}",
            f'definition = "The stage {stage.key} of the CRM."',
            f"kind = {_toml(stage.kind)}",
        ]
    for name, each in zip(names, proposals, strict=True):
        named = each.sample.path.with_name(each.pattern) if each.pattern else each.sample.path
        path = os.path.relpath(named.absolute(), folder.absolute())
        lines += ["", f"[[inputs]]   # {each.why}", f"name = {_toml(name)}"]
        for key, value in {**each.keys, "path": path, **each.sample.settings}.items():
            comment = f"   # {each.comments[key]}" if key in each.comments else ""
            lines.append(f"{key} = {_toml(value)}{comment}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
