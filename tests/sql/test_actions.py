"""The first screen decides in SQL: rates beside earlier months, months that are not final, the funnel, and what to do."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import duckdb
import pytest
from oracle.changes import newcombe

from pipeline.explore import query
from pipeline.waterfall.definition import Pair, Sla, Stage, Waterfall
from tests.sample import Sample
from tests.sql.harness import built, records

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
SOURCES = ("ads", "event", "web")
OWNERS = ("Ana", "Ben", "Cem", "Dee")


def waterfall() -> Waterfall:
    """A path of four stages, an exit, and a pair within 30 days."""
    stages = (
        Stage("new", "New", "new", "It is new.", "path", 1),
        Stage("mql", "MQL", "mql", "It is ready.", "path", 2, sla=Sla(2, "day")),
        Stage("sal", "SAL", "sal", "It is accepted.", "path", 3),
        Stage("won", "Won", "won", "It has bought.", "path", 4),
        Stage("lost", "Lost", "lost", "It is lost.", "exit", None),
    )
    return Waterfall(
        "Actions", "UTC", stages, headline=(Pair("mql", "sal", 0.5, 30),), dimensions=("lead_source", "owner")
    )


class History:
    """Leads of one year, evenly over months, sources and owners; half of each value convert after a day."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.leads: list[dict[str, Any]] = []
        self.numbers = count(1)

    def lead(self, source: str, owner: str, moves: dict[str, datetime], account: str | None = "Acme") -> None:
        """Add a lead with its moves (stage → time)."""
        lead_id = f"L{next(self.numbers):05}"
        self.leads.append({"lead_id": lead_id, "account_id": account, "lead_source": source, "owner": owner})
        self.entries += [
            {"lead_id": lead_id, "stage": stage, "entered_at": moment, "owner": owner}
            for stage, moment in moves.items()
        ]

    def month(self, month: int, leads: int, converting: int, source: str, owner: str) -> None:
        """Add leads that became MQL in the month: the first `converting` became SAL, the others were lost."""
        for number in range(leads):
            start = datetime(2025, month, 2) + timedelta(hours=number)
            end = "sal" if number < converting else "lost"
            self.lead(source, owner, {"new": start, "mql": start + timedelta(hours=1), end: start + timedelta(days=1)})

    def build(self, *tables: str) -> duckdb.DuckDBPyConnection:
        """Return a database with these tables of the first screen."""
        place = count(1)
        rows = {
            "stage_entries": [{"input": "crm", "load_no": 1, "row_number": next(place), **row} for row in self.entries],
            "leads": [{"input": "leads", "load_no": 2, "row_number": next(place), **row} for row in self.leads],
        }
        return built(waterfall(), AS_OF, rows, tables=tables)


def quiet() -> History:
    """A history in which nothing stands out."""
    history = History()
    for month in range(1, 13):
        for source in SOURCES:
            for owner in OWNERS:
                history.month(month, 10, 5, source, owner)
    return history


def overdue(history: History, counts: dict[str, int]) -> None:
    """Add leads that have waited in MQL for twenty days, by owner."""
    for owner, leads in counts.items():
        for _ in range(leads):
            start = datetime(2025, 12, 10)
            history.lead("web", owner, {"new": start, "mql": start + timedelta(days=1)})


def actions(history: History) -> list[dict[str, Any]]:
    connection = history.build("report.actions")
    found = records(connection, "from report.actions order by action_no")
    connection.close()
    return found


