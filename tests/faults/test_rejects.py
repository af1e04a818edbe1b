"""docs/FAULTS.md, 91 to 93 (E12): a delivery whose rows are rejected, and a headline stage that no row has ever named.

Each stops with exit code 1 and a message whose lines are pasted into the configuration here, as a newcomer would.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipeline.ingest.landing import loading
from pipeline.publish import manifest, run_folder
from tests import runs
from tests.cli.commands import Answer, funnel, page

STAGES = """
[[stages]]
key = "mql"
definition = "Ready."
aliases = ["Marketing Qualified"]
[[stages]]
key = "sal"
definition = "Taken."
aliases = ["Sales Accepted"]
"""
INPUT = '[[inputs]]\nname = "crm"\ntable = "stage_entries"\npath = "entries-*.csv"\n'
AS_OF = ("--as-of", "2026-06-30")
ISO = "%Y-%m-%d %H:%M:%S"
US = "%m/%d/%Y %I:%M %p"


class Company:
    """A folder of history with its configuration, published once from a good delivery."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.toml, self.output = folder, folder / "funnel.toml", folder / "build"
        self.toml.write_text(f'[funnel]\nname = "Rejects"\n{STAGES}{INPUT}', "utf-8")

    def deliver(
        self,
        name: str,
        *,
        times: str = ISO,
        sal: str = "Sales Accepted",
        leads: int = 30,
        first: int = 0,
        days: int = 90,
    ) -> None:
        lines = ["lead_id,stage,entered_at"]
        for lead in range(first, first + leads):
            day = date(2026, 1, 1) + timedelta(days=lead % days)
            lines.append(f"L{lead},MQL,{day.strftime(times)}")
            lines.append(f"L{lead},{sal},{(day + timedelta(days=1)).strftime(times)}")
        (self.folder / f"entries-{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")

    def ask(self, *command: str) -> Answer:
        where = ("--output", self.output) if command[0] != "check" else ()
        return funnel(*command, *AS_OF, "--config", self.toml, *where)

    def paste(self, after: str, line: str) -> None:
        """Put a line into the block that the line `after` opens, in the place of one of that key."""
        key = line.partition(" =")[0]
        head, found, tail = self.toml.read_text("utf-8").partition(f"{after}\n")
        block, bracket, rest = tail.partition("\n[")
        kept = "".join(f"{each}\n" for each in block.splitlines() if each.partition(" =")[0] != key)
        self.toml.write_text(f"{head}{found}{line}\n{kept}{bracket.removeprefix(chr(10))}{rest}", "utf-8")

    @property
    def entries(self) -> int:
        return int(runs.ask(self.output, "select count(*) as entries from clean.stage_entries")[0]["entries"])

    @property
    def loads(self) -> list[str]:
        return [load.file_name for load in loading.open_log(self.output / "landing").loads]

    @property
    def manifest(self) -> dict[str, object]:
        published = run_folder.current(self.output)
        assert published is not None
        return manifest.read(published)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    found = Company(tmp_path)
    found.deliver("1", first=100)
    assert 0 == found.ask("run").code
    return found


def line_of(answer: Answer, key: str) -> str:
    """The one line to paste that begins with `key`, without its comment."""
    (line,) = re.findall(rf"^ +({key} = .*?)(?:   #.*)?$", answer.err, re.MULTILINE)
    return str(line)


