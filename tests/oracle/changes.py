"""report.rate_change, its parts and report.volume_change, from docs/RULES.md section 5, in fractions where the rule is exact."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction

from pipeline.config.funnel import pair_unit
from pipeline.waterfall.definition import Waterfall

from .conversion import Z_95, conversion, headline_conversion
from .cuts import Dimensions, local_date, periods
from .durations import Row, time_in_stage
from .history import History
from .journey import Journey, travel
from .settling import by_unit_and_pair, settle_days
from .sla import stand

LEAST, SHOWN = 20, 8
PAIR = ("headline_no", "window_days")
PART = (*PAIR, "dimension", "dimension_value")
ALL = ("all", "all")


def newcombe(latest: tuple[int, int], previous: tuple[int, int]) -> tuple[float, float]:
    """The 95 % interval of a difference of two shares, each (part, whole): the two Wilson distances as legs of a triangle."""
    (low_1, share_1, high_1), (low_0, share_0, high_0) = _wilson(*latest), _wilson(*previous)
    change = share_1 - share_0
    with localcontext() as context:
        context.prec = 50
        below = ((share_1 - low_1) ** 2 + (high_0 - share_0) ** 2).sqrt()
        above = ((high_1 - share_1) ** 2 + (share_0 - low_0) ** 2).sqrt()
        return float(change - below), float(change + above)


def _wilson(part: int, whole: int) -> tuple[Decimal, Decimal, Decimal]:
    """(low, share, high): the bounds are the roots p of (share − p)² = z² p (1 − p) / n."""
    with localcontext() as context:
        context.prec = 50
        share, zz = Decimal(part) / Decimal(whole), Decimal(Z_95) ** 2 / Decimal(whole)
        a, b, c = 1 + zz, -(2 * share + zz), share * share
        root = (b * b - 4 * a * c).sqrt()
        return (-b - root) / (2 * a), share, (-b + root) / (2 * a)


def parts(
    latest: dict[str, tuple[int, int]], previous: dict[str, tuple[int, int]]
) -> dict[str, tuple[Fraction, Fraction]]:
    """Value → (mix, rates), exact. The arguments give (converted, entered) of each value that the month has.

    Written as the mean of the two ways to change one thing after the other: first the shares at old rates and then the
    rates at new shares, or first the rates and then the shares (Kitagawa 1955). Of the shares counts what lies off the
    mean rate of both months, as they add up to one.
    """
    now, then = _total(latest), _total(previous)
    middle = (Fraction(*now) + Fraction(*then)) / 2
    found = {}
    for value in latest.keys() | previous.keys():
        new_share = Fraction(latest.get(value, (0, 0))[1], now[1])
        old_share = Fraction(previous.get(value, (0, 0))[1], then[1])
        new_rate = Fraction(*latest.get(value, previous.get(value, (0, 1))))
        old_rate = Fraction(*previous.get(value, latest.get(value, (0, 1))))
        shares_first = (new_share - old_share) * (old_rate - middle)
        shares_last = (new_share - old_share) * (new_rate - middle)
        rates_last = new_share * (new_rate - old_rate)
        rates_first = old_share * (new_rate - old_rate)
        found[value] = ((shares_first + shares_last) / 2, (rates_first + rates_last) / 2)
    return found


def _total(values: dict[str, tuple[int, int]]) -> tuple[int, int]:
    return sum(part for part, _ in values.values()), sum(whole for _, whole in values.values())


def rate_changes(waterfall: Waterfall, history: History, cut: tuple[str, str] = ALL) -> tuple[list[Row], list[Row]]:
    """The rows of report.rate_change for one cut, and of report.rate_change_parts, which is there for all leads only."""
    journey = travel(waterfall, history)
    dimensions = Dimensions(waterfall, history, journey)
    complete = set(_complete_months(waterfall, journey, history.as_of))
    rows = [
        row for row in month_cohorts(waterfall, journey, dimensions, history.as_of) if row["cohort_start"] in complete
    ]
    changes, split = [], []
    for number, pair in enumerate(waterfall.headline, 1):
        for window in sorted({None, *waterfall.windows, pair.window_days}, key=lambda days: days or 0):
            here = [
                row
                for row in rows
                if (row["from_stage"], row["to_stage"], row["window_days"]) == (pair.from_key, pair.to_key, window)
                and row["unit"] == pair_unit(pair.from_key, pair.to_key, waterfall.unit)
            ]
            mature = sorted(
                (row for row in here if (row["dimension"], row["dimension_value"]) == cut and row["is_mature"]),
                key=lambda row: row["cohort_start"],
            )
            latest, previous = ([None, None, *mature][-1], [None, None, *mature][-2])
            changes.append({"headline_no": number, "window_days": window, **_change(latest, previous)})
            if cut == ALL and latest is not None and previous is not None:
                for dimension in waterfall.dimensions:
                    split += [
                        {"headline_no": number, "window_days": window, "dimension": dimension, **row}
                        for row in _parts(here, dimension, latest["cohort_start"], previous["cohort_start"])
                    ]
    return changes, split


def month_cohorts(waterfall: Waterfall, journey: Journey, dimensions: Dimensions, as_of: datetime) -> list[Row]:
    """The monthly cohorts of every pair in the configured windows, and of the headline pairs in their own."""
    settling = by_unit_and_pair(settle_days(waterfall, journey, dimensions, as_of))
    rows = conversion(waterfall, journey, dimensions, ("month",), as_of, settling)
    own = headline_conversion(waterfall, journey, dimensions, as_of)
    return rows + [row for row in own if row["window_days"] not in waterfall.windows]


def _change(latest: Row | None, previous: Row | None) -> Row:
    row: Row = {}
    for name, month in (("latest", latest), ("previous", previous)):
        row[f"{name}_month"] = month["cohort_start"] if month else None
        row[f"{name}_entered"] = month["entered"] if month else None
        row[f"{name}_converted"] = month["converted"] if month else None
        row[f"{name}_rate"] = month["converted"] / month["entered"] if month else None
    low = high = None
    if latest and previous:
        low, high = newcombe((latest["converted"], latest["entered"]), (previous["converted"], previous["entered"]))
    return row | {
        "change": latest["rate"] - previous["rate"] if latest and previous else None,
        "change_low": low,
        "change_high": high,
        "is_noise": None if low is None or high is None else low <= 0 <= high,
        "is_enough": bool(latest and previous and min(latest["entered"], previous["entered"]) >= LEAST),
    }


def _parts(rows: list[Row], dimension: str, latest_month: date, previous_month: date) -> list[Row]:
    latest, previous = (
        {
            row["dimension_value"]: (row["converted"], row["entered"])
            for row in rows
            if row["dimension"] == dimension and row["cohort_start"] == month
        }
        for month in (latest_month, previous_month)
    )
    both = parts(latest, previous)

    def size(value: str) -> tuple[int, str]:
        return -sum(month.get(value, (0, 0))[1] for month in (latest, previous)), value

    ordered = sorted(both, key=size)
    groups = [(value, [value]) for value in ordered[:SHOWN]]
    if ordered[SHOWN:]:
        groups.append((None, ordered[SHOWN:]))  # type: ignore[arg-type]
    found = []
    for name, values in groups:
        now, then = ([month.get(value, (0, 0)) for value in values] for month in (latest, previous))
        (now_converted, now_entered), (then_converted, then_entered) = (
            (sum(part for part, _ in month), sum(whole for _, whole in month)) for month in (now, then)
        )
        low = high = None
        if name is not None and now_entered and then_entered:
            low, high = newcombe((now_converted, now_entered), (then_converted, then_entered))
        found.append(
            {
                "dimension_value": name,
                "values_inside": len(values),
                "latest_entered": now_entered,
                "latest_converted": now_converted,
                "latest_share": now_entered / _total(latest)[1],
                "latest_rate": now_converted / now_entered if now_entered else None,
                "previous_entered": then_entered,
                "previous_converted": then_converted,
                "previous_share": then_entered / _total(previous)[1],
                "previous_rate": then_converted / then_entered if then_entered else None,
                "mix_part": float(sum(both[value][0] for value in values)),
                "rate_part": float(sum(both[value][1] for value in values)),
                "change_low": low,
                "change_high": high,
                "is_noise": None if low is None or high is None else low <= 0 <= high,
                "is_enough": min(now_entered, then_entered) >= LEAST,
            }
        )
    return found


def volume_changes(waterfall: Waterfall, history: History, cut: tuple[str, str] = ALL) -> list[Row]:
    """The rows of report.volume_change, for the stays of one cut."""
    journey = travel(waterfall, history)
    dimensions = Dimensions(waterfall, history, journey)
    months = _complete_months(waterfall, journey, history.as_of)
    latest, previous = ([None, None, *months][-1], [None, None, *months][-2])
    arrivals = Counter(
        (arrival.mark, local_date(waterfall, arrival.at).replace(day=1))
        for arrival in journey.arrivals
        if dimensions.value(cut[0], arrival.span) == cut[1]
    )
    times = {
        (row["stage"], row["period_start"]): row
        for row in time_in_stage(waterfall, journey, dimensions, ("month",))
        if (row["dimension"], row["dimension_value"], row["next_stage"]) == (*cut, "all")
    }
    found = []
    for stage in waterfall.stages:
        if stage.kind != "path":
            continue
        now = arrivals[stage.key, latest] if latest else None
        then = arrivals[stage.key, previous] if previous else None
        ended, ended_before = times.get((stage.key, latest), {}), times.get((stage.key, previous), {})
        standings = [
            stand(waterfall, span, history.as_of)
            for span in journey.spans
            if span.stage.key == stage.key and dimensions.value(cut[0], span) == cut[1]
        ]
        overdue = sum(each is not None and each.state == "open_overdue" for each in standings)
        known = now is not None and then is not None
        found.append(
            {
                "stage": stage.key,
                "latest_month": latest,
                "latest_arrivals": now,
                "previous_month": previous,
                "previous_arrivals": then,
                "change": (now or 0) - (then or 0) if known else None,
                "is_noise": ((now or 0) - (then or 0)) ** 2 <= Z_95**2 * ((now or 0) + (then or 0)) if known else None,
                "is_enough": (now or 0) + (then or 0) >= LEAST if known else None,
                "latest_ended": ended.get("completed", 0),
                "latest_median_days": ended.get("median_days"),
                "previous_ended": ended_before.get("completed", 0),
                "previous_median_days": ended_before.get("median_days"),
                "overdue": overdue if stage.sla else None,
            }
        )
    return found


def _complete_months(waterfall: Waterfall, journey: Journey, as_of: datetime) -> list[date]:
    """The months of the calendar whose last second is not later than as-of."""
    months = [month for month in periods(waterfall, journey, "month", as_of) if month is not None]
    after = local_date(waterfall, as_of + timedelta(seconds=1)).replace(day=1)
    return [month for month in months if month < after]
