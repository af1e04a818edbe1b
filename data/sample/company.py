"""The invented company: its accounts and its leads at creation.

Python guarantees stable results between versions only for `Random.random()`, so all draws use it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T")


def words(text: str, separator: str | None = None) -> tuple[str, ...]:
    """Return the words of a text. Lists stay readable in the source this way."""
    return tuple(word.strip() for word in text.split(separator))


ZONE = ZoneInfo("America/New_York")
FIRST_DAY, LAST_DAY = date(2024, 7, 1), date(2025, 12, 31)
AS_OF = datetime(2025, 12, 31, 23, 59, 59, tzinfo=ZONE).astimezone(UTC)
LEADS, ACCOUNTS, MERGES, EVENT_SCANS = 4000, 700, 25, 66
EVENT_DAYS = [date(2025, 5, day) for day in (13, 14, 15)]
QUEUE = "Marketing Queue"
MONTH_WEIGHT = (1.05, 1.05, 1.2, 1.05, 1.05, 0.95, 0.8, 0.75, 1.15, 1.2, 1.05, 0.65)
HOUR_WEIGHT = (0, 0, 0, 0, 0, 0, 1, 3, 8, 12, 13, 12, 9, 11, 12, 11, 9, 6, 3, 2, 2, 1, 0, 0)
DAYS_OFF = {
    date.fromisoformat(day)
    for day in words(
        """
    2024-07-04 2024-09-02 2024-11-28 2024-11-29 2024-12-24 2024-12-25 2025-01-01 2025-05-26 2025-07-04 2025-09-01
    2025-11-27 2025-11-28 2025-12-24 2025-12-25 2025-12-26 2026-01-01
    """
    )
}
MARKETING_SOURCES = {"web form": 30, "webinar": 19, "event": 18, "paid search": 19, "referral": 7, "partner": 6, "": 1}
SALES_SOURCES = {"outbound": 72, "referral": 18, "partner": 10}
FIRST_NAMES = words(
    """
    Ada Ben Carla Dev Elena Farid Grace Hugo Ines Jonas Kemi Liam Mara Nils Olga Pavel Rosa Sam Tara Uma
    """
)
LAST_NAMES = words(
    """
    Abbott Bauer Castro Diallo Ekman Fontaine Gupta Haddad Ito Jensen Kovac Lund Mensah Novak Ortiz
    """
)
ROOTS = words(
    """
    Aldenby Brackmoor Calverstone Dunwick Elmsgate Farrowby Glenhurst Harrowmere Inverleigh Jessamond Kestrelby
    Lorringham Marlowick Northgarth Oakhurstly Penmarrow Quillforth Ravenscar Stellamere Thornaby Umberfield
    Vellacourt Wexcombe Yarrowdale Zellwood Ashcombry Birkendale Coldharrow Drayhurst Eastmarrow Fennimoor
    Greyfold Hollinsby Ironmere Juniperly Kirkmoor Larkenfell Mossgarth Netherby Orchardley
    """
)
TRADES = words(
    """
    Logistics Analytics Foods Robotics Insurance Textiles Energy Software Medical Packaging Freight Optics
    Capital Marine Ceramics Networks Dairy Tooling Press Aerospace
    """
)
TITLES = words(
    """
    VP, Operations; Head of Marketing; IT Manager; CFO; Director, Supply Chain; Analyst; COO; Procurement Lead;
    Engineer; Director, Revenue Operations; Plant Manager; Data Architect
    """,
    ";",
)
PERSONAS = ("economic buyer", "champion", "technical evaluator", "user")
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Account:
    """A company. `fit` (0.6 to 1.25) multiplies the probability that its leads advance."""

    account_id: str
    name: str
    domain: str
    segment: str
    region: str
    fit: float


@dataclass(frozen=True)
class Entry:
    """One row of history before the stage is spelled. `entered_at` is UTC."""

    stage: str
    entered_at: datetime
    owner: str


@dataclass
class Lead:
    """A lead. Its `lead_id` is set last, in order of creation."""

    created_at: datetime
    origin: str
    lead_source: str
    first_stage: str
    account: Account | None
    person: tuple[str, str]
    domain: str
    title: str
    persona: str
    is_scan: bool = False
    knows_account: bool = True
    entries: list[Entry] = field(default_factory=list)
    owner: str = QUEUE
    lead_id: str = ""


class Dice:
    """The only source of randomness."""

    def __init__(self, seed: int) -> None:
        self._roll = Random(seed).random

    def roll(self) -> float:
        return self._roll()

    def chance(self, share: float) -> bool:
        return self._roll() < share

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._roll()

    def one_of(self, values: Sequence[T]) -> T:
        return values[int(self._roll() * len(values))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        remaining = self._roll() * sum(weights.values())
        for value, weight in weights.items():
            remaining -= weight
            if remaining < 0:
                return value
        return value

    def some(self, values: Sequence[T], count: int) -> list[T]:
        """Return `count` different values in random order (Fisher–Yates)."""
        pool = list(values)
        for current in range(count):
            other = current + int(self._roll() * (len(pool) - current))
            pool[current], pool[other] = pool[other], pool[current]
        return pool[:count]

    def days(self, median: float, spread: float = 0.8) -> timedelta:
        """Return a log-normal stay (Box–Muller) of at least one minute."""
        normal = math.sqrt(-2 * math.log(1 - self._roll())) * math.cos(2 * math.pi * self._roll())
        return timedelta(seconds=max(60, round(86_400 * median * math.exp(spread * normal))))


def make_accounts(dice: Dice) -> list[Account]:
    """Return the companies: a few large ones, many small ones. Every eighth name has a comma."""
    names = dice.some([(root, trade) for root in ROOTS for trade in TRADES], ACCOUNTS)
    return [
        Account(
            account_id=salesforce_id("0018d", 2_000 + number),
            name=f"{root} {trade}" + (", Inc." if number % 8 == 0 else ""),
            domain=f"{root}{trade}.example".lower(),
            segment=dice.weighted({"Enterprise": 18, "Mid-market": 37, "SMB": 45}),
            region=dice.weighted({"Northeast": 31, "South": 24, "Midwest": 18, "West": 17, "EMEA": 10}),
            fit=dice.one_of((0.6, 0.9, 1.0, 1.1, 1.25)),
        )
        for number, (root, trade) in enumerate(names)
    ]


def make_leads(dice: Dice, accounts: list[Account]) -> list[Lead]:
    """Return every lead at its creation, without the duplicates."""
    count = LEADS - MERGES
    # An account appears once per lead, 1 to 18 times, so that it stays within 20 leads after merges and late matches.
    seats = [account for account in accounts for _ in range(1 + min(17, int(-4.25 * math.log(1 - dice.roll()))))]
    seats += [None] * (count - len(seats))  # type: ignore[list-item]
    days = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days)]
    weight_of_day = {day: day_weight(day) for day in days}
    leads = []
    for number, account in enumerate(dice.some(seats, count)):
        is_scan = number < EVENT_SCANS
        first_stage = "mcl" if is_scan or not dice.chance(0.122) else "sal"
        origin = "sales" if first_stage == "sal" or (not is_scan and dice.chance(0.02)) else "marketing"
        day = dice.one_of(EVENT_DAYS) if is_scan else dice.weighted(weight_of_day)
        hour = dice.weighted(dict(enumerate(HOUR_WEIGHT)))
        # The booth uploads its badge scans once per evening, all in the same second.
        clock = time(18, 30) if is_scan else time(hour, int(dice.between(0, 60)), int(dice.between(0, 60)))
        created_at = datetime.combine(day, clock, tzinfo=ZONE).astimezone(UTC)
        leads.append(
            Lead(
                created_at=working_time(dice, created_at) if first_stage == "sal" else created_at,
                origin=origin,
                lead_source="event"
                if is_scan
                else dice.weighted(SALES_SOURCES if origin == "sales" else MARKETING_SOURCES),
                first_stage=first_stage,
                account=account,
                person=(dice.one_of(FIRST_NAMES), dice.one_of(LAST_NAMES)),
                domain=account.domain if account else dice.one_of(("freemail.example", "postbox.example")),
                title=dice.one_of(TITLES),
                persona=dice.one_of(PERSONAS),
                is_scan=is_scan,
                knows_account=account is not None and not dice.chance(0.012),
            )
        )
    return sorted(leads, key=lambda lead: lead.created_at)


def day_weight(day: date) -> float:
    """Return the relative number of leads of a day: season, weekday, and growth of a quarter per year."""
    growth = 1 + 0.25 * (day - FIRST_DAY).days / 365
    return MONTH_WEIGHT[day.month - 1] * growth * (1.0 if is_working_day(day) else 0.15)


def is_working_day(day: date) -> bool:
    return day.weekday() < 5 and day not in DAYS_OFF


def working_time(dice: Dice, moment: datetime) -> datetime:
    """Return the moment if it is in office hours (8 to 18 on working days), else one in the next working morning."""
    local = moment.astimezone(ZONE).replace(microsecond=0)
    if is_working_day(local.date()) and 8 <= local.hour < 18:
        return local.astimezone(UTC)
    day = local.date() if local.hour < 8 else local.date() + timedelta(days=1)
    while not is_working_day(day):
        day += timedelta(days=1)
    opening = datetime.combine(day, time(8, 0), tzinfo=ZONE).astimezone(UTC)
    return opening + timedelta(seconds=round(4 * 3600 * dice.roll() ** 1.5) + 60)


def salesforce_id(prefix: str, number: int) -> str:
    """Return 15 characters like a Salesforce id, which is case-sensitive."""
    text = ""
    for _ in range(15 - len(prefix)):
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return prefix + text
