"""A history on disk for a measurement: generated once, landed once, and told to the yardsticks as facts."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import generate
from benchmarks.generate import CORE_TOML, Wanted
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
    """Where the files of one history are: the exports, the landing log made of them, the facts of that log."""

    folder: Path

    @property
    def exports(self) -> Path:
        """Generated files and their two configurations."""
        return self.folder / "exports"

    @property
    def landed(self) -> Path:
        """An output folder that holds nothing but the landing log."""
        return self.folder / "landed"

    @property
    def facts(self) -> Path:
        """What the yardsticks are told."""
        return self.folder / "facts.json"

    def configuration(self, name: str = CORE_TOML, output: Path | None = None) -> Configuration:
        """The configuration of the core job, or another of the exports."""
        return load_configuration(self.exports / name, output=output or self.landed)


def prepare(wanted: Wanted, below: Path) -> History:
    """The history of these arguments below a folder; what is there already is taken as it is."""
    name = f"{wanted.entries}-{wanted.ids}-{wanted.seed}" + (f"-{wanted.nights}-nights" if wanted.nights else "")
    history = History(below / name)
    if not generate.is_there(wanted, history.exports):
        shutil.rmtree(history.folder, ignore_errors=True)
        generate.generate(wanted, history.exports)
    return history


def land(history: History, settings: Settings) -> float:
    """Make the landing log and the facts, unless they are there. Returns the seconds it took, 0 if nothing was done."""
    if history.facts.exists():
        return 0.0
    started = time.monotonic()
    shutil.rmtree(history.landed, ignore_errors=True)
    configuration = history.configuration()
    connection = connect(None, settings, spill=history.folder / "spill", reads_files=True)
    as_of = configuration.waterfall.as_of or CLOCK
    loading.load_inputs(connection, configuration, history.landed / "landing", clock=CLOCK, as_of=as_of)
    connection.close()
    seconds = time.monotonic() - started
    yardstick.write(_facts(history, configuration), history.facts)
    return seconds


def _facts(history: History, configuration: Configuration) -> yardstick.Facts:
    log = open_log(history.landed / "landing")
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
