"""Removes loads from the landing log, for example after a wrong first import, and restores them. Nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline import log
from pipeline.errors import InputError, UsageError
from pipeline.ingest.landing import landing_log
from pipeline.privacy.permissions import private_files
from pipeline.publish import lock, manifest, run_folder

LIST_HINT = "`funnel forget` without a number lists the loads"


@dataclass(frozen=True)
class LoadSummary:
    """A load in one line. `kept` counts its rows in the published run, or its landed rows if that run does not have the load."""

    load: landing_log.Load
    kept: int
    is_forgotten: bool

    def __str__(self) -> str:
        load = self.load
        counts = f"{load.rows_read:,} rows, {load.rejected_rows:,} rejected on landing, {self.kept:,} kept"
        aside = ", forgotten" if self.is_forgotten else ""
        return f"load {load.load_no}: {load.input}: {load.file_name}, read {load.loaded_at:%Y-%m-%d %H:%M} UTC, {counts}{aside}"


def summaries(output: Path) -> tuple[LoadSummary, ...]:
    """Return every load of the landing log in `output` by number, including forgotten loads. Raises UsageError without a log."""
    return _summaries(output, _open(output))


def forget(output: Path, numbers: Sequence[int], clock: datetime) -> None:
    """Remove these loads from the log, and log a summary of each.

    Raises UsageError if a load is not in the log, or if a later load depends on it.
    """
    with _locked(output, clock) as landing:
        _require(landing.loads, numbers, "is not in the log", LIST_HINT)
        _require_no_dependent_loads(landing, numbers)
        _log_summaries(output, landing, numbers)
        for load in reversed([load for load in landing.loads if load.load_no in numbers]):
            log.info(f"moved to {landing_log.forget_load(landing, load)}")
            for number in load.supersedes:
                log.info(f"load {number}, which it had replaced, counts again")
    listed = " ".join(map(str, sorted(numbers)))
    log.info(
        f"the next run builds every table without {_loads(numbers)}; until then the published run still counts them. A file "
        "that is still among the inputs is read again: move it away or correct its [[inputs]] block first. "
        f"`funnel forget --undo {listed}` restores them"
    )


def undo(output: Path, numbers: Sequence[int], clock: datetime) -> None:
    """Restore forgotten loads, and log a summary of each.

    Raises UsageError if a load is not forgotten, or if its file was read again.
    """
    with _locked(output, clock) as landing:
        _require(landing.forgotten, numbers, "is not forgotten", LIST_HINT)
        for load in landing.forgotten:
            again = [each for each in landing.loads if (each.input, each.sha256) == (load.input, load.sha256)]
            if load.load_no in numbers and again:
                raise UsageError(
                    f"the file of load {load.load_no} was read again, as load {again[-1].load_no}",
                    where=str(landing.path),
                    next_step=f"`funnel forget {again[-1].load_no}` first, or leave load {load.load_no} forgotten",
                )
        _log_summaries(output, landing, numbers)
        for load in [load for load in landing.forgotten if load.load_no in numbers]:
            log.info(f"restored to {landing_log.restore_load(landing, load)}")
    log.info(f"the next run builds every table again, with {_loads(numbers)}")


@contextmanager
def _locked(output: Path, clock: datetime) -> Iterator[landing_log.LandingLog]:
    _open(output)  # raises before the lock would create a folder without a log
    with private_files(), lock.hold(output, clock):
        yield _open(output)


def _open(output: Path) -> landing_log.LandingLog:
    log = landing_log.open_log(output / "landing")
    if not (log.loads or log.forgotten):
        raise UsageError(
            "the landing log has no loads", where=str(log.path), next_step="name the output folder with --output"
        )
    return log


def _require(loads: Sequence[landing_log.Load], numbers: Sequence[int], what: str, next_step: str) -> None:
    missing = sorted(set(numbers) - {load.load_no for load in loads})
    if missing:
        raise UsageError("; ".join(f"load {number} {what}" for number in missing), where="forget", next_step=next_step)


def _require_no_dependent_loads(log: landing_log.LandingLog, numbers: Sequence[int]) -> None:
    """Raise UsageError if a later load skipped rows because an earlier load had them: they would be missing."""
    dependent: set[int] = set()
    for load in (load for load in log.loads if load.load_no in numbers):
        later = [each for each in log.loads if each.input == load.input and each.load_no > load.load_no]
        dependent |= {each.load_no for each in later if each.redelivered and each.load_no not in numbers}
    if dependent:
        together = " ".join(map(str, sorted({*numbers, *dependent})))
        raise UsageError(
            f"{_loads(sorted(dependent))} came later and skipped rows that were already in the log; they would be missing",
            where=str(log.path),
            next_step=f"`funnel forget {together}`, with their files among the inputs: the next run reads these files again",
        )


def _summaries(output: Path, log: landing_log.LandingLog) -> tuple[LoadSummary, ...]:
    kept: dict[tuple[int, str], int] = {}
    published = run_folder.current(output)
    with suppress(InputError, KeyError, TypeError):  # without a readable published run, the log is still listed
        for each in manifest.read(published)["inputs"] if published else ():
            entries = each["entries"]
            kept[each["load_no"], each["sha256"]] = each["landed"] if entries is None else entries.get("kept", 0)
    forgotten = {load.load_no for load in log.forgotten}
    ordered = sorted((*log.loads, *log.forgotten), key=lambda load: load.load_no)
    return tuple(
        LoadSummary(load, kept.get((load.load_no, load.sha256), load.landed), load.load_no in forgotten)
        for load in ordered
    )


def _log_summaries(output: Path, landing: landing_log.LandingLog, numbers: Sequence[int]) -> None:
    for each in _summaries(output, landing):
        if each.load.load_no in numbers:
            log.info(str(each))


def _loads(numbers: Sequence[int]) -> str:
    return f"load {numbers[0]}" if len(numbers) == 1 else f"loads {', '.join(map(str, sorted(numbers)))}"
