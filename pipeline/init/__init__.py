"""Write a first configuration, empty or for given files (`funnel init`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.config import starter
from pipeline.errors import UsageError


def write(paths: Sequence[Path], preset: str | None, *, from_files: bool) -> tuple[str, ...]:
    """Write funnel.toml into the last path, for the files before it if `from_files`. Returns the lines to print.

    Raises UsageError if there is a configuration already, or if the paths do not fit `from_files`.
    """
    *files, folder = paths
    target = folder / "funnel.toml"
    if bool(files) != from_files:
        raise UsageError(
            "--from needs one file at least, and a folder for the configuration"
            if from_files
            else "only one folder is needed",
            where=" ".join(map(str, paths)),
            next_step="funnel init --from LeadHistory.csv Lead.csv my-funnel",
        )
    if target.exists():
        raise UsageError("there is a configuration already", where=str(target), next_step="give another folder")
    if folder.is_file():
        raise UsageError(
            "the last argument is a file", where=str(folder), next_step="end with the folder to write into"
        )
    if not from_files:
        _write(target, starter.configuration(preset or starter.DEFAULT_PRESET))
        return (f"wrote {target}; put your exports where its [[inputs]] say, then `funnel check --config {target}`",)
    from pipeline.init import start  # imported here because an empty configuration needs no database

    text, lines, questions = start.propose_configuration(files, folder, preset)
    _write(target, text)
    return (
        *lines,
        *(f"to decide: {each}" for each in questions),
        f"wrote {target}; next: `funnel check --config {target}`",
    )


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
