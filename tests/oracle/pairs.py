"""The months of a headline pair as its page shows them: cohorts by age, arrivals by way, cohorts by where they came from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.config.funnel import pair_unit
from pipeline.waterfall.definition import Waterfall

from .conversion import Outcome, candidates, outcome
from .cuts import Dimensions, local_date, path_marks, periods
from .durations import Row
from .history import History
from .journey import Journey, travel
from .volume import stage_arrivals


def cohort_ages(waterfall: Waterfall, history: History) -> list[Row]:
    """report.cohort_ages, without what it says of the month."""
    journey, dimensions = _read(waterfall, history)
    rows = []
    for age_no in range(1, 13):
        found = _outcomes(waterfall, journey, dimensions, age_no * 30, history.as_of)
        for number, _ in enumerate(waterfall.headline, 1):
            for month in periods(waterfall, journey, "month", history.as_of):
                cohort = found[number, month]
                aged = sum(1 for each in cohort if each.age >= timedelta(days=age_no * 30))
                converted = sum(1 for each in cohort if each.fate == "converted")
                rows.append(
                    {
                        "headline_no": number,
                        "month_start": month,
                        "age_no": age_no,
                        "age_days": age_no * 30,
                        "entered": len(cohort),
                        "aged": aged,
                        "converted": converted if aged else None,
                        "is_mature": aged == len(cohort) if cohort else None,
                        "rate": converted / len(cohort) if aged else None,
                    }
                )
    return rows


def headline_arrivals(waterfall: Waterfall, history: History) -> list[Row]:
    """report.headline_arrivals, without what it says of the month."""
    journey, dimensions = _read(waterfall, history)
    known = {
        (row["from_stage"], row["to_stage"], row["period_start"]): row
        for row in stage_arrivals(waterfall, journey, dimensions, ("month",))
        if row["dimension"] == "all"
    }
    rows = []
    for number, pair in enumerate(waterfall.headline, 1):
        for month in periods(waterfall, journey, "month", history.as_of):
            row = known.get((pair.from_key, pair.to_key, month), {})
            ways = {way: row.get(way, 0) for way in ("through", "over", "entered_after")}
            rows.append({"headline_no": number, "month_start": month, "arrivals": sum(ways.values()), **ways})
    return rows


def cohort_mix(waterfall: Waterfall, history: History) -> list[Row]:
    """report.cohort_mix, without what it says of the month."""
    journey, dimensions = _read(waterfall, history)
    months = _recent(waterfall, journey, history.as_of)
    found = _outcomes(waterfall, journey, dimensions, None, history.as_of)
    rows: list[Row] = []
    for number, _ in enumerate(waterfall.headline, 1):
        for dimension in waterfall.dimensions:
            counts = {
                month: Counter(dimensions.value(dimension, each.start.span) for each in found[number, month])
                for month in months
            }
            sizes: Counter[str] = Counter()
            for month in months:
                sizes.update(counts[month])
            order = sorted(sizes, key=lambda value: (-sizes[value], value.encode()))
            shown = [(value_no, value, [value]) for value_no, value in enumerate(order[:8], 1)]
            others = [(9, None, order[8:])] if order[8:] else []
            for value_no, name, inside in (*shown, *others):
                for month in months:
                    cohort = len(found[number, month])
                    entered = sum(counts[month][value] for value in inside)
                    rows.append(
                        {
                            "headline_no": number,
                            "dimension": dimension,
                            "value_no": value_no,
                            "dimension_value": name,
                            "values_inside": len(inside),
                            "month_start": month,
                            "entered": entered,
                            "cohort": cohort,
                            "share": entered / cohort if cohort else None,
                        }
                    )
    return rows


def _read(waterfall: Waterfall, history: History) -> tuple[Journey, Dimensions]:
    journey = travel(waterfall, history)
    return journey, Dimensions(waterfall, history, journey)


def _outcomes(
    waterfall: Waterfall, journey: Journey, dimensions: Dimensions, window: int | None, as_of: datetime
) -> dict[tuple[int, date | None], list[Outcome]]:
    """(number of the headline pair, month of arrival at A) → what became of the units of the run."""
    by_month: dict[tuple[int, date | None], list[Outcome]] = defaultdict(list)
    marks = {mark.key: mark for mark in path_marks(waterfall)}
    for number, pair in enumerate(waterfall.headline, 1):
        goal = marks[pair.to_key]
        above = {stage.key for stage in waterfall.stages if stage.rank is not None and stage.rank > goal.high_rank}
        for unit in candidates(journey, dimensions):
            if unit.unit == pair_unit(pair.from_key, pair.to_key, waterfall.unit):
                each = outcome(unit, marks[pair.from_key], goal, above, window, as_of)
                if each is not None:
                    by_month[number, local_date(waterfall, each.start.at).replace(day=1)].append(each)
    return by_month


def _recent(waterfall: Waterfall, journey: Journey, as_of: datetime) -> list[date]:
    """The last twelve complete months and the one that as-of cuts."""
    return list(_newest_first(waterfall, journey, as_of))


def _newest_first(waterfall: Waterfall, journey: Journey, as_of: datetime) -> Iterator[date]:
    last_second = as_of.astimezone(ZoneInfo(waterfall.timezone)).replace(tzinfo=None) + timedelta(seconds=1)
    complete = 0
    for month in reversed(periods(waterfall, journey, "month", as_of)):
        assert month is not None
        next_month = (month + timedelta(days=31)).replace(day=1)
        complete += last_second >= datetime(next_month.year, next_month.month, 1)
        if complete <= 12:
            yield month
