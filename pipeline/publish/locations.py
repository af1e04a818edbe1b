"""Where a command finds its configuration and the published run, when not everything was named."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.config.load import load_configuration
from pipeline.errors import UsageError
from pipeline.publish import manifest, run_folder

BUILD = Path("build")
"""Where a run is published when nothing says otherwise."""


def output_folder(config_path: Path, output: Path | None, *, is_named: bool) -> Path:
    """The output folder to read: as given, else as the configuration says, else build/ here if a run is published there.

    UsageError where there is none of them. A configuration that was named must be there.
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
        next_step="name the folder of a night with --output, or a configuration with --config",
    )


def published_configuration(output: Path, config_path: Path, command: str) -> Path:
    """The configuration of the run that is published in `output`, since there is no `config_path` here.

    UsageError, with the command to type, where nothing is published or where that file is no longer there.
    """
    database = run_folder.current(output)
    kept = manifest.read(database).get("configuration_path") if database else None
    found = Path(os.path.normpath(output.resolve() / kept)) if kept else None
    if found is not None and found.is_file():
        return found
    if database is None:
        why = "nothing is published in the output folder"
    elif found is None:
        why = "the published run is of an earlier version, which does not name its own"
    else:
        why = f"{found}, that of the published run, is no longer there"
    raise UsageError(
        f"there is no configuration {config_path} here, and {why}",
        where=str(output),
        next_step=f"`funnel {command} --config FILE --output {output}`",
    )
