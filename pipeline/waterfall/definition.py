"""A waterfall as frozen values: stages, groups, pairs, inputs. `config` builds them from TOML, `tables` turns them into rows.

Whoever holds one of these may trust it: `config.load` is the only builder, and it refuses what docs/RULES.md section 2 forbids.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from pipeline.waterfall.database import Database
from pipeline.waterfall.guard import Guard
from pipeline.waterfall.mail import Mail
from pipeline.waterfall.privacy import Privacy

Kind = Literal["path", "hold", "detour", "exit"]
Clock = Literal["calendar", "business"]
TimeUnit = Literal["minute", "hour", "day", "week"]
InputTable = Literal["stage_entries", "leads", "accounts", "merges", "deletions"]
Mode = Literal["append", "snapshot"]
Precision = Literal["minute", "hour", "day"]
Unit = Literal["cycle", "lead", "account"]

MAX_STAGES, MAX_GROUPS, MAX_HEADLINE_PAIRS = 100, 100, 50
"""Stages are numbered from 1, groups from 101; every headline pair has a page. All pairs of so many are fewer than 32,767."""

MAX_UNRECONCILED = 0.05
"""Share of leads whose source may show another stage than their history, above which a run warns."""

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
class Candidate:
    """A header, or a path into the JSON of a column, that may be a column of ours; counts only `beside` another header, if any."""

    header: str
    beside: str | None = None


@dataclass(frozen=True)
class Where:
    """A condition that a row must meet to be read. An optional one is left out where the file lacks its column."""

    condition: Condition
    is_optional: bool = False


@dataclass(frozen=True)
class Split:
    """Columns whose cells hold several values, separated by `by`. Each value becomes a row."""

    columns: tuple[str, ...]
    by: str


@dataclass(frozen=True)
class StageDates:
    """Columns that each hold the date of a stage: each date becomes a row.

    `columns` are (stage, header). A column whose header fits a pattern is that of the stage in the place of `*`, where
    `known` has it: each spelling of a stage as `normalise_stage` gives it and as it is written, and the key of the stage.
    """

    columns: tuple[tuple[str, str], ...] = ()
    patterns: tuple[str, ...] = ()
    known: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Reshaping:
    """How the records of a file become rows of a table.

    `names` has the candidates of our columns and of `where`, the first that the file has counts. `json` is the column that a
    path starts in where it names no column. `created` are the values of the column `field` that mark the creation of a record.
    """

    names: dict[str, tuple[Candidate, ...]] = field(default_factory=dict)
    where: tuple[Where, ...] = ()
    constants: dict[str, str] = field(default_factory=dict)
    json: str | None = None
    split: Split | None = None
    stage_dates: StageDates | None = None
    created: tuple[str, ...] = ()
    keeps_extras: bool = True
    """Whether a column that nothing names is kept as it is."""
    dated_by_name: bool = False
    """Whether a file without a time column has its date in its name."""
    default_time: str | None = None
    """The time of every row of a file that has no time column."""
    footer: str | None = None
    """A regular expression that one of the last lines of a report meets: lines below the last whole record are no rows then."""


@dataclass(frozen=True)
class Input:
    """One kind of export: where its files are and how to read them. `columns` maps our name to theirs."""

    name: str
    table: InputTable
    pattern: Path
    columns: dict[str, str] = field(default_factory=dict)
    timezone: str = "UTC"
    time_format: str | tuple[str, ...] | None = None
    """One format, or several of which the first that reads a text counts; None is ISO 8601."""
    locale: str | None = None
    """The language of the names of months in times, as CLDR calls it; None is English."""
    encoding: str = "utf-8"
    delimiter: str = ","
    skip_lines: int = 0
    sheet: str | int | None = None
    """Of a workbook: the name of a sheet, or its number among those that are not hidden (1 = first, the default)."""
    header_row: int | None = None
    """Of a workbook or a web page: the row of the header (1 = first); None: the first that is not empty."""
    null_values: tuple[str, ...] = ("",)
    mode: Mode = "append"
    precision: Precision | None = None
    """Of history: the unit to which its times are cut; None: they are whole."""
    priority: int | None = None
    """Of history: 1 is first; which source dates an entry that several record. None: it neither wins nor loses."""
    guard: Guard = field(default_factory=Guard)
    ids: Literal["plain", "salesforce"] = "plain"
    """Whether ids of 15 and of 18 characters are those of Salesforce, and thus the same."""
    format: str = "entries"
    reshaping: Reshaping | None = None
    """None: each record of a file is a row as it is."""
    is_optional: bool = False
    """Whether a file may lack what this part of a format reads."""
    written_path: str = ""
    """`pattern` as the configuration has it, for messages."""
    database: Database | None = None
    """What is read in place of files; `pattern` then means nothing."""


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


@dataclass(frozen=True)
class ReportOfOne:
    """A report beside that of all leads: of what began with one value of a dimension."""

    name: str
    """Its folder under reports/, and its tables in schema report_<name>."""
    title: str
    dimension: str
    value: str
    to: tuple[str, ...] = ()
    """Mail addresses of those who get it."""


@dataclass(frozen=True)
class Configuration:
    """One TOML file, read: the waterfall, its inputs and where the output goes."""

    path: Path
    waterfall: Waterfall
    inputs: tuple[Input, ...]
    output: Path
    keep_runs: int = 7
    reports: tuple[ReportOfOne, ...] = ()
    keep_reports: int = 30
    mail: Mail | None = None
    memory: str | None = None
    threads: int | None = None
    """What a run may use, where the environment does not say; None for what the machine has."""

    privacy: Privacy = field(default_factory=Privacy)
    unused_stages: frozenset[str] = frozenset()
    """Stages and groups of headline pairs that no row has to name yet."""

    max_unreconciled: float = MAX_UNRECONCILED
    """The share of leads whose current stage may be another than their history says, above which a run warns."""
