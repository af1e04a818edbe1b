"""The configuration as frozen values: the waterfall, its inputs and their thresholds, privacy, mail and output.

Only `load.load_configuration` builds it, and enforces docs/RULES.md section 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pipeline.config.locale import EN_US, Locale
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
"""With a larger share of leads whose current stage differs from their history, a run warns."""
MAX_DAYS = 3650
NEVER = "never"
RARE_TABLES = frozenset({"merges", "deletions"})
"""Tables of rare events. A day without rows is normal, so `[checks]` does not apply to them."""
UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
AMOUNT_OF_TIME = re.compile(r"(\d{1,6}) *(minute|hour|day|week)s?")


@dataclass(frozen=True)
class Guard:
    """The thresholds of one input. `warn_after` and `error_after` are ages of its newest file at as-of; None: no limit.

    `least_rows` is a share of the usual rows on a weekday (0: not checked), `lost_keys` a share of the keys of the previous
    snapshot, `max_rejected` a share of the rows of a file (1: not checked).
    """

    warn_after: timedelta | None = timedelta(hours=36)
    error_after: timedelta | None = None
    least_rows: float = 0.5
    lost_keys: float = 0.01
    max_rejected: float = 0.05


def age(text: str) -> timedelta | None:
    """Parse `36 hours` as a timedelta and `never` as None. Raises ValueError with a message for the user."""
    if text == NEVER:
        return None
    found = AMOUNT_OF_TIME.fullmatch(text)
    if not found:
        raise ValueError('must be a number and a unit, such as "36 hours" or "3 days", or "never"')
    amount, unit = int(found.group(1)), found.group(2)
    if not timedelta(0) < amount * UNITS[unit] <= timedelta(days=MAX_DAYS):
        raise ValueError(f'must be more than 0 and at most {MAX_DAYS} days, or "never"')
    return amount * UNITS[unit]


@dataclass(frozen=True)
class Database:
    """A query of a database. The connection string is only in the environment variable `variable`."""

    source: Source
    variable: str
    query: str
    """One SELECT, without a semicolon at its end."""
    cursor: str | None = None
    """The next run reads rows from the highest value of this column on; None: each run reads all rows."""
    look_back: timedelta = timedelta(0)
    """The next run starts this much before that value; only for a cursor of times."""
    timeout: timedelta = QUERY_TIMEOUT
    """Timeout of one statement."""

    @property
    def reading(self) -> dict[str, Any]:
        """Return the settings that change the rows. The address of the server is not one of them."""
        return {"source": self.source, "query": self.query, "cursor": self.cursor}


@dataclass(frozen=True)
class Candidate:
    """A header, or a path into the JSON of a column, for a column of the table. With `beside`, only if that header exists too."""

    header: str
    beside: str | None = None


@dataclass(frozen=True)
class Where:
    """A condition that a row must meet to be read. An optional condition is skipped if the file does not have its column."""

    condition: Condition
    is_optional: bool = False


@dataclass(frozen=True)
class Split:
    """Columns whose cells have several values, separated by `by`. Each value becomes a row."""

    columns: tuple[str, ...]
    by: str


@dataclass(frozen=True)
class StageDates:
    """Columns with the date of a stage: each date becomes a row.

    `columns` are (stage, header). If a header matches a pattern, the text at `*` is the stage. `known` has every spelling of
    a stage, normalised and as written, and the key of the stage.
    """

    columns: tuple[tuple[str, str], ...] = ()
    patterns: tuple[str, ...] = ()
    known: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Reshaping:
    """How the records of a file become rows of a table.

    `names` has the candidate headers of each column, also for `where`; the first that the file has is used. `json` is the
    column of paths without a column. `created` are the values of column `field` that mark the creation of a record.
    """

    names: dict[str, tuple[Candidate, ...]] = field(default_factory=dict)
    where: tuple[Where, ...] = ()
    constants: dict[str, str] = field(default_factory=dict)
    json: str | None = None
    split: Split | None = None
    stage_dates: StageDates | None = None
    created: tuple[str, ...] = ()
    keeps_extras: bool = True
    """Whether other columns are kept as they are."""
    dated_by_name: bool = False
    """Whether a file without a time column has its date in its name."""
    default_time: str | None = None
    """The time of every row of a file without a time column."""
    footer: str | None = None
    """Regular expression for the footer of a report: if a last line matches, lines after the last whole record are not rows."""


@dataclass(frozen=True)
class Input:
    """One kind of export: where its files are and how to read them. `columns` maps a column of the table to a header."""

    name: str
    table: InputTable
    pattern: Path
    columns: dict[str, str] = field(default_factory=dict)
    timezone: str = "UTC"
    time_format: str | tuple[str, ...] | None = None
    """One format, or several: the first that can read a text is used. None: ISO 8601."""
    locale: str | None = None
    """CLDR code of the language of month names; None: English."""
    encoding: str = "utf-8"
    delimiter: str = ","
    skip_lines: int = 0
    sheet: str | int | None = None
    """For workbooks: the name of a sheet, or its number among the visible sheets (1 = first, the default)."""
    header_row: int | None = None
    """For workbooks and web pages: the row of the header (1 = first); None: the first row that is not empty."""
    null_values: tuple[str, ...] = ("",)
    mode: Mode = "append"
    precision: Precision | None = None
    """For history: the unit to which its times are truncated; None: not truncated."""
    priority: int | None = None
    """For history: if several inputs record an entry, the one with the lowest number (1 = first) dates it. None: no effect."""
    guard: Guard = field(default_factory=Guard)
    ids: IdKind = "plain"
    """With `salesforce`, an id of 15 characters equals its form with 18 characters."""
    format: str = "entries"
    reshaping: Reshaping | None = None
    """None: each record of a file is one row."""
    is_optional: bool = False
    """Whether a file may be without the data of this part of a format."""
    written_path: str = ""
    """`pattern` as written in the configuration, for messages."""
    database: Database | None = None
    """The query to read instead of files; `pattern` is then not used."""

    @property
    def time_formats(self) -> tuple[str, ...]:
        """Return the formats of times in their order; ISO 8601 if none is set."""
        return self.time_format if isinstance(self.time_format, tuple) else (self.time_format or "iso",)


@dataclass(frozen=True)
class Mail:
    """The `[mail]` block.

    `sender` and `to` are addresses as written, with or without a name. `ca_file` has the trusted certificates, instead of
    those of the machine. `report_url` is the address of the published reports and ends with a slash. `attach` lists CSV
    files of reports/data/. `max_attachment_kb` limits the sum of all attachments.
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
    """How one output treats personal data. `emails` applies to e-mail addresses in every column."""

    lead_ids: Treatment = "keep"
    owners: Treatment = "keep"
    account_names: Treatment = "keep"
    emails: Treatment = "keep"

    @property
    def treatments(self) -> tuple[Treatment, ...]:
        """Return all treatments in the order of the fields."""
        return (self.lead_ids, self.owners, self.account_names, self.emails)

    @property
    def is_plain(self) -> bool:
        """Whether all personal data is kept."""
        return set(self.treatments) == {"keep"}


