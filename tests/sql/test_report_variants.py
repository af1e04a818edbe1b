"""Reports of one value: on random histories each is the marts' cut of that value, and all of them together are the total."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import duckdb
import oracle
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from oracle import case_files, strategies
from oracle.gap import headline_gap
from oracle.variants import ReportOfOne

from pipeline.transform.build import build
from pipeline.transform.checks import run_checks
from pipeline.transform.graph import in_order, select
from pipeline.transform.project import Model
from pipeline.waterfall.definition import Waterfall
from tests.sql.harness import built, project, records

FATES = ("entered", "converted", "passed_over", "lost", "still_open")
SLA = ("met", "breached", "open_within", "open_overdue")
PAIR = ("from_stage", "to_stage", "window_days")
FLOW = tuple(
    f"{way}_{move}"
    for way, moves in (
        ("in", ("new", "restored", "advanced", "sideways", "regressed", "held", "detoured", "exited", "returned")),
        ("out", ("advanced", "sideways", "regressed", "held", "detoured", "exited", "returned", "deleted")),
    )
    for move in moves
)
QUICKLY = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=(Phase.generate,),  # a failing case is short enough to read, and shrinking it takes minutes
)
ADDITIVE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "overview": ((), ("leads", "entries", "cycles", "open_cycles", "leads_without_account", "open_leads", "overdue")),
    "headline": (PAIR, FATES),
    "conversion_months": ((*PAIR, "month_start"), FATES),
    "headline_gap": (("headline_no", "fate", "reason", "stage"), ("units",)),
    "path_arrivals": (("scope", "stage"), ("arrivals", "through", "over", "began_here", "previous_arrivals")),
    "stage_flow": (("stage", "month_start"), ("opening", *FLOW, "ins", "outs", "closing")),
    "lead_balance": (
        ("month_start",),
        ("opening", "new_leads", "restored_leads", "came_over", "deleted_leads", "closing"),
    ),
    "stage_times": (("stage",), ("completed", "still_open")),
    "stage_sla": (("stage", "month_start"), SLA),
    "sla_by_owner": (("stage", "owner"), (*SLA, "now_within", "now_overdue")),
    "account_depth": (("basis", "stage", "month_start"), ("leads", "leads_with_account", "leads_without_account")),
    "account_depth_path": (("stage",), ("accounts", "depth_1", "depth_2", "depth_3_4", "depth_5_plus")),
    "open_by_owner": (("current_owner",), ("open_leads", "overdue", "without_limit")),
    "stuck_leads": (("lead_id", "current_owner", "stage", "sla_state"), ("1",)),
    "origin_sources": (("source",), ("leads",)),
    "qualifications": (("qualified_by",), ("cycles",)),
    "implied_comparison": (("shown_no", "basis"), FATES),
    "stage_summary": (("stage",), ("now", "ins", "outs", "closing", "completed", "overdue")),
    "volume_change": (("stage",), ("latest_arrivals", "previous_arrivals", "latest_ended", "previous_ended")),
    "stay_lengths": (("stage", "basis", "class_no"), ("stays",)),
    "stage_moves": (("stage", "direction", "move_kind", "other_stage"), ("moves",)),
    "stage_time_months": (("stage", "month_start"), ("completed",)),
    "cohort_ages": (("headline_no", "month_start", "age_no"), ("entered", "aged")),
    "headline_arrivals": (("headline_no", "month_start"), ("arrivals", "through", "over", "entered_after")),
    "headline_gap_months": (("headline_no", "month_start", "fate", "reason", "stage"), ("units",)),
}
"""Per table of a report its key and the columns that add up over the values of a dimension."""

MARTS = (
    "marts.conversion",
    "marts.headline_conversion",
    "marts.stage_flow",
    "marts.sla",
    "marts.lead_to_account",
    "marts.time_in_stage",
    "marts.open_time_in_stage",
)
CUT = (
    "headline",
    "conversion_months",
    "stage_flow",
    "stage_sla",
    "account_depth",
    "stage_times",
    "overview",
    "qualifications",
    "path_arrivals",
    "stuck_leads",
    "account_depth_path",
    "headline_gap",
)
"""Tables of a report that are compared with the oracle's cut."""
CONFIGURED = "window_days is null or window_days in (from waterfall.windows)"
"""Rows in the windows that marts.conversion has."""
ONLY_OF_ALL = (
    "conversion_by_route",
    "persona_coverage",
    "rate_change_parts",
    "rate_change_split",
    "settled",
    "value_differences",
    "value_rates",
)
"""Tables that rest on marts without slices: empty in a report of one value."""


def layer() -> tuple[Model, ...]:
    """The models of the report in build order."""
    models = tuple(model for model in project().models if model.table.schema == "report")
    return in_order(models, frozenset(table for model in models for table in model.reads if table.schema != "report"))


LAYER = layer()


