"""A valid configuration becomes the waterfall, inputs and output that it says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.load import load_configuration
from pipeline.waterfall.definition import Pair, Sla, WorkingCalendar
from pipeline.waterfall.pairs import legal_pairs, milestones
from pipeline.waterfall.times import to_utc
from tests.unit.configurations import STAGES, funnel, ranks

QUARTER = Path(__file__).resolve().parent.parent / "cases" / "quarter" / "funnel.toml"


class TestTheWorkedCase:
    def test_loads_as_it_is(self) -> None:
        """The worked case of one quarter is a valid configuration, with ranks by position."""
        expected = {"mcl": 1, "mel": 2, "mql": 3, "sal": 4, "sql": 5, "on_hold": None, "nurture": None}
        assert expected | {"disqualified": None} == ranks(load_configuration(QUARTER))

    def test_headline_pairs_have_their_usual_target(self) -> None:
        """MQL→SAL and MQL→SQL aim at 100 % without anybody saying so (K9)."""
        expected = (Pair("mql", "sal", 1.0, 30), Pair("mql", "sql", 1.0, 90))
        assert expected == load_configuration(QUARTER).waterfall.headline

    def test_inputs_lie_beside_the_file_and_take_its_zone(self) -> None:
        """A relative input path means the folder of the configuration; its zone defaults to the waterfall's."""
        history = load_configuration(QUARTER).inputs[0]
        assert (QUARTER.parent / "stage_entries.csv", "America/New_York") == (history.pattern, history.timezone)

    def test_sla_is_kept_in_seconds_and_as_written(self) -> None:
        """An SLA of 2 days is 172,800 seconds of its clock."""
        assert Sla(2, "day") == load_configuration(QUARTER).waterfall.stage("mql").sla

    @pytest.mark.real
    def test_the_hospital_configuration_loads(self, shared_real: Path) -> None:
        """A configuration over real data with five path stages and three kinds of others is valid."""
        loaded = load_configuration(shared_real / "hospital_billing" / "funnel.toml")
        assert (5, 16) == (max(rank for rank in ranks(loaded).values() if rank), len(loaded.waterfall.stages))


class TestAsOf:
    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("2025-03-31", datetime(2025, 4, 1, 3, 59, 59, tzinfo=UTC)),
            ("2025-03-31T18:00:00", datetime(2025, 3, 31, 22, 0, tzinfo=UTC)),
            ("2025-03-31T18:00:00Z", datetime(2025, 3, 31, 18, 0, tzinfo=UTC)),
            ('"2025-03-31 18:00"', datetime(2025, 3, 31, 22, 0, tzinfo=UTC)),
            ('"2025-03-31T18:00+02:00"', datetime(2025, 3, 31, 16, 0, tzinfo=UTC)),
            ('"2025-03-31"', datetime(2025, 4, 1, 3, 59, 59, tzinfo=UTC)),
        ],
    )
    def test_is_read_in_the_waterfall_zone(self, load: Any, written: str, expected: datetime) -> None:
        """A bare date is the end of that local day, a naive time local, one with an offset itself."""
        assert expected == load(funnel(f'timezone = "America/New_York"\nas_of = {written}')).waterfall.as_of

    def test_the_command_line_wins(self, load: Any) -> None:
        """--as-of replaces the file's."""
        loaded = load(funnel("as_of = 2025-03-31"), as_of="2024-12-31T00:00:00Z")
        assert datetime(2024, 12, 31, tzinfo=UTC) == loaded.waterfall.as_of

    @pytest.mark.parametrize(
        ("local", "expected"),
        [
            (datetime(2025, 3, 9, 2, 30), datetime(2025, 3, 9, 7, 0, tzinfo=UTC)),
            (datetime(2025, 11, 2, 1, 30), datetime(2025, 11, 2, 5, 30, tzinfo=UTC)),
            (datetime(2025, 3, 9, 3, 0), datetime(2025, 3, 9, 7, 0, tzinfo=UTC)),
        ],
    )
    def test_gap_and_overlap(self, local: datetime, expected: datetime) -> None:
        """In a gap the first valid instant counts, in an overlap the earlier of two (E2)."""
        assert expected == to_utc(local, "America/New_York")


