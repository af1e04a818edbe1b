"""Finds the configuration and the output folder of a command that does not name both."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.config.load import load_configuration
from pipeline.errors import UsageError
from pipeline.publish import manifest, run_folder

BUILD = Path("build")
"""The default output folder."""


def output_folder(config_path: Path, output: Path | None, *, is_named: bool) -> Path:
    """Return the output folder to read: `output`, else that of the configuration, else build/ if a run is published there.

    Raises UsageError if there is none. A configuration that the user named must exist.
    """
    if output is not None:
        return output
    if config_path.exists() or is_named:
        return load_configuration(config_path).output
    if (BUILD / run_folder.DATABASE).exists():
        return BUILD
    raise UsageError(
        f"there is neither {config_path} nor {BUILD / run_folder.DATABASE} here",
        where=str(Path.cwd()),
        next_step="name an output folder with --output, or a configuration with --config",
    )


def published_configuration(output: Path, config_path: Path, command: str) -> Path:
    """Return the configuration of the published run in `output`, if `config_path` does not exist.

    Raises UsageError, with the command to type, if nothing is published or if that file no longer exists.
    """
    database = run_folder.current(output)
    relative = manifest.read(database).get("configuration_path") if database else None
    path = Path(os.path.normpath(output.resolve() / relative)) if relative else None
    if path is not None and path.is_file():
        return path
    if database is None:
        why = "nothing is published in the output folder"
    elif path is None:
        why = "the published run is of an earlier version, which does not record its configuration"
    else:
        why = f"{path}, that of the published run, no longer exists"
    raise UsageError(
        f"there is no configuration {config_path} here, and {why}",
        where=str(output),
        next_step=f"`funnel {command} --config FILE --output {output}`",
    )