class TestActions:
    def test_a_quiet_history_fires_no_rule(self) -> None:
        """Equal sources and owners, no overdue lead, no skipped stage, and an account for every lead."""
        assert [] == actions(quiet())

    def test_one_owner_with_most_overdue_leads_is_named(self) -> None:
        """18 of 21 overdue leads are clearly more than half; the stage is where they wait, and the oldest is 21 days old."""
        history = quiet()
        overdue(history, {"Ana": 18, "Ben": 2, "Cem": 1})
        (action,) = actions(history)
        assert ("overdue_owner", "Ana", "mql", 18, 21) == tuple(
            action[name] for name in ("rule", "current_owner", "stage", "units", "of_units")
        )
        assert 21 == action["oldest_age_days"]
        assert action["in_time_share"] < action["others_in_time_share"]

    @pytest.mark.parametrize("counts", [{"Ana": 12, "Ben": 11}, {"Ana": 9}])
    def test_an_unclear_majority_or_few_leads_are_no_concentration(self, counts: dict[str, int]) -> None:
        """12 of 23 may be chance, and nine are too few."""
        history = quiet()
        overdue(history, counts)
        assert "overdue_owner" not in [action["rule"] for action in actions(history)]

    def test_many_overdue_leads_without_a_concentration_are_one_action(self) -> None:
        """If all owners have their part of them, the action names no owner."""
        history = quiet()
        overdue(history, {"Ana": 6, "Ben": 6, "Cem": 5})
        (action,) = actions(history)
        assert ("overdue_leads", None, 17, 17) == tuple(
            action[name] for name in ("rule", "current_owner", "units", "of_units")
        )

    def test_a_poor_month_of_a_source_is_found(self) -> None:
        """Events convert 20 of 100 in May instead of half; the row has the rate of the others in the same month."""
        history = quiet()
        for owner in OWNERS:
            history.month(5, 15, 0, "event", owner)
        (action,) = actions(history)
        found = tuple(
            action[name] for name in ("rule", "dimension", "dimension_value", "first_month", "units", "of_units")
        )
        assert ("weak_value", "lead_source", "event", date(2025, 5, 1), 20, 100) == found
        assert 0.5 == action["compared_share"]

    def test_a_small_difference_among_many_is_no_action(self) -> None:
        """22 of 52 beside half of the others may be chance."""
        history = quiet()
        history.month(3, 12, 2, "ads", "Ben")
        assert [] == actions(history)

    def test_a_skipped_stage_is_found(self) -> None:
        """200 of 920 arrivals at SAL without MQL are clearly more than a tenth."""
        history = quiet()
        for number in range(200):
            start = datetime(2025, 1 + number % 12, 3)
            history.lead("web", "Ana", {"new": start, "sal": start + timedelta(days=1)})
        (action,) = actions(history)
        found = tuple(action[name] for name in ("rule", "stage", "previous_label", "units", "of_units"))
        assert ("skipped_stage", "sal", "MQL", 200, 920) == found

    def test_the_list_of_a_skipped_stage_has_its_arrivals(self) -> None:
        """It has the skipped arrivals of the action's months, newest first, and not those that came through MQL."""
        history = quiet()
        for number in range(200):
            start = datetime(2025, 1 + number % 12, 3)
            history.lead("web", "Ana", {"new": start, "sal": start + timedelta(days=1)})
        history.lead("web", "Ana", {"new": datetime(2024, 12, 30), "sal": datetime(2024, 12, 31)})
        connection = history.build("report.skipped_arrivals")
        rows = records(connection, "from report.skipped_arrivals")
        connection.close()
        assert list(range(1, 201)) == [row["arrival_position"] for row in rows]
        assert (date(2025, 12, 4), date(2025, 1, 4)) == (rows[0]["arrived_date"], rows[-1]["arrived_date"])
        assert {("SAL", "New", "Ana", "web", "SAL", "Acme")} == {
            tuple(
                row[name] for name in ("stage_label", "began_at", "owner", "lead_source", "current_stage", "account_id")
            )
            for row in rows
        }

    def test_leads_without_an_account_are_found(self) -> None:
        """More than a fifth of the leads have none."""
        history = quiet()
        for number in range(500):
            start = datetime(2025, 1 + number % 12, 3)
            history.lead("web", "Ana", {"new": start, "lost": start + timedelta(days=1)}, account=None)
        (action,) = actions(history)
        assert ("no_account", 500, 1940) == tuple(action[name] for name in ("rule", "units", "of_units"))

    def test_the_sample_tells_its_three_stories(self, sample_database: duckdb.DuckDBPyConnection) -> None:
        """One owner has most overdue leads, events were poor in May, and SALs began without MQL; acceptance rose."""
        found = sample_database.execute(
            "select rule, coalesce(current_owner, dimension_value, stage), first_month from report.actions "
            "where report = 'all' order by action_no"
        ).fetchall()
        rose = sample_database.execute(
            "select direction from report.headline_change where report = 'all' and headline_no = 1 and base = 'before'"
        ).fetchall()
        assert [
            ("overdue_owner", "Tom Brannigan", None),
            ("weak_value", "event", date(2025, 5, 1)),
            ("skipped_stage", "sal", date(2025, 1, 1)),
        ] == found
        assert [("up",)] == rose


