"""The macros stored in the file: what they tell, what they refuse, and that they agree with marts and with brute force."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from oracle.case_files import raw_rows, read_case
from oracle.chains import depth

from pipeline.errors import ModelError
from pipeline.settings import shipped
from pipeline.transform.macros import create_formulas, create_macros, discover_macros
from tests import runs
from tests.sql import harness, made_up

MACROS = discover_macros(shipped("sql"))
STEPS = ["mel", "mql", "sal"]


@pytest.fixture(scope="module")
def quarter() -> Iterator[duckdb.DuckDBPyConnection]:
    """The quarter with every macro."""
    waterfall, history = read_case(runs.QUARTER, as_of=runs.QUARTER_AS_OF)
    raw = raw_rows(waterfall, history)
    connection = harness.built(waterfall, history.as_of, raw, inputs=history.inputs, tables=harness.ALL_BUT_REPORT)
    create_macros(connection, MACROS)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A year of 150 made-up leads with ties, repeats, holds and returns, with every macro."""
    waterfall = made_up.waterfall(tmp_path_factory.mktemp("year"), dimensions=("owner", "entry_stage"))
    history = made_up.history(150, seed=5)
    connection = harness.built(waterfall, made_up.AS_OF, history, inputs=("crm",), tables=harness.ALL_BUT_REPORT)
    create_macros(connection, MACROS)
    yield connection
    connection.close()


def rows(connection: duckdb.DuckDBPyConnection, call: str) -> list[dict[str, Any]]:
    """What a macro answers."""
    return harness.records(connection, f"from {call}")


REFUSED = {
    "conversion('nobody', 'sal')": "unknown stage; known: ",
    "conversion('mql', 'nobody')": "unknown stage; known: ",
    "conversion(null, 'sal')": "unknown stage; known: ",
    "conversion('sal', 'mql')": "no such pair",
    "conversion('mql', 'sal', within_days := 31)": "no such window; known",
    "conversion('mql', 'sal', by := 'colour')": "unknown dimension; known: all",
    "conversion('mql', 'sal', by := ['all', 'colour'])": "unknown dimension; known: all",
    "conversion('mql', 'sal', by := [])": "unknown dimension; known: all",
    "conversion('mql', 'sal', by := null)": "unknown dimension; known: all",
    "conversion('mql', 'sal', grain := 'hour')": "unknown grain; known: day",
    "conversion('mql', 'sal', unit := 'person')": "unknown unit; known: cycle, lead, account",
    "cohort_triangle('nobody', 'sal')": "unknown stage; known: ",
    "cohort_triangle('sal', 'mql')": "no such pair",
    "cohort_triangle('mql', 'sal', grain := 'all')": "unknown grain; known: day",
    "time_in_stage('nobody')": "unknown stage; known: ",
    "sla('nobody')": "unknown stage; known: ",
    "flow('nobody')": "unknown stage; known: ",
    "flow(grain := 'hour')": "unknown grain; known: day",
    "stuck_leads(stage := 'nobody')": "unknown stage; known: ",
    "lead_history('nobody')": "the published file has no lead with this id",
    "funnel_steps(['mql', 'nobody'])": "unknown stage; known: ",
    "funnel_steps(['mql', 'sal'], mode := 'loose')": "unknown mode; known: ordered",
    "funnel_steps(['mql', 'sal'], by := 'colour')": "unknown dimension; known: all",
}


@pytest.mark.parametrize("call", REFUSED)
def test_a_word_that_names_nothing_is_an_error(quarter: duckdb.DuckDBPyConnection, call: str) -> None:
    """An unknown stage, dimension, window or id is refused with the known words, never answered with no rows."""
    with pytest.raises(duckdb.InvalidInputException) as refusal:
        quarter.execute(f"from {call}").fetchall()
    assert REFUSED[call] in str(refusal.value)
    assert "nobody" not in str(refusal.value)


def test_a_stage_may_be_named_by_its_label(quarter: duckdb.DuckDBPyConnection) -> None:
    """Key, label in any case, and a value of the CRM all name the stage."""
    by_key = rows(quarter, "conversion('mql', 'sal')")
    assert by_key
    assert by_key == rows(quarter, "conversion(' MQL ', 'Sal')")
    assert rows(quarter, "funnel_steps(['mql', 'sal'])") == rows(quarter, "funnel_steps(['MQL', 'sAL'])")


def test_help_lists_every_table_macro_and_its_example_runs(year: duckdb.DuckDBPyConnection) -> None:
    """`from help()` has a row for each, whose example can be pasted (with a lead that is there)."""
    told = rows(year, "help()")
    assert sorted(each.name for each in MACROS if not each.is_value) == [row["name"] for row in told]
    for row in told:
        example = row["example"].replace("00Q8d0000000AfI", "L00000").replace("lead_source", "owner")
        year.execute(example).fetchall()
    for macro in (each for each in MACROS if each.is_value):
        assert year.execute(macro.example).fetchone() not in (None, (None,))


