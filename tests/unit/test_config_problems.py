"""An invalid configuration is refused with every problem, its file, line and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.config.load import load_configuration
from pipeline.errors import ConfigurationError
from tests.unit.configurations import INPUT, STAGES, funnel


class TestProblems:
    def test_all_problems_are_reported_in_line_order(self, problems: Any) -> None:
        """One load reports every problem with file, line and key, in order of lines."""
        text = funnel('timezone = "Europe/Berln"\nwindows = [30, 0]\nas_of = "yesterday"', inputs="") + (
            '[[stages]]\nkey = "won"\ndefinition = "Won."\nkind = "pth"\n[outptu]\nx = 1\n'
        )
        expected = [
            'funnel.toml:1: there is no [[inputs]] block with table = "stage_entries"; every number comes from stage '
            "entries",
            'funnel.toml:3: funnel.timezone: `Europe/Berln` is not a time zone; write timezone = "Europe/Berlin"',
            "funnel.toml:4: funnel.windows.#2: must be 1 to 3650 days",
            'funnel.toml:5: funnel.as_of: must be a date or a time such as 2025-03-31 or "2025-03-31 18:00"',
            "funnel.toml:23: stages.won.kind: must be one of path, hold, detour, exit; did you mean `path`?",
            "funnel.toml:24: outptu: unknown block; did you mean `output`?",
            "funnel.toml:25: outptu.x: unknown key; known: path, keep_runs, keep_reports, locale, memory, threads",
        ]
        assert expected == problems(text)

    def test_a_label_of_no_dimension_is_a_problem(self, problems: Any) -> None:
        (problem,) = problems(funnel('dimensions = ["owner"]\ndimension_labels = { ownr = "Rep" }'))
        assert "funnel.dimension_labels.ownr: `ownr` is not one of the dimensions; did you mean `owner`?" in problem

    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            ('date = "2025-09-08"\nlabel = "x"', "events.#1.date: must be a day such as 2025-09-08, without quotes"),
            ("date = 2025-09-08 10:00:00\nlabel = 'x'", "events.#1.date: must be a day such as 2025-09-08"),
            (f"date = 2025-09-08\nlabel = '{41 * 'x'}'", "events.#1.label: must have at most 40 characters"),
            ("date = 2025-09-08", "events.#1.label: is missing"),
        ],
    )
    def test_an_event_needs_a_day_and_a_short_label(self, problems: Any, lines: str, expected: str) -> None:
        (problem,) = problems(f"{funnel()}[[events]]\n{lines}\n")
        assert expected in problem

    def test_an_unknown_locale_is_a_problem(self, problems: Any) -> None:
        expected = 'output.locale: must be a locale such as "en-US", "en-GB" or "de-DE"'
        (problem,) = problems(funnel() + '[output]\nlocale = "English"\n')
        assert expected in problem

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("nam = 'x'", "funnel.nam: unknown key; did you mean `name`?"),
            (
                "week_start = 'sundy'",
                "funnel.week_start: must be one of monday, tuesday, wednesday, thursday, friday, saturday, sunday",
            ),
            ("fiscal_year_start = 13", "funnel.fiscal_year_start: must be a month: 1 to 12, or its English name"),
            (
                "dimensions = ['Owner']",
                "funnel.dimensions.#1: must be a lower-case word: a letter first, then letters, digits or underscores",
            ),
            ("dimensions = ['all']", "funnel.dimensions.#1: `all` is reserved for totals; choose another word"),
            ("windows = [30, 30]", "funnel.windows: names `30` twice"),
            ("windows = ['30']", "funnel.windows.#1: must be a whole number"),
            ("windows = 30", "funnel.windows: must be a list in brackets"),
            ("timezone = 5", "funnel.timezone: must be text in quotes"),
            ("headline = [['mql']]", 'funnel.headline.#1: must be two keys: ["from", "to"]'),
            (
                "headline = [['mql', 'sall']]",
                "funnel.headline.#1: there is no stage or group `sall`; did you mean `sal`?",
            ),
            (
                "headline = [['sal', 'mql']]",
                'funnel.headline.#1: a pair goes upward, from the earlier stage to the later one; write ["mql", "sal"]',
            ),
            (
                "headline = [['mql', 'nurture']]",
                "funnel.headline.#1: `nurture` is a detour, off the path; a pair needs path stages or groups",
            ),
            (
                "targets = { 'mql>sal' = 100 }",
                "funnel.targets.mql>sal: must be a share above 0 and up to 1.0; 100 % is written 1",
            ),
            ("targets = { 'sal>sql' = 0.5 }", "funnel.targets.sal>sql: is no headline pair; did you mean `mql>sql`?"),
            ("as_of = 1999-12-31", "funnel.as_of: must be in the years 2000 to 2099"),
            ("preset = 'bow-tie'", "funnel.preset: there is no preset `bow-tie`; did you mean `bowtie`?"),
        ],
    )
    def test_a_problem_of_the_funnel_block_has_its_line(self, problems: Any, line: str, expected: str) -> None:
        """The message of each error in [funnel] has its line."""
        assert [f"funnel.toml:3: {expected}"] == problems(funnel(line))

    @pytest.mark.parametrize(
        ("field", "expected"),
        [
            ('key = "sal2"\ndefinitoin = "x"', ["20: stages.sal2.definitoin: unknown key; did you mean `definition`?"]),
            (
                'key = "sal2"\nlabel = "S"',
                ["18: stages.sal2.definition: is missing; one sentence, because every report prints it"],
            ),
            ('key = "won"\ndefinition = ""', ["20: stages.won.definition: must not be empty"]),
            ('key = "won"\nlabel = "W\\u009bon"', ["20: stages.won.label: must not contain control characters"]),
            ('definition = "x"', ["18: stages.#5.key: is missing; every block needs a key, a lower-case word"]),
            (
                'key = "Won"\ndefinition = "x"',
                ["19: stages.Won.key: must be a lower-case word: a letter first, then letters, digits or underscores"],
            ),
            (
                'key = "all"\ndefinition = "x"',
                ["19: stages.all.key: `all` is reserved for totals; choose another word"],
            ),
            ('key = "sal"\ndefinition = "x"', ["19: stages.sal.key: the key `sal` is used twice, here and in line 8"]),
            (
                'key = "hold"\ndefinition = "x"\nkind = "hold"\nrank = 2',
                ["22: stages.hold.rank: only path stages have a rank, and `hold` is a hold"],
            ),
            (
                'key = "out"\ndefinition = "x"\nkind = "exit"\nqualifies = true',
                ["22: stages.out.qualifies: only path stages can qualify a lead, and `out` is an exit"],
            ),
            (
                'key = "won"\ndefinition = "x"\nsla = { within = "soon" }',
                [
                    "21: stages.won.sla.within: must be a number "
                    'and a unit: "30 minutes", "8 hours", "2 days" or "1 week"'
                ],
            ),
            (
                'key = "won"\ndefinition = "x"\nsla = { within = "1 day", clok = "business" }',
                ["21: stages.won.sla.clok: unknown key; did you mean `clock`?"],
            ),
            (
                'key = "won"\ndefinition = "x"\naliases = [" S\u200bAL "]',
                [
                    '21: stages.won.aliases: "S\u200bAL" names both '
                    "`won` and `sal` (line 8); a stage name must match one stage"
                ],
            ),
            (
                'key = "won"\ndefinition = "x"\nlabel = "Nurture"',
                [
                    '21: stages.won.label: "Nurture" names both `won` and '
                    "`nurture` (line 14); a stage name must match one stage"
                ],
            ),
            (
                'key = "won"\ndefinition = "x"\nafter = "sal"',
                ["21: stages.won.after: only changes a preset; without one, order the blocks"],
            ),
        ],
    )
    def test_a_problem_of_a_stage_has_its_line(self, problems: Any, field: str, expected: list[str]) -> None:
        """The message has the line and the key of the stage."""
        expected = [f"funnel.toml:{problem}" for problem in expected]
        assert expected == problems(funnel(stages=STAGES + "[[stages]]\n" + field + "\n"))

    @pytest.mark.parametrize(
        ("group", "expected"),
        [
            (
                'key = "sal"\nstages = ["mql"]',
                "19: groups.sal.key: `sal` is a stage already; a group needs a key of its own",
            ),
            (
                'key = "early"\nstages = ["mql", "nurture"]',
                "20: groups.early.stages.#2: `nurture` is a detour; a group holds path stages only",
            ),
            (
                'key = "early"\nstages = ["mqk"]',
                "20: groups.early.stages.#1: there is no stage `mqk`; did you mean `mql`?",
            ),
            ('key = "early"\nstages = []', "20: groups.early.stages: must name at least one"),
        ],
    )
    def test_a_problem_of_a_group_has_its_line(self, problems: Any, group: str, expected: str) -> None:
        """A group has path stages of the waterfall and its own key."""
        text = funnel(stages=f'{STAGES}[[groups]]\n{group}\ndefinition = "x"\n')
        assert [f"funnel.toml:{expected}"] == problems(text)

    @pytest.mark.parametrize(
        ("field", "expected"),
        [
            ('delimiter = ";;"', 'delimiter: must be one character, such as "," or ";" or "\\t"'),
            ('encoding = "utf8x"', "encoding: `utf8x` is no encoding; write one like utf-8, utf-16 or cp1252"),
            (
                'encoding = "base64"',
                "encoding: `base64` is no encoding of text; write one like utf-8, utf-16 or cp1252",
            ),
            ("skip_lines = -1", "skip_lines: must not be negative"),
            *(
                (
                    f"sheet = {wrong}",
                    'sheet: must be the name of a sheet, such as "History", or its number, 1 for the first',
                )
                for wrong in ("0", "true", '""', "1.5", "[1]")
            ),
            *(
                (f"header_row = {wrong}", "header_row: must be the number of a row, 1 for the first")
                for wrong in ("0", "true", '"1"', "-2")
            ),
            (
                'time_format = "dd.mm.yyyy"',
                'time_format: `dd.mm.yyyy` is not a strptime pattern; write time_format = "%d.%m.%Y"',
            ),
            (
                'time_format = "ISO"',
                'time_format: must be a pattern such as "%m/%d/%Y %H:%M", or epoch_s, epoch_ms or excel',
            ),
            ('mode = "snap"', "mode: must be one of append, snapshot; did you mean `snapshot`?"),
            ('precision = "second"', "precision: must be one of minute, hour, day"),
            ('precision = "day"', "precision: only concerns stage_entries"),
            *(
                (f"priority = {wrong}", "priority: must be a whole number from 1, for the first, to 99")
                for wrong in ("0", "true", '"1"', "100", "1.5")
            ),
            ("priority = 1", "priority: only concerns stage_entries"),
            (
                'columns = { from_lead = "x" }',
                "columns.from_lead: is no column of merges; did you mean `from_lead_id`?",
            ),
            ('encodin = "x"', "encodin: unknown key; did you mean `encoding`?"),
        ],
    )
    def test_a_problem_of_an_input_has_its_line(self, problems: Any, field: str, expected: str) -> None:
        """The message has the line and the name of the input."""
        text = funnel(inputs=f'{INPUT}[[inputs]]\nname = "merged"\ntable = "merges"\npath = "m.csv"\n{field}\n')
        assert [f"funnel.toml:27: inputs.merged.{expected}"] == problems(text)

    def test_two_sheets_of_a_file_are_two_inputs(self, load: Any, problems: Any) -> None:
        """The same sheet, named in any way, is not."""
        second_input = INPUT.replace('"history"', '"again"')
        first, second = load(
            funnel(inputs=f"{INPUT}sheet = 1\nheader_row = 3\nencoding = 'AUTO'\n{second_input}sheet = 'Two'\n")
        ).inputs
        assert (1, 3, "auto", "Two", None) == (
            first.sheet,
            first.header_row,
            first.encoding,
            second.sheet,
            second.header_row,
        )
        (message,) = problems(funnel(inputs=f"{INPUT}sheet = 1\n{second_input}"))
        assert "the same files are read as stage_entries" in message

    def test_an_input_of_history_may_have_a_precision(self, load: Any) -> None:
        """Without the key its times are exact (E4)."""
        assert [None, "hour"] == [
            load(funnel(inputs=INPUT + more)).inputs[0].precision for more in ("", 'precision = "hour"\n')
        ]

    def test_a_priority_needs_a_different_one(self, load: Any, problems: Any) -> None:
        """A single priority, or the same for all inputs, has no effect (E4)."""
        second_input = INPUT.replace('"history"', '"again"').replace("history.csv", "again.csv")
        inputs = load(funnel(inputs=f"{INPUT}priority = 2\n{second_input}priority = 1\n")).inputs
        assert [2, 1] == [each.priority for each in inputs]
        for other in ("", "priority = 2\n"):
            (message,) = problems(funnel(inputs=f"{INPUT}priority = 2\n{second_input}{other}"))
            assert message == (
                "funnel.toml:23: inputs.history.priority: no other input has another priority; give one to each input that "
                "dates the same entries, 1 for the first"
            )

    def test_no_file_is_read_twice(self, problems: Any) -> None:
        """Two inputs of one table with the same files would make every row a duplicate."""
        text = funnel(inputs=INPUT + INPUT.replace('"history"', '"again"').replace("history.csv", "./history.csv"))
        assert ["funnel.toml:27: inputs.again.path: the same files are read as stage_entries in line 22 already"] == (
            problems(text)
        )

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ('name = "all"', "24: reports.all.name: `all` is reserved for totals; choose another word"),
            ('name = "archive"', "24: reports.archive.name: `archive` is the name of another folder of reports/"),
            (
                'name = "EMEA"',
                "24: reports.EMEA.name: must be a lower-case word: a letter first, then letters, digits or underscores",
            ),
            (
                'name = "emea"\ndimension = "regoin"',
                "25: reports.emea.dimension: `regoin` is no dimension of this funnel; did you mean `region`?",
            ),
            (
                'name = "emea"\nto = ["Ada Lovelace"]',
                '25: reports.emea.to.#1: must be an address such as "revops@example.com" or "Funnel <revops@example.com>"',
            ),
        ],
    )
    def test_a_problem_of_a_report_has_its_line(self, problems: Any, fields: str, expected: str) -> None:
        """A report has its own folder and one value of a dimension of the funnel."""
        more = "" if "dimension" in fields else '\ndimension = "region"'
        text = funnel('dimensions = ["region", "owner"]') + f'[[reports]]\n{fields}{more}\nvalue = "EMEA"\n'
        assert [f"funnel.toml:{expected}"] == problems(text)

    def test_two_reports_of_one_name_are_refused(self, problems: Any) -> None:
        """The second would overwrite the first."""
        block = '[[reports]]\nname = "emea"\ndimension = "region"\nvalue = "EMEA"\n'
        text = funnel('dimensions = ["region"]') + block + block
        expected = "funnel.toml:28: reports.emea.name: the name `emea` is used twice, here and in line 23"
        assert [expected] == problems(text)

    def test_one_path_stage_is_no_path(self, problems: Any) -> None:
        """Without a preset there must be two path stages."""
        expected = [
            'funnel.toml:4: stages: a waterfall needs at least two [[stages]] of kind "path", or a `preset` in [funnel]'
        ]
        assert expected == problems(funnel(stages='[[stages]]\nkey = "mql"\ndefinition = "x"\n'))

    def test_a_missing_file_points_to_init(self, tmp_path: Path) -> None:
        """The message has the command that writes a configuration."""
        with pytest.raises(ConfigurationError, match="there is no such file; `funnel init DIR`"):
            load_configuration(tmp_path / "funnel.toml")

    def test_broken_toml_has_its_line(self, problems: Any) -> None:
        """The message of a syntax error has line and column."""
        expected = ["funnel.toml:2: this is not TOML, column 8: a value is missing after the ="]
        assert expected == problems("[funnel]\nname = \n")

    def test_unfinished_toml_names_what_is_open(self, problems: Any) -> None:
        """The message has the bracket or quote that is not closed."""
        expected = [
            "funnel.toml:2: this is not TOML, column 11: the list that opens here has no closing ], "
            "or a comma is missing in it"
        ]
        assert expected == problems("[funnel]\nwindows = [30,\n")

    def test_single_brackets_are_explained(self, problems: Any) -> None:
        """The message says to write [[stages]] instead of [stages]."""
        messages = problems(f'[funnel]\nname = "x"\n[stages]\nkey = "mql"\n{INPUT}')
        assert ["funnel.toml:3: stages: write [[stages]] with double brackets, once for each"] == messages

    def test_as_of_of_the_command_line_is_named_as_such(self, problems: Any) -> None:
        """The message of an invalid --as-of names the option, not the file."""
        expected = ['--as-of: must be a date or a time such as 2025-03-31 or "2025-03-31 18:00"']
        assert expected == problems(funnel(), as_of="2025-02-30")
