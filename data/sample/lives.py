"""Moves of a lead between stages, and its owners."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from company import AS_OF, QUEUE, ZONE, Dice, Entry, Lead, working_time

SDRS, SLOW_REP = ("Dana Whitcombe", "Marcus Oyelaran", "Tom Brannigan"), "Tom Brannigan"
LEAVER, SUCCESSOR, HANDOVER = "Priya Raman", "Hana Kobayashi", datetime(2025, 9, 2, 13, 5, tzinfo=UTC)
CLOSERS = ("Erik Lindqvist", "Sofia Marchetti")

EVENT_MONTH = (2025, 5)
TREND_START, SLOWDOWN_START = date(2025, 3, 1), datetime(2025, 6, 1, tzinfo=UTC)

SOURCE_QUALITY = {"webinar": 0.95, "paid search": 0.86, "referral": 1.15, "partner": 1.1}


def simulate_lead(dice: Dice, lead: Lead) -> None:
    """Add entries to the lead until it stops moving or passes as-of. One entry after as-of is added too."""
    stage, now, owner, cycle_no = lead.first_stage, lead.created_at, "", 1
    if stage == "sal":
        owner = dice.one_of((*CLOSERS, *reps_at(now)))
    while True:
        lead.entries.append(Entry(stage, now, owner))
        if now > AS_OF:
            return
        lead.owner = owner or QUEUE
        step = next_step(dice, lead, stage, now, owner, cycle_no)
        if step is None:
            later, next_stage = AS_OF + timedelta(days=365), stage
        else:
            next_stage, stay = step
            is_immediate = stay == timedelta(0)
            later = now + stay if is_immediate or next_stage == "mel" else working_time(dice, now + stay)
        if owner == LEAVER and stage in ("mql", "sal", "on_hold") and now < HANDOVER < later:
            # When the successor takes over an open lead, the CRM writes the same stage again.
            owner = SUCCESSOR
            lead.entries.append(Entry(stage, HANDOVER, owner))
            lead.owner = owner
        if step is None:
            return
        if stage in ("nurture", "lost"):
            cycle_no += 1
        stage, owner, now = next_stage, owner_of(dice, next_stage, owner, later), later


def next_step(
    dice: Dice, lead: Lead, stage: str, now: datetime, owner: str, cycle_no: int
) -> tuple[str, timedelta] | None:
    """Return the next stage and the time until then; None if the lead stays for good."""
    fit = (lead.account.fit if lead.account else 0.95) * SOURCE_QUALITY.get(lead.lead_source, 1.0)
    hold_count = sum(entry.stage == "on_hold" for entry in lead.entries)
    if stage == "mcl":
        if lead.is_scan:
            return "mql", dice.days(0.9, 0.4)
        if lead.lead_source == "web form" and dice.chance(0.05):
            return "mel", timedelta(0)  # requested a demo: three stages in one second
        if dice.chance(0.13 * fit):
            return "mql", dice.days(5)
        if dice.chance(min(0.97, 0.9 * fit)):
            return "mel", dice.days(6, 1.0)
        return ("nurture" if dice.chance(0.7) else "disqualified"), dice.days(120, 0.35)
    if stage == "mel":
        if lead.entries[-2].entered_at == now:
            return "mql", timedelta(0)
        if dice.chance(min(0.97, 0.91 * fit)):
            return "mql", dice.days(9, 0.9)
        return ("nurture" if dice.chance(0.7) else "disqualified"), dice.days(120, 0.35)
    if stage == "mql":
        if not hold_count and dice.chance(0.045):
            return "on_hold", dice.days(2)
        if dice.chance(0.035):
            return "sql", dice.days(4)
        if dice.chance(acceptance(lead, now) * (0.75 + 0.25 * fit)):
            return "sal", dice.days(0.7, 0.9)
        return ("nurture" if dice.chance(0.6) else "disqualified"), min(dice.days(2.6), timedelta(days=60))
    if stage == "sal":
        slow = 1.0
        if owner == SLOW_REP and now >= SLOWDOWN_START:
            if dice.chance(0.33):
                return None
            slow = 3.5
        if hold_count < 2 and dice.chance(0.05):
            return "on_hold", dice.days(3 * slow)
        if dice.chance(0.035):
            return "mql", dice.days(4 * slow)
        if dice.chance(min(0.9, 0.46 * fit)):
            return "sql", dice.days(3.5 * slow, 0.7)
        return ("nurture" if dice.chance(0.55) else "disqualified"), dice.days(4.0 * slow, 0.7)
    if stage == "sql":
        outcome = dice.weighted({"won": 27 * fit, "lost": 45, "nurture": 10, "on_hold": 3 if hold_count < 2 else 0})
        return outcome, dice.days({"won": 38, "lost": 30}.get(outcome, 15), 0.55)
    if stage == "on_hold":
        before = lead.entries[-2].stage
        next_stage = {"mql": "sal", "sal": "sql", "sql": "lost"}.get(before, "nurture")
        return dice.weighted({before: 40, next_stage: 45, "nurture": 15}), min(dice.days(12, 0.6), timedelta(days=75))
    if stage == "nurture" and dice.chance(0.45 if cycle_no == 1 else 0.15):
        return "mql", dice.days(48, 0.6)
    if stage == "lost" and dice.chance(0.03):
        return "mql", dice.days(90, 0.4)
    return None


def acceptance(lead: Lead, now: datetime) -> float:
    """Return the probability that an MQL is accepted.

    It increases from March 2025, and is halved for event leads in the month of the event.
    """
    day = now.astimezone(ZONE).date()
    months = max(0, (day.year - TREND_START.year) * 12 + day.month - TREND_START.month + 1)
    share = 0.635 + 0.018 * min(months, 9)
    return share / 2 if lead.lead_source == "event" and (day.year, day.month) == EVENT_MONTH else share


def reps_at(moment: datetime) -> tuple[str, ...]:
    """Return the sales development reps who work at that time."""
    return (*SDRS, LEAVER if moment < HANDOVER - timedelta(days=3) else SUCCESSOR)


def owner_of(dice: Dice, stage: str, owner: str, moment: datetime) -> str:
    """Return the owner after entering a stage: a rep from MQL, a closer from SQL, sometimes a colleague."""
    if stage in ("mcl", "mel"):
        return ""
    if stage == "mql" or (stage == "sal" and (owner not in reps_at(moment) or dice.chance(0.03))):
        return dice.one_of(reps_at(moment))
    if stage == "sql" and owner not in CLOSERS:
        return dice.one_of(CLOSERS)
    return SUCCESSOR if owner == LEAVER and moment > HANDOVER else owner
