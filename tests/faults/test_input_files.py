"""Each input file of input_files.py, input_headers.py and input_values.py gives its expected load or refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.delivery import one_file, refusal
from tests.faults import input_files, input_headers, input_values
from tests.faults.input_files import InputFile

FILES = (
    *input_files.DAMAGED,
    *input_files.SHAPES,
    *input_headers.HEADERS,
    *input_headers.ENCODINGS,
    *input_values.TEXTS,
    *input_values.TIMES,
    *input_values.PARQUET,
)


@pytest.mark.parametrize("case", [each for each in FILES if each.refused], ids=lambda case: case.name)
def test_refused_file_says_why_and_loads_nothing(case: InputFile, tmp_path: Path) -> None:
    """The message has the reason and the next step, and no value; the other input of the run is loaded."""
    message = refusal(one_file(tmp_path, case.content, case.file, **case.settings))
    assert [] == [expected for expected in case.refused if not says(message, expected)], message
    assert [] == [value for value in case.hidden if value in message]


@pytest.mark.parametrize("case", [each for each in FILES if not each.refused], ids=lambda case: case.name)
def test_file_is_loaded_but_for_rejected_rows(case: InputFile, tmp_path: Path) -> None:
    """Good rows are loaded with their values; each bad row is stored with its number, reason and text."""
    inbox = one_file(tmp_path, case.content, case.file, **case.settings)
    (load,) = inbox.land(**({"as_of": case.as_of} if case.as_of else {})).loads
    rows_found = inbox.rows(f"select {case.columns} from raw.stage_entries order by row_number")
    values = tuple(row if len(row) > 1 else row[0] for row in rows_found)
    assert case.rows == (len(values) if isinstance(case.rows, int) else values)
    if isinstance(case.rejected, dict):
        assert case.rejected == load.rejected
    else:
        rejected = inbox.rejected()
        assert len(case.rejected) == len(rejected)
        pairs = zip(case.rejected, rejected, strict=True)
        assert [] == [(expected, row[:2]) for expected, row in pairs if expected != row[: len(expected)]]
    counts = {name: load.reading[name] if name in load.reading else getattr(load, name) for name in case.load}
    assert case.load == counts
    if case.warnings is not None:
        assert [] == [each for each in case.warnings if not any(says(warning, each) for warning in load.warnings)]
        assert len(load.warnings) == len(case.warnings)


def says(message: str, expected: str) -> bool:
    """Whether the message equals the expected text; `…` at an end means any text."""
    text = expected.strip("…")
    if expected.startswith("…") and expected.endswith("…"):
        return text in message
    if expected.startswith("…"):
        return message.endswith(text)
    return message.startswith(text) if expected.endswith("…") else message == text
