"""Propose a configuration for given files, with questions for the user (`funnel init --from`)."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from pipeline.config.load import load_configuration
from pipeline.config.starter import DEFAULT_PRESET
from pipeline.config.toml_text import value_text
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
from pipeline.init.stages import ProposedStage, StageMoves, WaterfallChoice
from pipeline.settings import Settings


def propose_configuration(
    files: Sequence[Path], folder: Path, preset: str | None = None
) -> tuple[str, list[str], list[str]]:
    """Return the text of a configuration in `folder` that reads the files, a line for each file, and the open questions.

    Raises UsageError if none of the files is a stage history.
    """
    questions: list[str] = []
    proposals: list[ProposedInput] = []
    with tempfile.TemporaryDirectory() as work:
        connection = connect(None, Settings("1GB", 2), spill=Path(work), reads_files=True)
        for number, file in enumerate(files):
            try:
                proposal = inputs.recognise(connection, sample(connection, file, number, Path(work)))
            except FileRefusedError as refused:
                questions.append(f"{file.name} can't be read: {refused.reason}; {refused.next_step}")
                continue
            if proposal is None:
                questions.append(f"{file.name} has no recognisable columns of ids, stages and times: what is in it?")
            else:
                proposals.append(proposal)
        if not any("stage_entries" in each.tables for each in proposals):
            raise UsageError(
                "; ".join((*questions, "none of the files is a stage history or has a date for each stage")),
                where=", ".join(file.name for file in files),
                next_step="name an export with a lead, a stage and a time in each row, or `funnel init` without --from",
            )
        proposals = _group_files(proposals)
        names = _names(proposals)
        choice = stages.choose_waterfall(_moves(connection, proposals, names, Path(work)), preset)
        connection.close()
    text = _text(proposals, names, choice, folder)
    questions += _questions(proposals, names, choice)
    lines = []
    for each in proposals:
        content = f"format {each.keys['format']}" if "format" in each.keys else each.keys["table"]
        lines.append(f"{each.pattern or each.sample.path.name}: {content}; {each.why}")
    lines.append(f"stages: {f'preset {choice.preset}' if choice.preset else 'their own'}; {choice.evidence}")
    return text, lines, questions


def _group_files(proposals: Sequence[ProposedInput]) -> list[ProposedInput]:
    """Combine files of one folder with equal settings into one input, if a pattern matches exactly these files."""
    groups: dict[str, list[ProposedInput]] = {}
    for each in proposals:
        key = (each.sample.path.parent, each.keys, each.sample.settings)
        groups.setdefault(repr(key), []).append(each)
    grouped = []
    for group in groups.values():
        names = [each.sample.path.name for each in group]
        prefix = common_start(names, whole_words=False)
        suffix = common_start([name[::-1] for name in names], whole_words=False)[::-1]
        pattern = f"{prefix}*{suffix}"
        matches = {path.name for path in group[0].sample.path.parent.glob(pattern)}
        if len(group) > 1 and matches == set(names) and len(prefix) + len(suffix) < min(map(len, names)) + 1:
            grouped.append(replace(group[0], pattern=pattern))
        else:
            grouped += group
    return grouped


def _names(proposals: Sequence[ProposedInput]) -> list[str]:
    """Return a unique name for each input, made from the name of its file."""
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
    """Return the stages in the files, and how often leads move between them."""
    rows: list[tuple[str, str]] = []
    wide = StageMoves(Counter(), Counter())
    for each in proposals:
        for number, (stage, position) in enumerate(each.stage_columns):
            (filled,) = connection.execute(f"select count(c{position}) from {each.sample.table}").fetchall()[0]
            wide.rows[stage] += filled
            wide.moves.update({(before, stage): 1 for before, _ in each.stage_columns[:number]})
    toml = work / "funnel.toml"
    any_preset = WaterfallChoice(DEFAULT_PRESET, (), None, "")  # the stages of the rows are not known before
    toml.write_text(_text(proposals, names, any_preset, work), encoding="utf-8")
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


def _questions(proposals: Sequence[ProposedInput], names: Sequence[str], choice: WaterfallChoice) -> list[str]:
    questions = [
        f"{name}: {comment.removeprefix('QUESTION: ')}"
        for name, each in zip(names, proposals, strict=True)
        for comment in each.comments.values()
        if comment.startswith("QUESTION: ")
    ]
    local = [name for name, each in zip(names, proposals, strict=True) if each.has_local_times]
    if local:
        questions.append(
            f"times of {', '.join(local)} have no offset: is `timezone` the zone in which they were written?"
        )
    if choice.preset is None:
        questions.append("are the stages in the right order, and of the right kind (path, hold, detour, exit)?")
    elif choice.stages:
        listed = ", ".join(f'"{each.name}"' for each in choice.stages[:5])
        questions.append(
            f"the preset does not have {listed}: write them as aliases of its stages, or leave them as they are"
        )
    if choice.headline is None:
        questions.append("which two stages is the report about? There is no pair to propose for `headline`")
    return questions


def _text(proposals: Sequence[ProposedInput], names: Sequence[str], choice: WaterfallChoice, folder: Path) -> str:
    lines = [
        "# Written by `funnel init --from`: each guess has its evidence beside it. `funnel check` reads everything.",
        "# All keys: docs/configuration.md",
        "",
        "[funnel]",
        'name = "Our lead waterfall"',
    ]
    if choice.preset is not None:
        lines.append(f"preset = {value_text(choice.preset)}   # {choice.evidence}")
    elif choice.evidence:
        lines.append(f"# {choice.evidence}")
    has_local_times = any(each.has_local_times for each in proposals)
    question = "   # QUESTION: the zone of times without an offset, and of days and months" if has_local_times else ""
    lines.append(f'timezone = "UTC"{question}')
    lines.append("windows = [30, 90]")
    if choice.headline is not None:
        lines.append(f"headline = {value_text([choice.headline])}")
    for stage in choice.stages:
        lines += ["", *_stage_lines(stage)]
    for name, proposal in zip(names, proposals, strict=True):
        lines += ["", *_input_lines(name, proposal, folder)]
    return "\n".join(lines) + "\n"


def _stage_lines(stage: ProposedStage) -> list[str]:
    return [
        f"[[stages]]   # {stage.rows:,} row{'' if stage.rows == 1 else 's'}",
        f"key = {value_text(stage.key)}",
        f"label = {value_text(stage.name)}",
        f'definition = "The stage {stage.key} of the CRM."',
        f"kind = {value_text(stage.kind)}",
    ]


def _input_lines(name: str, proposal: ProposedInput, folder: Path) -> list[str]:
    file = proposal.sample.path
    pattern = file.with_name(proposal.pattern) if proposal.pattern else file
    path = os.path.relpath(pattern.absolute(), folder.absolute())
    lines = [f"[[inputs]]   # {proposal.why}", f"name = {value_text(name)}"]
    for key, value in {**proposal.keys, "path": path, **proposal.sample.settings}.items():
        comment = f"   # {proposal.comments[key]}" if key in proposal.comments else ""
        lines.append(f"{key} = {value_text(value)}{comment}")
    return lines
