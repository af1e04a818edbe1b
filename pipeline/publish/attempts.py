"""What a run leaves about itself while it works and however it ends: DIR/attempts/RUN.json.

It is there from the moment a run begins, so that one that was killed is known by a record without an end. The records of
failures stay until a night is published; that of a published night stays as long as the night.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline import log
from pipeline.errors import FunnelError, describe, exit_code
from pipeline.publish import lock

FOLDER = "attempts"
SUFFIX = ".json"
MAX_FAILURES_KEPT = 50
"""A run that fails every hour for a month must not fill the folder."""


@dataclass(frozen=True)
class Attempt:
    """One run: which, what was called, when (aware UTC), and how it ended, if it did. `seconds` by phase."""

    run: str
    command: str
    began_at: datetime
    pid: int
    ended_at: datetime | None = None
    exit_code: int | None = None
    what: str = ""
    where: str = ""
    next_step: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    log_lost: dict[str, Any] | None = None
    """`lines` that the log could not take, and the `reason`; None when it took all."""


class Recorder:
    """The record of one run. That it can't be written never keeps a run from working, or hides why one failed."""

    def __init__(self, output: Path, clock: datetime, command: str) -> None:
        self._output = output.resolve()
        self._attempt = Attempt("", command, clock.astimezone(UTC), os.getpid())
        self.told: BaseException | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the run got as far as a folder of its own."""
        return bool(self._attempt.run)

    def began(self, run: str) -> None:
        """The run has the lock and its folder."""
        self._attempt = replace(self._attempt, run=run)
        self._write()

    def published(self, seconds: dict[str, float]) -> None:
        """The night is published: whatever failed before is over."""
        ended: dict[str, Any] = {
            "ended_at": datetime.now(UTC),
            "exit_code": 0,
            "seconds": seconds,
            "log_lost": log.loss.as_json(),
        }
        self._attempt = replace(self._attempt, **ended)
        self._write()
        forget(self._output)

    def failed(self, failure: BaseException) -> None:
        """The run ended otherwise, or never began."""
        self.told = failure
        if not (self._output / "runs").is_dir():
            return  # nothing was ever published or begun here, and a run that is refused makes no folder
        attempt = self._attempt
        if not self.has_begun:
            attempt = replace(attempt, run=f"{attempt.began_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}")
        told: dict[str, Any] = (
            {"what": failure.in_logs, "where": failure.where, "next_step": failure.next_step}
            if isinstance(failure, FunnelError)
            else {"what": describe(failure), "next_step": "see the log of the run"}  # its text may hold values
        )
        told |= {"ended_at": datetime.now(UTC), "exit_code": exit_code(failure), "log_lost": log.loss.as_json()}
        self._attempt = replace(attempt, **told)
        self._write()
        with suppress(OSError):
            for path in sorted(self._failures())[:-MAX_FAILURES_KEPT]:
                path.unlink()

    def _failures(self) -> list[Path]:
        return [path for path in (self._output / FOLDER).glob(f"*{SUFFIX}") if not _night(path).exists()]

    def _write(self) -> None:
        path = self._output / FOLDER / f"{self._attempt.run}{SUFFIX}"
        aside = path.with_name(f"{path.name}.new")
        with suppress(OSError):
            if not path.parent.is_dir():
                path.parent.mkdir(exist_ok=True)
                path.parent.chmod(self._output.stat().st_mode & 0o777)  # as open as the folder around it
            try:
                aside.write_text(json.dumps(asdict(self._attempt), indent=1, default=_text) + "\n", "utf-8")
                lock.flush(aside)
                aside.replace(path)
            except OSError:
                aside.unlink(missing_ok=True)
                raise


@contextmanager
def recorded(output: Path, clock: datetime, command: str) -> Iterator[Recorder]:
    """Keep a record of a run. One that fails after it began is recorded by `failed`, under the lock; others here.

    So is what was said of a failure later on: that the disk is full is known only after the clean-up.
    """
    recorder = Recorder(output, clock, command)
    try:
        yield recorder
    except Exception as failure:
        if failure is not recorder.told:
            recorder.failed(failure)
        raise


def forget(output: Path) -> None:
    """Remove the records of runs that left no night, and of nights that are gone. Only under the lock."""
    with suppress(OSError):
        for path in (output / FOLDER).glob(f"*{SUFFIX}*"):
            if not _night(path).exists() or not path.name.endswith(SUFFIX):
                path.unlink(missing_ok=True)


def read(output: Path) -> tuple[Attempt, ...]:
    """Every record, oldest first. One that can't be read is passed over."""
    found = []
    for path in sorted((output / FOLDER).glob(f"*{SUFFIX}")):
        with suppress(OSError, ValueError, TypeError, KeyError):
            found.append(_attempt(json.loads(path.read_text("utf-8"))))
    return tuple(sorted(found, key=lambda each: (each.began_at, each.run)))


def _attempt(held: dict[str, Any]) -> Attempt:
    ended_at = held["ended_at"]
    times = {
        "began_at": datetime.fromisoformat(held["began_at"]),
        "ended_at": datetime.fromisoformat(ended_at) if ended_at else None,
    }
    return Attempt(**(held | times))


def _night(path: Path) -> Path:
    return path.parent.parent / "runs" / path.name.partition(SUFFIX)[0]


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
