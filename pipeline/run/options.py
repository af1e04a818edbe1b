"""What a run was asked to do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.config.configuration import Configuration
from pipeline.privacy.pseudonyms import Pseudonyms, fingerprint, pseudonyms
from pipeline.settings import Settings


@dataclass(frozen=True)
class Orders:
    """What a run was asked to do. `clock` is its start (aware UTC).

    `full` builds everything anew, `rebuild` does so from the log alone, `select` limits it to some models. `accept_drop`
    takes deliveries that lack too much, `accept_rejects` files of which too many rows are rejected.
    """

    configuration: Configuration
    clock: datetime
    settings: Settings
    full: bool = False
    rebuild: bool = False
    select: str | None = None
    accept_drop: bool = False
    accept_rejects: bool = False

    @property
    def as_of(self) -> datetime:
        """The instant at which the numbers are true: pinned by the configuration, else the start of the run."""
        return self.configuration.waterfall.as_of or self.clock

    @property
    def log_folder(self) -> Path:
        """The landing log of the output folder."""
        return self.configuration.output / "landing"

    @property
    def hidden(self) -> Pseudonyms | None:
        """The pseudonyms that `[privacy]` asks for, by the key of the environment. UsageError when there is none."""
        return pseudonyms(self.configuration.privacy, os.environ)

    @property
    def stored_as(self) -> str | None:
        """How the database treats personal data, and by which key."""
        return fingerprint(self.configuration.privacy, self.hidden)
