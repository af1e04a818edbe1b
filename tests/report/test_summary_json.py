"""summary.json has the numbers of the marts, and every key is documented."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.explore import query
from pipeline.report.outputs.summary_json import to_json
from tests import runs
from tests.sample import Sample
from tests.sql.harness import project


@pytest.fixture(scope="module")
def output(quarter: Sample) -> Path:
    return quarter.output


@pytest.fixture(scope="module")
def published(output: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = query.open_published(output)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def summary(output: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        (output / "reports" / "summary.json").read_text("utf-8"), parse_constant=refuse
    )
    return content


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_the_summary_equals_the_marts(summary: dict[str, Any], published: duckdb.DuckDBPyConnection) -> None:
    """Cohort counts equal marts.conversion, balances marts.stage_flow, and overdue the leads past their SLA."""
    for pair in summary["headline"]:
        window = "is null" if pair["window_days"] is None else f"= {pair['window_days']}"
        expected = published.execute(
            "select entered, converted, passed_over, lost, still_open, rate, rate_low, rate_high from marts.conversion "
            f"where unit = '{pair['unit']}' and grain = 'all' and dimension = 'all' and window_days {window} "
            f"and from_stage = '{pair['from']}' and to_stage = '{pair['to']}'"
            if pair["window_days"] != 90
            # The headline window of MQL→SQL is not a configured window.
            else "select sum(entered), sum(converted), sum(passed_over), sum(lost), sum(still_open), "
            "sum(converted) / sum(entered), wilson_low(sum(converted), sum(entered)), "
            "wilson_high(sum(converted), sum(entered)) from marts.headline_conversion "
            f"where unit = '{pair['unit']}' and dimension = 'all' "
            f"and from_stage = '{pair['from']}' and to_stage = '{pair['to']}'"
        ).fetchall()
        whole = pair["cohorts"][0]
        assert ("all", "cohort") == (whole["cohort"], pair["basis"])
        keys = ("entered", "converted", "passed_over", "lost", "still_open", "rate", "low", "high")
        assert [pytest.approx(row) for row in expected] == [tuple(whole[key] for key in keys)]
    windows = [(pair["from"], pair["to"], pair["window_days"]) for pair in summary["headline"]]
    assert [
        ("mql", "sal", None), ("mql", "sal", 30), ("mql", "sql", None), ("mql", "sql", 30), ("mql", "sql", 90)
    ] == windows  # fmt: skip
    assert [("mql", "sal", 30), ("mql", "sql", 90)] == [
        (pair["from"], pair["to"], pair["window_days"]) for pair in summary["headline"] if pair["is_headline_window"]
    ]
    flow = published.execute(
        "select stages.stage, flow.opening, flow.ins, flow.outs, flow.closing from marts.stage_flow as flow "
        "inner join waterfall.stages as stages on stages.stage = flow.stage "
        "where flow.grain = 'all' and flow.dimension = 'all' order by stages.stage_no"
    ).fetchall()
    assert flow == [
        tuple(stage[key] for key in ("stage", "opening", "ins", "outs", "closing")) for stage in summary["stages"]
    ]
    overdue = published.execute("select count(*) from marts.open_leads where sla_state = 'open_overdue'").fetchall()
    assert overdue == [(summary["overdue"],)]


def test_the_summary_has_every_set_of_cohorts(summary: dict[str, Any], published: duckdb.DuckDBPyConnection) -> None:
    """Final, recent, latest and previous cohorts equal report.conversion_summary for each pair and window."""
    cohorts_found = [
        (pair["from"], pair["to"], pair["window_days"], *(cohort[key] for key in ("cohort", "entered", "converted")))
        for pair in summary["headline"]
        for cohort in pair["cohorts"]
    ]
    expected = published.execute(
        "select from_stage, to_stage, window_days, cohorts, entered, converted from report.conversion_summary "
        "where headline_no is not null and dimension = 'all'"
    ).fetchall()
    assert sorted(map(repr, expected)) == sorted(map(repr, cohorts_found))
    for pair in summary["headline"]:
        names = [cohort["cohort"] for cohort in pair["cohorts"]]
        assert ["all", "mature", "recent", "latest", "previous"][: len(names)] == names
    assert {"all", "mature", "latest"} <= {name for *_, name, _, _ in cohorts_found}


def test_the_summary_accounts_for_every_row(summary: dict[str, Any], output: Path) -> None:
    """Rows read are the sum of the seven dispositions; as-of is UTC, its date that of the waterfall's zone."""
    ends = ("rejected", "redelivered", "after_as_of", "out_of_scope", "duplicates", "repeats", "kept")
    assert summary["rows"]
    assert all(row["rows_read"] == sum(row[end] for end in ends) for row in summary["rows"])
    assert ("2026-04-01T03:59:59Z", "2026-03-31T23:59:59", "2026-03-31", "America/New_York") == tuple(
        summary[key] for key in ("as_of", "as_of_local", "as_of_date", "timezone")
    )
    assert all((output / "reports" / each["file"]).is_file() for each in summary["tables"])
    assert {f"report.{model.table.name}" for model in project().models if model.table.schema == "report"} == {
        each["table"] for each in summary["tables"]
    }


def keys_of(value: Any) -> set[str]:
    """Every key of a document, at any depth."""
    if isinstance(value, dict):
        return set(value) | {key for each in value.values() for key in keys_of(each)}
    return {key for each in value for key in keys_of(each)} if isinstance(value, list) else set()


def test_every_key_of_the_summary_is_documented(summary: dict[str, Any]) -> None:
    """docs/report_files.md has each key, those of the first level in their order."""
    text = (runs.REPOSITORY / "docs" / "report_files.md").read_text("utf-8")
    lines = [line for line in text.partition("## summary.json")[2].splitlines() if line.startswith("| ")]
    documented = [word for line in lines for word in re.findall(r"`[\w.\[\]…]*?(\w+)`", line)]
    assert set() == keys_of(summary) - set(documented)
    first = [word for line in lines if "[]" not in line for word in re.findall(r"`(\w+)`", line.split("|")[1])]
    assert list(summary) == first


def test_the_json_file_has_no_nan() -> None:
    """NaN and infinity are refused and never written."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"rate": float("nan")})