class TestRanks:
    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ([None, None, None], [1, 2, 3]),
            ([None, None, 2, None], [1, 2, 2, 3]),
            ([10, 10, None, 40], [1, 1, 2, 3]),
            ([3, 2, 1], [3, 2, 1]),
            ([-5, None, 100], [1, 2, 3]),
        ],
    )
    def test_position_is_the_default(self, load: Any, written: list[int | None], expected: list[int]) -> None:
        """A path stage without rank stands one above the stage before it; any order is legal; ranks come out dense."""
        blocks = [
            f'[[stages]]\nkey = "s{number}"\ndefinition = "x"\n' + (f"rank = {rank}\n" if rank is not None else "")
            for number, rank in enumerate(written)
        ]
        assert expected == list(ranks(load(funnel(stages="".join(blocks)))).values())

    def test_all_parallel_is_no_path(self, problems: Any) -> None:
        """Stages that all share one rank have nothing to convert to."""
        blocks = "".join(f'[[stages]]\nkey = "s{n}"\ndefinition = "x"\nrank = 1\n' for n in range(2))
        expected = ["funnel.toml:4: stages: all path stages share one rank; conversion needs at least two"]
        assert expected == problems(funnel(stages=blocks))


class TestPairs:
    def test_every_legal_pair_in_definition_order(self, load: Any) -> None:
        """A pair is legal when every rank of from is below every rank of to; groups come after the stages."""
        group = '[[groups]]\nkey = "early"\ndefinition = "x"\nstages = ["mql", "sal"]\n'
        waterfall = load(funnel(stages=STAGES + group)).waterfall
        found = [(pair.from_key, pair.to_key) for pair in legal_pairs(waterfall)]
        assert [("mql", "sal"), ("mql", "sql"), ("sal", "sql"), ("early", "sql")] == found

    def test_marks_span_their_ranks(self, load: Any) -> None:
        """A group's ranks reach from its lowest member to its highest."""
        group = '[[groups]]\nkey = "late"\ndefinition = "x"\nstages = ["sql", "sal"]\n'
        waterfall = load(funnel(stages=STAGES + group)).waterfall
        late = milestones(waterfall.stages, waterfall.groups)[-1]
        assert ("late", 2, 3, ("sql", "sal")) == (late.key, late.low_rank, late.high_rank, late.members)

    def test_targets_replace_the_usual_ones(self, load: Any) -> None:
        """Given targets are all the targets there are."""
        waterfall = load(funnel('targets = { "mql>sal" = 0.8 }')).waterfall
        assert (Pair("mql", "sal", 0.8, 30), Pair("mql", "sql", None, 90)) == waterfall.headline

    @pytest.mark.parametrize(
        ("keys", "expected"),
        [
            (["meeting_booked", "meeting_held", "won"], (Pair("meeting_booked", "meeting_held", None, 30),)),
            (["a", "b", "c"], (Pair("a", "c"),)),
            (["sql", "mql", "c"], (Pair("sql", "c"),)),
        ],
    )
    def test_the_usual_headline(self, load: Any, keys: list[str], expected: tuple[Pair, ...]) -> None:
        """Booked→held where there are meetings, else the first stage to the last."""
        blocks = "".join(f'[[stages]]\nkey = "{key}"\ndefinition = "x"\n' for key in keys)
        assert expected == load(funnel(stages=blocks)).waterfall.headline


