"""The options of a run."""

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
    """The options of a run. `clock` is its start (aware UTC).

    `full` builds every table from the whole log; `from_log` also does not read the inputs; `select` builds only some models.
    `allow_incomplete` loads inputs that fail the volume or completeness checks; `accept_rejects` loads files with too many
    rejected rows.
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
    """Pseudonyms for personal data as set in `[privacy]`; None without that block."""
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
        """Return the options, with the privacy key of the environment. Raises UsageError if a needed key is missing."""
        names = pseudonyms(configuration.privacy, environment)
        stored = fingerprint(configuration.privacy, names)
        return cls(configuration, clock, settings, pseudonyms=names, personal_data=stored, **more)

    @property
    def as_of(self) -> datetime:
        """The as-of time of the report: from the configuration, else the start of the run."""
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
        """Return the SHA-256 of the configuration file. Raises FunnelError if it can no longer be read."""
        with suppress(OSError):
            return hashlib.sha256(self.configuration.path.read_bytes()).hexdigest()
        where = str(self.configuration.path)
        raise FunnelError("the configuration can no longer be read", where=where, next_step="restore it and run again")