@pytest.fixture(scope="module")
def sample_database(sample: Sample) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = query.open_published(sample.output)
    yield connection
    connection.close()


def direction(part: int, whole: int, base_part: int, base_whole: int) -> str:
    """Return up, down, same or few by the oracle's interval of the difference."""
    if min(whole, base_whole) < 20:
        return "few"
    low, high = newcombe((part, whole), (base_part, base_whole))
    return "up" if low > 0 else "down" if high < 0 else "same"


class TestComparisons:
    def test_directions_follow_from_the_counts(self, sample_database: duckdb.DuckDBPyConnection) -> None:
        """The direction of every row with a base follows from the oracle's interval of its counts."""
        rows = sample_database.execute(
            "select converted, entered, base_converted, base_entered, direction "
            "from report.headline_change where base_entered is not null "
            "union all "
            "select converted, entered, base_converted, base_entered, direction "
            "from report.value_rates where base_entered is not null"
        ).fetchall()
        assert len(rows) > 50
        assert {"up", "same", "few"} <= {row[4] for row in rows}
        assert [] == [row for row in rows if row[4] != direction(*row[:4])]

    def test_the_base_is_as_many_months_before(self, sample_database: duckdb.DuckDBPyConnection) -> None:
        """Counts of the base are those of three calendar months in the cohorts of the pair, before and a year ago."""
        cohorts = {
            row[:2]: row[2:]
            for row in sample_database.execute(
                "select headline.headline_no, months.month_start, months.entered, months.converted "
                "from report.conversion_months as months "
                "inner join report.headline as headline using (report, from_stage, to_stage, window_days) "
                "where report = 'all' and headline.is_headline_window"
            ).fetchall()
        }
        rows = sample_database.execute(
            "select headline_no, base, first_month, base_first_month, base_last_month, base_entered, base_converted "
            "from report.headline_change where report = 'all'"
        ).fetchall()
        assert 4 == len(rows)
        for headline_no, base, first, base_first, base_last, entered, converted in rows:
            expected_first = _months_earlier(first, 12 if base == "year" else 3)
            assert (expected_first, _months_earlier(expected_first, -2)) == (base_first, base_last)
            inside = [cohorts[headline_no, _months_earlier(base_first, -number)] for number in range(3)]
            assert (sum(row[0] for row in inside), sum(row[1] for row in inside)) == (entered, converted)

    def test_without_earlier_months_there_is_no_base(self) -> None:
        """Two months of history have a headline rate, but nothing before it."""
        history = History()
        for month in (10, 11):
            history.month(month, 40, 20, "web", "Ana")
        connection = history.build("report.headline_change")
        rows = records(connection, "from report.headline_change")
        connection.close()
        assert [(80, 40, None, None)] * 2 == [
            (row["entered"], row["converted"], row["base_entered"], row["direction"]) for row in rows
        ]

    def test_p_values_are_those_of_the_normal_distribution(self, sample_database: duckdb.DuckDBPyConnection) -> None:
        """normal_tail(z) is erfc(z / √2), to the error that its comment names."""
        for tenth in range(80):
            (value,) = sample_database.execute("select normal_tail(?)", [tenth / 10]).fetchone() or (0.0,)
            assert abs(value - math.erfc(tenth / 10 / math.sqrt(2))) < 1.5e-7

    def test_the_correction_is_that_of_benjamini_and_hochberg(self, sample_database: duckdb.DuckDBPyConnection) -> None:
        """The rows marked are those below the largest p with p ≤ 5 % · rank / tests; p is the pooled test of two shares."""
        rows = sample_database.execute(
            "select converted, entered, rest_converted, rest_entered, p_value, is_significant from report.value_differences"
        ).fetchall()
        tested = []
        for part, whole, rest_part, rest_whole, p_value, is_marked in rows:
            pooled = (part + rest_part) / (whole + rest_whole)
            error = math.sqrt(pooled * (1 - pooled) * (1 / whole + 1 / rest_whole))
            expected = math.erfc(abs(part / whole - rest_part / rest_whole) / error / math.sqrt(2)) if error else 1.0
            assert abs(expected - p_value) < 1.5e-7
            tested.append((expected, is_marked))
        ordered = sorted(expected for expected, _ in tested)
        limits = [p for rank, p in enumerate(ordered, 1) if p <= 0.05 * rank / len(ordered)]
        assert limits
        assert [expected <= limits[-1] for expected, _ in tested] == [is_marked for _, is_marked in tested]


