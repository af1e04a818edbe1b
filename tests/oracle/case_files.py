"""A case as files (funnel.toml and CSV), read back from files, and as the raw.* rows that landing would offer."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.config import formats
from pipeline.config.configuration import Configuration, Input
from pipeline.config.load import load_configuration
from pipeline.waterfall.definition import Condition, Stage, Waterfall, WorkingCalendar

from .durations import Row
from .entries import normalised
from .history import Deletion, Entry, History, Merge, present
from .journey import travel

ENTRY_COLUMNS = ("lead_id", "stage", "entered_at", "sequence", "owner", "source_system")
OLD_COLUMNS = ("previous", "record_created_at")
LEAD_COLUMNS = ("account_id", "origin", "lead_source", "owner")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNREADABLE = "not a time"


# ---- reading


def read_case(toml: Path, *, as_of: str | None = None) -> tuple[Waterfall, History]:
    """The waterfall and the history of a configuration and its CSV files. No column may be renamed.

    Each file is one load, numbered in the order of the inputs and of the file names. Blank lines are not rows.
    """
    configuration = load_configuration(toml, as_of=as_of)
    pinned = configuration.waterfall.as_of
    assert pinned is not None, "a case needs an as-of"
    entries: list[Entry] = []
    entry_columns: set[str] = set()
    load_no = 0
    for each in _inputs(configuration, "stage_entries"):
        for file in _files(each):
            load_no += 1
            for row_number, row in enumerate(_rows(file), start=1):
                entries.append(_entry(each, load_no, row_number, row))
                entry_columns |= set(row) - {*ENTRY_COLUMNS[:4], *OLD_COLUMNS}
    merges = [
        Merge(
            row["from_lead_id"],
            row["into_lead_id"],
            _moment(row["merged_at"], each),
            (row.get("object") or "lead").lower(),
        )
        for each, row in _all_rows(configuration, "merges")
    ]
    deletions = []
    for each, row in _all_rows(configuration, "deletions"):
        deletions.append(Deletion(row["lead_id"], _moment(row["deleted_at"], each)))
    history = History(
        as_of=pinned,
        entries=tuple(entries),
        inputs=tuple(each.name for each in _inputs(configuration, "stage_entries")),
        entry_columns=frozenset(entry_columns),
        leads={row["lead_id"]: _without(row, "lead_id") for _, row in _all_rows(configuration, "leads")},
        accounts={row["account_id"]: _without(row, "account_id") for _, row in _all_rows(configuration, "accounts")},
        merges=tuple(merges),
        deletions=tuple(deletions),
        precisions={each.name: each.precision for each in configuration.inputs if each.precision is not None},
        priorities={each.name: each.priority for each in configuration.inputs if each.priority is not None},
        snapshots=frozenset(each.name for each in configuration.inputs if each.format == formats.SNAPSHOTS),
    )
    return configuration.waterfall, history


def _inputs(configuration: Configuration, table: str) -> list[Input]:
    return [each for each in configuration.inputs if each.table == table]


def _files(each: Input) -> list[Path]:
    return sorted(each.pattern.parent.glob(each.pattern.name))


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _all_rows(configuration: Configuration, table: str) -> list[tuple[Input, dict[str, str]]]:
    return [(each, row) for each in _inputs(configuration, table) for file in _files(each) for row in _rows(file)]


def _without(row: Mapping[str, str], key: str) -> dict[str, str | None]:
    return {column: present(value) for column, value in row.items() if column != key}


def _entry(each: Input, load_no: int, row_number: int, row: Mapping[str, str]) -> Entry:
    sequence = row.get("sequence") or None
    return Entry(
        input=each.name,
        load_no=load_no,
        row_number=row_number,
        lead_id=row["lead_id"],
        stage=row["stage"],
        entered_at=_moment(row["entered_at"], each),
        sequence=int(sequence) if sequence is not None else None,
        owner=present(row.get("owner")),
        previous=present(row.get("previous")),
        record_created_at=_moment(row.get("record_created_at") or "", each),
        extra={
            column: present(value) for column, value in row.items() if column not in (*ENTRY_COLUMNS[:5], *OLD_COLUMNS)
        },
    )


def _moment(text: str, each: Input) -> datetime | None:
    """ISO 8601, naive times in the zone of the input; None when it can't be read. Knows nothing of DST gaps (E2)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(each.timezone))
    return moment.astimezone(UTC)


