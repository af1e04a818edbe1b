"""The page has conversion by route, the sources of origins, and the qualifying teams (C6, K7)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.waterfall.definition import Pair, Waterfall
from tests import runs
from tests.report import gold, reading
from tests.report.test_edges import AS_OF, entries, site_of, stage, waterfall
from tests.sql.harness import built, checked, records

QUALIFYING = (
    stage("a", 1, team="marketing", qualifies=True),
    stage("b", 2),
    stage("c", 3),
    stage("lost", None, "exit"),
)
DIRECT = (("L1", "a", 1), ("L1", "b", 2), ("L1", "c", 3), ("L2", "b", 4), ("L2", "lost", 5), ("L3", "b", 70))


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published folder of the quarter."""
    folder = tmp_path_factory.mktemp("quarter")
    gold.quarter(folder)
    return folder


@pytest.fixture(scope="module")
def page(output: Path) -> reading.ReadSite:
    """The parsed pages of the quarter."""
    return reading.read_folder(output / "reports")


def cell_counts(cells: list[str]) -> tuple[int, ...]:
    return tuple(reading.plain(cell) for cell in cells)


def percent(text: str) -> float | None:
    """A printed rate in percent; None for a dash."""
    match = re.match(r"[<>]?(\d+(?:\.\d+)?)", text)
    return float(match[1]) if match else None


def test_conversion_by_route_equals_the_mart(page: reading.ReadSite, output: Path) -> None:
    """Every shown pair after qualification has its three routes, with the counts of marts.conversion_by_route."""
    routes_found = runs.ask(
        output,
        """
        select
            from_milestones.label || ' → ' || to_milestones.label as pair,
            case routes.route when 'qualified' then 'via MQL' else routes.route end as route,
            routes.entered, routes.converted, routes.passed_over, routes.lost, routes.still_open, routes.rate
        from marts.conversion_by_route as routes
        inner join report.pairs_shown as shown
            on shown.from_stage = routes.from_stage and shown.to_stage = routes.to_stage
        inner join waterfall.milestones as from_milestones on from_milestones.milestone = routes.from_stage
        inner join waterfall.milestones as to_milestones on to_milestones.milestone = routes.to_stage
        where routes.grain = 'all'
        order by shown.shown_no, list_position(['all', 'qualified', 'direct'], routes.route)
        """,
    )
    expected = [tuple(row.values())[:-1] for row in routes_found]
    rows = page.tables["table-routes"][1:]
    shown_rows = [
        (*(_without_marks(cell) for cell in row[:2]), *cell_counts(row[2:7])) for row in rows if row[2] != "0"
    ]
    assert expected == shown_rows
    assert 3 == len(expected)
    rates = [percent(row[7]) for row in rows if row[2] != "0"]
    assert [pytest.approx(100 * row["rate"], abs=0.06) for row in routes_found] == rates


def test_via_and_direct_add_up_on_the_page(page: reading.ReadSite) -> None:
    """In every pair the counts of the two routes add up to the total."""
    rows = [cell_counts(row[2:7]) for row in page.tables["table-routes"][1:]]
    assert rows
    for number in range(0, len(rows), 3):
        whole, qualified, direct = rows[number : number + 3]
        assert whole == tuple(sum(pair) for pair in zip(qualified, direct, strict=True))


def test_origins_and_qualifications_are_counted(page: reading.ReadSite, output: Path) -> None:
    """Leads by source of origin are all leads with history; cycles by team equal journey.cycles."""
    leads = runs.ask(output, "select count(distinct lead_id) as count from clean.stage_entries")[0]["count"]
    teams = runs.ask(
        output,
        "select qualified_by, count(*) from journey.cycles group by qualified_by"
        " order by qualified_by = 'direct', count(*) desc, qualified_by",
    )
    assert leads == sum(reading.plain(row[1]) for row in page.tables["table-origins"][1:])
    assert [tuple(row.values()) for row in teams] == [
        (row[0], reading.plain(row[1])) for row in page.tables["table-qualifications"][1:]
    ]


def test_a_lead_without_an_origin_is_counted() -> None:
    """A lead without an origin counts as `nobody says`, a lead without history does not count."""
    leads = [
        {"input": "leads", "load_no": 2, "row_number": number, "lead_id": lead, "origin": origin}
        for number, (lead, origin) in enumerate((("L1", "sales"), ("L2", None), ("L9", "sales")), 1)
    ]
    _, page = site_of(waterfall(QUALIFYING), {"stage_entries": entries(*DIRECT), "leads": leads})
    shown_rows = {row[0]: reading.plain(row[1]) for row in page.tables["table-origins"][1:]}
    assert {"a rule of [[origins]]": 0, "origin_default": 0, "as the input says": 1, "nobody says": 2} == shown_rows


def test_final_months_are_complete_and_the_same_for_every_route() -> None:
    """With a settling time of 60 days, January is final for every route and February for none, although its direct cycles ended."""
    january = (("L1", "a", 1), ("L1", "b", 2), ("L1", "c", 3), ("L2", "b", 4), ("L2", "lost", 5))
    february = (("L3", "a", 35), ("L3", "b", 36), ("L4", "b", 37), ("L4", "lost", 38))
    march = (("L5", "b", 62), ("L5", "c", 63))
    moves = entries(*january, *february, *march)
    definition = replace(_definition(), settle_days=(("b", "c", 60),))
    connection = built(definition, AS_OF.replace(day=20), {"stage_entries": moves})
    columns = (
        "route, entered, converted, lost, still_open, mature_months, mature_entered, mature_converted, mature_rate"
    )
    routes_found = records(connection, f"select {columns} from report.conversion_by_route order by route_no")
    connection.close()
    assert [
        ("all", 5, 2, 2, 1, 1, 2, 1, 0.5),
        ("qualified", 2, 1, 0, 1, 1, 1, 1, 1.0),
        ("direct", 3, 1, 2, 0, 1, 1, 0, 0.0),
    ] == [tuple(row.values()) for row in routes_found]


def test_without_qualifying_stages_nothing_is_reported() -> None:
    """If no stage qualifies, there are no routes and no empty table."""
    _, page = site_of(waterfall(headline=(Pair("a", "b"),)), {"stage_entries": entries(*DIRECT)})
    assert "table-routes" not in page.tables


@pytest.mark.parametrize("change", ["entered = entered + 1, still_open = still_open + 1", "route = 'direct'"])
def test_routes_that_do_not_add_up_are_not_published(change: str) -> None:
    """An additional row, or one of the wrong route, fails the check that stops the run."""
    connection = built(_definition(), AS_OF, {"stage_entries": entries(*DIRECT)})
    assert [] == _failed_checks(connection)
    connection.execute(f"update marts.conversion_by_route set {change} where route = 'all' and grain = 'all'")
    broken = _failed_checks(connection)
    connection.close()
    assert "marts.conversion_by_route_sums" in broken


def _definition() -> Waterfall:
    return waterfall(QUALIFYING, headline=(Pair("b", "c"),))


def _failed_checks(connection: Any) -> list[str]:
    return [each.name for each in checked(connection) if not each.holds]


def _without_marks(cell: str) -> str:
    """The cell without the invisible marks that isolate labels."""
    return cell.translate({0x2068: None, 0x2069: None})