class TestOpenMonths:
    def test_open_units_are_counted_by_owner(self) -> None:
        """December is not final: 20 leads entered, seven are open within 30 days, five of them with Ben."""
        history = quiet()
        for owner, leads in (("Ben", 5), ("Ana", 2)):
            for _ in range(leads):
                start = datetime(2025, 12, 20)
                history.lead("web", owner, {"new": start, "mql": start + timedelta(days=1)})
        connection = history.build("report.open_months")
        (row,) = records(connection, "from report.open_months")
        connection.close()
        assert (date(2025, 12, 1), date(2025, 12, 1), date(2026, 1, 31)) == (
            row["first_month"],
            row["last_month"],
            row["final_from"],
        )
        assert (127, 7, "Ben", 5) == (row["entered"], row["still_open"], row["current_owner"], row["owner_open"])


class TestFunnel:
    def test_each_lead_stops_at_its_furthest_step(self) -> None:
        """Six leads by hand: bars shrink, a skipped step counts, and the stops say where the leads are now."""
        history = History()
        start, day = datetime(2025, 3, 1), timedelta(days=1)
        history.lead("web", "Ana", {"new": start})
        history.lead("web", "Ana", {"new": start, "lost": start + day})
        history.lead("web", "Ana", {"new": start, "mql": start + day, "lost": start + 2 * day})
        history.lead("web", "Ana", {"new": start, "sal": start + day})
        history.lead("web", "Ana", {"new": start, "mql": start + day, "sal": start + 2 * day, "won": start + 3 * day})
        history.lead("web", "Ana", {"mql": start})
        connection = history.build("report.funnel", "report.funnel_stops")
        steps = records(connection, "from report.funnel order by step_no")
        stops = connection.execute("select step_rank, state, stage, leads from report.funnel_stops").fetchall()
        connection.close()
        assert [("New", 5, 2), ("MQL", 3, 1), ("SAL", 2, 1), ("Won", 1, 1)] == [
            (step["label"], step["leads"], step["stopped"]) for step in steps
        ]
        assert [None, 0.6, 2 / 3, 0.5] == [step["share_of_previous"] for step in steps]
        assert Counter(
            {
                (1, "open", None, 1): 1,
                (1, "left", "lost", 1): 1,
                (2, "left", "lost", 1): 1,
                (3, "open", None, 1): 1,
                (4, "open", None, 1): 1,
            }
        ) == Counter(stops)

    def test_the_group_is_twelve_months_up_to_the_last_final_one(
        self, sample_database: duckdb.DuckDBPyConnection
    ) -> None:
        """The sample's headline rates end in September and November, so the group ends in September."""
        rows = sample_database.execute(
            "select distinct first_month, last_month from report.funnel where report = 'all'"
        ).fetchall()
        assert [(date(2024, 10, 1), date(2025, 9, 1))] == rows


def _months_earlier(month: date, months: int) -> date:
    number = month.year * 12 + month.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)
