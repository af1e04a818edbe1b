"""A history on disk for measurements: generated once and loaded once."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import generate
from benchmarks.generate import CORE_TOML, HistorySpec
from benchmarks.yardsticks import facts as yardstick
from pipeline.config.configuration import Configuration
from pipeline.config.load import load_configuration
from pipeline.database.connection import connect
from pipeline.ingest.landing import loading
from pipeline.ingest.landing.landing_log import ROWS, open_log
from pipeline.settings import Settings
from pipeline.waterfall.names import normalise_stage

CLOCK = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)


@dataclass(frozen=True)
class History:
    """Folders of one history: the exports, the landing log, and the facts for the reference implementations."""

    folder: Path

    @property
    def exports(self) -> Path:
        """Generated files and their two configurations."""
        return self.folder / "exports"

    @property
    def log_output(self) -> Path:
        """An output folder that holds only the landing log."""
        return self.folder / "landed"

    @property
    def facts(self) -> Path:
        """Input of the reference implementations."""
        return self.folder / "facts.json"

    def configuration(self, name: str = CORE_TOML, output: Path | None = None) -> Configuration:
        """Return the configuration of the core job, or another one of the exports."""
        return load_configuration(self.exports / name, output=output or self.log_output)


def prepare(spec: HistorySpec, below: Path) -> History:
    """Return the history of these arguments. Generates it unless the folder already has it."""
    name = f"{spec.entries}-{spec.ids}-{spec.seed}" + (f"-{spec.nights}-nights" if spec.nights else "")
    history = History(below / name)
    if not generate.is_generated(spec, history.exports):
        shutil.rmtree(history.folder, ignore_errors=True)
        generate.generate(spec, history.exports)
    return history


def load(history: History, settings: Settings) -> float:
    """Create the landing log and the facts. Returns the seconds, or 0 if they exist."""
    if history.facts.exists():
        return 0.0
    started = time.monotonic()
    shutil.rmtree(history.log_output, ignore_errors=True)
    configuration = history.configuration()
    connection = connect(None, settings, spill=history.folder / "spill", reads_files=True)
    as_of = configuration.waterfall.as_of or CLOCK
    loading.load_inputs(connection, configuration, history.log_output / "landing", clock=CLOCK, as_of=as_of)
    connection.close()
    seconds = time.monotonic() - started
    yardstick.write(_facts(history, configuration), history.facts)
    return seconds


def _facts(history: History, configuration: Configuration) -> yardstick.Facts:
    log = open_log(history.log_output / "landing")
    files = {
        table: tuple(str(log.file(load, ROWS)) for load in log.loads if load.table == table and load.landed)
        for table in ("stage_entries", "leads", "merges", "deletions")
    }
    stages = tuple(
        yardstick.Stage(
            each.key, tuple(sorted({normalise_stage(text) for text in each.spellings})), each.kind, each.rank
        )
        for each in configuration.waterfall.stages
    )
    as_of = configuration.waterfall.as_of or CLOCK
    return yardstick.Facts(as_of=as_of.astimezone(UTC).replace(tzinfo=None), stages=stages, **files)