# ---- writing


def write_case(folder: Path, waterfall: Waterfall, history: History) -> Path:
    """Write the case into `folder`, a CSV file per input and load, and return the path of its funnel.toml.

    The second history input writes its times in the waterfall's zone with an offset, the first in UTC.
    """
    for position, name in enumerate(history.inputs):
        zone = ZoneInfo(waterfall.timezone) if position % 2 else UTC
        columns = [*ENTRY_COLUMNS[:4], *OLD_COLUMNS, *sorted(history.entry_columns)]
        loads = sorted({entry.load_no for entry in history.entries if entry.input == name}) or [1]
        for load_no in loads:
            rows = [entry for entry in history.entries if (entry.input, entry.load_no) == (name, load_no)]
            rows.sort(key=lambda entry: entry.row_number)
            cells = [[_entry_cell(entry, column, zone) for column in columns] for entry in rows]
            _write(folder / f"{name}_{load_no:03}.csv", columns, cells)

    keyed = {"leads": ("lead_id", history.leads), "accounts": ("account_id", history.accounts)}
    for table, (key, rows_by_id) in keyed.items():
        if rows_by_id:
            columns = sorted({column for row in rows_by_id.values() for column in row})
            cells = [[each, *(row.get(column) or "" for column in columns)] for each, row in rows_by_id.items()]
            _write(folder / f"{table}.csv", [key, *columns], cells)
    if history.merges:
        cells = [
            [each.from_lead_id, each.into_lead_id, _text(each.merged_at, UTC), each.object] for each in history.merges
        ]
        _write(folder / "merges.csv", ["from_lead_id", "into_lead_id", "merged_at", "object"], cells)
    if history.deletions:
        cells = [[each.lead_id, _text(each.deleted_at, UTC)] for each in history.deletions]
        _write(folder / "deletions.csv", ["lead_id", "deleted_at"], cells)

    toml = folder / "funnel.toml"
    toml.write_text(toml_text(waterfall, history), encoding="utf-8")
    return toml


def _entry_cell(entry: Entry, column: str, zone: Any) -> str:
    if column == "entered_at":
        return _text(entry.entered_at, zone) if entry.entered_at is not None else UNREADABLE
    if column == "sequence":
        return "" if entry.sequence is None else str(entry.sequence)
    if column == "record_created_at":
        return _text(entry.record_created_at, UTC)
    if column in ("lead_id", "stage", "owner", "previous"):
        return getattr(entry, column) or ""
    return entry.extra.get(column) or ""


def _text(moment: datetime | None, zone: Any) -> str:
    return moment.astimezone(zone).isoformat() if moment is not None else ""


