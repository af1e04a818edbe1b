"""Reads a worked case from Markdown: a claim, a waterfall, given rows and expected rows.

    # The claim, one sentence

    Two or three sentences that say why.

    - waterfall: short          (a file in waterfalls/ or the name of a preset; or a table under `## Stages`)
    - as of: 2026-03-31 23:59:59
    - rules: K1, K3             (those of docs/RULES.md that it shows; tests/README.md lists them)
    - settle days: mql>sal 14, sal>sql 30    (and headline windows: days by pair)
    - timezone: America/New_York    (and windows, dimensions, week start, fiscal year start: as in [funnel])
    - hours: 09:00-17:00            (and weekdays, country, days off: as in [calendar]; an sla is then "8 business hours")

    ## Configuration
    more blocks of funnel.toml, such as [[scope]], between fences

    ## Given stage_entries
    | lead_id | stage | entered_at |    (and `input`, `load_no`: else all are of one load of `crm`)

    ## Then marts.conversion
    where `grain = 'all' and unit = 'cycle'`
    | from_stage | to_stage | entered | converted |

    ## Then report.headline of priya    (a report of [[reports]]; without `of`, the report of all leads)

Given times are local times of the waterfall's zone; expected times are UTC instants or local dates, as docs/RULES.md
section 10 says. A `Then` may have its own line "as of `…`". It lists every row that meets its condition, with the
columns that the claim needs; numbers have up to six digits after the point.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.config import presets
from pipeline.config.configuration import Configuration
from pipeline.config.load import load_configuration
from pipeline.waterfall.definition import Waterfall

HERE = Path(__file__).resolve().parent
SETTINGS = (
    "waterfall",
    "as of",
    "rules",
    "unit",
    "timezone",
    "windows",
    "headline windows",
    "headline months",
    "settle days",
    "dimensions",
    "week start",
    "fiscal year start",
    "origin default",
    "entry at creation",
    "implied",
    "hours",
    "weekdays",
    "country",
    "days off",
)
CALENDAR = {"hours": "hours", "weekdays": "weekdays", "country": "country", "days off": "extra_days_off"}
BY_PAIR = ("headline windows", "settle days")
LISTS = ("windows", "dimensions", "weekdays", "days off")
GIVEN = ("stage_entries", "leads", "accounts", "merges", "deletions")
TIMES = ("entered_at", "created_at", "record_created_at", "merged_at", "deleted_at")
NUMBERS = ("load_no", "sequence", "rank")
INPUT = '[[inputs]]\nname = "crm"\ntable = "stage_entries"\npath = "crm.csv"\n'

Record = dict[str, str]


@dataclass(frozen=True)
class Then:
    """The expected rows of one table, as text, and the condition that selects them."""

    table: str
    condition: str
    as_of: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    report: str = "all"
    """The report whose rows are expected, for a table of schema report."""

    @property
    def query(self) -> str:
        """The query of the rows."""
        of_report = f"report = '{self.report}' and " if self.table.startswith("report.") else ""
        return f"select {', '.join(self.columns)} from {self.table} where {of_report}({self.condition})"


@dataclass(frozen=True)
class Case:
    """One parsed Markdown file."""

    claim: str
    prose: str
    settings: Record
    stages: tuple[Record, ...]
    groups: tuple[Record, ...]
    given: dict[str, tuple[Record, ...]]
    blocks: str
    thens: tuple[Then, ...]

    def waterfall(self, folder: Path) -> Waterfall:
        """The waterfall, loaded from a configuration file that is written into `folder`."""
        return self.configuration(folder).waterfall

    def configuration(self, folder: Path) -> Configuration:
        """The whole configuration, with the [[reports]] that a `Then report.x of name` needs."""
        path = folder / "funnel.toml"
        path.write_text(self._toml(), encoding="utf-8")
        return load_configuration(path)

    def moment(self, text: str) -> datetime:
        """A given time as an aware UTC instant."""
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(self.settings.get("timezone", "UTC")))
        return moment.astimezone(UTC)

    def raw_rows(self) -> dict[str, list[dict[str, Any]]]:
        """The given rows as raw rows: numbered in the order of the case, with naive UTC times."""
        return {
            table: [
                {
                    "input": "crm" if table == "stage_entries" else f"crm_{table}",
                    "load_no": GIVEN.index(table) * 100 + 1,
                    "row_number": row_number,
                }
                | {name: self._value(name, text) for name, text in row.items()}
                for row_number, row in enumerate(rows, start=1)
            ]
            for table, rows in self.given.items()
        }

    def _value(self, name: str, text: str) -> Any:
        if text == "":
            return None
        if name in TIMES:
            return self.moment(text).replace(tzinfo=None)
        return int(text) if name in NUMBERS else text

    def _toml(self) -> str:
        named = self.settings.get("waterfall", "")
        lines = ["[funnel]", 'name = "A case"', f"as_of = {json.dumps(self.settings['as of'].replace(' ', 'T'))}"]
        file = HERE / "waterfalls" / f"{named}.toml"
        if named and not file.exists():
            assert named in presets.names(), f"no waterfall and no preset is called {named}"
            lines.append(f"preset = {json.dumps(named)}")
        for name, text in self.settings.items():
            if name in BY_PAIR:
                lines.append(f"{name.replace(' ', '_')} = {{ {_by_pair(text)} }}")
            elif name not in ("waterfall", "as of", "rules", *CALENDAR):
                value: Any = (
                    [_toml_value(each.strip()) for each in text.split(",")] if name in LISTS else _toml_value(text)
                )
                lines.append(f"{name.replace(' ', '_')} = {json.dumps(value)}")
        if CALENDAR.keys() & self.settings.keys():
            lines.append("[calendar]")
        for name, key in CALENDAR.items():
            if name in self.settings:
                text = self.settings[name]
                days = [each.strip() for each in text.split(",")]
                lines.append(f"{key} = {json.dumps(days if name in LISTS else text)}")
        lines.append(file.read_text("utf-8") if named and file.exists() else "")
        for stage in self.stages:
            lines += ["[[stages]]", 'definition = "As in the case."', *_keys(stage)]
        for group in self.groups:
            members = [member.strip() for member in group["stages"].split(",")]
            lines += ["[[groups]]", 'definition = "As in the case."', f"key = {json.dumps(group['key'])}"]
            lines += [f"label = {json.dumps(group['key'].upper())}", f"stages = {json.dumps(members)}"]
        return "\n".join([*lines, self.blocks, INPUT])


def read_case(path: Path) -> Case:
    """Read one file. Raises ValueError if it does not have the form above, so that no line is skipped in silence."""
    head, *sections = re.split(r"^## ", path.read_text("utf-8"), flags=re.MULTILINE)
    title, _, rest = head.partition("\n")
    bullets = [line for line in rest.splitlines() if line.startswith("- ")]
    settings = dict(_setting(bullet) for bullet in bullets)
    prose = " ".join(line for line in rest.splitlines() if line and not line.startswith("- "))
    stages: tuple[Record, ...] = ()
    groups: tuple[Record, ...] = ()
    given: dict[str, tuple[Record, ...]] = {}
    blocks = ""
    thens = []
    for section in sections:
        heading, _, body = section.partition("\n")
        match heading.strip().split():
            case ["Stages"]:
                stages = _records(body)
            case ["Groups"]:
                groups = _records(body)
            case ["Configuration"]:
                blocks = body.strip().removeprefix("```toml").removesuffix("```")
            case ["Given", name] if name in GIVEN:
                given[name] = _records(body)
            case ["Then", name]:
                thens.append(_then(name, "all", body, settings["as of"]))
            case ["Then", name, "of", report] if name.startswith("report."):
                thens.append(_then(name, report, body, settings["as of"]))
            case _:
                raise ValueError(f"{path.name}: what is `## {heading}`?")
    if not title.startswith("# ") or not prose or not given or not thens:
        raise ValueError(f"{path.name}: a case has a title, prose, given rows and expected rows")
    return Case(title.removeprefix("# ").strip(), prose, settings, stages, groups, given, blocks, tuple(thens))


def format_value(value: Any) -> str:
    """A value of the database as text, in the form that a case uses."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        return ", ".join(format_value(each) for each in value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _then(table: str, report: str, body: str, as_of: str) -> Then:
    text, bar, rows = body.partition("|")
    condition = re.search(r"where `([^`]+)`", text)
    own_as_of = re.search(r"as of `([^`]+)`", text)
    left = re.sub(r"(where|as of) `[^`]+`|\s|,", "", text)
    if left:
        raise ValueError(f"{table}: what is {left!r}?")
    records = _table(bar + rows)
    return Then(
        table,
        condition[1] if condition else "true",
        own_as_of[1] if own_as_of else as_of,
        records[0],
        tuple(records[1:]),
        report,
    )


