"""The `[funnel]` block: name, time zone, periods, dimensions, and the headline pairs with their settings."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, PlainValidator

from pipeline.config.block import WEEKDAYS, Block, Text, Window, Word, Zone, is_place, must, once, some, target
from pipeline.config.presets import Preset
from pipeline.config.problems import Problems
from pipeline.waterfall import pairs
from pipeline.waterfall.definition import MAX_HEADLINE_PAIRS, Group, Pair, Stage, Unit, Waterfall
from pipeline.waterfall.names import did_you_mean, with_article
from pipeline.waterfall.times import read_as_of

Couple = tuple[str, str]
Value = TypeVar("Value")

DEFAULT_WINDOW_DAYS = 90
"""Headline window of a pair without a configured or usual window (K9)."""
MARKETING_QUALIFIED = ("mql", "marketing_qualified")
SALES_ACCEPTED = ("sal", "sales_accepted")
SALES_QUALIFIED = ("sql", "sales_qualified")
MEETING_BOOKED, MEETING_HELD = "meeting_booked", "meeting_held"

MONTHS = [name.lower() for name in calendar.month_name]
"""English names; the first is empty, so that January is 1."""

MAX_DIMENSIONS = 12


def _week_start(value: Any) -> int:
    if isinstance(value, str) and value.lower() in WEEKDAYS:
        return WEEKDAYS.index(value.lower()) + 1
    raise ValueError(f"must be one of {', '.join(WEEKDAYS)}")


def _month(value: Any) -> int:
    if is_place(value, 12):
        return int(value)
    if isinstance(value, str) and value:
        for number, month in enumerate(MONTHS):
            if value.lower() in (month, month[:3]):
                return number
    raise ValueError("must be a month: 1 to 12, or its English name")


def _dimensions(values: list[str]) -> list[str]:
    if len(values) > MAX_DIMENSIONS:
        raise ValueError(f"names {len(values)} dimensions; {MAX_DIMENSIONS} is the most")
    return once(values)


_Couple = Annotated[list[str], must(lambda keys: len(keys) == 2, 'must be two keys: ["from", "to"]')]
_Months = Annotated[int, must(lambda months: 1 <= months <= 24, "must be 1 to 24 months")]


class FunnelBlock(Block):
    """`[funnel]`. `as_of` is parsed later, because it needs the time zone."""

    name: Text | None = None
    preset: str | None = None
    unit: Unit | None = None
    timezone: Zone = "UTC"
    as_of: Any = None
    week_start: Annotated[int, PlainValidator(_week_start)] = 1
    fiscal_year_start: Annotated[int, PlainValidator(_month)] = 1
    dimensions: Annotated[list[Word], AfterValidator(_dimensions)] = Field(default_factory=list)
    dimension_labels: dict[str, Text] | None = None
    windows: Annotated[list[Window], AfterValidator(once)] = Field(default_factory=list)
    headline: Annotated[list[_Couple], AfterValidator(some)] | None = None
    targets: dict[str, Annotated[float, PlainValidator(target)]] | None = None
    headline_windows: dict[str, Window] | None = None
    headline_months: _Months = 3
    settle_days: dict[str, Window] | None = None
    origin_default: Text | None = None
    entry_at_creation: bool | None = None
    implied: bool = False


def read_waterfall(
    funnel: FunnelBlock,
    preset: Preset | None,
    stages: tuple[Stage, ...],
    groups: tuple[Group, ...],
    as_of: str | None,
    unreadable: frozenset[str],
    problems: Problems,
) -> Waterfall:
    """Return the waterfall with these stages and groups. `unreadable` are keys of stages that already have problems."""
    milestones = pairs.milestones(stages, groups)
    couples = [(low.key, high.key) for low in milestones for high in milestones if low.high_rank < high.low_rank]
    settling = by_pair("settle_days", funnel.settle_days, couples, "pair of stages", problems)
    return Waterfall(
        name=funnel.name or (preset.title if preset else ""),
        timezone=funnel.timezone,
        stages=stages,
        groups=groups,
        headline=_headline(funnel, preset, milestones, stages, unreadable, problems),
        headline_months=funnel.headline_months,
        settle_days=tuple((low, high, days) for (low, high), days in settling.items()),
        dimensions=tuple(funnel.dimensions),
        dimension_labels=_dimension_labels(funnel, problems),
        windows=tuple(funnel.windows),
        week_start=funnel.week_start,
        fiscal_year_start=funnel.fiscal_year_start,
        as_of=_as_of(funnel, as_of, problems),
        preset=preset.name if preset else None,
        unit=funnel.unit or (preset.unit if preset else "cycle"),
        origin_default=funnel.origin_default,
        implied=funnel.implied,
    )


def _dimension_labels(funnel: FunnelBlock, problems: Problems) -> tuple[tuple[str, str], ...]:
    labels = funnel.dimension_labels or {}
    for name in labels:
        if name not in funnel.dimensions and not problems.are_in("funnel", "dimensions"):
            hint = did_you_mean(name, funnel.dimensions) or "; name it in dimensions"
            problems.add(("funnel", "dimension_labels", name), f"`{name}` is not one of the dimensions{hint}")
    return tuple(labels.items())


def _as_of(funnel: FunnelBlock, override: str | None, problems: Problems) -> datetime | None:
    if override is not None:
        try:
            return read_as_of(override, funnel.timezone)
        except ValueError as error:
            problems.add_outside("--as-of", str(error))
    if funnel.as_of is not None:
        try:
            return read_as_of(funnel.as_of, funnel.timezone)
        except ValueError as error:
            problems.add(("funnel", "as_of"), str(error))
    return None


def _headline(
    funnel: FunnelBlock,
    preset: Preset | None,
    milestones: Sequence[pairs.Milestone],
    stages: Sequence[Stage],
    unreadable: frozenset[str],
    problems: Problems,
) -> tuple[Pair, ...]:
    by_key = {milestone.key: milestone for milestone in milestones}
    couples = _legal(preset.headline if preset else (), by_key) or _default_couples(milestones)
    if funnel.headline is not None:
        couples = [(low, high) for low, high in funnel.headline]
        for number, couple in enumerate(couples):
            _check_headline(("funnel", "headline", number), couple, by_key, stages, unreadable, problems)
        if len(couples) > MAX_HEADLINE_PAIRS:
            problems.add(("funnel", "headline"), f"names {len(couples)} pairs; {MAX_HEADLINE_PAIRS} is the most")
    targets = by_pair("targets", funnel.targets, couples, "headline pair", problems)
    windows = by_pair("headline_windows", funnel.headline_windows, couples, "headline pair", problems)
    return tuple(
        Pair(
            low,
            high,
            targets.get((low, high)) if funnel.targets is not None else default_target(low, high),
            windows.get((low, high), default_window(low, high)),
        )
        for low, high in couples
    )


def _check_headline(
    place: tuple[str | int, ...],
    couple: tuple[str, str],
    by_key: dict[str, pairs.Milestone],
    stages: Sequence[Stage],
    unreadable: frozenset[str],
    problems: Problems,
) -> None:
    kinds = {stage.key: stage.kind for stage in stages}
    for key in couple:
        if key in by_key:
            continue
        if key in kinds:
            what = f"`{key}` is {with_article(kinds[key])}, off the path; a pair needs path stages or groups"
            problems.add(place, what)
        elif key not in unreadable:  # such a stage already has a problem
            what = f"there is no stage or group `{key}`{did_you_mean(key, by_key)}"
            problems.add_once(f"no stage {key}", place, what)
        return
    if why_not := pairs.why_not_a_pair(by_key[couple[0]], by_key[couple[1]]):
        problems.add(place, why_not)


def _legal(couples: Sequence[tuple[str, str]], by_key: dict[str, pairs.Milestone]) -> list[tuple[str, str]]:
    return [
        (low, high)
        for low, high in couples
        if low in by_key and high in by_key and by_key[low].high_rank < by_key[high].low_rank
    ]


def _default_couples(milestones: Sequence[pairs.Milestone]) -> list[tuple[str, str]]:
    """Return MQL→SAL, MQL→SQL and booked→held if these milestones exist; else the first path stage to the last."""
    goals = (*SALES_ACCEPTED, *SALES_QUALIFIED)
    wanted = [(low, high) for low in MARKETING_QUALIFIED for high in goals]
    meeting = (MEETING_BOOKED, MEETING_HELD)
    found = _legal([*wanted, meeting], {milestone.key: milestone for milestone in milestones})
    singles = [milestone for milestone in milestones if not milestone.is_group]
    if found or not singles:
        return found
    first = min(singles, key=lambda milestone: milestone.low_rank)  # min and max take the first of equals: file order
    last = max(singles, key=lambda milestone: milestone.low_rank)
    return _legal([(first.key, last.key)], {milestone.key: milestone for milestone in milestones})


def by_pair(
    key: str, written: Mapping[str, Value] | None, known: Iterable[Couple], what: str, problems: Problems
) -> dict[Couple, Value]:
    """Return the values of `[funnel] key` by pair. Adds the problem "is no `what`" for a name that is not among `known`."""
    # With a mistake in the headline pairs, every setting for them would look wrong too.
    is_known = not problems.are_in("funnel", "headline")
    spelled = {f"{low}>{high}": (low, high) for low, high in known}
    found: dict[Couple, Value] = {}
    for name, value in (written or {}).items():
        plain = re.sub(r"\s*(?:>|→)\s*", ">", name.strip())
        turned = ">".join(reversed(plain.split(">")))
        if plain in spelled:
            found[spelled[plain]] = value
        elif is_known and turned in spelled:
            problems.add(("funnel", key, name), f"is no {what}; did you mean `{turned}`?")
        elif is_known:
            problems.add(("funnel", key, name), f"is no {what}{did_you_mean(name, spelled)}")
    return found


def default_target(low: str, high: str) -> float | None:
    """Return the default target (K9): sales should accept all leads that marketing qualified; other pairs have none."""
    return 1.0 if low in MARKETING_QUALIFIED and high in (*SALES_ACCEPTED, *SALES_QUALIFIED) else None


def default_window(low: str, high: str) -> int:
    """Return the default headline window in days (K9): 30 for MQL→SAL and booked→held, 90 for all other pairs."""
    is_acceptance = low in MARKETING_QUALIFIED and high in SALES_ACCEPTED
    return 30 if is_acceptance or is_show_rate(low, high) else DEFAULT_WINDOW_DAYS


def is_show_rate(low: str, high: str) -> bool:
    """Whether the pair is meeting booked → meeting held. Its conversion is called show rate."""
    return (low, high) == (MEETING_BOOKED, MEETING_HELD)


def pair_unit(low: str, high: str, unit: Unit) -> Unit:
    """Return the unit that the report counts for a pair: that of the run, but cycles for a show rate (K9)."""
    return "cycle" if is_show_rate(low, high) else unit
