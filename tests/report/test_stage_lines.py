"""The stage summary: one line per stage, each number equal to its mart."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.waterfall.definition import Pair
from tests.report.test_edges import entries, site_of, waterfall
from tests.sql.harness import built, records

LAST_SECOND_OF_MARCH = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
MOVES = (
    ("L1", "a", 35), ("L1", "b", 40), ("L1", "c", 62),
    ("L2", "a", 36), ("L2", "b", 61),
    ("L3", "a", 60), ("L3", "lost", 70),
    ("L4", "a", 80),
)  # fmt: skip


def line(table: list[list[str]], stage: str) -> list[str]:
    return next(row for row in table if row[0] == stage)


def test_a_stage_has_one_line() -> None:
    """A has one lead; in March two arrived, two left after 25 and 10 days; both of February's leads reached B."""
    definition = waterfall(headline=(Pair("a", "b"),), settle_days=(("a", "b", 45),))
    _, site = site_of(definition, {"stage_entries": entries(*MOVES)})
    table = site.tables["table-summary"]
    thin = chr(0x202F)
    assert ["A", "1", "–", "2", "2", "1", "100%", f"17.5{thin}d of 2"] == line(table, "A")
    assert ["B", "1", "1", "1", "1", "1"] == line(table, "B")[:6]
    assert ["LOST", "1", "–", "1", "0", "1", "–", "–"] == line(table, "LOST")


def test_the_line_equals_the_marts() -> None:
    """Each number equals marts.stage_flow and marts.time_in_stage for the last two complete months."""
    connection = built(waterfall(), LAST_SECOND_OF_MARCH, {"stage_entries": entries(*MOVES)})
    for grain, columns in (
        ("2026-03-01", "ins, outs, closing, completed, median_days"),
        ("2026-02-01", "ins_before, outs_before, closing_before, completed_before, median_days_before"),
    ):
        shown_rows = connection.execute(f"select stage, {columns} from report.stage_summary order by stage").fetchall()
        expected = connection.execute(
            f"""
            select flow.stage, flow.ins, flow.outs, flow.closing, coalesce(times.completed, 0), times.median_days
            from marts.stage_flow as flow
            left join marts.time_in_stage as times
                on times.grain = flow.grain and times.period_start = flow.period_start and times.stage = flow.stage
                and times.dimension = 'all' and times.next_stage = 'all'
            where flow.grain = 'month' and flow.dimension = 'all' and flow.period_start = date '{grain}'
            order by flow.stage
            """
        ).fetchall()
        assert expected == shown_rows
    connection.close()


def test_an_incomplete_month_is_not_the_last_complete_month() -> None:
    """Ten days before the end of March, the last complete month is February."""
    as_of = datetime(2026, 3, 21, tzinfo=UTC)
    connection = built(waterfall(), as_of, {"stage_entries": entries(("L0", "a", 3), *MOVES)})
    months = {
        (str(row["month_start"]), str(row["before_start"])) for row in records(connection, "from report.stage_summary")
    }
    connection.close()
    assert {("2026-02-01", "2026-01-01")} == months


def test_without_entries_every_stage_has_a_line() -> None:
    """The line has zero arrivals and neither rate nor time."""
    _, site = site_of(waterfall(), {})
    assert ["A", "0", "–", "0", "0", "0", "–", "–"] == line(site.tables["table-summary"], "A")
