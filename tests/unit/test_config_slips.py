"""Common errors in a configuration: each gives one message, with the line to paste."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

import pytest

from pipeline.config import time_formats, zone_names
from tests.unit.configurations import INPUT, STAGES, funnel

FORM = 'write one like timezone = "America/New_York", "Europe/Berlin" or "UTC"'
BACKSLASH = "a backslash inside double quotes begins an escape such as \\n; write it in single quotes: "


class TestZones:
    @pytest.mark.parametrize(
        ("config_value", "expected"),
        [
            ("PST", '`PST` is not a time zone; write timezone = "America/Los_Angeles"'),
            ("edt", '`edt` is not a time zone; write timezone = "America/New_York"'),
            (
                "CST",
                '`CST` is not a time zone; it can mean several zones; write timezone = "America/Chicago" or "Asia/Shanghai"',
            ),
            (
                "BST",
                '`BST` is not a time zone; it can mean several zones; write timezone = "Europe/London" or "Asia/Dhaka"',
            ),
            (
                "IST",
                "`IST` is not a time zone; it can mean several zones; "
                'write timezone = "Asia/Kolkata", "Europe/Dublin" or "Asia/Jerusalem"',
            ),
            (
                "EST",
                '`EST` has no summer time; write timezone = "America/New_York", '
                'or "America/Panama" if the clocks never change',
            ),
            (
                "MST",
                '`MST` has no summer time; write timezone = "America/Denver", '
                'or "America/Phoenix" if the clocks never change',
            ),
            ("Europe/Munich", '`Europe/Munich` is not a time zone; write timezone = "Europe/Berlin"'),
            (
                "America/San_Francisco",
                '`America/San_Francisco` is not a time zone; write timezone = "America/Los_Angeles"',
            ),
            ("Asia/Bangalore", '`Asia/Bangalore` is not a time zone; write timezone = "Asia/Kolkata"'),
            ("US/Pacifc", '`US/Pacifc` is not a time zone; write timezone = "America/Los_Angeles"'),
            ("Berlin", '`Berlin` is not a time zone; write timezone = "Europe/Berlin"'),
            ("São Paulo", '`São Paulo` is not a time zone; write timezone = "America/Sao_Paulo"'),
            (
                "W. Europe Standard Time",
                '`W. Europe Standard Time` is not a time zone; write timezone = "Europe/Berlin"',
            ),
            ("UTC+2", f"`UTC+2` is not a time zone; an offset has no summer time; {FORM}"),
            ("Europe", f"`Europe` is not a time zone; {FORM}"),
            ("../etc/passwd", f"`../etc/passwd` is not a time zone; {FORM}"),
        ],
    )
    def test_a_wrong_zone_gets_the_nearest_zone(self, problems: Any, config_value: str, expected: str) -> None:
        """For abbreviations, cities, Windows names and misspelt names the message has the IANA zone."""
        assert [f"funnel.toml:3: funnel.timezone: {expected}"] == problems(funnel(f'timezone = "{config_value}"'))

    @pytest.mark.parametrize(
        "config_value", ["CET", "UTC", "US/Pacific", "Etc/GMT+5", "America/Argentina/Buenos_Aires"]
    )
    def test_an_iana_zone_is_accepted(self, load: Any, config_value: str) -> None:
        """Every IANA name is a zone, except names of a fixed offset that are mistaken for a city's zone."""
        assert config_value == load(funnel(f'timezone = "{config_value}"')).waterfall.timezone

    def test_every_suggested_zone_is_valid(self) -> None:
        """No suggestion leads to another error."""
        tables = (zone_names.FIXED, zone_names._SHORT)
        offered = {zone for table in tables for zones in table.values() for zone in zones}
        offered |= set(zone_names._REGIONS.values()) | set(zone_names._CITIES)
        assert set() == offered - available_timezones() | offered & set(zone_names.FIXED)


