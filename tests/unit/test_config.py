"""A valid configuration is loaded as waterfall, inputs and output."""

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
    def test_the_worked_case_is_valid(self) -> None:
        """Its stages have ranks by position."""
        expected = {"mcl": 1, "mel": 2, "mql": 3, "sal": 4, "sql": 5, "on_hold": None, "nurture": None}
        assert expected | {"disqualified": None} == ranks(load_configuration(QUARTER))

    def test_headline_pairs_have_a_default_target(self) -> None:
        """MQL→SAL and MQL→SQL have a target of 100 % by default (K9)."""
        expected = (Pair("mql", "sal", 1.0, 30), Pair("mql", "sql", 1.0, 90))
        assert expected == load_configuration(QUARTER).waterfall.headline

    def test_input_paths_are_relative_to_the_file(self) -> None:
        """The zone of an input defaults to that of the waterfall."""
        history = load_configuration(QUARTER).inputs[0]
        assert (QUARTER.parent / "stage_entries.csv", "America/New_York") == (history.pattern, history.timezone)

    def test_an_sla_is_stored_in_seconds_and_as_text(self) -> None:
        """An SLA of 2 days is 172,800 seconds of its clock."""
        assert Sla(2, "day") == load_configuration(QUARTER).waterfall.stage("mql").sla

    @pytest.mark.real
    def test_the_hospital_configuration_loads(self, shared_real: Path) -> None:
        """A configuration over real data with five path stages and three kinds of others is valid."""
        loaded = load_configuration(shared_real / "hospital_billing" / "funnel.toml")
        assert (5, 16) == (max(rank for rank in ranks(loaded).values() if rank), len(loaded.waterfall.stages))


class TestAsOf:
    @pytest.mark.parametrize(
        ("config_text", "expected"),
        [
            ("2025-03-31", datetime(2025, 4, 1, 3, 59, 59, tzinfo=UTC)),
            ("2025-03-31T18:00:00", datetime(2025, 3, 31, 22, 0, tzinfo=UTC)),
            ("2025-03-31T18:00:00Z", datetime(2025, 3, 31, 18, 0, tzinfo=UTC)),
            ('"2025-03-31 18:00"', datetime(2025, 3, 31, 22, 0, tzinfo=UTC)),
            ('"2025-03-31T18:00+02:00"', datetime(2025, 3, 31, 16, 0, tzinfo=UTC)),
            ('"2025-03-31"', datetime(2025, 4, 1, 3, 59, 59, tzinfo=UTC)),
        ],
    )
    def test_as_of_is_read_in_the_zone_of_the_waterfall(self, load: Any, config_text: str, expected: datetime) -> None:
        """A date is the end of that local day, a naive time is local, and an offset is used."""
        assert expected == load(funnel(f'timezone = "America/New_York"\nas_of = {config_text}')).waterfall.as_of

    def test_as_of_of_the_command_line_has_priority(self, load: Any) -> None:
        """--as-of replaces the value of the file."""
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
    def test_as_of_in_a_gap_or_overlap_is_defined(self, local: datetime, expected: datetime) -> None:
        """In a gap it is the first valid instant, in an overlap the earlier one (E2)."""
        assert expected == to_utc(local, "America/New_York")


class TestRanks:
    @pytest.mark.parametrize(
        ("config_text", "expected"),
        [
            ([None, None, None], [1, 2, 3]),
            ([None, None, 2, None], [1, 2, 2, 3]),
            ([10, 10, None, 40], [1, 1, 2, 3]),
            ([3, 2, 1], [3, 2, 1]),
            ([-5, None, 100], [1, 2, 3]),
        ],
    )
    def test_a_rank_defaults_to_the_position(
        self, load: Any, config_text: list[int | None], expected: list[int]
    ) -> None:
        """A path stage without rank is one above the previous stage; any order is valid; ranks have no gaps."""
        blocks = [
            f'[[stages]]\nkey = "s{number}"\ndefinition = "x"\n' + (f"rank = {rank}\n" if rank is not None else "")
            for number, rank in enumerate(config_text)
        ]
        assert expected == list(ranks(load(funnel(stages="".join(blocks)))).values())

    def test_stages_of_one_rank_are_no_path(self, problems: Any) -> None:
        """If all stages have the same rank, there is no conversion."""
        blocks = "".join(f'[[stages]]\nkey = "s{n}"\ndefinition = "x"\nrank = 1\n' for n in range(2))
        expected = ["funnel.toml:4: stages: all path stages share one rank; conversion needs at least two"]
        assert expected == problems(funnel(stages=blocks))