def test_every_macro_carries_a_comment(quarter: duckdb.DuckDBPyConnection) -> None:
    """The sentence and the example are comments in the database, for help() too."""
    told = dict(
        quarter.execute("select function_name, comment from duckdb_functions() where function_name = any($1)",
        [[each.name for each in MACROS] + ["help"]]).fetchall()
    )  # fmt: skip
    assert {each.name for each in MACROS} | {"help"} == set(told)
    assert [] == [name for name, comment in told.items() if "Example: " not in (comment or "")]


class TestFunnelSteps:
    @pytest.mark.parametrize("mode", ["ordered", "strict", "any_order", "increasing"])
    @pytest.mark.parametrize("days", [None, 5])
    def test_it_agrees_with_trying_everything(
        self, year: duckdb.DuckDBPyConnection, mode: str, days: int | None
    ) -> None:
        """Each step's count is that of the leads whose deepest chain, found by brute force, goes so far."""
        lives: dict[int, list[tuple[str, datetime]]] = {}
        for lead, stage, entered_at in year.execute(
            "select lead_no, stage, entered_at from journey.stage_spans order by lead_no, span_no"
        ).fetchall():
            lives.setdefault(lead, []).append((stage, entered_at))
        window = None if days is None else timedelta(days=days)
        depths = [depth(life, STEPS, mode, window) for life in lives.values()]
        expected = [sum(each >= step for each in depths) for step in (1, 2, 3)]
        within = "null" if days is None else str(days)
        actual = rows(year, f"funnel_steps({STEPS}, mode := '{mode}', within_days := {within})")
        assert expected == [row["reached"] for row in actual]
        assert expected[2] > 0

    def test_a_pair_of_steps_is_the_conversion_of_a_lead(self, quarter: duckdb.DuckDBPyConnection) -> None:
        """Without going back, two steps ever are K1's entered and converted for the unit cycle."""
        whole = rows(quarter, "conversion('mql', 'sal', grain := 'all')")[0]
        steps = rows(quarter, "funnel_steps(['mql', 'sal'], unit := 'cycle')")
        assert [whole["entered"], whole["converted"]] == [row["reached"] for row in steps]
        assert [whole["rate_low"], whole["rate_high"]] == pytest.approx([steps[1]["rate_low"], steps[1]["rate_high"]])

    def test_cohorts_and_cuts_sum_to_the_total(self, year: duckdb.DuckDBPyConnection) -> None:
        """A unit counts once: in one month and one value of a dimension."""
        total = [row["reached"] for row in rows(year, f"funnel_steps({STEPS})")]
        for more in ("grain := 'month'", "by := 'owner'"):
            parts = rows(year, f"funnel_steps({STEPS}, {more})")
            assert total == [sum(row["reached"] for row in parts if row["step_no"] == step) for step in (1, 2, 3)]

    def test_nobody_at_the_first_step_is_zero_and_no_rate(self, year: duckdb.DuckDBPyConnection) -> None:
        """A chain that nobody began has a row for each step, with 0 and without a rate."""
        answer = rows(
            year,
            "funnel_steps(['won', 'mel', 'won', 'mel', 'won', 'mel', 'mql'], mode := 'strict', within_seconds := 0)",
        )
        assert [0] * 6 == [row["reached"] for row in answer][1:]
        assert [0.0, None] == [answer[1]["rate_of_previous"], answer[2]["rate_of_previous"]]


