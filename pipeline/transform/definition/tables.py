"""Writes the definition as rows of schema `waterfall`. Models join it, so a new funnel needs no new SQL."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.config.configuration import Configuration
from pipeline.config.funnel import pair_unit
from pipeline.transform.definition.inputs import input_tables
from pipeline.transform.definition.rules import rule_tables
from pipeline.transform.project import Model
from pipeline.waterfall.calendar import sla_seconds, work_days
from pipeline.waterfall.definition import MAX_STAGES, Waterfall
from pipeline.waterfall.names import normalise_stage
from pipeline.waterfall.pairs import legal_pairs
from pipeline.waterfall.zones import utc_days

FIRST_DAY = date(2000, 1, 1)
FIRST_GROUP_NO = MAX_STAGES + 1
Z_95 = 1.959963984540054
"""The 97.5 % point of the normal distribution, for 95 % intervals (K4)."""

Source = str
"""Where a dimension's value comes from: all, entry, lead, account, cycle or stage."""


@dataclass(frozen=True)
class Table:
    """One table of schema `waterfall`. A column is (name, SQL type, comment)."""

    name: str
    comment: str
    columns: tuple[tuple[str, str, str], ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Columns:
    """Attribute columns of the loaded inputs, by table."""

    entry: frozenset[str]
    lead: frozenset[str]
    account: frozenset[str]


def dimension_source(dimension: str, delivered: Columns) -> Source | None:
    """Return the source of a dimension; None if no input has such a column.

    History comes before the current value of a lead, and a lead before its account (docs/RULES.md section 9).
    """
    if dimension in ("qualified_by", "entry_stage"):
        return "cycle"
    if dimension == "team":
        return "stage"
    if dimension in delivered.entry:
        return "entry"
    if dimension in delivered.lead:
        return "lead"
    if dimension in delivered.account:
        return "account"
    return "lead" if dimension in ("origin", "owner") else None


def definition_tables(
    configuration: Configuration,
    as_of: datetime,
    sources: dict[str, Source],
    first_entry: datetime | None,
    models: tuple[Model, ...],
) -> tuple[Table, ...]:
    """Return every table of schema `waterfall` except the calendar, which sql/waterfall derives.

    `as_of` is aware UTC; `sources` has the source of each configured dimension; `first_entry` (naive UTC) opens the
    calendar and is None without history. The headers of `models` say how their numbers are counted.
    """
    waterfall = configuration.waterfall
    zone = ZoneInfo(waterfall.timezone)
    as_of_date = as_of.astimezone(zone).date()
    opening = first_entry.replace(tzinfo=UTC).astimezone(zone).date() if first_entry else as_of_date
    return (
        _run(waterfall, as_of, as_of_date, min(opening, as_of_date)),
        _reports(configuration),
        _stages(waterfall),
        _aliases(waterfall),
        _milestones(waterfall),
        _members(waterfall),
        _pairs(waterfall),
        Table(
            "windows",
            "One row per conversion window; null is ever.",
            (("window_days", "INTEGER", "days within which a conversion counts, inclusive; null = ever"),),
            ((None,), *((days,) for days in waterfall.windows)),
        ),
        _dimensions(waterfall, sources),
        _how_counted(models),
        Table(
            "events",
            "One row per day of [[events]] that explains a trend. No number depends on it.",
            (("event_date", "DATE", "the day"), ("label", "VARCHAR", "what happened, as written on charts")),
            tuple((event.date, event.label) for event in waterfall.events),
        ),
        *(Table(*each) for each in rule_tables(waterfall)),
        *(Table(*each) for each in input_tables(configuration.inputs, min(opening, as_of_date), as_of_date)),
        Table(
            "zone_days",
            "One row per UTC date: how far the waterfall's clock is from UTC, before and after a change on that date.",
            (
                ("utc_date", "DATE", "date in UTC"),
                ("offset_before_s", "INTEGER", "seconds to add to UTC until changes_at"),
                ("changes_at", "TIMESTAMP", "UTC instant of the change on that date; null on most dates"),
                ("offset_after_s", "INTEGER", "seconds to add from changes_at on"),
            ),
            tuple(
                utc_days(
                    waterfall.timezone, min(opening, as_of_date) - timedelta(days=2), as_of_date + timedelta(days=2)
                )
            ),
        ),
        _work_days(waterfall, min(opening, as_of_date), as_of_date),
    )


def _work_days(waterfall: Waterfall, first: date, as_of_date: date) -> Table:
    return Table(
        "work_days",
        "One row per working day of [calendar], from before the first entry to a year after as-of; none without [calendar].",
        (
            ("day", "DATE", "working day, in the zone of [calendar]"),
            ("opens_at", "TIMESTAMP", "UTC instant at which its hours begin"),
            ("closes_at", "TIMESTAMP", "UTC instant at which they end"),
            ("seconds_before", "BIGINT", "working seconds of all rows before this one"),
        ),
        work_days(waterfall, first, as_of_date),
    )


def _reports(configuration: Configuration) -> Table:
    return Table(
        "reports",
        "One row per report: that of all leads, then each [[reports]]. Every table of schema report has rows for each.",
        (
            ("report_no", "SMALLINT", "its place in the configuration; 0 = the report of all leads"),
            ("report", "VARCHAR", "key of the report"),
            ("title", "VARCHAR", "its title"),
            ("dimension", "VARCHAR", "dimension whose slice the report shows"),
            ("dimension_value", "VARCHAR", "value of that dimension"),
        ),
        (
            (0, "all", "All leads", "all", "all"),
            *(
                (position, each.name, each.title, each.dimension, each.value)
                for position, each in enumerate(configuration.reports, 1)
            ),
        ),
    )


def _how_counted(models: tuple[Model, ...]) -> Table:
    """Every model with these facts in its header."""
    return Table(
        "how_counted",
        "One row per table of a report page: how its numbers are counted. Headline units are cycles, leads or accounts.",
        (
            ("table_name", "VARCHAR", "schema and name"),
            ("unit", "VARCHAR", "what is counted"),
            ("basis", "VARCHAR", "which of them, and by which date"),
            ("denominator", "VARCHAR", "what a share is a share of"),
        ),
        (
            ("waterfall.stages", "stages", "the configuration of this run", "none: a list"),
            *((str(model.table), *astuple(model.header.how_counted)) for model in models if model.header.how_counted),
        ),
    )


def _run(waterfall: Waterfall, as_of: datetime, as_of_date: date, first_date: date) -> Table:
    return Table(
        "run",
        "One row: what holds for the whole run.",
        (
            ("name", "VARCHAR", "name of the waterfall"),
            ("preset", "VARCHAR", "preset it started from"),
            ("timezone", "VARCHAR", "zone of every DATE"),
            ("as_of", "TIMESTAMP", "the instant (UTC) at which the numbers are true; nothing later counts"),
            ("as_of_local", "TIMESTAMP", "as_of on the waterfall's clock"),
            ("as_of_date", "DATE", "date of as_of on the waterfall's clock"),
            ("first_date", "DATE", "date of the first kept entry: the calendar starts with its periods"),
            ("week_start", "SMALLINT", "ISO weekday that opens a week, 1 = Monday"),
            ("fiscal_year_start", "SMALLINT", "month that opens the fiscal year"),
            ("unit", "VARCHAR", "what the headline of the report counts: cycle, lead or account"),
            ("headline_months", "SMALLINT", "how many final months the headline rate adds up"),
            ("z", "DOUBLE", "normal quantile of the 95 % intervals"),
            ("entry_at_creation", "BOOLEAN", "leads without any accepted entry get one at their creation stage"),
            ("implied", "BOOLEAN", "whether the comparison with implied arrivals was requested"),
            ("origin_default", "VARCHAR", "origin of leads that no origin rule matches; null = as delivered"),
        ),
        (
            (
                waterfall.name,
                waterfall.preset,
                waterfall.timezone,
                as_of.astimezone(UTC).replace(tzinfo=None),
                as_of.astimezone(ZoneInfo(waterfall.timezone)).replace(tzinfo=None),
                as_of_date,
                first_date,
                waterfall.week_start,
                waterfall.fiscal_year_start,
                waterfall.unit,
                waterfall.headline_months,
                Z_95,
                waterfall.entry_at_creation,
                waterfall.implied,
                waterfall.origin_default,
            ),
        ),
    )


def _stages(waterfall: Waterfall) -> Table:
    top = max(stage.rank for stage in waterfall.stages if stage.rank is not None)
    return Table(
        "stages",
        "One row per stage.",
        (
            ("stage_no", "SMALLINT", "position in the configuration"),
            ("stage", "VARCHAR", "key of the stage"),
            ("label", "VARCHAR", "short label"),
            ("name", "VARCHAR", "full name"),
            ("definition", "VARCHAR", "what being in this stage means"),
            ("kind", "VARCHAR", "path, hold, detour or exit"),
            ("rank", "SMALLINT", "place on the path, 1 = first; equal = parallel; null off the path"),
            ("is_last", "BOOLEAN", "reaching it completes a cycle"),
            ("team", "VARCHAR", "team that works the stage"),
            ("phase", "VARCHAR", "TOFU, MOFU, BOFU or the like"),
            ("is_gate", "BOOLEAN", "a stage that routes and should hold nobody"),
            ("qualifies", "BOOLEAN", "entering it makes its team the one that qualified the lead"),
            ("sla_seconds", "BIGINT", "how long a lead may stay, in seconds of sla_clock"),
            ("sla_clock", "VARCHAR", "calendar or business"),
            ("sla_text", "VARCHAR", "the SLA as configured"),
        ),
        tuple(
            (
                number,
                stage.key,
                stage.label,
                stage.name,
                stage.definition,
                stage.kind,
                stage.rank,
                stage.rank == top,
                stage.team,
                stage.phase,
                stage.gate,
                stage.qualifies,
                sla_seconds(stage.sla, waterfall.calendar) if stage.sla else None,
                stage.sla.clock if stage.sla else None,
                stage.sla.text if stage.sla else None,
            )
            for number, stage in enumerate(waterfall.stages, 1)
        ),
    )


def _aliases(waterfall: Waterfall) -> Table:
    numbers = {
        normalise_stage(text): number for number, stage in enumerate(waterfall.stages, 1) for text in stage.spellings
    }
    return Table(
        "stage_aliases",
        "One row per value of a CRM that names a stage.",
        (
            ("alias", "VARCHAR", "the value, trimmed, lower case, inner white space folded"),
            ("stage_no", "SMALLINT", "the stage it names"),
        ),
        tuple(numbers.items()),
    )


def _milestone_numbers(waterfall: Waterfall) -> dict[str, int]:
    numbers = {stage.key: number for number, stage in enumerate(waterfall.stages, 1)}
    return numbers | {group.key: number for number, group in enumerate(waterfall.groups, FIRST_GROUP_NO)}


def _milestones(waterfall: Waterfall) -> Table:
    numbers = _milestone_numbers(waterfall)
    rows: list[tuple[Any, ...]] = [
        (numbers[stage.key], stage.key, stage.label, stage.definition, False, stage.rank, stage.rank)
        for stage in waterfall.stages
    ]
    for group in waterfall.groups:
        ranks = [rank for key in group.stages if (rank := waterfall.stage(key).rank) is not None]
        rows.append((numbers[group.key], group.key, group.label, group.definition, True, min(ranks), max(ranks)))
    return Table(
        "milestones",
        "One row per stage or group: whatever a lead can arrive at.",
        (
            ("milestone_no", "SMALLINT", "the stage_no, or a number from 101 for a group"),
            ("milestone", "VARCHAR", "key of the stage or group"),
            ("label", "VARCHAR", "short label"),
            ("definition", "VARCHAR", "what it means"),
            ("is_group", "BOOLEAN", "a set of stages reported as one"),
            ("low_rank", "SMALLINT", "lowest rank of its stages; null off the path"),
            ("high_rank", "SMALLINT", "highest rank of its stages; null off the path"),
        ),
        tuple(rows),
    )


def _members(waterfall: Waterfall) -> Table:
    numbers = _milestone_numbers(waterfall)
    alone = [(numbers[stage.key], numbers[stage.key]) for stage in waterfall.stages]
    grouped = [(numbers[group.key], numbers[key]) for group in waterfall.groups for key in group.stages]
    return Table(
        "milestone_members",
        "One row per milestone and stage in it.",
        (("milestone_no", "SMALLINT", "the milestone"), ("stage_no", "SMALLINT", "a stage in it")),
        tuple(alone + grouped),
    )


def _pairs(waterfall: Waterfall) -> Table:
    numbers = _milestone_numbers(waterfall)
    headline = {(pair.from_key, pair.to_key): (position, pair) for position, pair in enumerate(waterfall.headline, 1)}
    settle_days = {(low, high): days for low, high, days in waterfall.settle_days}
    rows = []
    for number, pair in enumerate(legal_pairs(waterfall), 1):
        position, headline_pair = headline.get((pair.from_key, pair.to_key), (None, None))
        rows.append(
            (
                number,
                numbers[pair.from_key],
                numbers[pair.to_key],
                pair.from_key,
                pair.to_key,
                position is not None,
                position,
                headline_pair.target if headline_pair else None,
                headline_pair.window_days if headline_pair else None,
                settle_days.get((pair.from_key, pair.to_key)),
                pair_unit(pair.from_key, pair.to_key, waterfall.unit),
            )
        )
    return Table(
        "pairs",
        "One row per pair of milestones between which conversion is counted.",
        (
            ("pair_no", "SMALLINT", "number of the pair"),
            ("from_milestone_no", "SMALLINT", "milestone that opens the measure"),
            ("to_milestone_no", "SMALLINT", "milestone that converts"),
            ("from_stage", "VARCHAR", "key of the stage or group that opens the measure"),
            ("to_stage", "VARCHAR", "key of the stage or group that converts"),
            ("is_headline", "BOOLEAN", "shown on top of the report"),
            ("headline_no", "SMALLINT", "its place there"),
            ("target", "DOUBLE", "agreed share, 1 = 100 %"),
            ("headline_window_days", "INTEGER", "days within which a conversion counts for the headline rate"),
            ("settle_days", "INTEGER", "settling time as configured; null = it follows from the data"),
            ("unit", "VARCHAR", "what the report counts for it: cycle, lead or account"),
        ),
        tuple(rows),
    )


def _dimensions(waterfall: Waterfall, sources: dict[str, Source]) -> Table:
    labels = dict(waterfall.dimension_labels)
    return Table(
        "dimensions",
        "One row per dimension by which every mart is sliced; `all` is the total.",
        (
            ("dimension", "VARCHAR", "name of the dimension"),
            ("position", "SMALLINT", "place in the configuration, 0 = the total"),
            (
                "source",
                "VARCHAR",
                "where its value comes from: entry (as it was), lead or account (as it is now), cycle, stage",
            ),
            ("label", "VARCHAR", "its name on pages"),
        ),
        (
            ("all", 0, "all", "all"),
            *(
                (
                    name,
                    position,
                    "lead" if name == "origin" and waterfall.maps_origin else sources[name],
                    labels.get(name, name.replace("_", " ")),
                )
                for position, name in enumerate(waterfall.dimensions, 1)
            ),
        ),
    )
