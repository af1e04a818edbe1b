"""The status of an output folder: the last good run, failures since, the run in progress and the next step.

Reads only small files and writes nothing, so a monitor can call it at any time, also during a run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.publish import attempts, lock, manifest, run_folder

NOT_ENDED = "it started and did not end: it was killed, or the machine went down"
_SIGNED = re.compile(r"pid (\d+), started (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
MAX_CHECKS_SHOWN = 10


@dataclass(frozen=True)
class NewestFile:
    """The newest file of an input. `loaded_at` (UTC) is null for a run of an earlier version."""

    input: str
    file: str
    loaded_at: str | None
    rows_read: int


@dataclass(frozen=True)
class CheckWarning:
    """A check of severity warn that found rows."""

    name: str
    claim: str
    rows: int


@dataclass(frozen=True)
class LastGoodRun:
    """The published run. Times are ISO 8601 in UTC; `age_hours` is the time since it was published."""

    run: str
    as_of: str
    began_at: str
    published_at: str
    age_hours: float
    inputs: tuple[NewestFile, ...]
    row_accounting: tuple[dict[str, Any], ...]
    checks_ran: int
    checks_warned: tuple[CheckWarning, ...]
    warnings: int
    refused: int
    log_lost: dict[str, Any] | None


@dataclass(frozen=True)
class FailedRun:
    """A run after the last good one that published nothing. A killed run has no end and no exit code."""

    run: str
    command: str
    began_at: str
    ended_at: str | None
    exit_code: int | None
    what: str
    where: str
    next_step: str


@dataclass(frozen=True)
class Running:
    """The process that holds the lock. Both values are null if it has just started."""

    pid: int | None
    since: str | None


@dataclass(frozen=True)
class Status:
    """The status of an output folder. `failed` is sorted, oldest first."""

    output: str
    is_good: bool
    last_good: LastGoodRun | None
    failed: tuple[FailedRun, ...]
    running: Running | None
    next_step: str


def status(output: Path, clock: datetime, max_age_hours: float | None = None) -> Status:
    """Return the status of `output` at `clock` (aware). It is good if the last run to end was published and is not too old.

    Raises UsageError if the folder does not exist, InputError if the manifest can't be read.
    """
    if not output.is_dir():
        raise UsageError(
            "there is no such output folder", where=str(output), next_step="name the output folder of `funnel run`"
        )
    running = _running(lock.holder(output))
    records = attempts.read(output)
    last_good = _last_good(output, records, clock)
    failed = tuple(_failed(each) for each in _after(last_good, records) if not _is_in_progress(each, running))
    too_old = last_good is not None and max_age_hours is not None and last_good.age_hours > max_age_hours
    return Status(
        output=str(output),
        is_good=last_good is not None and not failed and not too_old,
        last_good=last_good,
        failed=failed,
        running=running,
        next_step=_next_step(output, last_good, failed, running, too_old),
    )


def as_json(current: Status) -> str:
    """Return the status as one JSON object. docs/watching.md explains its keys."""
    return json.dumps(asdict(current), indent=2, ensure_ascii=False) + "\n"


def as_text(current: Status) -> str:
    """Return the status as lines of text."""
    good = () if current.last_good is None else _last_good_lines(current.last_good)
    head = good or (f"last good run  none in {current.output}",)
    failures = (line for failure in current.failed for line in _failure_lines(failure))
    lines = (*head, *failures, _running_line(current.running), f"next           {current.next_step}")
    return "".join(f"{line}\n" for line in lines)


def _last_good_lines(run: LastGoodRun) -> tuple[str, ...]:
    lines = [
        f"last good run  {run.run}, as of {_minute(run.as_of)}",
        f"published      {_minute(run.published_at)}, {_age(run.age_hours)} ago",
    ]
    for each in run.inputs:
        when = f", read {_minute(each.loaded_at)}" if each.loaded_at else ""
        lines.append(f"input          {each.input}: {each.file}, {each.rows_read:,} rows{when}")
    for account in run.row_accounting:
        counts = ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in account.items() if name != "input")
        lines.append(f"rows           {account['input']}: {counts}")
    lines.append(f"checks         {run.checks_ran:,} ran, {len(run.checks_warned)} warned")
    for check in run.checks_warned[:MAX_CHECKS_SHOWN]:
        lines.append(f"               {check.name}: {check.claim}: {check.rows:,} rows")
    if len(run.checks_warned) > MAX_CHECKS_SHOWN:
        lines.append(f"               and {len(run.checks_warned) - MAX_CHECKS_SHOWN} more; --format json has all")
    lines.append(f"warnings       {run.warnings}, files refused {run.refused}")
    if run.log_lost:
        lines.append(f"log            {run.log_lost['lines']:,} lines were lost: {run.log_lost['reason']}")
    return tuple(lines)


def _failure_lines(failure: FailedRun) -> Iterator[str]:
    how = f"exit code {failure.exit_code}" if failure.exit_code is not None else "no end"
    yield f"failed since   {_minute(failure.ended_at or failure.began_at)}, funnel {failure.command}, {how}"
    for line in (f"{failure.where}: {failure.what}" if failure.where else failure.what).splitlines():
        yield f"               {line}"
    if failure.next_step:
        yield f"               next: {failure.next_step}"


def _running_line(running: Running | None) -> str:
    if running is None:
        return "running now    nothing"
    if running.pid is None or running.since is None:
        return "running now    a run that has just started"
    return f"running now    pid {running.pid}, since {_minute(running.since)}"


def _last_good(output: Path, records: tuple[attempts.RunRecord, ...], clock: datetime) -> LastGoodRun | None:
    database = run_folder.current(output)
    if database is None:
        return None
    published = manifest.read(database)
    record = next((each for each in records if each.run == published["run"]), None)
    ended = record.ended_at if record else None
    # Without a record (killed after the swap, or an earlier version), use the time when the folder was renamed.
    published_at = ended or datetime.fromtimestamp(database.parent.stat().st_mtime, UTC)
    newest = {each["input"]: each for each in sorted(published["inputs"], key=lambda each: int(each["load_no"]))}
    return LastGoodRun(
        run=published["run"],
        as_of=published["as_of"],
        began_at=published["started_at"],
        published_at=published_at.isoformat(timespec="seconds"),
        age_hours=round(max(clock - published_at, timedelta()) / timedelta(hours=1), 2),
        inputs=tuple(
            NewestFile(name, each["file"], each.get("loaded_at"), each["rows_read"]) for name, each in newest.items()
        ),
        row_accounting=tuple(published["row_accounting"]),
        checks_ran=len(published["checks"]),
        checks_warned=tuple(
            CheckWarning(each["name"], each["claim"], each["broken"]) for each in published["checks"] if each["broken"]
        ),
        warnings=len(published["warnings"]),
        refused=len(published.get("refused", ())),
        log_lost=record.log_lost if record else published.get("log_lost"),
    )


def _after(last_good: LastGoodRun | None, records: tuple[attempts.RunRecord, ...]) -> Iterator[attempts.RunRecord]:
    """Return the runs since the last good one that published nothing.

    Publishing deletes the records of earlier failures, but a run that was killed right after the swap could not do that.
    """
    for each in records:
        is_published = each.exit_code == 0 or (last_good is not None and each.run == last_good.run)
        if not is_published and (last_good is None or each.began_at >= datetime.fromisoformat(last_good.began_at)):
            yield each


def _is_in_progress(each: attempts.RunRecord, running: Running | None) -> bool:
    if each.ended_at is not None or running is None:
        return False
    return running.since in (None, each.began_at.isoformat(timespec="seconds"))


def _failed(each: attempts.RunRecord) -> FailedRun:
    killed = each.ended_at is None
    return FailedRun(
        run=each.run,
        command=each.command,
        began_at=each.began_at.isoformat(timespec="seconds"),
        ended_at=None if each.ended_at is None else each.ended_at.isoformat(timespec="seconds"),
        exit_code=each.exit_code,
        what=NOT_ENDED if killed else each.what,
        where=each.where,
        next_step="run again; nothing needs to be cleaned up" if killed else each.next_step,
    )


def _running(signature: str | None) -> Running | None:
    if signature is None:
        return None
    signed = _SIGNED.search(signature)
    if signed is None:
        return Running(None, None)
    return Running(int(signed[1]), f"{signed[2].replace(' ', 'T')}+00:00")


def _next_step(
    output: Path, last_good: LastGoodRun | None, failed: tuple[FailedRun, ...], running: Running | None, too_old: bool
) -> str:
    if running is not None:
        return "wait for the run in progress"
    if failed:
        return failed[-1].next_step or "see the log of the last failed run"
    if last_good is None:
        return f"`funnel run --output {output}` publishes the first run"
    if too_old:
        return "no run since then: check that cron or the timer starts it"
    return "nothing"


def _minute(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _age(hours: float) -> str:
    if hours < 1:
        return f"{int(hours * 60)} min"
    return f"{int(hours)} h" if hours < 48 else f"{int(hours // 24)} days"