def _setting(bullet: str) -> tuple[str, str]:
    name, _, text = bullet.removeprefix("- ").partition(":")
    if name not in SETTINGS:
        raise ValueError(f"what is the setting {name!r}?")
    return name, text.strip()


def _records(body: str) -> tuple[Record, ...]:
    columns, *rows = _table(body)
    return tuple(dict(zip(columns, row, strict=True)) for row in rows)


def _table(body: str) -> list[tuple[str, ...]]:
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    if len(lines) < 2 or any(not (line.startswith("|") and line.endswith("|")) for line in lines):
        raise ValueError(f"this is no table: {lines[:1]}")
    rows = [tuple(cell.strip() for cell in line[1:-1].split("|")) for line in lines]
    if any(set(cell) - set("-:") for cell in rows[1]) or {len(row) for row in rows} != {len(rows[0])}:
        raise ValueError(f"a crooked table: {lines[0]}")
    return [rows[0], *rows[2:]]


def _keys(stage: Record) -> list[str]:
    """The cells of a stage as TOML; an empty cell adds nothing."""
    lines = []
    for name, text in ({"label": stage["key"].upper()} | stage).items():
        if name == "sla" and text:
            clock = "business" if " business " in text else "calendar"
            lines.append(f'sla = {{ within = "{text.replace(" business ", " ")}", clock = "{clock}" }}')
        elif text:
            lines.append(f"{name} = {json.dumps(_toml_value(text))}")
    return lines


def _by_pair(text: str) -> str:
    """`mql>sal 14, sal>sql 30` as the content of a TOML table."""
    cells = [each.strip().rsplit(" ", 1) for each in text.split(",")]
    return ", ".join(f"{json.dumps(pair)} = {int(days)}" for pair, days in cells)


def _toml_value(text: str) -> Any:
    """A cell as a TOML value: number, boolean or text."""
    return int(text) if text.isdecimal() else True if text == "yes" else text