def test_every_model_of_the_report_is_here_or_known_to_be_of_all_leads() -> None:
    """A new model of the report is thought of when variants are tested."""
    everybody = {"months", "pairs_shown", "pair_windows", "dimension_coverage", "rejected_reasons", "settled_record"}
    cut_otherwise = {"conversion_summary"}  # its eight largest values are each report's own
    # Which months are mature, which values are the largest, and where an account stands are each report's own, too.
    not_additive = {"rate_change", "cohort_mix", "accounts_by_stage", "account_standing"}
    # So are the months of the headline rate, and with them all that the first screen says.
    not_additive |= {"headline_change", "ways_to_count", "open_months", "funnel", "funnel_stops", "actions"}
    not_additive |= {"month_findings", "skipped_arrivals"}
    models = {model.table.name for model in project().models if model.table.schema == "report"}
    assert models == {*ADDITIVE, *ONLY_OF_ALL, *everybody, *cut_otherwise, *not_additive}


def reports_of(
    waterfall: Waterfall, history: oracle.History, dimension: str, models: tuple[Model, ...]
) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    """A database with a report of all leads and one of each value of the dimension, v1, v2 …, in these models; the values."""
    earlier = {str(table) for model in models for table in model.reads if table.schema != "report"}
    connection = built(
        waterfall,
        history.as_of,
        case_files.raw_rows(waterfall, history),
        inputs=history.inputs,
        input_settings=history.input_settings,
        entry_columns=history.entry_columns,
        tables=("journey.slices", *earlier),
    )
    found = records(
        connection, f"select dimension_value from journey.slices where dimension = '{dimension}' order by all"
    )
    values = [row["dimension_value"] for row in found]
    for number, value in enumerate(values, 1):
        text = value.replace("'", "''")
        connection.execute(
            f"insert into waterfall.reports values ({number}, 'v{number}', 'V', '{dimension}', '{text}')"
        )
    build(connection, models, None)
    return connection, values


@pytest.mark.parametrize("part", range(2))
def test_reports_of_all_values_add_up_to_the_report_of_all_leads(part: int) -> None:
    """Every count of every table; and each report keeps the promises of its models."""

    @settings(QUICKLY, max_examples=4)
    @given(case=strategies.cases())
    def agree(case: tuple[Any, oracle.History]) -> None:
        waterfall, history = replace(case[0], implied=True), case[1]
        assume(waterfall.dimensions)
        dimension = waterfall.dimensions[part % len(waterfall.dimensions)]
        connection, _ = reports_of(waterfall, history, dimension, LAYER)
        checks = tuple(check for check in project().checks if check.name.startswith("report."))
        outcomes = run_checks(connection, LAYER, checks)
        assert [] == [f"{each.name}: {each.claim}" for each in outcomes if not each.holds]
        for table, (key, figures) in ADDITIVE.items():
            total = _sums(connection, "report = 'all'", table, key, figures)
            assert total == _sums(connection, "report <> 'all'", table, key, figures), table
        for table in ONLY_OF_ALL:
            assert [] == records(connection, f"from report.{table} where report <> 'all'")
        connection.close()

    agree()


@pytest.mark.parametrize("part", range(2))
def test_a_report_of_one_value_is_the_oracles_cut(part: int) -> None:
    """Headline, months, arrivals, flow, times, limits, depth, gaps, waiting leads: as loops over the rules count them."""
    models = select(LAYER, " ".join(f"+report.{name}" for name in CUT))

    @settings(QUICKLY, max_examples=3)
    @given(case=strategies.cases())
    def agree(case: tuple[Any, oracle.History]) -> None:
        waterfall, history = case
        assume(waterfall.dimensions)
        dimension = waterfall.dimensions[part % len(waterfall.dimensions)]
        connection, values = reports_of(waterfall, history, dimension, models)
        expected = oracle.numbers(waterfall, history, tables=MARTS, grains=("month", "all"))
        for number, value in enumerate(values, 1):
            _assert_marts_cut(connection, f"v{number}", expected, waterfall, (dimension, value))
            _assert_single(connection, f"v{number}", ReportOfOne(waterfall, history, dimension, value))
            gaps = records(
                connection,
                f"select headline_no, fate, reason, stage, units from report.headline_gap where report = 'v{number}'",
            )
            assert sorted(map(repr, headline_gap(waterfall, history, (dimension, value)))) == sorted(map(repr, gaps))
        connection.close()

    agree()