class TestTimeFormats:
    @pytest.mark.parametrize(
        ("config_value", "expected"),
        [
            ("MM/DD/YYYY HH:MM", "%m/%d/%Y %H:%M"),
            ("YYYY-MM-DD", "%Y-%m-%d"),
            ("DD.MM.YYYY", "%d.%m.%Y"),
            ("MM/DD/YYYY hh:mm a", "%m/%d/%Y %I:%M %p"),
            ("M/D/YYYY HH:MM AM/PM", "%m/%d/%Y %I:%M %p"),
            ("DD.MM.YYYY HH:mm:ss", "%d.%m.%Y %H:%M:%S"),
            ("dd-MMM-yy", "%d-%b-%y"),
            ("MMMM d, yyyy", "%B %d, %Y"),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "%Y-%m-%dT%H:%M:%S.%g%z"),
            ("YYYY-MM-DD HH24:MI:SS", "%Y-%m-%d %H:%M:%S"),
        ],
    )
    def test_a_spreadsheet_time_format_is_translated(self, problems: Any, config_value: str, expected: str) -> None:
        """An M in any case is a minute next to an hour, and a month next to a day."""
        text = funnel(inputs=f'{INPUT}time_format = "{config_value}"\n')
        assert [
            f"funnel.toml:23: inputs.history.time_format: `{config_value}` is not a strptime pattern; "
            f'write time_format = "{expected}"'
        ] == problems(text)

    @pytest.mark.parametrize("config_value", ["HH:mm:ss", "ISO 8601", "date", "MM/YYYY", "DD/DD/YYYY MM", ""])
    def test_a_format_without_a_date_is_not_translated(self, config_value: str) -> None:
        """Year, month and day are required."""
        assert time_formats.translate(config_value) is None


class TestTargetsAndPairs:
    @pytest.mark.parametrize(
        ("config_value", "expected"),
        [
            ("80", "80 % is written 0.8"),
            ("12.5", "12.5 % is written 0.125"),
            ('"80 %"', "80 % is written 0.8"),
            ('"1%"', "1 % is written 0.01"),
            ("180", "80 % is written 0.8"),
            ("0", "80 % is written 0.8"),
            ("true", "80 % is written 0.8"),
        ],
    )
    def test_a_percentage_is_shown_as_a_share(self, problems: Any, config_value: str, expected: str) -> None:
        """For 80 the message has 0.8."""
        assert [
            f"funnel.toml:3: funnel.targets.mql>sal: must be a share above 0 and up to 1.0; {expected}"
        ] == problems(funnel(f"targets = {{ 'mql>sal' = {config_value} }}"))

    def test_a_target_of_a_reversed_pair_names_the_pair(self, problems: Any) -> None:
        """The headline has the pair in the other direction."""
        text = funnel("headline = [['mql', 'sal']]\ntargets = { 'sal>mql' = 0.5 }")
        assert ["funnel.toml:4: funnel.targets.sal>mql: is no headline pair; did you mean `mql>sal`?"] == problems(text)

    def test_parallel_stages_are_no_pair_either_way(self, problems: Any) -> None:
        """The reversed pair is invalid too, so it is not suggested."""
        stages = STAGES.replace('key = "sal"', 'key = "sal"\nrank = 1').replace('key = "mql"', 'key = "mql"\nrank = 1')
        assert [
            "funnel.toml:3: funnel.headline.#1: `sal` → `mql` is no pair: every rank of `sal` (rank 1) "
            "must be below every rank of `mql` (rank 1)"
        ] == problems(funnel("headline = [['sal', 'mql']]", stages=stages))