def test_a_time_format_that_changed_overnight_stops_the_run_and_names_the_format(company: Company) -> None:
    """F91: Exit 1 and the old pages; `check` says the same, `status` too; the pasted line reads old files and the new one."""
    before = page(company.output)
    company.deliver("2", times=US)
    said = (
        "error: crm: entries-2.csv: every row is rejected; max_rejected allows 5 %\n"
        "  rejected rows: 60 unreadable_time\n"
        "  times look like `99/99/9999 99:99 AA` (60)\n"
        '    time_format = ["iso", "%m/%d/%Y %I:%M %p"]   '
        "# in [[inputs]] crm: the first that reads a text counts; the month comes first\n"
        "  next: nothing was published"
    )
    for command in ("check", "run", "run"):  # the second run judges the file again
        answer = company.ask(command)
        assert (1, True) == (answer.code, said in answer.err)
        assert "2026" not in answer.err  # no value of a row
    assert (before, ["entries-1.csv"]) == (page(company.output), company.loads)
    status = funnel("status", "--output", company.output)
    assert 1 == status.code
    assert "crm: entries-2.csv: every row is rejected" in status.out
    assert 'time_format = ["iso", "%m/%d/%Y %I:%M %p"]' in status.out
    company.paste('name = "crm"', line_of(answer, "time_format"))
    assert (0, 0) == (company.ask("check").code, company.ask("run").code)
    assert 120 == company.entries
    assert 0 == funnel("status", "--output", company.output).code


def test_month_or_day_first_is_asked_and_never_guessed(company: Company) -> None:
    """F91: Where no day is above 12 both lines are offered; where one is, the one that reads it."""
    company.deliver("2", times="%d/%m/%Y", days=9)
    answer = company.ask("run")
    assert 1 == answer.code
    assert "it is not clear whether the month or the day comes first: no day is above 12. Use one of\n" in answer.err
    assert '    time_format = ["iso", "%m/%d/%Y"]   #' in answer.err
    assert '    time_format = ["iso", "%d/%m/%Y"]   #' in answer.err
    company.deliver("2", times="%d/%m/%Y")
    answer = company.ask("run")
    assert 'time_format = ["iso", "%d/%m/%Y"]' == line_of(answer, "time_format")


def test_day_and_month_that_changed_places_get_no_list_of_both(company: Company) -> None:
    """F91: A list would read 4 May as 5 April: these files need a block of their own."""
    company.deliver("2", times="%m/%d/%Y")
    company.paste('name = "crm"', line_of(company.ask("run"), "time_format"))
    assert 0 == company.ask("run").code
    company.deliver("3", times="%d/%m/%Y", first=500)
    answer = company.ask("run")
    assert 1 == answer.code
    assert 'time_format = "%d/%m/%Y"' == line_of(answer, "time_format")
    assert "a list of both formats would mix up day and month" in answer.err


def test_accepted_rejects_are_in_the_manifest_and_come_in_once_the_format_is_right(company: Company) -> None:
    """F91: `--accept-rejects` publishes with a banner; the corrected format reads the file again."""
    company.deliver("2", times=US)
    answer = company.ask("run", "--accept-rejects")
    assert 0 == answer.code
    assert "warning: accepted: crm: entries-2.csv: every row is rejected; max_rejected allows 5 %\n" in answer.err
    assert ["crm: entries-2.csv: every row is rejected; max_rejected allows 5 %"] == company.manifest[
        "accepted_rejects"
    ]
    assert (60, b"crm: 60 of 60 rows of the newest delivery are rejected." in page(company.output)) == (
        company.entries,
        True,
    )
    company.paste('name = "crm"', 'time_format = ["iso", "%m/%d/%Y %I:%M %p"]')
    assert 0 == company.ask("run").code
    assert (120, False) == (company.entries, b"rejected" in page(company.output).partition(b"notices")[2][:2000])
    assert [] == company.manifest["accepted_rejects"]


