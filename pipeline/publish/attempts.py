"""Run records: DIR/attempts/RUN.json says when each run started and how it ended.

A record is written when a run starts, so a killed run leaves a record without an end. Records of failed runs stay until the
next run is published. The record of a published run stays as long as its folder.
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
"""A run that fails every hour must not fill the folder."""


@dataclass(frozen=True)
class RunRecord:
    """One run: its id, command, times (aware UTC) and outcome. `seconds` has the duration of each phase."""

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
    """Number of lost log `lines` and the `reason`; None if no line was lost."""


class Recorder:
    """Writes the record of one run. A failure to write it never stops a run or hides another error."""

    def __init__(self, output: Path, clock: datetime, command: str) -> None:
        self._output = output.resolve()
        self._record = RunRecord("", command, clock.astimezone(UTC), os.getpid())
        self.recorded_failure: BaseException | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the run has its own folder."""
        return bool(self._record.run)

    def began(self, run: str) -> None:
        """Record that the run has the lock and its folder."""
        self._record = replace(self._record, run=run)
        self._write()

    def published(self, seconds: dict[str, float]) -> None:
        """Record that the run is published, and delete the records of earlier failures."""
        ended: dict[str, Any] = {
            "ended_at": datetime.now(UTC),
            "exit_code": 0,
            "seconds": seconds,
            "log_lost": log.loss.as_json(),
        }
        self._record = replace(self._record, **ended)
        self._write()
        forget(self._output)

    def failed(self, failure: BaseException) -> None:
        """Record that the run failed, or that it could not start."""
        self.recorded_failure = failure
        if not (self._output / "runs").is_dir():
            return  # no run has started here yet, and a run that can't start creates no folder
        record = self._record
        if not self.has_begun:
            record = replace(record, run=f"{record.began_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}")
        outcome: dict[str, Any] = (
            {"what": failure.in_logs, "where": failure.where, "next_step": failure.next_step}
            if isinstance(failure, FunnelError)
            else {"what": describe(failure), "next_step": "see the log of the run"}  # its message may contain data
        )
        outcome |= {"ended_at": datetime.now(UTC), "exit_code": exit_code(failure), "log_lost": log.loss.as_json()}
        self._record = replace(record, **outcome)
        self._write()
        with suppress(OSError):
            for path in sorted(self._failures())[:-MAX_FAILURES_KEPT]:
                path.unlink()

    def _failures(self) -> list[Path]:
        return [path for path in (self._output / FOLDER).glob(f"*{SUFFIX}") if not _run_folder(path).exists()]

    def _write(self) -> None:
        path = self._output / FOLDER / f"{self._record.run}{SUFFIX}"
        aside = path.with_name(f"{path.name}.new")
        with suppress(OSError):
            if not path.parent.is_dir():
                path.parent.mkdir(exist_ok=True)
                path.parent.chmod(self._output.stat().st_mode & 0o777)  # the same rights as the output folder
            try:
                aside.write_text(json.dumps(asdict(self._record), indent=1, default=_text) + "\n", "utf-8")
                lock.flush(aside)
                aside.replace(path)
            except OSError:
                aside.unlink(missing_ok=True)
                raise


@contextmanager
def recording(output: Path, clock: datetime, command: str) -> Iterator[Recorder]:
    """Record a run. A run that has started records its failure itself, under the lock; any other failure is recorded here.

    An error that replaces a recorded one is recorded too: "disk full" is known only after the clean-up.
    """
    recorder = Recorder(output, clock, command)
    try:
        yield recorder
    except Exception as failure:
        if failure is not recorder.recorded_failure:
            recorder.failed(failure)
        raise


def forget(output: Path) -> None:
    """Delete the records of runs without a folder. Needs the lock."""
    with suppress(OSError):
        for path in (output / FOLDER).glob(f"*{SUFFIX}*"):
            if not _run_folder(path).exists() or not path.name.endswith(SUFFIX):
                path.unlink(missing_ok=True)


def read(output: Path) -> tuple[RunRecord, ...]:
    """Return every record, oldest first. Skips a record that can't be read."""
    records = []
    for path in sorted((output / FOLDER).glob(f"*{SUFFIX}")):
        with suppress(OSError, ValueError, TypeError, KeyError):
            records.append(_from_json(json.loads(path.read_text("utf-8"))))
    return tuple(sorted(records, key=lambda each: (each.began_at, each.run)))


def _from_json(values: dict[str, Any]) -> RunRecord:
    ended_at = values["ended_at"]
    times = {
        "began_at": datetime.fromisoformat(values["began_at"]),
        "ended_at": datetime.fromisoformat(ended_at) if ended_at else None,
    }
    return RunRecord(**(values | times))


def _run_folder(path: Path) -> Path:
    return path.parent.parent / "runs" / path.name.partition(SUFFIX)[0]


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