class TestToml:
    @pytest.mark.parametrize(
        ("line", "column", "expected"),
        [
            ('locale = "en', 10, 'the quote that opens here is not closed; add " at the end of the text'),
            ("locale = 'en", 10, "the quote that opens here is not closed; add ' at the end of the text"),
            ('locale = """en', 10, 'the quote that opens here is not closed; add """ at the end of the text'),
            (
                'dimensions = ["region, "owner"]',
                25,
                "the quotes in this line are not in pairs; each text has one at its start and one at its end",
            ),
            ("timezone = Europe/Berlin", 12, 'text needs quotes: timezone = "Europe/Berlin"'),
            ("timezone = “UTC”", 12, 'these are typographic quotes; write straight ones, "'),
            ("token = hunter2", 9, "text needs quotes, and a number has digits only"),
            ("implied = True", 11, "write true in lower case"),
            ("unit =", 7, "a value is missing after the ="),
            ('timezone: "UTC"', 9, "write `key = value`, with = between them"),
            (
                'unit = "my "own" unit"',
                13,
                'there is more text after the value; write one key per line, and write a " inside a text as \\"',
            ),
            ('name = "again"', 15, "`name` is set in line 2 already; each key may be there once in its block"),
            (
                "windows = [30 90]",
                11,
                "the list that opens here has no closing ], or a comma is missing in it",
            ),
            (
                "targets = {\n'mql>sal' = 0.5\n}",
                11,
                "the table in braces that opens here has no closing } on its line, or a comma is missing in it",
            ),
            ("as_of = 2025-02-30", 9, "there is no such date; write one like 2025-03-31"),
            ('unit = "a\tb\x01"', 12, "there is an invisible character here; remove it"),
            (
                "[funnel]",
                8,
                "[funnel] is there already in line 1; put its keys together, or if it is a list: "
                "a block that comes several times, such as [[stages]], has double brackets",
            ),
            ("[calendar", 10, "the ] behind the name of the block is missing"),
            ("[[scope]", 8, "the ]] behind the name of the block is missing"),
        ],
    )
    def test_a_toml_error_is_reported_in_plain_words(
        self, problems: Any, line: str, column: int, expected: str
    ) -> None:
        """The line is that of the opening quote or bracket, not that of the parser's stop."""
        assert [f"funnel.toml:3: this is not TOML, column {column}: {expected}"] == problems(funnel(line))

    @pytest.mark.parametrize(
        ("config_value", "expected"),
        [
            (
                r"C:\Users\me\export.csv",
                r"""path = 'C:\Users\me\export.csv', or with forward slashes: path = "C:/Users/me/export.csv\"""",
            ),
            (
                r"\\server\share\*.csv",
                r"""path = '\\server\share\*.csv', or with forward slashes: path = "//server/share/*.csv\"""",
            ),
        ],
    )
    def test_a_windows_path_is_printed_in_valid_form(self, problems: Any, config_value: str, expected: str) -> None:
        """Single quotes keep a backslash, and forward slashes work on Windows too."""
        text = funnel(inputs=INPUT.replace("history.csv", config_value))
        expected = expected.replace('\\"', '"')
        assert [f"funnel.toml:22: this is not TOML, column 8: {BACKSLASH}{expected}"] == problems(text)

    def test_a_windows_path_with_valid_escapes_is_refused_too(self, problems: Any) -> None:
        """`C:\\temp\\new.csv` reads as a tab and a line end: no file has such a name."""
        text = funnel(inputs=INPUT.replace("history.csv", r"C:\temp\new.csv"))
        expected = r"""path = 'C:\temp\new.csv', or with forward slashes: path = "C:/temp/new.csv" """.strip()
        assert [f"funnel.toml:22: inputs.history.path: {BACKSLASH}{expected}"] == problems(text)

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            (r'password = "hun\ter2\q"', "write the text in single quotes, or each backslash twice"),
            (r'''unit = "it's \d"''', "write the text in single quotes, or each backslash twice"),
            (r'unit = "\d+"', r"write it in single quotes: unit = '\d+'"),
        ],
    )
    def test_another_backslash_is_explained_and_no_secret_repeated(
        self, problems: Any, line: str, expected: str
    ) -> None:
        """A regular expression is printed in single quotes; a text that may be a password is not printed."""
        what = BACKSLASH.partition(";")[0]
        column = line.index('"') + 1
        assert [f"funnel.toml:3: this is not TOML, column {column}: {what}; {expected}"] == problems(funnel(line))


GROUP = '[[groups]]\nkey = "early"\ndefinition = "Before the handover."\nstages = ["mql", "sal"]\n'
WON = '[[stages]]\nkey = "won"\ndefinition = "Signed."\n'


