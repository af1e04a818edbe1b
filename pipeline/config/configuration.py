"""A configuration as frozen values: the waterfall, its inputs, what each must deliver, privacy, mail and output.

`load.load_configuration` is the only builder. It refuses what docs/RULES.md section 2 forbids.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pipeline.waterfall.definition import Condition, InputTable, Waterfall

IdKind = Literal["plain", "salesforce"]
Mode = Literal["append", "snapshot"]
Precision = Literal["minute", "hour", "day"]
Source = Literal["postgres"]
QUERY_TIMEOUT = timedelta(minutes=30)
Treatment = Literal["keep", "hash", "drop"]
Security = Literal["starttls", "tls", "plain"]
PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "plain": 25}
"""The usual port of each kind of connection."""
MAX_UNRECONCILED = 0.05
"""Share of leads whose source may show another stage than their history, above which a run warns."""
LONGEST_DAYS = 3650
NEVER = "never"
RARE_TABLES = frozenset({"merges", "deletions"})
"""Tables of rare events. A day without any is normal, so `[checks]` does not apply to them."""
_UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_AGE = re.compile(r"(\d{1,6}) *(minute|hour|day|week)s?")


@dataclass(frozen=True)
class Guard:
    """The thresholds of one input. Ages are those of its newest delivery at as-of; None means that none is too old.

    `least_rows` is a share of what is usual on a weekday (0: not judged), `lost_keys` one of the keys of the snapshot before,
    `max_rejected` one of the rows of a file (1: not judged).
    """

    warn_after: timedelta | None = timedelta(hours=36)
    error_after: timedelta | None = None
    least_rows: float = 0.5
    lost_keys: float = 0.01
    max_rejected: float = 0.05


def age(text: str) -> timedelta | None:
    """`36 hours` as a length of time, `never` as None. ValueError, in words for the user, when it is neither."""
    if text == NEVER:
        return None
    found = _AGE.fullmatch(text)
    if not found:
        raise ValueError('must be a number and a unit, such as "36 hours" or "3 days", or "never"')
    amount, unit = int(found.group(1)), found.group(2)
    if not timedelta(0) < amount * _UNITS[unit] <= timedelta(days=LONGEST_DAYS):
        raise ValueError(f'must be more than nothing and at most {LONGEST_DAYS} days, or "never"')
    return amount * _UNITS[unit]


@dataclass(frozen=True)
class Database:
    """What is asked of a database. The connection string is in the environment variable `variable`, and only there."""

    source: Source
    variable: str
    query: str
    """One SELECT, without a semicolon at its end."""
    cursor: str | None = None
    """The column whose highest value says from where on the next run reads; None: each run reads everything."""
    look_back: timedelta = timedelta(0)
    """How far behind that value the next run begins; only with a cursor of times."""
    timeout: timedelta = QUERY_TIMEOUT
    """How long one statement may take."""

    @property
    def reading(self) -> dict[str, Any]:
        """What makes the rows other rows when it changes; the address of the server does not."""
        return {"source": self.source, "query": self.query, "cursor": self.cursor}


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
    ids: IdKind = "plain"
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
class Mail:
    """`[mail]` of a configuration.

    `sender` and `to` are addresses as written, with or without a name; `ca_file` holds the certificates to trust instead
    of the machine's; `report_url` is where a reader finds the published reports, ending in a slash; `attach` names CSV
    files of reports/data/; `max_attachment_kb` limits all attachments together.
    """

    sender: str
    to: tuple[str, ...]
    host: str
    port: int
    security: Security = "starttls"
    ca_file: Path | None = None
    report_url: str | None = None
    attach: tuple[str, ...] = ()
    max_attachment_kb: int = 2048


@dataclass(frozen=True)
class Personal:
    """How one output treats what says who somebody is. `emails` is an e-mail address wherever one stands."""

    lead_ids: Treatment = "keep"
    owners: Treatment = "keep"
    account_names: Treatment = "keep"
    emails: Treatment = "keep"

    @property
    def treatments(self) -> tuple[Treatment, ...]:
        """All of them, in the order of the fields."""
        return (self.lead_ids, self.owners, self.account_names, self.emails)

    @property
    def is_plain(self) -> bool:
        """Whether everything is kept as it is."""
        return set(self.treatments) == {"keep"}


@dataclass(frozen=True)
class Privacy:
    """`[privacy]`: the pages, the files beside them (CSV, workbook, summary), the mail, the database."""

    report: Personal = Personal()
    files: Personal = Personal()
    mail: Personal = Personal()
    database: Personal = Personal()

    @property
    def needs_key(self) -> bool:
        """Whether anything is hashed; dropping keys of rows hashes them, too."""
        outputs = (self.report, self.files, self.mail, self.database)
        return any(not each.is_plain for each in outputs)


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
