"""Each input file of input_files.py and input_values.py: what is loaded, what is rejected, why it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.delivery import one_file, refusal
from tests.faults import input_files, input_values
from tests.faults.input_files import InputFile

FILES = (
    *input_files.DAMAGED,
    *input_files.SHAPES,
    *input_files.HEADERS,
    *input_files.ENCODINGS,
    *input_values.TEXTS,
    *input_values.TIMES,
    *input_values.PARQUET,
)


@pytest.mark.parametrize("given", [each for each in FILES if each.refused], ids=lambda given: given.name)
def test_refused_file_says_why_and_loads_nothing(given: InputFile, tmp_path: Path) -> None:
    """The message names the reason and the next step, and repeats no value; the other input of the run is loaded."""
    message = refusal(one_file(tmp_path, given.content, given.file, **given.settings))
    assert [] == [expected for expected in given.refused if not says(message, expected)], message
    assert [] == [value for value in given.hidden if value in message]


@pytest.mark.parametrize("given", [each for each in FILES if not each.refused], ids=lambda given: given.name)
def test_file_is_loaded_but_for_rejected_rows(given: InputFile, tmp_path: Path) -> None:
    """Good rows are loaded with their values; each bad row is kept with its number, its reason and its text."""
    inbox = one_file(tmp_path, given.content, given.file, **given.settings)
    (load,) = inbox.land(**({"as_of": given.as_of} if given.as_of else {})).loads
    found = inbox.rows(f"select {given.columns} from raw.stage_entries order by row_number")
    values = tuple(row if len(row) > 1 else row[0] for row in found)
    assert given.rows == (len(values) if isinstance(given.rows, int) else values)
    if isinstance(given.rejected, dict):
        assert given.rejected == load.rejected
    else:
        rejected = inbox.rejected()
        assert len(given.rejected) == len(rejected)
        pairs = zip(given.rejected, rejected, strict=True)
        assert [] == [(expected, row[:2]) for expected, row in pairs if expected != row[: len(expected)]]
    told = {name: load.reading[name] if name in load.reading else getattr(load, name) for name in given.load}
    assert given.load == told
    if given.warnings is not None:
        assert [] == [each for each in given.warnings if not any(says(warning, each) for warning in load.warnings)]
        assert len(load.warnings) == len(given.warnings)


def says(message: str, expected: str) -> bool:
    """Whether the message is the expected text, in which `…` at an end stands for any text."""
    text = expected.strip("…")
    if expected.startswith("…") and expected.endswith("…"):
        return text in message
    if expected.startswith("…"):
        return message.endswith(text)
    return message.startswith(text) if expected.endswith("…") else message == text
