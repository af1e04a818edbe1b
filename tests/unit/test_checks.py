"""The checks of headers and of *.check.sql files count the rows that break them."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import CheckFailed, Interrupted, ModelError
from pipeline.transform.build import build
from pipeline.transform.checks import Outcome, require, require_beside, run_checks
from pipeline.transform.header import read_check_header
from pipeline.transform.project import Check
from tests.unit.models_from_text import model

SPANS = """-- One row per stay.
-- key: lead, number
-- unique: id
-- not null: stage
-- accepted exit_kind: advanced, it's open
-- check: days >= 0"""
GOOD = [("Ada", 1, 10, "mql", "advanced", 3.5), ("Ada", 2, 11, "sal", "it's open", None), ("Bo", 1, 12, "mql", None, 0)]


def outcomes(rows: list[tuple[object, ...]]) -> dict[str, int]:
    """Check → number of rows that break it, for spans of these rows."""
    spans = model("journey.spans", header=SPANS, sql="from raw.spans")
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.execute(
            "create table raw.spans (lead text, number int, id int, stage text, exit_kind text, days double)"
        )
        if rows:
            connection.executemany("insert into raw.spans values (?, ?, ?, ?, ?, ?)", rows)
        build(connection, (spans,), {})
        return {each.claim: each.broken for each in run_checks(connection, (spans,), ())}


def check(text: str) -> Check:
    path = Path("marts/flow.check.sql")
    return Check("marts.flow", path, text, read_check_header(text, path), ())


class TestHeaderPromises:
    def test_valid_rows_break_no_check(self) -> None:
        """Every line of the header is a check; null breaks neither an accepted list nor a check."""
        assert {
            "lead, number is unique": 0,
            "id is unique": 0,
            "stage is not null": 0,
            "exit_kind is one of advanced, it's open": 0,
            "days >= 0": 0,
        } == outcomes(GOOD)

    def test_an_empty_table_breaks_no_check(self) -> None:
        """Without rows every check passes."""
        assert {0} == set(outcomes([]).values())

    @pytest.mark.parametrize(
        ("row", "claim"),
        [
            (("Ada", 2, 13, "mql", None, 1), "lead, number is unique"),
            (("Cy", 1, 12, "mql", None, 1), "id is unique"),
            (("Cy", 1, 13, None, None, 1), "stage is not null"),
            (("Cy", 1, 13, "mql", "Advanced", 1), "exit_kind is one of advanced, it's open"),
            (("Cy", 1, 13, "mql", None, -0.1), "days >= 0"),
        ],
    )
    def test_a_bad_row_breaks_only_its_check(self, row: tuple[object, ...], claim: str) -> None:
        """No other check is reported."""
        assert {claim: 1} == {each: broken for each, broken in outcomes([*GOOD, row]).items() if broken}

    def test_two_nulls_are_the_same_key(self) -> None:
        """A key may have nulls (the grain `all` has no start), but not twice."""
        one, two = (None, 1, 20, "mql", None, 1), (None, 1, 21, "mql", None, 1)
        assert (0, 1) == (
            outcomes([*GOOD, one])["lead, number is unique"],
            outcomes([*GOOD, one, two])["lead, number is unique"],
        )

    def test_a_key_that_three_rows_share_is_one_broken_key(self) -> None:
        """The check counts keys, not rows."""
        rows = [("Cy", 1, number, "mql", None, 1) for number in (20, 21, 22)]
        assert 1 == outcomes([*GOOD, *rows])["lead, number is unique"]

    def test_keys_with_equal_hashes_are_different(self) -> None:
        """The hash only selects candidates; the keys themselves are compared."""
        spans = model("journey.spans", header=SPANS, sql="from raw.spans")
        with duckdb.connect() as connection:
            connection.execute("create schema raw; create schema journey")
            connection.execute(
                "create table journey.spans as from (values ('Ada', 1, 10, 'mql', 'advanced', 3.5),"
                " ('Bo', 1, 12, 'mql', 'advanced', 0)) as spans (lead, number, id, stage, exit_kind, days)"
            )
            connection.execute("create macro hash(a, b := 0) as 1")
            assert {0} == {each.broken for each in run_checks(connection, (spans,), ())}

    def test_a_check_of_an_unknown_column_is_an_error(self) -> None:
        """A header with an unknown column stops the run."""
        wrong = model("clean.a", header="-- One row.\n-- not null: lead_id")
        with duckdb.connect() as connection:
            build(connection, (wrong,), {})
            with pytest.raises(ModelError) as caught:
                run_checks(connection, (wrong,), ())
        assert "clean.a" == caught.value.where


class TestBesideOtherWork:
    BROKEN = Outcome("marts.flow", "All is well.", "fail", 1)
    WELL = Outcome("marts.flow", "All is well.", "fail", 0)

    def test_checks_and_other_work_run_in_parallel(self) -> None:
        """Each waits for the other, so they must run at the same time."""
        checking, working = threading.Event(), threading.Event()

        def check() -> tuple[Outcome, ...]:
            checking.set()
            assert working.wait(5)
            return (self.WELL,)

        def work() -> None:
            assert checking.wait(5)
            working.set()

        assert (self.WELL,) == require_beside(check, work)

    @pytest.mark.parametrize("fault", [None, KeyError("headline"), OSError(28, "no space left on device")])
    def test_a_failed_check_has_priority_over_an_error_of_the_other_work(self, fault: Exception | None) -> None:
        """The message names the failed check, not the error of a report of such tables."""

        def work() -> None:
            if fault:
                raise fault

        with pytest.raises(CheckFailed, match="All is well"):
            require_beside(lambda: (self.WELL, self.BROKEN), work)

    @pytest.mark.parametrize("fault", [OSError(28, "no space left on device"), Interrupted("stopped by SIGTERM")])
    def test_an_error_of_the_other_work_is_raised_if_every_check_passes(self, fault: Exception) -> None:
        """An interrupt is raised in any case."""
        outcome = self.BROKEN if isinstance(fault, Interrupted) else self.WELL

        def work() -> None:
            raise fault

        with pytest.raises(type(fault)):
            require_beside(lambda: (outcome,), work)

    def test_an_error_of_the_checks_is_raised(self) -> None:
        """The error in the other thread is not lost."""

        def check() -> tuple[Outcome, ...]:
            raise ModelError("a check could not run")

        with pytest.raises(ModelError):
            require_beside(check, lambda: None)


class TestCheckFiles:
    @pytest.mark.parametrize(
        ("text", "broken", "shown_ids"),
        [
            ("-- All is well.\nselect 1 where false", 0, ()),
            ("-- All is well.\nselect unnest(range(7)) as id", 7, ()),
            ("-- All is well.\n-- show: id\nselect unnest(range(7)) as id", 7, ("0", "1", "2", "3", "4")),
            ("-- All is well.\n-- show: id, stage\nselect 'm' as stage, 'Ada' as id", 1, ("Ada, m",)),
        ],
    )
    def test_a_check_counts_rows_and_shows_only_its_columns(
        self, text: str, broken: int, shown_ids: tuple[str, ...]
    ) -> None:
        """Every row breaks the check; ids are shown only if the check says so, at most five."""
        with duckdb.connect() as connection:
            assert (Outcome("marts.flow", "All is well.", "fail", broken, shown_ids),) == run_checks(
                connection, (), (check(text),)
            )

    def test_showing_a_column_that_is_not_selected_is_an_error(self) -> None:
        """The error comes even if the check passes."""
        with duckdb.connect() as connection, pytest.raises(ModelError, match="the check shows lead_id"):
            run_checks(connection, (), (check("-- All is well.\n-- show: lead_id\nselect 1 as id where false"),))

    def test_a_check_that_fails_to_run_is_an_error(self) -> None:
        """A check that reads a missing table stops the run with its name."""
        with duckdb.connect() as connection, pytest.raises(ModelError) as caught:
            run_checks(connection, (), (check("-- All is well.\nfrom marts.flow"),))
        assert "marts.flow" == caught.value.where


class TestRequire:
    def test_a_passed_check_and_a_warning_raise_nothing(self) -> None:
        """A failed check of severity warn raises no error."""
        outcomes = (Outcome("a", "one", "fail", 0), Outcome("b", "two", "warn", 3))
        assert [True, False] == [each.holds for each in outcomes]
        require(outcomes)

    def test_the_error_has_every_failed_check(self) -> None:
        """Each has its claim, the number of rows that break it, and the ids that it may show."""
        broken = (
            Outcome("a", "one", "fail", 2),
            Outcome("b", "two", "warn", 3),
            Outcome("c", "three", "fail", 1, ("Ada",)),
        )
        with pytest.raises(CheckFailed) as caught:
            require(broken)
        assert "a: one (2 rows break it); c: three (1 rows break it: Ada)" == caught.value.what
