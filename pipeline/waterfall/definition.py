"""A waterfall as frozen values: stages, groups, pairs and rules.

Only `config.load` builds them, and enforces docs/RULES.md section 2, so other code can rely on valid values.
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
"""Stages are numbered from 1, groups from 101; each headline pair has a page. With these limits, pair numbers fit a SMALLINT."""


@dataclass(frozen=True)
class Sla:
    """The longest time that a lead may stay, in units of the clock. On the business clock, a day is a working day (calendar.py)."""

    amount: int
    unit: TimeUnit
    clock: Clock = "calendar"

    @property
    def text(self) -> str:
        """Return the SLA as text: `2 days`."""
        return f"{self.amount} {self.unit}{'' if self.amount == 1 else 's'}"


@dataclass(frozen=True)
class WorkingCalendar:
    """Working hours: between two minutes of the local day, on ISO weekdays (1 Monday … 7), except days off."""

    timezone: str
    opens_minute: int = 9 * 60
    closes_minute: int = 17 * 60
    """Greater than opens_minute; 1440 is the end of the day."""
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5)
    country: str | None = None
    """Country, or part of it, whose public holidays are days off, as an ISO code: `US`, `US-CA`."""
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
        """Return every text for the stage in an export, not normalised."""
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
    """Two milestones (keys of stages or groups). Every rank of the first is below every rank of the second."""

    from_key: str
    to_key: str
    target: float | None = None
    """The agreed share; 1.0 = 100 %."""
    window_days: int = 90
    """For a headline pair: the days within which a conversion counts for the headline rate (K9)."""


@dataclass(frozen=True)
class Condition:
    """A test of one column. A missing value is not in `values` and matches no pattern; `is_negated` negates the result.

    `values` has the texts of `one_of`, or the regular expression of `matches` (RE2, matches anywhere).
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
    """Leads that match have this origin, unless an earlier rule matches."""

    origin: str
    where: Condition


@dataclass(frozen=True)
class PersonaRule:
    """Leads that match have this persona, unless an earlier rule matches (A5)."""

    persona: str
    where: Condition


@dataclass(frozen=True)
class Event:
    """A day that explains a trend. No number depends on it."""

    date: date
    label: str


@dataclass(frozen=True)
class Waterfall:
    """All settings that define the numbers."""

    name: str
    timezone: str
    stages: tuple[Stage, ...]
    groups: tuple[Group, ...] = ()
    headline: tuple[Pair, ...] = ()
    headline_months: int = 3
    """How many final months the headline rate adds up (K9)."""
    settle_days: tuple[tuple[str, str, int], ...] = ()
    """(from, to, days) of pairs with a configured settling time; for other pairs it is computed from the data (K5)."""
    dimensions: tuple[str, ...] = ()
    dimension_labels: tuple[tuple[str, str], ...] = ()
    """(dimension, its name on pages) of dimensions with a configured name."""
    windows: tuple[int, ...] = ()
    week_start: int = 1
    """ISO weekday on which a week starts: 1 Monday … 7 Sunday."""
    fiscal_year_start: int = 1
    """Month in which the fiscal year starts: 1 … 12."""
    as_of: datetime | None = None
    """Configured as-of (aware UTC); None = the start of the run."""
    preset: str | None = None
    unit: Unit = "cycle"
    """The unit of the headline of the report; every mart has all three units."""
    calendar: WorkingCalendar | None = None
    """The hours of the business clock; set if any stage has an SLA on it."""

    scope: tuple[ScopeRule, ...] = ()
    origins: tuple[OriginRule, ...] = ()
    origin_default: str | None = None
    """Origin of a lead that no origin rule matches; None = the origin in its input."""

    personas: tuple[PersonaRule, ...] = ()
    events: tuple[Event, ...] = ()

    match_domains: bool = True
    """Whether a lead without an account is matched by the domain of its e-mail or website (A2)."""

    never_match: tuple[str, ...] = ()
    """Domains that are never matched to an account, such as one's own."""

    entry_at_creation: bool = False
    """Whether a lead without an accepted entry gets one at its creation stage, if its input has stage and time (E9)."""

    implied: bool = False
    """Whether the report also shows the conversion as if skipped stages had been entered (E9)."""

    @property
    def maps_origin(self) -> bool:
        """Whether rules of the configuration decide the origin of a lead."""
        return bool(self.origins or self.origin_default)

    def rule_columns(self, table: str) -> tuple[str, ...]:
        """Return the distinct columns of `leads` or `accounts` that rules test."""
        columns = [rule.where.column for rule in self.scope if rule.table == table]
        if table == "leads":
            columns += [rule.where.column for rule in self.origins]
            columns += [rule.where.column for rule in self.personas]
        return tuple(dict.fromkeys(columns))

    def stage(self, key: str) -> Stage:
        """Return the stage with this key. Raises StopIteration if there is none."""
        return next(stage for stage in self.stages if stage.key == key)