def of_mart(connection: duckdb.DuckDBPyConnection) -> dict[str, list[dict[str, Any]]]:
    """The call of conversion for each pair, unit, window and grain, and the rows of the mart by owner."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in harness.records(
        connection,
        """
        select marts.*, coverage.is_before_coverage
        from marts.conversion as marts
        inner join quality.period_coverage as coverage
            on coverage.grain = marts.grain and coverage.period_start is not distinct from marts.cohort_start
        where marts.dimension = 'owner' and marts.grain in ('week', 'month', 'all')
        order by marts.from_stage, marts.to_stage, marts.unit, marts.window_days, marts.grain, cohort_start, dimension_value
        """,
    ):
        days = "null" if row["window_days"] is None else row["window_days"]
        call = (
            f"conversion('{row['from_stage']}', '{row['to_stage']}', grain := '{row['grain']}', unit := '{row['unit']}',"
            f" within_days := {days}, by := {{}})"
        )
        found.setdefault(call, []).append(row)
    return found


class TestSeveralDimensions:
    def test_a_list_counts_as_the_mart_does(self, year: duckdb.DuckDBPyConnection) -> None:
        """Units cut by the total and one dimension are counted anew, and no number differs from the mart."""
        compared = 0
        for call, expected in of_mart(year).items():
            counted = rows(year, call.format("['all', 'owner']"))
            assert [f"all, {each['dimension_value']}" for each in expected] == [
                each["dimension_value"] for each in counted
            ]
            for one, other in zip(expected, counted, strict=True):
                names = one.keys() - {"dimension", "dimension_value"}
                assert {name: one[name] for name in names} == pytest.approx({name: other[name] for name in names})
                compared += 1
        assert compared > 1000

    def test_a_list_of_one_dimension_is_its_text(self, year: duckdb.DuckDBPyConnection) -> None:
        """Both read the rows of the mart, for each pair, unit, window and grain."""
        known = of_mart(year)
        # Seven and the number of units, windows and grains have no common factor, so that all of them have their turn.
        for call in list(known)[::7]:
            for words in ("'owner'", "['owner']"):
                found = rows(year, call.format(words))
                assert [{"owner": row["dimension_value"]} for row in known[call]] == [
                    row.pop("dimension_values") for row in found
                ]
                assert known[call] == found

    def test_two_dimensions_are_a_plain_recount(self, year: duckdb.DuckDBPyConnection) -> None:
        """Each combination has the cycles that arrived at A with both values; its counts add up over one of them."""
        expected: dict[tuple[str, str], list[int]] = {}
        for owner, entry_stage, is_converted in year.execute(
            """
            select span.owner, cycle.entry_stage, sal.arrived_at is not null
            from journey.arrivals as mql
            join journey.stage_spans as span using (lead_id, span_no)
            join journey.cycles as cycle on (cycle.lead_id, cycle.cycle_no) = (mql.lead_id, mql.cycle_no)
            left join journey.arrivals as sal
                on (sal.lead_id, sal.cycle_no, sal.stage) = (mql.lead_id, mql.cycle_no, 'sal')
            where mql.stage = 'mql'
            """
        ).fetchall():
            counts = expected.setdefault((owner or "(none)", entry_stage), [0, 0])
            counts[0] += 1
            counts[1] += is_converted
        answer = rows(year, "conversion('mql', 'sal', by := ['owner', 'entry_stage'], grain := 'all')")
        assert expected == {
            (row["dimension_values"]["owner"], row["dimension_values"]["entry_stage"]): [
                row["entered"],
                row["converted"],
            ]
            for row in answer
        }
        assert {"owner, entry_stage"} == {row["dimension"] for row in answer}
        assert len(answer) > len(rows(year, "conversion('mql', 'sal', by := 'owner', grain := 'all')"))


def test_the_triangle_ends_where_conversion_stands(year: duckdb.DuckDBPyConnection) -> None:
    """The last age of each cohort has marts.conversion's counts, and no age has fewer converted than the one before."""
    for unit in ("cycle", "lead"):
        marts = {row["cohort_start"]: row for row in rows(year, f"conversion('mql', 'sal', unit := '{unit}')")}
        triangle = rows(year, f"cohort_triangle('mql', 'sal', unit := '{unit}')")
        last = {row["cohort_start"]: row for row in triangle}
        assert set(marts) == set(last)
        for cohort, row in last.items():
            for name in ("entered", "converted", "still_open"):
                assert marts[cohort][name] == row[name]
        pairs = [(one, two) for one, two in itertools.pairwise(triangle) if two["age"] > 0]
        assert [] == [two for one, two in pairs if two["converted"] < one["converted"] or two["age"] != one["age"] + 1]
        assert any(two["converted"] > one["converted"] for one, two in pairs)


def test_the_triangle_counts_by_local_dates(tmp_path: Path) -> None:
    """Arrivals just before and after local midnight of New York fall into the months of its calendar."""
    from dataclasses import replace

    waterfall = replace(made_up.waterfall(tmp_path), timezone="America/New_York")
    entries = [("A", "mql", "2025-02-01 04:30"), ("A", "sal", "2025-03-01 04:30"), ("B", "mql", "2025-02-01 05:30")]
    history = [
        {"input": "crm", "load_no": 1, "row_number": number, "lead_id": lead, "stage": stage,
         "entered_at": datetime.fromisoformat(moment)}
        for number, (lead, stage, moment) in enumerate(entries, 1)
    ]  # fmt: skip
    given = {"stage_entries": history}
    connection = harness.built(waterfall, made_up.AS_OF, given, inputs=("crm",), tables=harness.ALL_BUT_REPORT)
    create_macros(connection, MACROS)
    told = [
        (str(row["cohort_start"]), row["age"], row["converted"])
        for row in rows(connection, "cohort_triangle('mql', 'sal')")
    ]
    connection.close()
    assert [("2025-01-01", 0, 0), ("2025-01-01", 1, 1), ("2025-01-01", 2, 1)] == told[:3]


