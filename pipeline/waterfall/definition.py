"""A waterfall as frozen values: stages, groups, pairs, inputs. `config` builds them from TOML, `tables` turns them into rows.

Whoever holds one of these may trust it: `config.load` is the only builder, and it refuses what docs/RULES.md section 2 forbids.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Kind = Literal["path", "hold", "detour", "exit"]
Clock = Literal["calendar", "business"]
TimeUnit = Literal["minute", "hour", "day", "week"]
InputTable = Literal["stage_entries", "leads", "accounts", "merges", "deletions"]
Unit = Literal["cycle", "lead", "account"]

MAX_STAGES, MAX_GROUPS, MAX_HEADLINE_PAIRS = 100, 100, 50
"""Stages are numbered from 1, groups from 101; every headline pair has a page. All pairs of so many are fewer than 32,767."""


BUILT_IN_DIMENSIONS = ("origin", "qualified_by", "entry_stage", "owner", "team")


@dataclass(frozen=True)
class Sla:
    """How long a lead may stay: so many units of the clock. On the business clock a day is a working day (calendar.py)."""

    amount: int
    unit: TimeUnit
    clock: Clock = "calendar"

    @property
    def text(self) -> str:
        """The limit in words: `2 days`."""
        return f"{self.amount} {self.unit}{'' if self.amount == 1 else 's'}"


@dataclass(frozen=True)
class WorkingCalendar:
    """When a team works: between two minutes of the local day, on some ISO weekdays (1 Monday … 7), but on no day off."""

    timezone: str
    opens_minute: int = 9 * 60
    closes_minute: int = 17 * 60
    """Above opens_minute, up to 1440: the end of the day."""
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5)
    country: str | None = None
    """Whose public holidays are days off: ISO code, perhaps with a part of it: `US`, `US-CA`."""
    extra_days_off: tuple[date, ...] = ()


@dataclass(frozen=True)
class Stage:
    """A named state of a lead. `rank` is dense (1, 2 …) over the path stages, equal for parallel ones, None off the path."""

    key: str
    label: str
    name: str
    definition: str
    kind: Kind
    rank: int | None
    team: str | None = None
    phase: str | None = None
    sla: Sla | None = None
    aliases: tuple[str, ...] = ()
    gate: bool = False
    qualifies: bool = False
    verified: bool = True
    note: str = ""

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every text that names the stage in an export, as written: matching normalises it."""
        return (self.key, self.label, self.name, *self.aliases)


@dataclass(frozen=True)
class Group:
    """A named set of path stages that reports as if it were one stage."""

    key: str
    label: str
    definition: str
    stages: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """Two marks (stage or group keys), every rank of the first below every rank of the second."""

    from_key: str
    to_key: str
    target: float | None = None
    """The agreed share; 1.0 = 100 %."""
    window_days: int = 90
    """Of a headline pair: the days within which a conversion counts for the headline rate (K9)."""


@dataclass(frozen=True)
class Condition:
    """One thing asked of one column. A missing value is none of `values` and matches no pattern; `is_negated` turns it round.

    `values` are the texts of `one_of`, or the one regular expression (RE2, found anywhere) of `matches`.
    """

    column: str
    ask: Literal["one_of", "matches", "is_null"]
    values: tuple[str, ...] = ()
    is_negated: bool = False


@dataclass(frozen=True)
class ScopeRule:
    """Leads that match, or all leads of accounts that match, are out of scope (E8)."""

    name: str
    table: Literal["leads", "accounts"]
    where: Condition
    reason: str


@dataclass(frozen=True)
class OriginRule:
    """Leads that match count under `origin`, unless a rule before it matched."""

    origin: str
    where: Condition


@dataclass(frozen=True)
class PersonaRule:
    """Leads that match are this persona, unless a rule before it matched (A5)."""

    persona: str
    where: Condition


@dataclass(frozen=True)
class Waterfall:
    """Everything that decides what a number means."""

    name: str
    timezone: str
    stages: tuple[Stage, ...]
    groups: tuple[Group, ...] = ()
    headline: tuple[Pair, ...] = ()
    headline_months: int = 3
    """How many final months the headline rate adds up (K9)."""
    settle_days: tuple[tuple[str, str, int], ...] = ()
    """(from, to, days) of the pairs whose settling time the configuration gives; that of the others follows from the data (K5)."""
    dimensions: tuple[str, ...] = ()
    windows: tuple[int, ...] = ()
    week_start: int = 1
    """ISO weekday on which a week starts: 1 Monday … 7 Sunday."""
    fiscal_year_start: int = 1
    """Month in which the fiscal year starts: 1 … 12."""
    as_of: datetime | None = None
    """Pinned as-of in UTC, timezone-aware; None = the start of the run."""
    preset: str | None = None
    unit: Unit = "cycle"
    """What the headline of the report counts; every mart has all three."""
    calendar: WorkingCalendar | None = None
    """The hours of the business clock; given whenever a stage has a limit on it."""

    scope: tuple[ScopeRule, ...] = ()
    origins: tuple[OriginRule, ...] = ()
    origin_default: str | None = None
    """Origin of a lead that no origin rule matches; None = what its input says."""

    personas: tuple[PersonaRule, ...] = ()

    match_domains: bool = True
    """Whether a lead without an account finds one by the domain of its e-mail or website (A2)."""

    never_match: tuple[str, ...] = ()
    """Domains that never lead to an account, such as our own."""

    entry_at_creation: bool = False
    """A lead without any accepted entry gets one at its creation stage, where its input gives stage and time (E9)."""

    implied: bool = False
    """The report also compares conversion with what it would be if skipped stages had been entered (E9)."""

    @property
    def maps_origin(self) -> bool:
        """Whether this configuration, and not the inputs alone, says what a lead's origin is."""
        return bool(self.origins or self.origin_default)

    def rule_columns(self, table: str) -> tuple[str, ...]:
        """The columns of `leads` or `accounts` that a rule asks about, none twice."""
        asked = [rule.where.column for rule in self.scope if rule.table == table]
        if table == "leads":
            asked += [rule.where.column for rule in self.origins]
            asked += [rule.where.column for rule in self.personas]
        return tuple(dict.fromkeys(asked))

    def stage(self, key: str) -> Stage:
        """The stage of that key. KeyError if there is none."""
        return next(stage for stage in self.stages if stage.key == key)
