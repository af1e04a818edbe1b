"""Waterfalls that crowd the edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, TypeVar, get_args

from hypothesis import strategies as st

from pipeline.waterfall.definition import (
    Condition,
    Group,
    OriginRule,
    Pair,
    PersonaRule,
    ScopeRule,
    Sla,
    Stage,
    Unit,
    Waterfall,
    WorkingCalendar,
)

DIMENSIONS = (
    "origin",
    "qualified_by",
    "entry_stage",
    "owner",
    "team",
    "lead_source",
    "region",
    "campaign",
    "account_id",
)
TEAMS = (None, "marketing", "sdr", "sales")
SLAS = (
    None,
    Sla(1, "day"),
    Sla(2, "hour"),
    Sla(8, "hour", "business"),
    Sla(2, "day", "business"),
)
CALENDARS = (
    WorkingCalendar,
    lambda zone: WorkingCalendar(zone, 0, 1440, (1, 2, 3, 4, 5, 6, 7)),
    lambda zone: WorkingCalendar(zone, 90, 165, (1, 3, 7), "US-CA"),
    lambda zone: WorkingCalendar(
        "Europe/Berlin", 480, 990, (1, 2, 3, 4, 5), None, (date(2025, 11, 3), date(2026, 3, 30))
    ),
)
SCOPE = (
    ScopeRule("webform", "leads", Condition("lead_source", "matches", ("^web",)), "Students."),
    ScopeRule("northern", "accounts", Condition("region", "one_of", ("north",)), "Not ours."),
    ScopeRule("unowned", "leads", Condition("owner", "is_null"), "Nobody's."),
    ScopeRule(
        "elsewhere", "accounts", Condition("region", "one_of", ("south", "north"), is_negated=True), "Not known."
    ),
    ScopeRule("in_an_account", "leads", Condition("account_id", "matches", ("[12]",), is_negated=True), "Others."),
)
ORIGINS = (
    OriginRule("paid", Condition("lead_source", "one_of", ("event", "fair"))),
    OriginRule("sales", Condition("owner", "is_null", is_negated=True)),
    OriginRule("house", Condition("origin", "matches", ("mark|none",))),
)
PERSONAS = (
    PersonaRule("buyer", Condition("owner", "one_of", ("gina",))),
    PersonaRule("user", Condition("lead_source", "matches", ("web|event",))),
    PersonaRule("nobody is", Condition("owner", "one_of", ("nobody",))),
)
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)

Something = TypeVar("Something")


@st.composite
def waterfalls(draw: st.DrawFn, zone: str) -> Waterfall:
    """Two to six path stages with parallel ranks, groups, holds, detours, exits, SLAs, qualifying stages."""
    path = draw(_path())
    off_path = []
    for kind in ("hold", "detour", "exit"):
        for number in range(1, draw(st.integers(0, 2)) + 1):
            team, sla = draw(st.tuples(st.sampled_from(TEAMS), st.sampled_from(SLAS)))
            off_path.append(_stage(f"{kind}_{number}", kind=kind, rank=None, team=team, sla=sla))
    # The order in the file means nothing once ranks are given.
    in_file = ((*path, *off_path), (*off_path, *reversed(path)), (*path[::2], *off_path, *path[1::2]))
    stages = draw(st.sampled_from(in_file))

    groups = []
    for number in range(1, draw(st.integers(0, 2)) + 1):
        # A number whose bits choose the members; at least one.
        chosen = draw(st.integers(1, 2 ** len(path) - 1))
        members = tuple(stage.key for position, stage in enumerate(path) if chosen >> position & 1)
        groups.append(Group(f"group_{number}", f"GROUP {number}", f"Members of group {number}.", members))
    lowest = min(path, key=lambda stage: stage.rank or 0)
    highest = max(path, key=lambda stage: stage.rank or 0)
    settling = draw(st.sampled_from((None, 1, 7, 30)))
    return Waterfall(
        name="Made up",
        timezone=zone,
        stages=stages,
        groups=tuple(groups),
        headline=(Pair(lowest.key, highest.key, None, draw(st.sampled_from((30, 1, 7, 90)))),),
        settle_days=((lowest.key, highest.key, settling),) if settling else (),
        dimensions=_some(draw, DIMENSIONS, 3),
        windows=_some(draw, (1, 7, 30), 2),
        week_start=draw(st.sampled_from((1, 7, 3))),
        fiscal_year_start=draw(st.sampled_from((1, 4, 2, 11))),
        calendar=draw(st.sampled_from(CALENDARS))(zone),
        scope=_some(draw, SCOPE, 2),
        origins=_some(draw, ORIGINS, 2),
        personas=_some(draw, PERSONAS, 2),
        unit=draw(st.sampled_from(get_args(Unit))),
        origin_default=draw(st.sampled_from((None, "other"))),
        entry_at_creation=draw(st.booleans()),
        implied=draw(st.booleans()),
        match_domains=draw(st.sampled_from((True, True, True, False))),
        never_match=draw(st.sampled_from(((), ("ours.example",)))),
    )


def _some(draw: st.DrawFn, names: Sequence[Something], most: int) -> tuple[Something, ...]:
    """Up to `most` of the names, none twice."""
    return tuple(draw(st.lists(st.sampled_from(names), max_size=most, unique=True)))


@st.composite
def _path(draw: st.DrawFn) -> tuple[Stage, ...]:
    rises = draw(st.lists(st.sampled_from((True, True, False)), min_size=1, max_size=5))
    if not any(rises):
        # All parallel: there would be no pair.
        rises[-1] = True
    ranks = [1]
    for is_higher in rises:
        ranks.append(ranks[-1] + is_higher)
    stages = []
    for number, rank in enumerate(ranks, start=1):
        team, sla, flags = draw(st.tuples(st.sampled_from(TEAMS), st.sampled_from(SLAS), st.integers(0, 3)))
        stage = _stage(f"path_{number}", kind="path", rank=rank, team=team, sla=sla)
        stages.append(replace(stage, qualifies=flags % 2 == 1, gate=flags >= 2))
    return tuple(stages)


def _stage(key: str, **columns: Any) -> Stage:
    label = key.replace("_", " ").upper()
    definition = f"The stage {key} of a made-up waterfall."
    return Stage(key=key, label=label, name=label, definition=definition, aliases=(f"{key}-crm",), **columns)


# ---- histories