class TestHeadlineWindows:
    def test_the_configuration_wins_over_the_usual_days(self, load: Any) -> None:
        """30 days for MQL→SAL and 90 for MQL→SQL, unless headline_windows says otherwise; arrows may be written, too."""
        assert [30, 90] == [pair.window_days for pair in load(funnel()).waterfall.headline]
        loaded = load(funnel('headline_windows = { "mql → sal" = 14 }\nheadline_months = 6')).waterfall
        assert ([14, 90], 6) == ([pair.window_days for pair in loaded.headline], loaded.headline_months)

    def test_settling_days_are_of_any_pair(self, load: Any) -> None:
        """settle_days may name a pair that is no headline."""
        assert (("sal", "sql", 60),) == load(funnel('settle_days = { "sal>sql" = 60 }')).waterfall.settle_days

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ('headline_windows = { "sal>sql" = 30 }', "is no headline pair; did you mean `mql>sql`?"),
            ('settle_days = { "sql>sal" = 30 }', "is no pair of stages; did you mean `sal>sql`?"),
            ('settle_days = { "mql>sal" = 0 }', "must be 1 to 3650 days"),
            ("headline_months = 0", "must be 1 to 24 months"),
        ],
    )
    def test_a_mistake_names_what_is_right(self, problems: Any, written: str, expected: str) -> None:
        """Each is refused with the key and the nearest right one."""
        assert [True] == [found.endswith(expected) for found in problems(funnel(written))]


class TestOtherSettings:
    def test_defaults(self, load: Any, tmp_path: Path) -> None:
        """What is not written has the defaults of the contract."""
        loaded = load(funnel())
        waterfall = loaded.waterfall
        expected = ("UTC", 1, 1, (), (), None, None)
        found = (
            waterfall.timezone,
            waterfall.week_start,
            waterfall.fiscal_year_start,
            waterfall.dimensions,
            waterfall.windows,
            waterfall.as_of,
            waterfall.preset,
        )
        assert (expected, tmp_path / "build", 7) == (found, loaded.output, loaded.keep_runs)

    def test_settings_are_read(self, load: Any, tmp_path: Path) -> None:
        """Week start, fiscal year and output take words and numbers."""
        text = funnel("week_start = 'Sunday'\nfiscal_year_start = 'Feb'") + "[output]\npath = 'out'\nkeep_runs = 3\n"
        loaded = load(text)
        expected = (7, 2, tmp_path / "out", 3)
        found = (loaded.waterfall.week_start, loaded.waterfall.fiscal_year_start, loaded.output, loaded.keep_runs)
        assert expected == found

    @pytest.mark.parametrize(("written", "expected"), [("", 30), ("keep_reports = 0\n", 0), ("keep_reports = 7\n", 7)])
    def test_runs_of_the_archive(self, load: Any, written: str, expected: int) -> None:
        """Thirty earlier runs unless the file says otherwise; none is a choice."""
        assert expected == load(funnel() + f"[output]\n{written}").keep_reports

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("", (None, None)),
            ('memory = "512MB"\nthreads = 3\n', ("512MB", 3)),
            ('memory = "1.5 GiB"\n', ("1.5 GiB", None)),
        ],
    )
    def test_what_a_run_may_use(self, load: Any, written: str, expected: tuple[str | None, int | None]) -> None:
        """Memory in the words of DuckDB, threads as a number; nothing where the machine decides."""
        loaded = load(funnel() + f"[output]\n{written}")
        assert expected == (loaded.memory, loaded.threads)

    def test_output_of_the_command_line_wins(self, load: Any, tmp_path: Path) -> None:
        """--output replaces the file's."""
        assert tmp_path / "elsewhere" == load(funnel(), output=tmp_path / "elsewhere").output

    def test_labels_come_from_the_key(self, load: Any) -> None:
        """A stage without label or name is called by its key."""
        stage = load(funnel(stages=STAGES.replace('"sal"', '"sales_accepted"'))).waterfall.stages[1]
        assert ("Sales accepted", "Sales accepted") == (stage.label, stage.name)

    def test_a_business_clock_is_accepted(self, load: Any) -> None:
        """An SLA in business hours is kept as hours; its working days come from [calendar]."""
        stages = (
            STAGES + '[[stages]]\nkey = "won"\ndefinition = "x"\nsla = { within = "8 hours", clock = "business" }\n'
        )
        waterfall = load(funnel(stages=stages) + '[calendar]\nhours = "08:00-16:30"\n').waterfall
        assert Sla(8, "hour", "business") == waterfall.stage("won").sla
        assert WorkingCalendar("UTC", 480, 990) == waterfall.calendar

    def test_a_byte_order_mark_is_no_problem(self, load: Any) -> None:
        """A file saved with a BOM loads."""
        assert "Test" == load("\ufeff" + funnel()).waterfall.name
