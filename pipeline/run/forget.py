"""Loads that a user takes out of the landing log, a false start for example, and puts back. Nothing is deleted."""

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

LIST = "`funnel forget` without a number lists the loads"


@dataclass(frozen=True)
class LoadSummary:
    """A load in a line: `kept` rows are those that the published run counts, or, where it does not know the load, that landed."""

    load: landing_log.Load
    kept: int
    is_forgotten: bool

    def __str__(self) -> str:
        load = self.load
        counts = f"{load.rows_read:,} rows, {load.rejected_rows:,} rejected on landing, {self.kept:,} kept"
        aside = ", forgotten" if self.is_forgotten else ""
        return f"load {load.load_no}: {load.input}: {load.file_name}, read {load.loaded_at:%Y-%m-%d %H:%M} UTC, {counts}{aside}"


def summaries(output: Path) -> tuple[LoadSummary, ...]:
    """Every load of the landing log in `output`, forgotten ones among them, by number. UsageError without a log."""
    return _summaries(output, _open(output))


def forget(output: Path, numbers: Sequence[int], clock: datetime) -> None:
    """Take these loads out of the log, after a summary. UsageError when one is not there, or others rest on it."""
    with _locked(output, clock) as landing:
        _require(landing.loads, numbers, "is not in the log", LIST)
        _require_nothing_rests_on(landing, numbers)
        for each in _of(_summaries(output, landing), numbers):
            log.info(str(each))
        for load in reversed([load for load in landing.loads if load.load_no in numbers]):
            log.info(f"kept aside in {landing_log.forget_load(landing, load)}")
            for number in load.supersedes:
                log.info(f"load {number}, which it had replaced, counts again")
    listed = " ".join(map(str, sorted(numbers)))
    log.info(
        f"the next run builds everything without {_loads(numbers)}; until then the published run still counts them. A file that "
        "is still among the inputs is read again: move it away or correct its [[inputs]] block first. "
        f"`funnel forget --undo {listed}` puts back what was forgotten"
    )


def undo(output: Path, numbers: Sequence[int], clock: datetime) -> None:
    """Put forgotten loads back into the log, after a summary. UsageError when one is not there, or its file was read again."""
    with _locked(output, clock) as landing:
        _require(landing.forgotten, numbers, "is not forgotten", LIST)
        for load in landing.forgotten:
            again = [each for each in landing.loads if (each.input, each.sha256) == (load.input, load.sha256)]
            if load.load_no in numbers and again:
                raise UsageError(
                    f"the file of load {load.load_no} was read again, as load {again[-1].load_no}",
                    where=str(landing.path),
                    next_step=f"`funnel forget {again[-1].load_no}` first, or leave load {load.load_no} forgotten",
                )
        for each in _of(_summaries(output, landing), numbers):
            log.info(str(each))
        for load in [load for load in landing.forgotten if load.load_no in numbers]:
            log.info(f"put back into {landing_log.restore_load(landing, load)}")
    log.info(f"the next run builds everything again, with {_loads(numbers)}")


@contextmanager
def _locked(output: Path, clock: datetime) -> Iterator[landing_log.LandingLog]:
    _open(output)  # no folder is made where there is no log
    with private_files(), lock.hold(output, clock):
        yield _open(output)


def _open(output: Path) -> landing_log.LandingLog:
    log = landing_log.open_log(output / "landing")
    if not (log.loads or log.forgotten):
        raise UsageError(
            "the landing log holds no load", where=str(log.path), next_step="name the folder with --output"
        )
    return log


def _require(loads: Sequence[landing_log.Load], numbers: Sequence[int], what: str, next_step: str) -> None:
    there = {load.load_no for load in loads}
    absent = sorted(set(numbers) - there)
    if absent:
        raise UsageError("; ".join(f"load {number} {what}" for number in absent), where="forget", next_step=next_step)


def _require_nothing_rests_on(log: landing_log.LandingLog, numbers: Sequence[int]) -> None:
    """A later load left out the rows that an earlier one had: without that one they would be missing."""
    resting: set[int] = set()
    for load in (load for load in log.loads if load.load_no in numbers):
        later = [each for each in log.loads if each.input == load.input and each.load_no > load.load_no]
        resting |= {each.load_no for each in later if each.redelivered and each.load_no not in numbers}
    if resting:
        together = " ".join(map(str, sorted({*numbers, *resting})))
        raise UsageError(
            f"{_loads(sorted(resting))} came later and left out rows that were in the log already; they would be missing",
            where=str(log.path),
            next_step=f"`funnel forget {together}`, with their files among the inputs: the next run reads these again",
        )


def _summaries(output: Path, log: landing_log.LandingLog) -> tuple[LoadSummary, ...]:
    kept: dict[tuple[int, str], int] = {}
    published = run_folder.current(output)
    with suppress(InputError, KeyError, TypeError):  # a log without a published run that can be read is listed, too
        for each in manifest.read(published)["inputs"] if published else ():
            entries = each["entries"]
            kept[each["load_no"], each["sha256"]] = each["landed"] if entries is None else entries.get("kept", 0)
    aside = {load.load_no for load in log.forgotten}
    ordered = sorted((*log.loads, *log.forgotten), key=lambda load: load.load_no)
    return tuple(
        LoadSummary(load, kept.get((load.load_no, load.sha256), load.landed), load.load_no in aside) for load in ordered
    )


def _of(found: Sequence[LoadSummary], numbers: Sequence[int]) -> list[LoadSummary]:
    return [each for each in found if each.load.load_no in numbers]


def _loads(numbers: Sequence[int]) -> str:
    return f"load {numbers[0]}" if len(numbers) == 1 else f"loads {', '.join(map(str, sorted(numbers)))}"
