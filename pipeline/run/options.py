"""The options of a run as values."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.config.configuration import Configuration
from pipeline.errors import FunnelError
from pipeline.privacy.pseudonyms import Pseudonyms, fingerprint, pseudonyms
from pipeline.settings import Settings


@dataclass(frozen=True)
class RunOptions:
    """What a run is to do. `clock` is its start (aware UTC).

    `full` builds every table from the whole log; `from_log` does that without reading the inputs; `select` limits the run to
    some models. `allow_incomplete` loads inputs that fail the volume or completeness checks, `accept_rejects` files with
    too many rejected rows.
    """

    configuration: Configuration
    clock: datetime
    settings: Settings
    full: bool = False
    from_log: bool = False
    select: str | None = None
    allow_incomplete: bool = False
    accept_rejects: bool = False
    pseudonyms: Pseudonyms | None = None
    """Replace personal data as `[privacy]` says; None when it says nothing."""
    personal_data: str | None = None
    """How the database treats personal data, and a fingerprint of the key."""

    @classmethod
    def of(
        cls,
        configuration: Configuration,
        clock: datetime,
        settings: Settings,
        environment: Mapping[str, str] = os.environ,
        **more: Any,
    ) -> RunOptions:
        """The options with the privacy key of the environment. UsageError when `[privacy]` needs a key and there is none."""
        names = pseudonyms(configuration.privacy, environment)
        stored = fingerprint(configuration.privacy, names)
        return cls(configuration, clock, settings, pseudonyms=names, personal_data=stored, **more)

    @property
    def as_of(self) -> datetime:
        """The instant at which the numbers are true: pinned by the configuration, else the start of the run."""
        return self.configuration.waterfall.as_of or self.clock

    @property
    def output(self) -> Path:
        """The output folder."""
        return self.configuration.output

    @property
    def log_folder(self) -> Path:
        """The landing log in the output folder."""
        return self.output / "landing"

    def configuration_sha256(self) -> str:
        """The SHA-256 of the configuration's file. FunnelError when the file can't be read any more."""
        with suppress(OSError):
            return hashlib.sha256(self.configuration.path.read_bytes()).hexdigest()
        where = str(self.configuration.path)
        raise FunnelError("the configuration can't be read again", where=where, next_step="start again")