class TestPairs:
    def test_every_legal_pair_in_definition_order(self, load: Any) -> None:
        """A pair is legal if every rank of from is below every rank of to; groups come after stages."""
        group = '[[groups]]\nkey = "early"\ndefinition = "x"\nstages = ["mql", "sal"]\n'
        waterfall = load(funnel(stages=STAGES + group)).waterfall
        actual = [(pair.from_key, pair.to_key) for pair in legal_pairs(waterfall)]
        assert [("mql", "sal"), ("mql", "sql"), ("sal", "sql"), ("early", "sql")] == actual

    def test_a_milestone_spans_its_ranks(self, load: Any) -> None:
        """The ranks of a group go from its lowest to its highest member."""
        group = '[[groups]]\nkey = "late"\ndefinition = "x"\nstages = ["sql", "sal"]\n'
        waterfall = load(funnel(stages=STAGES + group)).waterfall
        late = milestones(waterfall.stages, waterfall.groups)[-1]
        assert ("late", 2, 3, ("sql", "sal")) == (late.key, late.low_rank, late.high_rank, late.members)

    def test_targets_replace_the_defaults(self, load: Any) -> None:
        """With configured targets there are no default targets."""
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
    def test_the_headline_has_a_default(self, load: Any, keys: list[str], expected: tuple[Pair, ...]) -> None:
        """The default is booked→held if there are meetings, else the first stage to the last."""
        blocks = "".join(f'[[stages]]\nkey = "{key}"\ndefinition = "x"\n' for key in keys)
        assert expected == load(funnel(stages=blocks)).waterfall.headline


class TestHeadlineWindows:
    def test_headline_windows_replace_the_defaults(self, load: Any) -> None:
        """The defaults are 30 days for MQL→SAL and 90 for MQL→SQL; keys may have arrows."""
        assert [30, 90] == [pair.window_days for pair in load(funnel()).waterfall.headline]
        loaded = load(funnel('headline_windows = { "mql → sal" = 14 }\nheadline_months = 6')).waterfall
        assert ([14, 90], 6) == ([pair.window_days for pair in loaded.headline], loaded.headline_months)

    def test_settle_days_accepts_any_pair(self, load: Any) -> None:
        """settle_days may name a pair that is no headline pair."""
        assert (("sal", "sql", 60),) == load(funnel('settle_days = { "sal>sql" = 60 }')).waterfall.settle_days

    @pytest.mark.parametrize(
        ("config_text", "expected"),
        [
            ('headline_windows = { "sal>sql" = 30 }', "is no headline pair; did you mean `mql>sql`?"),
            ('settle_days = { "sql>sal" = 30 }', "is no pair of stages; did you mean `sal>sql`?"),
            ('settle_days = { "mql>sal" = 0 }', "must be 1 to 3650 days"),
            ("headline_months = 0", "must be 1 to 24 months"),
        ],
    )
    def test_an_error_names_the_nearest_valid_key(self, problems: Any, config_text: str, expected: str) -> None:
        """The message has the wrong key and the nearest valid one."""
        assert [True] == [message.endswith(expected) for message in problems(funnel(config_text))]


