"""The header of a .sql file is parsed, and no line of it is ignored in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ModelError
from pipeline.transform.header import CheckHeader, Header, HowCounted, PartitionRule, read_check_header, read_header

PATH = Path("sql/journey/spans.sql")
SPANS = """-- One row per stay of a lead in a stage.
-- C2: a path entry opens the next cycle.
-- key: lead_no, span_no
-- unique: span_id
-- unique: lead_no, entered_at
-- not null: stage_no
-- not null: entered_at,exit_kind
-- accepted exit_kind: advanced, open
-- check: exited_at >= entered_at
-- check: (exit_kind = 'open') = (exited_at is null)
-- column exit_kind: how the lead left: up, down or not at all
-- as: view
--
-- And no more.
select 1
-- key: not a header any more
"""


class TestModelHeader:
    def test_every_fact_is_read(self) -> None:
        """Facts become values in their order, other lines prose; the header ends with the comment."""
        assert (
            Header(
                row_is="One row per stay of a lead in a stage.",
                prose=("C2: a path entry opens the next cycle.", "And no more."),
                key=("lead_no", "span_no"),
                unique=(("span_id",), ("lead_no", "entered_at")),
                not_null=("stage_no", "entered_at", "exit_kind"),
                accepted=(("exit_kind", ("advanced", "open")),),
                checks=("exited_at >= entered_at", "(exit_kind = 'open') = (exited_at is null)"),
                columns=(("exit_kind", "how the lead left: up, down or not at all"),),
                materialised="view",
            )
            == read_header(SPANS, PATH)
        )  # fmt: skip

    def test_partition_rules_are_read(self) -> None:
        """A rule has the column, the count of input rows, the table, and the memory of a row."""
        text = (
            "-- One row.\n-- partition: lead_no, count(*) of journey.spans_facts, 500 bytes each\n"
            "-- partition: pair_no, 2 * sum(units) of marts.counts, 10 bytes each"
        )
        assert (
            PartitionRule("lead_no", "count(*)", "journey.spans_facts", 500),
            PartitionRule("pair_no", "2 * sum(units)", "marts.counts", 10),
        ) == read_header(text, PATH).partition_rules

    def test_the_table_comment_is_the_grain_and_the_prose(self) -> None:
        """The comment in the database has no facts, because these are checks."""
        assert (
            "One row per stay of a lead in a stage. C2: a path entry opens the next cycle. And no more."
            == read_header(SPANS, PATH).comment
        )

    def test_how_numbers_are_counted_is_read_and_said_in_the_comment(self) -> None:
        """Without a denominator the numbers are counts."""
        header = read_header("-- One row.\n-- unit: leads\n-- basis: all history\n-- denominator: all leads", PATH)
        assert HowCounted("leads", "all history", "all leads") == header.how_counted
        assert "One row. Unit: leads. Basis: all history. Denominator: all leads." == header.comment
        counts = read_header("-- One row.\n-- unit: leads\n-- basis: all history", PATH).how_counted
        assert HowCounted("leads", "all history", "none: these are counts") == counts

    def test_a_model_is_a_table_by_default(self) -> None:
        """Without `as:` a model becomes a table."""
        assert "table" == read_header("-- One row.\nselect 1", PATH).materialised

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("select 1", "line 1 must say what a row is"),
            ("", "line 1 must say what a row is"),
            ("\n-- One row per lead.\nselect 1", "line 1 must say what a row is"),
            ("-- All leads.\nselect 1", "line 1 must say what a row is"),
            ("-- key: lead_no\n-- One row per lead.", "line 1 must say what a row is"),
            ("-- One row.\n-- as: index", "`as:` must be table or view"),
            ("-- One row.\n-- key: a\n-- key: b", "`key:` is there twice"),
            ("-- One row.\n-- as: view\n-- as: table", "`as:` is there twice"),
            ("-- One row.\n-- partition: lead_no", "`partition:` can't be read"),
            (
                "-- One row.\n-- partition: lead_no, count(*) of spans_facts, 500 bytes each",
                "`partition:` can't be read",
            ),
            ("-- One row.\n-- unit: leads", "`unit:` and `basis:` belong together"),
            ("-- One row.\n-- basis: all history", "`unit:` and `basis:` belong together"),
            ("-- One row.\n-- key:", "`key:` has no value"),
            ("-- One row.\n-- check:   ", "`check:` has no value"),
            ("-- One row.\n-- nut null: a", "`nut null:` is not a known fact for this kind of file"),
            ("-- One row.\n-- acepted unit: lead", "`acepted unit:` is not a known fact for this kind of file"),
            ("-- One row.\n-- checks: a > 0", "`checks:` is not a known fact for this kind of file"),
            ("-- One row.\n-- column: a", "`column:` is not a known fact for this kind of file"),
            ("-- One row.\n-- severity: warn", "`severity:` is not a known fact for this kind of file"),
        ],
    )
    def test_an_incomplete_header_is_refused(self, text: str, what: str) -> None:
        """A missing first line and a repeated, empty or misspelt fact are errors with the file name."""
        with pytest.raises(ModelError) as caught:
            read_header(text, PATH)
        assert (what, str(PATH)) == (caught.value.what, caught.value.where)

    @pytest.mark.parametrize(
        "line",
        ["K1 to K5: entered = converted + lost", "T2: the median", "the rest of it: as above", "see Wilson: 1927"],
    )
    def test_prose_may_have_a_colon(self, line: str) -> None:
        """A sentence with a colon is prose if it does not look like a fact."""
        assert (line,) == read_header(f"-- One row.\n-- {line}", PATH).prose


class TestCheckHeader:
    def test_claim_severity_and_shown_columns_are_read(self) -> None:
        """The prose is the claim."""
        text = "-- Merges form no loop:\n-- every chain ends.\n-- severity: warn\n-- show: lead_id, stage\nselect 1"
        assert CheckHeader("Merges form no loop: every chain ends.", "warn", ("lead_id", "stage")) == read_check_header(
            text, PATH
        )

    def test_a_check_has_severity_fail_by_default(self) -> None:
        """Without `severity:` a failed check stops the run, and no value is shown."""
        assert CheckHeader("All is well.", "fail", ()) == read_check_header("-- All is well.\nselect 1", PATH)

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("select 1", "line 1 must state the claim"),
            ("-- severity: warn\nselect 1", "line 1 must state the claim"),
            ("-- All is well.\n-- severity: error", "`severity:` must be fail or warn"),
            ("-- All is well.\n-- severity: warn\n-- severity: fail", "`severity:` is there twice"),
            ("-- All is well.\n-- severty: warn", "`severty:` is not a known fact for this kind of file"),
            ("-- All is well.\n-- key: lead_no", "`key:` is not a known fact for this kind of file"),
        ],
    )
    def test_an_incomplete_check_is_refused(self, text: str, what: str) -> None:
        """A check needs a claim and a valid severity, and has no facts of a model."""
        with pytest.raises(ModelError) as caught:
            read_check_header(text, PATH)
        assert (what, str(PATH)) == (caught.value.what, caught.value.where)