def test_stages_that_were_renamed_overnight_stop_the_run_and_name_the_aliases(company: Company) -> None:
    """F92: The near name with the whole list of its stage's aliases, ready to paste; the rest is told with its count."""
    before = page(company.output)
    company.deliver("2", sal="Sales Accepted Lead")
    for command in ("check", "run"):
        answer = company.ask(command)
        assert 1 == answer.code
        assert "error: crm: entries-2.csv: 30 of 60 rows are rejected; max_rejected allows 5 %\n" in answer.err
        assert '30 rows name a stage that the waterfall does not know: "Sales Accepted Lead" (30)\n' in answer.err
        assert '# in the [[stages]] block with key = "sal"\n' in answer.err
    assert (before, ["entries-1.csv"]) == (page(company.output), company.loads)
    assert '"Sales Accepted Lead" (30)' in funnel("status", "--output", company.output).out
    assert 'aliases = ["Sales Accepted", "Sales Accepted Lead"]' == line_of(answer, "aliases")
    company.paste('key = "sal"', line_of(answer, "aliases"))
    assert 0 == company.ask("run").code
    assert 120 == company.entries


def test_a_name_like_no_stage_is_reported_with_the_stages_that_lack(company: Company) -> None:
    """F92: Without a guess: the line is for the stage that is meant, and the file shows which ones it never names."""
    company.deliver("2", sal="Working")
    answer = company.ask("run")
    assert 1 == answer.code
    assert (
        '    aliases = ["Working"]   # beside those of the stage that is meant; no row of the file names sal\n'
        in answer.err
    )


@pytest.mark.parametrize(("bad", "more", "code"), [(19, "", 0), (20, "", 1), (20, "max_rejected = 0.5\n", 0)])
def test_twenty_rows_and_more_than_max_rejected_are_too_many(tmp_path: Path, bad: int, more: str, code: int) -> None:
    """F92: Fewer say too little, whatever their share; an input may allow more."""
    company = Company(tmp_path)
    company.toml.write_text(company.toml.read_text("utf-8") + more, "utf-8")
    company.deliver("1")
    company.deliver("2", sal="Working", leads=bad, first=100)
    assert code == company.ask("run").code


def test_corrected_rows_leave_the_banner(company: Company) -> None:
    """F92: It counts the newest delivery alone, with its denominator, by the aliases of today."""
    company.deliver("2", sal="Working", leads=10, first=200)
    assert 0 == company.ask("run").code
    banner = b"crm: 10 of 20 rows of the newest delivery are rejected, 10 of them for a stage that no alias names."
    assert banner in page(company.output)
    assert banner in (company.output / "reports" / "email.txt").read_bytes().replace(b"\n  ", b" ")
    company.paste('key = "sal"', 'aliases = ["Sales Accepted", "Working"]')
    assert 0 == company.ask("run").code
    assert (80, False) == (company.entries, b"of the newest delivery" in page(company.output))
    company.deliver("3", sal="Nowhere", leads=1, first=300)
    assert 0 == company.ask("run").code
    assert b"crm: 1 of 2 rows of the newest delivery is rejected" in page(company.output)
    company.deliver("4", first=400)
    assert 0 == company.ask("run").code
    assert b"of the newest delivery" not in page(company.output)


def test_a_headline_stage_that_no_row_ever_named_stops_the_run(tmp_path: Path) -> None:
    """F93: A missing alias: the nearest unknown names with counts, the line to paste, and the way out for a new stage."""
    company = Company(tmp_path)
    company.deliver("1", sal="Sales Accept", leads=400)
    company.paste('name = "crm"', "max_rejected = 0.9")
    for command in ("check", "run"):
        answer = company.ask(command)
        assert 1 == answer.code
        assert (
            "error: no row has ever named the stage `sal`, and the headline pair mql > sal counts it\n"
            '  nearest unknown names: "Sales Accept" (400)\n'
            '    aliases = ["Sales Accepted", "Sales Accept"]   # in the [[stages]] block with key = "sal"\n'
            "  or, where no lead has reached it yet, in [checks]\n"
            '    unused_stages = ["sal"]\n'
            "  next: nothing was published"
        ) in answer.err
    assert not (company.output / "funnel.duckdb").exists()
    assert "no row has ever named the stage `sal`" in funnel("status", "--output", company.output).out
    company.paste('key = "sal"', line_of(answer, "aliases"))
    assert 0 == company.ask("run").code  # the rows wait in the log
    assert 800 == company.entries


