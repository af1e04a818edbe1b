"""Small histories on which a plausible rule gives wrong numbers; final/README.md has the right ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from oracle.case_files import raw_rows, read_case

from tests import runs
from tests.sql.harness import built, records

FINAL = Path(__file__).resolve().parent / "final"
AS_OF = "2026-11-15T12:00:00"
MQL_TO_SAL = "from_stage = 'mql' and to_stage = 'sal'"


def write_case(case: str, folder: Path, unit: str = "") -> Path:
    """The configuration of a case, copied with its inputs; with `unit` the headline counts that unit, with a settling time."""
    for file in next(FINAL.glob(f"{case}_*")).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    toml = folder / "funnel.toml"
    if unit:
        unit_lines = f'unit = "{unit}"\nsettle_days = {{ "mql>sal" = 30 }}'
        toml.write_text(toml.read_text("utf-8").replace('unit = "lead"', unit_lines), encoding="utf-8")
    return toml


@pytest.fixture
def ask_case(tmp_path: Path) -> Any:
    """A function that builds the tables of some queries over a case, and answers the queries."""

    def answers(case: str, *queries: str, as_of: str = AS_OF, unit: str = "") -> list[list[dict[str, Any]]]:
        waterfall, history = read_case(write_case(case, tmp_path, unit), as_of=as_of)
        connection = built(
            waterfall,
            history.as_of,
            raw_rows(waterfall, history),
            inputs=history.inputs,
            entry_columns=history.entry_columns,
            tables=re.findall(r"\b(?:from|join) (\w+\.\w+)", " ".join(queries)),
        )
        found = [records(connection, query) for query in queries]
        connection.close()
        return found

    return answers


def test_final_months_are_not_those_that_converted(ask_case: Any) -> None:
    """85 of 405 MQLs were accepted: 21.0%, at most 22.0%, and the headline is 60 of 300, never the month of five (K5, K9)."""
    whole, headline, months = ask_case(
        "f01",
        f"from marts.conversion where {MQL_TO_SAL} and unit = 'cycle' and grain = 'all' and window_days is null",
        f"from report.headline where {MQL_TO_SAL} and is_headline_window",
        f"from report.conversion_months where {MQL_TO_SAL} and window_days is null and entered > 0 order by month_start",
    )
    counts = [(row["entered"], row["converted"], row["still_open"]) for row in whole]
    assert [(405, 85, 4)] == counts
    [row] = headline
    assert (30, 3, 300, 60, 0.2) == tuple(
        row[name] for name in ("window_days", "recent_months", "recent_entered", "recent_converted", "recent_rate")
    )
    assert [True] * len(months) == [month["is_mature"] for month in months]
    assert (405, 85, 4) == tuple(
        sum(month[name] for month in months) for name in ("entered", "converted", "still_open")
    )


def test_the_edge_of_the_window_is_lost_and_final(ask_case: Any) -> None:
    """As-of exactly at A + W: the unit is lost, and its cohort final (K3, K5)."""
    [rows] = ask_case(
        "c10",
        f"from marts.conversion where {MQL_TO_SAL} and grain = 'month' and window_days = 30",
        as_of="2026-01-31T00:00:00",
    )
    outcomes = [(row["unit"], row["lost"], row["still_open"], row["is_mature"]) for row in rows]
    assert [("cycle", 1, 0, True), ("lead", 1, 0, True)] == sorted(outcomes)


def test_a_restored_lead_is_open_in_its_second_cycle(ask_case: Any) -> None:
    """Deleted in MQL and back in MQL: open there, second cycle, one lead restored (E10)."""
    spans, flow = ask_case(
        "c16",
        "from journey.stage_spans order by span_no",
        "from marts.stage_flow where grain = 'all' and dimension = 'all' and stage = 'mql'",
    )
    assert [("mql", 1, "deleted"), ("mql", 2, "open")] == [
        (row["stage"], row["cycle_no"], row["exit_kind"]) for row in spans
    ]
    assert [(1, 1, 1, 1)] == [(row["in_new"], row["in_restored"], row["out_deleted"], row["closing"]) for row in flow]


def test_a_restored_lead_works_on(ask_case: Any) -> None:
    """SAL after the deletion: it arrives at SAL and is open there (E10)."""
    spans, waiting = ask_case("c17", "from journey.stage_spans order by span_no", "from marts.open_leads")
    assert [("mql", "deleted"), ("sal", "open")] == [(row["stage"], row["exit_kind"]) for row in spans]
    assert ["sal"] == [row["stage"] for row in waiting]


def test_a_return_after_a_hold_is_no_arrival(ask_case: Any) -> None:
    """The account's MQL→SQL is still open: SQL after a hold is no arrival (K1, C4)."""
    [rows] = ask_case(
        "c27",
        "from marts.conversion where unit = 'account' and grain = 'all' and window_days is null "
        "and from_stage = 'mql' and to_stage = 'sql'",
    )
    assert [(1, 0, 1)] == [(row["entered"], row["converted"], row["still_open"]) for row in rows]


@pytest.mark.parametrize("unit", ["lead", "cycle"])
def test_an_open_lead_does_not_keep_a_month_from_being_final(ask_case: Any, unit: str) -> None:
    """A lead in nurture for two years is open, and its month is final by age: every unit has a headline (K5)."""
    ever, headline = ask_case(
        "c31",
        f"from marts.conversion where {MQL_TO_SAL} and unit = '{unit}' and grain = 'month' and window_days is null",
        f"from report.headline where {MQL_TO_SAL} and is_headline_window",
        as_of="2026-06-30T12:00:00",
        unit=unit,
    )
    still_open = {"lead": 1, "cycle": 0}[unit]  # the cycle ended with the detour
    assert [(2, 1, still_open, True)] == [
        (row["entered"], row["converted"], row["still_open"], row["is_mature"]) for row in ever
    ]
    assert [(2, 1)] == [(row["recent_entered"], row["recent_converted"]) for row in headline]


def test_a_re_assertion_names_the_current_owner(ask_case: Any) -> None:
    """One entry, owner at entry ann, current owner bob (E6)."""
    spans, waiting = ask_case("c33", "from journey.stage_spans", "from marts.open_leads")
    assert [("mql", "ann")] == [(row["stage"], row["owner"]) for row in spans]
    assert [("ann", "bob")] == [(row["owner"], row["current_owner"]) for row in waiting]


@pytest.mark.parametrize(("case", "customer"), [("d01", "customer"), ("d02", "won")])
def test_a_customer_on_hold_is_no_open_lead(ask_case: Any, case: str, customer: str) -> None:
    """After the last path stage a hold is not in the list of open leads, and the lead counts as a customer (A3)."""
    waiting, present = ask_case(
        case,
        "from marts.open_leads",
        "select stages.stage from journey.present_stages join waterfall.stages using (stage_no)",
    )
    assert [] == waiting
    assert [{"stage": customer}] == present


def test_the_sentence_on_a_value_names_its_falling_rate_beside_its_positive_share(tmp_path: Path) -> None:
    """B's own rate fell from 20.0 to 15.0%, but its share adds points: the sentence has both."""
    runs.run(write_case("d03", tmp_path), tmp_path / "build", as_of=AS_OF)
    pages = [file.read_text("utf-8") for file in (tmp_path / "build" / "reports").glob("pair-*.html")]
    (sentence,) = [line for page in pages for line in re.findall(r"<li>(By src.*?)</li>", page) if "fell" in line]
    assert "its own rate fell, 20.0% of 100 → 15.0% of 20" in sentence, sentence
    assert "by its share +17.4\u202fpts" in sentence, sentence