def test_a_lead_is_reported_under_every_id(year: duckdb.DuckDBPyConnection) -> None:
    """lead_history has each stay once, with the days up to as-of for the open one."""
    told = rows(year, "lead_history('L00003')")
    assert list(range(1, len(told) + 1)) == [row["span_no"] for row in told]
    assert [row["stage"] for row in told] == [
        row["stage"] for row in rows(year, "journey.stage_spans where lead_id = 'L00003' order by span_no")
    ]


def test_stuck_leads_are_those_of_the_list(year: duckdb.DuckDBPyConnection) -> None:
    """All of marts.open_leads without arguments; with them the owner, the stage and the age limit it."""
    everyone = rows(year, "stuck_leads()")
    assert len(rows(year, "marts.open_leads")) == len(everyone)
    chosen = rows(year, "stuck_leads(owner := 'PRIYA', stage := 'MQL', min_days := 20)")
    assert [
        row for row in everyone if row["current_owner"] == "Priya" and row["stage"] == "mql" and row["age_days"] >= 20
    ] == chosen
    assert chosen


def test_flow_and_time_are_their_marts(year: duckdb.DuckDBPyConnection) -> None:
    """One stage's months of marts.stage_flow; one stage's row of marts.time_in_stage with its open stays beside it."""
    flow = rows(
        year, "marts.stage_flow where grain = 'month' and dimension = 'all' and stage = 'mql' order by period_start"
    )
    assert flow == rows(year, "flow('MQL')")
    ended = rows(
        year, "marts.time_in_stage where grain = 'all' and dimension = 'all' and stage = 'mql' and next_stage = 'all'"
    )
    still = rows(year, "marts.open_time_in_stage where dimension = 'all' and stage = 'mql'")
    (told,) = rows(year, "time_in_stage('mql')")
    assert (ended[0]["completed"], ended[0]["median_days"]) == (told["completed"], told["median_days"])
    assert (still[0]["still_open"], still[0]["median_age_days"]) == (told["still_open"], told["median_age_days"])
    assert {None} == {row["still_open"] for row in rows(year, "time_in_stage('mql', grain := 'month')")}


def test_limits_are_their_mart(year: duckdb.DuckDBPyConnection) -> None:
    """One stage's months of marts.sla, only the total unless a dimension is asked for."""
    mart = "marts.sla where grain = 'month' and stage = 'mql' and dimension = {} order by period_start, dimension_value"
    assert rows(year, mart.format("'all'")) == rows(year, "sla('MQL')")
    assert rows(year, mart.format("'owner'")) == rows(year, "sla('mql', by := 'owner')")
    assert rows(year, "sla('mql')")


def test_a_view_finds_its_formula_in_its_own_file(tmp_path: Path) -> None:
    """A view that calls a formula can be read after attaching the file, under any name and schema."""
    file = tmp_path / "published.duckdb"
    with duckdb.connect(file) as connection:
        create_formulas(connection, ("wilson_low(",))
        connection.execute("create schema marts")
        connection.execute("create view marts.shares as select wilson_low(1, 10) as low")
        expected = connection.execute("select wilson_low(1, 10)").fetchall()
    with duckdb.connect() as other:
        other.execute(f"attach '{file}' as published (read_only)")
        assert expected == other.execute("from published.marts.shares").fetchall()
        other.execute("use published.marts")
        assert expected == other.execute("select low from shares where low = wilson_low(1, 10)").fetchall()


class TestFiles:
    def test_an_argument_that_cannot_be_read_names_the_file(self, tmp_path: Path) -> None:
        """A default that is no literal is refused."""
        (tmp_path / "macros").mkdir()
        (tmp_path / "macros" / "odd.sql").write_text(
            "-- A.\n-- argument x = now(): when\n-- example: from odd()\nselect 1\n"
        )
        with pytest.raises(ModelError, match=r"odd\.sql: this argument can't be read"):
            discover_macros(tmp_path)

    def test_a_header_without_example_names_the_file(self, tmp_path: Path) -> None:
        """A macro that nobody could call is refused."""
        (tmp_path / "macros").mkdir()
        (tmp_path / "macros" / "odd.sql").write_text("-- A.\nselect 1\n")
        with pytest.raises(ModelError, match=r"odd\.sql: the header of a macro needs a description and an example"):
            discover_macros(tmp_path)

    def test_sql_that_duckdb_refuses_names_the_file(self, tmp_path: Path) -> None:
        """A table that is not there stops the run with the macro and its file."""
        (tmp_path / "macros").mkdir()
        (tmp_path / "macros" / "odd.sql").write_text("-- A.\n-- example: from odd()\nselect * from marts.nothing\n")
        connection = duckdb.connect()
        with pytest.raises(ModelError, match=r"odd\.sql: the macro odd failed"):
            create_macros(connection, discover_macros(tmp_path))
        connection.close()
