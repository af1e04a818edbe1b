"""How the nights of an output folder stand: the last good one, what failed since, who works on it now, what to do next.

Reads small files only and writes nothing, so that a monitor may ask at any moment, during a run too.
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

NOT_ENDED = "it began and did not end: killed, or the machine went down"
_SIGNED = re.compile(r"pid (\d+), started (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
_MOST_WARNED = 10


@dataclass(frozen=True)
class Newest:
    """The newest delivery of an input; `loaded_at` (UTC) is null for a night older than that column."""

    input: str
    file: str
    loaded_at: str | None
    rows_read: int


@dataclass(frozen=True)
class Warned:
    """A check that found something and let the night pass."""

    name: str
    claim: str
    rows: int


@dataclass(frozen=True)
class LastGood:
    """The published night. Times are ISO, UTC; `age_hours` since it was published."""

    run: str
    as_of: str
    began_at: str
    published_at: str
    age_hours: float
    inputs: tuple[Newest, ...]
    row_accounting: tuple[dict[str, Any], ...]
    checks_ran: int
    checks_warned: tuple[Warned, ...]
    warnings: int
    refused: int
    log_lost: dict[str, Any] | None


@dataclass(frozen=True)
class Failed:
    """A run after the last good one that published nothing. A killed one has neither end nor exit code."""

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
    """Who holds the lock now; both null for one that has only just begun."""

    pid: int | None
    since: str | None


@dataclass(frozen=True)
class Status:
    """Everything that an operator asks. `failed`: oldest first."""

    output: str
    is_good: bool
    last_good: LastGood | None
    failed: tuple[Failed, ...]
    running: Running | None
    next_step: str


def status(output: Path, clock: datetime, most_hours: float | None = None) -> Status:
    """How things stand in `output` at `clock` (aware). Good: the last run that ended published, and not too long ago.

    UsageError where there is no such folder, InputError for a manifest that can't be read.
    """
    if not output.is_dir():
        raise UsageError(
            "there is no such output folder", where=str(output), next_step="name the one that `funnel run` writes to"
        )
    running = _running(lock.holder(output))
    records = attempts.read(output)
    night = _last_good(output, records, clock)
    failed = tuple(_failed(each) for each in _after(night, records) if not _is_at_work(each, running))
    too_old = night is not None and most_hours is not None and night.age_hours > most_hours
    return Status(
        output=str(output),
        is_good=night is not None and not failed and not too_old,
        last_good=night,
        failed=failed,
        running=running,
        next_step=_next_step(output, night, failed, running, too_old),
    )


def as_json(found: Status) -> str:
    """The status as one JSON object, in words of docs/watching.md."""
    return json.dumps(asdict(found), indent=2, ensure_ascii=False) + "\n"


def as_text(found: Status) -> str:
    """The status for a person."""
    return "".join(f"{line}\n" for line in _lines(found))


def _lines(found: Status) -> Iterator[str]:
    night = found.last_good
    if night is None:
        yield f"last good run  none in {found.output}"
    else:
        yield f"last good run  {night.run}, as of {_minute(night.as_of)}"
        yield f"published      {_minute(night.published_at)}, {_age(night.age_hours)} ago"
        for each in night.inputs:
            when = f", read {_minute(each.loaded_at)}" if each.loaded_at else ""
            yield f"input          {each.input}: {each.file}, {each.rows_read:,} rows{when}"
        for account in night.row_accounting:
            counts = ", ".join(
                f"{value:,} {name.replace('_', ' ')}" for name, value in account.items() if name != "input"
            )
            yield f"rows           {account['input']}: {counts}"
        yield f"checks         {night.checks_ran:,} ran, {len(night.checks_warned)} warned"
        for check in night.checks_warned[:_MOST_WARNED]:
            yield f"               {check.name}: {check.claim}: {check.rows:,} rows"
        if len(night.checks_warned) > _MOST_WARNED:
            yield f"               and {len(night.checks_warned) - _MOST_WARNED} more; --format json has all"
        yield f"warnings       {night.warnings}, files refused {night.refused}"
        if night.log_lost:
            yield f"log            {night.log_lost['lines']:,} lines were lost: {night.log_lost['reason']}"
    for failure in found.failed:
        how = f"exit code {failure.exit_code}" if failure.exit_code is not None else "no end"
        yield f"failed since   {_minute(failure.ended_at or failure.began_at)}, funnel {failure.command}, {how}"
        for line in (f"{failure.where}: {failure.what}" if failure.where else failure.what).splitlines():
            yield f"               {line}"
        if failure.next_step:
            yield f"               next: {failure.next_step}"
    if found.running is None:
        yield "running now    nothing"
    elif found.running.pid is None or found.running.since is None:
        yield "running now    a run that has only just begun"
    else:
        yield f"running now    pid {found.running.pid}, since {_minute(found.running.since)}"
    yield f"next           {found.next_step}"


def _last_good(output: Path, records: tuple[attempts.Attempt, ...], clock: datetime) -> LastGood | None:
    database = run_folder.current(output)
    if database is None:
        return None
    held = manifest.read(database)
    record = next((each for each in records if each.run == held["run"]), None)
    ended = record.ended_at if record else None
    # Killed between the swap and its record, or older than records: the folder was renamed into place then.
    published_at = ended or datetime.fromtimestamp(database.parent.stat().st_mtime, UTC)
    newest = {each["input"]: each for each in sorted(held["inputs"], key=lambda each: int(each["load_no"]))}
    return LastGood(
        run=held["run"],
        as_of=held["as_of"],
        began_at=held["started_at"],
        published_at=published_at.isoformat(timespec="seconds"),
        age_hours=round(max(clock - published_at, timedelta()) / timedelta(hours=1), 2),
        inputs=tuple(
            Newest(name, each["file"], each.get("loaded_at"), each["rows_read"]) for name, each in newest.items()
        ),
        row_accounting=tuple(held["row_accounting"]),
        checks_ran=len(held["checks"]),
        checks_warned=tuple(
            Warned(each["name"], each["claim"], each["broken"]) for each in held["checks"] if each["broken"]
        ),
        warnings=len(held["warnings"]),
        refused=len(held.get("refused", ())),
        log_lost=record.log_lost if record else held.get("log_lost"),
    )


def _after(night: LastGood | None, records: tuple[attempts.Attempt, ...]) -> Iterator[attempts.Attempt]:
    """The runs that published nothing since. A night removes the records of failures before it, unless it was killed."""
    for each in records:
        is_night = each.exit_code == 0 or (night is not None and each.run == night.run)
        if not is_night and (night is None or each.began_at >= datetime.fromisoformat(night.began_at)):
            yield each


def _is_at_work(each: attempts.Attempt, running: Running | None) -> bool:
    if each.ended_at is not None or running is None:
        return False
    return running.since in (None, each.began_at.isoformat(timespec="seconds"))


def _failed(each: attempts.Attempt) -> Failed:
    killed = each.ended_at is None
    return Failed(
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
    output: Path, night: LastGood | None, failed: tuple[Failed, ...], running: Running | None, too_old: bool
) -> str:
    if running is not None:
        return "wait for the run that is at work"
    if failed:
        return failed[-1].next_step or "see the log of the run that failed last"
    if night is None:
        return f"`funnel run --output {output}` publishes the first night"
    if too_old:
        return "no run since: see whether cron or the timer starts it"
    return "nothing"


def _minute(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _age(hours: float) -> str:
    if hours < 1:
        return f"{int(hours * 60)} min"
    return f"{int(hours)} h" if hours < 48 else f"{int(hours // 24)} days"