@dataclass(frozen=True)
class Privacy:
    """The `[privacy]` block: treatment in pages, files (CSV, workbook, summary), mail and database."""

    report: Personal = Personal()
    files: Personal = Personal()
    mail: Personal = Personal()
    database: Personal = Personal()

    @property
    def needs_key(self) -> bool:
        """Whether anything is hashed. Keys of rows are hashed even with `drop`."""
        outputs = (self.report, self.files, self.mail, self.database)
        return any(not each.is_plain for each in outputs)


@dataclass(frozen=True)
class ReportOfOne:
    """A report for one value of a dimension, in addition to the report of all leads."""

    name: str
    """Name of its folder under reports/, and its value of the column `report` in schema report."""
    title: str
    dimension: str
    value: str
    to: tuple[str, ...] = ()
    """Mail addresses of its recipients."""


@dataclass(frozen=True)
class Configuration:
    """A validated configuration: the waterfall, its inputs and the output."""

    path: Path
    waterfall: Waterfall
    inputs: tuple[Input, ...]
    output: Path
    keep_runs: int = 7
    reports: tuple[ReportOfOne, ...] = ()
    keep_reports: int = 30
    locale: Locale = EN_US
    mail: Mail | None = None
    memory: str | None = None
    threads: int | None = None
    """Limits of a run, unless the environment sets them; None: all that the machine allows."""

    privacy: Privacy = field(default_factory=Privacy)
    unused_stages: frozenset[str] = frozenset()
    """Stages and groups of headline pairs that may be without rows."""

    max_unreconciled: float = MAX_UNRECONCILED
    """With a larger share of leads whose current stage differs from their history, a run warns."""