def test_a_new_stage_is_declared_unused(tmp_path: Path) -> None:
    """F93: `[checks] unused_stages` lets the run go on although some rows name a stage that nobody knows."""
    company = Company(tmp_path)
    company.deliver("1", sal="Elsewhere", leads=400)
    company.paste('name = "crm"', "max_rejected = 0.9")
    answer = company.ask("run")
    assert 1 == answer.code
    company.toml.write_text(
        company.toml.read_text("utf-8") + f"[checks]\n{line_of(answer, 'unused_stages')}\n", "utf-8"
    )
    assert (0, 0) == (company.ask("check").code, company.ask("run").code)


def test_a_stage_without_rows_is_young_where_every_name_is_known(tmp_path: Path) -> None:
    """F93: Where no row names an unknown stage, nobody has reached the stage yet, and the run goes on."""
    company = Company(tmp_path)
    company.deliver("1", sal="MQL")
    assert (0, 0) == (company.ask("check").code, company.ask("run").code)


def test_a_stage_of_creation_counts_as_named(tmp_path: Path) -> None:
    """F93: With entry_at_creation a lead's created_stage names a stage, whether it was read now or waits in the log."""
    company = Company(tmp_path)
    leads = '[[inputs]]\nname = "people"\ntable = "leads"\npath = "people.csv"\n'
    text = company.toml.read_text("utf-8").replace('name = "Rejects"', 'name = "Rejects"\nentry_at_creation = true')
    company.toml.write_text(f"{text}max_rejected = 0.9\n{leads}", "utf-8")
    (tmp_path / "people.csv").write_text("lead_id,created_stage,created_at\nL900,SAL,2026-01-05\n", "utf-8")
    company.deliver("1", sal="Elsewhere")
    assert (0, 0) == (company.ask("check").code, company.ask("run").code)
    company.deliver("2", sal="Elsewhere", first=100)
    assert 0 == company.ask("run").code


def test_a_group_is_named_by_any_member(tmp_path: Path) -> None:
    """F93: And a message about one names the group with its members."""
    company = Company(tmp_path)
    text = company.toml.read_text("utf-8").replace(
        'name = "Rejects"', 'name = "Rejects"\nheadline = [["mql", "taken"]]'
    )
    third = '[[stages]]\nkey = "won"\ndefinition = "Won."\n'
    group = '[[groups]]\nkey = "taken"\ndefinition = "Taken or won."\nstages = ["sal", "won"]\n'
    company.toml.write_text(text + third + group, "utf-8")
    company.deliver("1", sal="Elsewhere")
    company.paste('name = "crm"', "max_rejected = 0.9")
    answer = company.ask("run")
    assert (1, True) == (answer.code, "no row has ever named a stage of the group `taken` (sal, won)" in answer.err)
    company.deliver("2", sal="Won", first=100)
    assert 0 == company.ask("run").code


def test_an_empty_history_is_no_missing_stage(tmp_path: Path) -> None:
    """F93: A header alone is warned of, as ever."""
    company = Company(tmp_path)
    company.deliver("1", leads=0)
    answer = company.ask("run")
    assert (0, True) == (answer.code, "crm: the newest delivery has no row" in answer.err)


def test_check_fails_for_an_input_that_keeps_nothing(company: Company) -> None:
    """Also where the log took its rows before: a run goes on, and `check` says so."""
    company.toml.write_text(
        company.toml.read_text("utf-8") + '[[inputs]]\nname = "people"\ntable = "leads"\npath = "leads.csv"\n', "utf-8"
    )
    (company.folder / "leads.csv").write_text("lead_id,created_at\nL1,soon\n", "utf-8")
    assert 0 == company.ask("run", "--accept-rejects").code
    answer = company.ask("check")
    assert (1, True) == (answer.code, "error: people: no row is kept, and 1 was read\n" in answer.err)
