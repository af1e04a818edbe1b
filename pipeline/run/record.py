"""The last step of a run before it is published: writes manifest.json."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from datetime import UTC
from importlib.metadata import version
from typing import Any, cast

import duckdb

from pipeline import log
from pipeline.config.configuration import Configuration
from pipeline.ingest.landing.landing_log import Load
from pipeline.publish import intact, manifest
from pipeline.publish.manifest import FileAccount, Manifest
from pipeline.run.building import BuiltTables
from pipeline.run.checking import Checked
from pipeline.run.loading import Loaded
from pipeline.run.publishing import NewRun, Summary
from pipeline.transform import previous_run


def write_record(new: NewRun, loaded: Loaded, built: BuiltTables, checked: Checked) -> Summary:
    """Write the manifest of a run. Returns the summary for the end of the run."""
    warnings = (*loaded.notes, *loaded.warnings, *built.warnings, *checked.warnings)
    manifest.write(new.folder, _manifest(new, loaded, built, checked, warnings))
    return Summary(checked.accounting, warnings)


def _manifest(new: NewRun, loaded: Loaded, built: BuiltTables, checked: Checked, warnings: tuple[str, ...]) -> Manifest:
    options, configuration = new.options, new.options.configuration
    loaded_now = {load.load_no for load in loaded.landing.loads}
    return {
        "run": new.folder.id,
        "started_at": options.clock.isoformat(),
        "as_of": options.as_of.astimezone(UTC).isoformat(),
        "timezone": configuration.waterfall.timezone,
        "configuration": configuration.path.name,
        "configuration_path": _from_output(configuration),
        "configuration_sha256": options.configuration_sha256(),
        "models_sha256": previous_run.fingerprint(built.project.models),
        "versions": {
            "funnel": version("funnel-pipeline"),
            "duckdb": duckdb.__version__,
            "python": platform.python_version(),
        },
        "settings": {"threads": options.settings.threads, "memory": options.settings.memory_limit},
        "seconds": new.phases.seconds,
        "loads": [load.load_no for load in loaded.log.loads],
        "inputs": [
            _file(load, account, is_new=load.load_no in loaded_now)
            for load, account in zip(loaded.log.loads, checked.files, strict=True)
        ],
        "row_accounting": list(checked.accounting),
        "refused": [asdict(each) for each in loaded.landing.refused],
        "missing": [asdict(each) for each in loaded.landing.missing],
        "models": [
            {"model": each.table, "rows": each.rows, "seconds": round(each.seconds, 3)} for each in built.models
        ],
        # Without the ids that a check may show in its message.
        "checks": [
            {"name": each.name, "claim": each.claim, "severity": each.severity, "broken": each.broken}
            for each in checked.outcomes
        ],
        "warnings": list(warnings),
        "notes": [*loaded.notes, *built.incomplete],
        "log_lost": log.loss.as_json(),
        "stale": list(loaded.stale),
        "accepted_drops": list(loaded.accepted),
        "accepted_rejects": list(loaded.landing.accepted_rejects),
        "personal_data": options.personal_data,
        "database": intact.checksum(new.folder.database),
    }


def _file(load: Load, account: dict[str, Any], *, is_new: bool) -> FileAccount:
    identity: FileAccount = {
        "sha256": load.sha256,
        "timezone": load.reading.get("timezone"),
        "loaded_at": load.loaded_at.replace(tzinfo=UTC).isoformat(),
        "missing_keys": load.missing,
        "is_new": is_new,
    }
    return cast(FileAccount, account | identity)


def _from_output(configuration: Configuration) -> str:
    """Return the path of the configuration relative to the output folder, so that both can be moved together."""
    path = configuration.path.parent.resolve() / configuration.path.name
    return os.path.relpath(path, configuration.output.resolve())
