"""What the oracle is given: rows of history as delivered, what is known of leads and accounts, and the as-of.

Every time here is a timezone-aware UTC datetime of whole seconds. An empty text and None both mean "no value".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.config import formats
from pipeline.config.configuration import Precision


@dataclass(frozen=True)
class Entry:
    """One row of a history file. `lead_id` may be empty and `entered_at` None (unreadable): such a row is rejected."""

    input: str
    load_no: int
    row_number: int
    lead_id: str
    stage: str
    entered_at: datetime | None
    sequence: int | None = None
    owner: str | None = None
    previous: str | None = None
    record_created_at: datetime | None = None
    extra: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Merge:
    """`from_lead_id` was merged into `into_lead_id`; without a moment it always applies. `object`: lead or account."""

    from_lead_id: str
    into_lead_id: str
    merged_at: datetime | None = None
    object: str = "lead"


@dataclass(frozen=True)
class Deletion:
    """The lead vanished from the CRM at that moment; without one an earlier deletion is taken back."""

    lead_id: str
    deleted_at: datetime | None


@dataclass(frozen=True)
class History:
    """Everything a run knows.

    `inputs` are the names of the stage_entries inputs in the order of the configuration. `entry_columns` are the
    columns that the history files have (owner, campaign …), whether or not any row fills them. `leads` and `accounts`
    map an id to its columns; one merge per object and from-id, one deletion per lead. `snapshots` are the inputs whose rows
    say in which stage a lead is at that time.
    """

    as_of: datetime
    entries: tuple[Entry, ...]
    inputs: tuple[str, ...]
    entry_columns: frozenset[str] = frozenset()
    leads: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    accounts: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    merges: tuple[Merge, ...] = ()
    deletions: tuple[Deletion, ...] = ()
    precisions: Mapping[str, Precision] = field(default_factory=dict)
    priorities: Mapping[str, int] = field(default_factory=dict)
    snapshots: frozenset[str] = frozenset()

    @property
    def input_settings(self) -> dict[str, dict[str, Any]]:
        """What the inputs set, by name."""
        return {
            name: {
                "precision": self.precisions.get(name),
                "priority": self.priorities.get(name),
                "format": formats.SNAPSHOTS if name in self.snapshots else formats.ENTRIES,
            }
            for name in self.inputs
        }


class MergeLoopError(ValueError):
    """Leads, or accounts, that were merged into each other in a circle."""


def present(value: str | None) -> str | None:
    """The text, or None when there is nothing in it."""
    return value if value is not None and value.strip() != "" else None


def survivors(history: History, kind: str = "lead") -> dict[str, str]:
    """Merged id → the id that survives, chains followed, of leads or of accounts. Raises MergeLoopError naming the ids."""
    into = {
        merge.from_lead_id: merge.into_lead_id
        for merge in history.merges
        if merge.object == kind and (merge.merged_at is None or merge.merged_at <= history.as_of)
    }
    into = {gone: left for gone, left in into.items() if gone != left}
    found = {}
    for start in into:
        chain = [start]
        while chain[-1] in into:
            if into[chain[-1]] in chain:
                raise MergeLoopError(f"merged in a circle: {', '.join(sorted(chain))}")
            chain.append(into[chain[-1]])
        found[start] = chain[-1]
    return found


def record(history: History, lead_id: str) -> Mapping[str, str | None]:
    """The attributes of a surviving lead: its own record, else the last delivered one of a lead merged into it."""
    if lead_id in history.leads:
        return history.leads[lead_id]
    survivor_of = survivors(history)
    merged = [row for each, row in history.leads.items() if survivor_of.get(each) == lead_id]
    return merged[-1] if merged else {}


def surviving_account(history: History, account_id: str | None) -> str | None:
    """The account that is left of that one."""
    return survivors(history, "account").get(account_id, account_id) if account_id is not None else None


def account_record(history: History, account_id: str | None) -> Mapping[str, str | None]:
    """The attributes of a surviving account, as `record` has those of a lead; none without an account."""
    if account_id is None:
        return {}
    if account_id in history.accounts:
        return history.accounts[account_id]
    survivor_of = survivors(history, "account")
    merged = [row for each, row in history.accounts.items() if survivor_of.get(each) == account_id]
    return merged[-1] if merged else {}


def a_year_after(moment: datetime) -> datetime:
    """The same UTC date and time next year; 29 February becomes 28 February."""
    try:
        return moment.replace(year=moment.year + 1)
    except ValueError:
        return moment.replace(year=moment.year + 1, day=28)


def as_delivered(entry: Entry) -> tuple[object, ...]:
    """What makes two rows of one input the same row."""
    extra = tuple(sorted((name, present(value)) for name, value in entry.extra.items()))
    return (
        entry.input,
        entry.lead_id,
        entry.stage.strip(),
        entry.entered_at,
        entry.sequence,
        present(entry.owner),
        present(entry.previous),
        entry.record_created_at,
        repr(extra),
    )


def arrival_order(history: History, entry: Entry) -> tuple[int, int, int]:
    """By input as configured, then load, then row."""
    return history.inputs.index(entry.input), entry.load_no, entry.row_number