class TestOtherSettings:
    def test_other_settings_have_defaults(self, load: Any, tmp_path: Path) -> None:
        """A missing setting has its documented default."""
        loaded = load(funnel())
        waterfall = loaded.waterfall
        expected = ("UTC", 1, 1, (), (), None, None)
        actual = (
            waterfall.timezone,
            waterfall.week_start,
            waterfall.fiscal_year_start,
            waterfall.dimensions,
            waterfall.windows,
            waterfall.as_of,
            waterfall.preset,
        )
        assert (expected, tmp_path / "build", 7) == (actual, loaded.output, loaded.keep_runs)

    def test_other_settings_are_read(self, load: Any, tmp_path: Path) -> None:
        """Week start, fiscal year and output accept words and numbers."""
        text = funnel("week_start = 'Sunday'\nfiscal_year_start = 'Feb'") + "[output]\npath = 'out'\nkeep_runs = 3\n"
        loaded = load(text)
        expected = (7, 2, tmp_path / "out", 3)
        actual = (loaded.waterfall.week_start, loaded.waterfall.fiscal_year_start, loaded.output, loaded.keep_runs)
        assert expected == actual

    def test_a_dimension_has_a_name_on_pages(self, load: Any) -> None:
        text = funnel('dimensions = ["owner"]\ndimension_labels = { owner = "Sales rep" }')
        assert (("owner", "Sales rep"),) == load(text).waterfall.dimension_labels

    def test_events_are_in_the_order_of_their_days(self, load: Any) -> None:
        text = "".join(f"[[events]]\ndate = {day}\nlabel = '{day}'\n" for day in ("2025-09-08", "2025-03-01"))
        assert ["2025-03-01", "2025-09-08"] == [event.label for event in load(funnel() + text).waterfall.events]

    def test_a_locale_sets_how_numbers_are_written(self, load: Any) -> None:
        assert (",", ".") == tuple(
            load(funnel() + f"[output]\n{text}").locale.group for text in ("", 'locale = "de-DE"')
        )

    @pytest.mark.parametrize(
        ("config_text", "expected"), [("", 30), ("keep_reports = 0\n", 0), ("keep_reports = 7\n", 7)]
    )
    def test_keep_reports_is_thirty_by_default(self, load: Any, config_text: str, expected: int) -> None:
        """The archive has thirty earlier runs unless the file has another number; 0 is valid."""
        assert expected == load(funnel() + f"[output]\n{config_text}").keep_reports

    @pytest.mark.parametrize(
        ("config_text", "expected"),
        [
            ("", (None, None)),
            ('memory = "512MB"\nthreads = 3\n', ("512MB", 3)),
            ('memory = "1.5 GiB"\n', ("1.5 GiB", None)),
        ],
    )
    def test_memory_and_threads_are_read(
        self, load: Any, config_text: str, expected: tuple[str | None, int | None]
    ) -> None:
        """Memory has DuckDB's form, threads is a number; without them the machine decides."""
        loaded = load(funnel() + f"[output]\n{config_text}")
        assert expected == (loaded.memory, loaded.threads)

    def test_output_of_the_command_line_has_priority(self, load: Any, tmp_path: Path) -> None:
        """--output replaces the value of the file."""
        assert tmp_path / "elsewhere" == load(funnel(), output=tmp_path / "elsewhere").output

    def test_labels_come_from_the_key(self, load: Any) -> None:
        """A stage without label or name has its key as both."""
        stage = load(funnel(stages=STAGES.replace('"sal"', '"sales_accepted"'))).waterfall.stages[1]
        assert ("Sales accepted", "Sales accepted") == (stage.label, stage.name)

    def test_a_business_clock_is_accepted(self, load: Any) -> None:
        """An SLA in business hours is stored as hours; its working days come from [calendar]."""
        stages = (
            STAGES + '[[stages]]\nkey = "won"\ndefinition = "x"\nsla = { within = "8 hours", clock = "business" }\n'
        )
        waterfall = load(funnel(stages=stages) + '[calendar]\nhours = "08:00-16:30"\n').waterfall
        assert Sla(8, "hour", "business") == waterfall.stage("won").sla
        assert WorkingCalendar("UTC", 480, 990) == waterfall.calendar

    def test_a_byte_order_mark_is_skipped(self, load: Any) -> None:
        """A file with a BOM is valid."""
        assert "Test" == load("\ufeff" + funnel()).waterfall.name