def _write(file: Path, columns: list[str], rows: Iterable[list[str]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(columns)
        writer.writerows(rows)


def toml_text(waterfall: Waterfall, history: History) -> str:
    """The configuration of the case, everything said, nothing left to a default that could differ."""
    parts = [
        _block(
            "[funnel]",
            name=waterfall.name,
            unit=waterfall.unit,
            timezone=waterfall.timezone,
            as_of=history.as_of.isoformat(),
            week_start=WEEKDAYS[waterfall.week_start - 1],
            fiscal_year_start=waterfall.fiscal_year_start,
            dimensions=list(waterfall.dimensions),
            windows=list(waterfall.windows),
            headline=[[pair.from_key, pair.to_key] for pair in waterfall.headline],
            headline_months=waterfall.headline_months,
            origin_default=waterfall.origin_default,
            entry_at_creation=waterfall.entry_at_creation,
            implied=waterfall.implied,
        )
        + _by_pair("headline_windows", ((p.from_key, p.to_key, p.window_days) for p in waterfall.headline))
        + _by_pair("settle_days", waterfall.settle_days)
    ]
    if waterfall.calendar is not None:
        parts.append(_calendar_block(waterfall.calendar))
    parts.append(_block("[accounts]", match_domains=waterfall.match_domains, never_match=list(waterfall.never_match)))
    parts += [_stage_block(stage) for stage in waterfall.stages]
    for group in waterfall.groups:
        members = list(group.stages)
        parts.append(
            _block("[[groups]]", key=group.key, label=group.label, definition=group.definition, stages=members)
        )
    for rule in waterfall.scope:
        parts.append(_block("[[scope]]", name=rule.name, table=rule.table, reason=rule.reason) + _where(rule.where))
    parts += [_block("[[origins]]", origin=each.origin) + _where(each.where) for each in waterfall.origins]
    parts += [_block("[[personas]]", name=each.persona) + _where(each.where) for each in waterfall.personas]
    for name in history.inputs:
        parts.append(
            _block(
                "[[inputs]]",
                name=name,
                table="stage_entries",
                path=f"{name}_*.csv",
                **history.input_settings.get(name, {}),
            )
        )
    delivered = {
        "leads": history.leads,
        "accounts": history.accounts,
        "merges": history.merges,
        "deletions": history.deletions,
    }
    for table, rows in delivered.items():
        if rows:
            parts.append(_block("[[inputs]]", name=f"crm_{table}", table=table, path=f"{table}.csv"))
    return "\n".join(parts)


def _by_pair(key: str, days_of: Iterable[tuple[str, str, int]]) -> str:
    """`key = { "a>b" = 30 }`."""
    inside = ", ".join(f"{json.dumps(f'{low}>{high}')} = {days}" for low, high, days in days_of)
    return f"{key} = {{ {inside} }}\n"


def _calendar_block(calendar: WorkingCalendar) -> str:
    opens, closes = (
        f"{minute // 60:02}:{minute % 60:02}" for minute in (calendar.opens_minute, calendar.closes_minute)
    )
    return _block(
        "[calendar]",
        timezone=calendar.timezone,
        hours=f"{opens}-{closes}",
        weekdays=[WEEKDAYS[day - 1] for day in calendar.weekdays],
        country=calendar.country,
        extra_days_off=[day.isoformat() for day in calendar.extra_days_off],
    )


def _stage_block(stage: Stage) -> str:
    text = _block(
        "[[stages]]",
        key=stage.key,
        label=stage.label,
        name=stage.name,
        definition=stage.definition,
        kind=stage.kind,
        rank=stage.rank,
        team=stage.team,
        aliases=list(stage.aliases),
        gate=stage.gate or None,
        qualifies=stage.qualifies or None,
    )
    if stage.sla is not None:
        text += f'sla = {{ within = "{stage.sla.text}", clock = "{stage.sla.clock}" }}\n'
    return text


def _where(condition: Condition) -> str:
    asked = {
        "is_null": "is_null = true",
        "one_of": f"in = {json.dumps(condition.values)}",
        "matches": f"matches = {json.dumps(condition.values[:1] and condition.values[0])}",
    }
    return f'where = {{ column = "{condition.column}", {asked[condition.ask]}, not = {json.dumps(condition.is_negated)} }}\n'


def _block(title: str, **keys: object) -> str:
    """A TOML block; JSON writes these plain values as TOML does."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items() if value is not None]
    return "\n".join([title, *lines, ""])


# ---- raw rows


def raw_rows(waterfall: Waterfall, history: History) -> dict[str, list[Row]]:
    """The raw.* relations as landing would offer them, by name, times naive UTC; for feeding models without files.

    Loads of the histories keep their numbers; leads, accounts, merges and deletions are one load each after them.
    """
    recorded_at = _naive(history.as_of)
    placed = travel(waterfall, history).placed
    tables: dict[str, list[Row]] = {name: [] for name in ("raw.stage_entries", "raw.rejected_rows", "raw.loads")}
    tables |= {f"raw.{name}_attributes": [] for name in ("entry", "lead", "account")}
    on_landing = {"no_lead", "no_stage", "unreadable_time", "time_out_of_range"}
    counts: dict[tuple[str, int], Row] = {}
    for row in placed:
        entry = row.entry
        where = {"input": entry.input, "load_no": entry.load_no, "row_number": entry.row_number}
        load = counts.setdefault((entry.input, entry.load_no), _load(entry.input, "stage_entries", entry.load_no))
        load["rows_read"] += 1
        if row.reason in on_landing:
            load["rejected"] += 1
            rejected = {"file_name": load["file_name"], "reason": row.reason, "original": "as delivered"}
            tables["raw.rejected_rows"].append(where | rejected)
            continue
        if row.disposition == "redelivered":
            load["redelivered"] += 1
            continue
        load["landed"] += 1
        extra = {column: present(entry.extra.get(column)) for column in sorted(history.entry_columns - {"owner"})}
        entered_at = _naive(entry.entered_at)
        tables["raw.stage_entries"].append(
            where
            | {
                "lead_id": entry.lead_id,
                "stage": entry.stage.strip(),
                "stage_alias": normalised(entry.stage),
                "entered_at": entered_at,
                "sequence": entry.sequence,
                "previous": present(entry.previous),
                "previous_alias": normalised(entry.previous) if present(entry.previous) else None,
                "record_created_at": _naive(entry.record_created_at),
                "owner": present(entry.owner),
                "source_system": None,
                "recorded_at": recorded_at,
                "time_note": None,
                "original": "as delivered" if row.disposition == "rejected" else None,
            }
            | extra
        )
    tables["raw.loads"] = list(counts.values())

    load_no = max((entry.load_no for entry in history.entries), default=0)
    leads = [{"lead_id": each, **dict.fromkeys(LEAD_COLUMNS), **row} for each, row in history.leads.items()]
    accounts = [{"account_id": each, **row} for each, row in history.accounts.items()]
    merges = [
        {
            "from_lead_id": each.from_lead_id,
            "into_lead_id": each.into_lead_id,
            "merged_at": _naive(each.merged_at),
            "object": each.object,
        }
        for each in history.merges
    ]
    deletions = [{"lead_id": each.lead_id, "deleted_at": _naive(each.deleted_at)} for each in history.deletions]
    others: dict[str, list[Row]] = {"leads": leads, "accounts": accounts, "merges": merges, "deletions": deletions}
    for table, rows in others.items():
        load_no += 1
        load = _load(f"crm_{table}", table, load_no)
        tables[f"raw.{table}"] = []
        for row_number, columns in enumerate(rows, start=1):
            where = {"input": f"crm_{table}", "load_no": load_no, "row_number": row_number}
            tables[f"raw.{table}"].append(where | columns | {"recorded_at": recorded_at})
            if table in ("leads", "accounts"):
                known = {column for each in rows for column in each}
                tables[f"raw.{table[:-1]}_attributes"] += [
                    where | {"dimension": dimension, "dimension_value": present(columns.get(dimension))}
                    for dimension in dict.fromkeys((*waterfall.dimensions, *waterfall.rule_columns(table)))
                    if dimension in known
                ]
        if rows:
            tables["raw.loads"].append(load | {"rows_read": len(rows), "landed": len(rows)})
    for load in tables["raw.loads"]:
        load["loaded_at"] = recorded_at
    return tables


def _load(name: str, table: str, load_no: int) -> Row:
    counts = dict.fromkeys(("rows_read", "filtered", "rejected", "redelivered", "duplicates", "landed"), 0)
    file = {"file_name": f"{name}_{load_no:03}.csv", "sha256": f"{load_no:064x}", "loaded_at": None}
    return {"input": name, "table_name": table, "load_no": load_no, **file, **counts}


def _naive(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment is not None else None