def _assert_marts_cut(
    connection: duckdb.DuckDBPyConnection,
    report: str,
    numbers: dict[str, Any],
    waterfall: Waterfall,
    cut: tuple[str, str],
) -> None:
    of_cut = {
        table: [row for row in rows if (row.get("dimension"), row.get("dimension_value")) == cut]
        for table, rows in numbers.items()
    }
    conversion = [row for row in of_cut["marts.conversion"] if row["unit"] == waterfall.unit]
    pairs = {(pair.from_key, pair.to_key) for pair in waterfall.headline}
    recent = {
        row["month_start"] for row in records(connection, f"from report.months where report = '{report}' and is_recent")
    } | {None}

    def same(
        table: str, key: tuple[str, ...], figures: tuple[str, ...], rows: list[dict[str, Any]], where: str = "true"
    ) -> None:
        found = {
            tuple(row[name] for name in key): tuple(row[name] for name in figures)
            for row in records(connection, f"select * from report.{table} where report = '{report}' and ({where})")
        }
        theirs = {tuple(row[name] for name in key): tuple(row[name] for name in figures) for row in rows}
        assert {k: v for k, v in theirs.items() if any(v)} == {k: v for k, v in found.items() if any(v)}, table

    same(
        "headline",
        PAIR,
        FATES,
        [r for r in conversion if r["grain"] == "all" and (r["from_stage"], r["to_stage"]) in pairs],
        CONFIGURED,
    )
    shown = {
        (r["from_stage"], r["to_stage"])
        for r in records(connection, f"from report.pairs_shown where report = '{report}'")
    }
    months = [
        row | {"month_start": row["cohort_start"]}
        for row in conversion
        if row["grain"] == "month" and (row["from_stage"], row["to_stage"]) in shown
    ]
    rates = (*FATES, "rate", "rate_low", "rate_high")
    same("conversion_months", (*PAIR, "month_start"), rates, months, CONFIGURED)
    own = [
        row | {"month_start": row["cohort_start"]}
        for row in of_cut["marts.headline_conversion"]
        if row["unit"] == waterfall.unit
    ]
    is_own = (
        "(pair_no, window_days) in (select pair_no, window_days from report.pair_windows "
        f"where report = '{report}' and is_headline_window)"
    )
    same("conversion_months", (*PAIR, "month_start"), rates, own, is_own)

    def monthly(table: str) -> list[dict[str, Any]]:
        return [row | {"month_start": row["period_start"]} for row in of_cut[table] if row["period_start"] in recent]

    same(
        "stage_flow",
        ("stage", "month_start"),
        ("opening", *FLOW, "closing"),
        monthly("marts.stage_flow"),
    )
    same("stage_sla", ("stage", "month_start"), (*SLA, "met_share"), monthly("marts.sla"))
    depth = [
        row
        for row in monthly("marts.lead_to_account")
        if row["basis"] == "reached" or _on_path(waterfall, row["stage"])
    ]
    same(
        "account_depth",
        ("basis", "stage", "month_start"),
        ("leads", "leads_with_account", "accounts", "ratio", "depth_1", "depth_2", "depth_3_4", "depth_5_plus"),
        depth,
    )
    times = [r for r in of_cut["marts.time_in_stage"] if r["grain"] == "all" and r["next_stage"] == "all"]
    same("stage_times", ("stage",), ("completed",), times)
    same("stage_times", ("stage",), ("still_open",), of_cut["marts.open_time_in_stage"])


def _assert_single(connection: duckdb.DuckDBPyConnection, report: str, mine: ReportOfOne) -> None:
    mine_only = f"report = '{report}'"
    overview = mine.overview()
    assert [overview] == records(connection, f"select {', '.join(overview)} from report.overview where {mine_only}")
    found = records(connection, f"select qualified_by, cycles from report.qualifications where {mine_only}")
    assert mine.qualifications() == {row["qualified_by"]: row["cycles"] for row in found}
    arrivals = records(connection, f"from report.path_arrivals where {mine_only} and scope = 'all'")
    assert mine.path_arrivals() == {
        row["stage"]: (row["arrivals"], row["through"], row["over"], row["began_here"]) for row in arrivals
    }
    ranks = mine.rank_arrivals()
    for row in arrivals:
        assert row["previous_arrivals"] == (ranks.get(row["rank"] - 1, 0) if row["rank"] > 1 else None)
    stuck = records(
        connection, f"select lead_id, stage, sla_state from report.stuck_leads where {mine_only} order by lead_id"
    )
    waiting = sorted(mine.waiting(), key=lambda row: str(row["lead_id"]))
    assert [(row["lead_id"], row["stage"], row["sla_state"]) for row in waiting] == [
        tuple(row.values()) for row in stuck
    ]
    depths = records(connection, f"from report.account_depth_path where {mine_only}")
    expected = mine.account_depths()
    assert {row["stage"]: (row["accounts"], row["depth_1"], row["depth_5_plus"]) for row in depths} == {
        mark: (len(each), each.count(1), sum(1 for depth in each if depth >= 5)) for mark, each in expected.items()
    }


def _on_path(waterfall: Waterfall, key: str) -> bool:
    return any(stage.key == key and stage.kind == "path" for stage in waterfall.stages)


def _sums(
    connection: duckdb.DuckDBPyConnection,
    where: str,
    table: str,
    key: tuple[str, ...],
    figures: tuple[str, ...],
) -> Counter[tuple[Any, ...]]:
    """Key and column → sum over the reports of the condition; nothing for 0."""
    sums: Counter[tuple[Any, ...]] = Counter()
    columns = ", ".join((*key, *figures))
    for row in connection.execute(f"select {columns} from report.{table} where {where}").fetchall():
        for name, value in zip(figures, row[len(key) :], strict=True):
            sums[*row[: len(key)], name] += value or 0
    return +sums + Counter({each: value for each, value in sums.items() if value < 0})
