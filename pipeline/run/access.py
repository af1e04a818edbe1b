"""Checks before any work that this user has the needed rights: to the landing log, the published run and the input folders."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.config.configuration import Input
from pipeline.errors import FunnelError, InputError, UsageError
from pipeline.ingest.files.find import fixed_folder
from pipeline.publish import run_folder
from pipeline.run.options import RunOptions

_READ, _LIST, _CHANGE = os.R_OK, os.R_OK | os.X_OK, os.R_OK | os.W_OK | os.X_OK
_LETTERS = {os.R_OK: "r", os.W_OK: "w", os.X_OK: "x"}
_WORDS = {os.R_OK: "read", os.W_OK: "change", os.X_OK: "enter"}

RequiredAccess = tuple[Path, int]
"""A path and the needed rights, in the form of `os.access`."""


def require(options: RunOptions, command: str) -> None:
    """Raise an error if this user lacks a right that `run`, `check` or `report` needs.

    Raises InputError for a folder of an input, whose files would otherwise be missed, and UsageError for all other paths.
    """
    _require(_of_published(options.configuration.output), UsageError)
    if command == "report":
        return
    _require(_of_log(options.log_folder, _CHANGE if command == "run" else _LIST), UsageError)
    if not (options.from_log or options.select):
        _require((each for reads in options.configuration.inputs for each in _of_input(reads)), InputError)


def _require(required: Iterable[RequiredAccess], kind: type[FunnelError]) -> None:
    # `required` is lazy: a path is tested before the next one, which may be inside it, is listed.
    for path, rights in required:
        for right, word in _WORDS.items():
            if rights & right and not os.access(path, right, effective_ids=os.access in os.supports_effective_ids):
                letters = "".join(_LETTERS[each] for each in _LETTERS if rights & each)
                raise kind(
                    f"this user has no right to {word} it",
                    where=str(path),
                    next_step=f"run as its owner, or let the owner `chmod u+{letters}` or `chmod g+{letters}` it",
                )


def _of_log(log: Path, rights: int) -> Iterator[RequiredAccess]:
    if not log.exists():
        return
    yield log, rights
    for folder in sorted(path for path in log.iterdir() if path.is_dir()):
        yield folder, rights
        for load in sorted(path for path in folder.iterdir() if path.is_dir()):
            yield load, _LIST
            yield from ((file, _READ) for file in sorted(load.iterdir()) if file.is_file())


def _of_published(output: Path) -> Iterator[RequiredAccess]:
    runs = output / "runs"
    if not os.path.lexists(output / run_folder.CURRENT):
        return
    yield runs, _LIST
    run = (output / run_folder.CURRENT).resolve()
    if not run.is_dir():
        return
    yield run, _LIST
    for name, rights in ((run_folder.DATABASE, _READ), (run_folder.MANIFEST, _READ), (run_folder.REPORTS, _LIST)):
        if (run / name).exists():
            yield run / name, rights


def _of_input(reads: Input) -> Iterator[RequiredAccess]:
    if reads.database:
        return
    root = fixed_folder(reads.pattern)
    for folder in (*reversed(root.parents), root):
        if not folder.exists():
            return
        yield folder, os.X_OK
    has_magic = glob.has_magic(str(reads.pattern.relative_to(root)))
    if not has_magic:
        return
    yield root, _LIST
    below = root
    for part in reads.pattern.relative_to(root).parts[:-1]:
        below /= part
        folders = sorted(glob.glob(str(below), recursive=True))  # noqa: PTH207 - as the files are found
        yield from ((Path(folder), _LIST) for folder in folders if Path(folder).is_dir())