class TestOneCauseIsOneProblem:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (
                funnel(
                    'headline = [["mql", "sal"]]\ntargets = { "mql>sal" = 0.5 }',
                    stages=STAGES.replace('"sal"', '"sall"') + GROUP,
                ),
                "3: funnel.headline.#1: there is no stage or group `sal`; did you mean `sall`? (also in line 22)",
            ),
            (
                funnel('headline = [["mql", "sall"]]\ntargets = { "mql>sal" = 0.5 }'),
                "3: funnel.headline.#1: there is no stage or group `sall`; did you mean `sal`?",
            ),
            (
                funnel('headline = [["sal", "mql"]]\ntargets = { "mql>sal" = 0.5 }'),
                '3: funnel.headline.#1: a pair goes upward, from the earlier stage to the later one; write ["mql", "sal"]',
            ),
            (
                funnel(
                    'headline = [["mql", "won"]]\ntargets = { "mql>won" = 0.5 }', stages=STAGES + WON + 'kind = "pth"\n'
                ),
                "22: stages.won.kind: must be one of path, hold, detour, exit; did you mean `path`?",
            ),
            (
                funnel('headline = [["mql", "won"]]', stages=STAGES + WON.replace("won", "Won")),
                "19: stages.Won.key: must be a lower-case word: a letter first, then letters, digits or underscores",
            ),
            (
                f'[funnel]\npreset = "bow-tie"\nheadline = [["education", "commit"]]\n{INPUT}'
                '[[stages]]\nkey = "selection"\naliases = ["SQL"]\n'
                '[[groups]]\nkey = "left"\ndefinition = "x"\nstages = ["education", "commit"]\n',
                "2: funnel.preset: there is no preset `bow-tie`; did you mean `bowtie`?",
            ),
            (
                f'[funnel]\npreset = "bowtie"\n{INPUT}[[stages]]\nkey = "educaton"\naliases = ["MQL"]\n',
                "9: stages.educaton.key: is no stage of the preset; did you mean `education`? "
                "A new stage needs a definition",
            ),
            (
                funnel('headline = [["mql", "sal"]]', stages=STAGES.replace("[[stages]]", "[[stage]]")),
                "5: stage: unknown block; did you mean `stages`?",
            ),
            (funnel().replace("[funnel]", "[funel]"), "1: funel: unknown block; did you mean `funnel`?"),
            (funnel(inputs=INPUT.replace("inputs", "input")), "19: input: unknown block; did you mean `inputs`?"),
            (
                funnel(inputs=INPUT.replace("[[inputs]]", "[inputs]")),
                "19: inputs: write [[inputs]] with double brackets, once for each",
            ),
            (
                funnel(inputs=INPUT.replace("stage_entries", "stage_entry")),
                "21: inputs.history.table: must be one of stage_entries, leads, accounts, merges, deletions; "
                "did you mean `stage_entries`?",
            ),
            (
                funnel(inputs=INPUT.replace("table =", "tabel =")),
                "21: inputs.history.tabel: unknown key; did you mean `table`?",
            ),
            (
                funnel(stages=STAGES + WON + 'sla = { within = "2 days", clock = "business" }\n')
                + '[calender]\ncountry = "US"\nhours = "09:00-17:00"\n',
                "27: calender: unknown block; did you mean `calendar`?",
            ),
            (
                funnel('dimensions = "region"') + '[[reports]]\nname = "emea"\ndimension = "region"\nvalue = "EMEA"\n',
                "3: funnel.dimensions: must be a list in brackets",
            ),
        ],
    )
    def test_a_consequence_of_an_error_is_not_reported(self, problems: Any, text: str, expected: str) -> None:
        """An invalid stage, pair, preset or block gives no second problem where it is named."""
        assert [f"funnel.toml:{expected}"] == problems(text)

    def test_two_errors_are_two_problems(self, problems: Any) -> None:
        """A block with a misspelt name is still read, so that its own errors are reported with their lines."""
        text = funnel(inputs=INPUT.replace("inputs", "input") + 'delimiter = ";;"\n')
        assert [
            "funnel.toml:19: input: unknown block; did you mean `inputs`?",
            'funnel.toml:23: input.history.delimiter: must be one character, such as "," or ";" or "\\t"',
        ] == problems(text)
