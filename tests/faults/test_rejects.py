"""docs/FAULTS.md, 91 to 93 (E12): a delivery whose rows are rejected, and a headline stage without rows.

Each stops with exit code 1; the tests paste the lines of its message into the configuration, as a user would.
"""

from __future__ import annotations

import re
import shutil
from contextlib import nullcontext
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
    """A folder of history with its configuration, and the runs over it."""

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

    def ask(self, *command: str, with_report: bool = False) -> Answer:
        where = ("--output", self.output) if command[0] != "check" else ()
        with nullcontext() if with_report else runs.history_only():
            return funnel(*command, *AS_OF, "--config", self.toml, *where)

    def paste(self, after: str, line: str) -> None:
        """Write a line into the block that starts with the line `after`, and replace the line of the same key."""
        key = line.partition(" =")[0]
        head, separator, tail = self.toml.read_text("utf-8").partition(f"{after}\n")
        block, bracket, rest = tail.partition("\n[")
        other_lines = "".join(f"{each}\n" for each in block.splitlines() if each.partition(" =")[0] != key)
        self.toml.write_text(f"{head}{separator}{line}\n{other_lines}{bracket.removeprefix(chr(10))}{rest}", "utf-8")

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


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a company with a published run of one file."""
    company = Company(tmp_path_factory.mktemp("first_run"))
    company.deliver("1", first=100)
    assert 0 == company.ask("run").code
    return company.folder


@pytest.fixture
def company(first_run: Path, tmp_path: Path) -> Company:
    """A copy of that company, which a test may change."""
    return Company(Path(shutil.copytree(first_run, tmp_path / "company", symlinks=True)))


def line_of(answer: Answer, key: str) -> str:
    """The only line of the message that begins with `key`, without its comment."""
    (line,) = re.findall(rf"^ +({key} = .*?)(?:   #.*)?$", answer.err, re.MULTILINE)
    return str(line)


def test_a_changed_time_format_stops_the_run_and_is_named(company: Company) -> None:
    """F91: The exit code is 1, the old pages stay, `check` and `status` agree; the pasted line reads old and new files."""
    before = page(company.output)
    company.deliver("2", times=US)
    message = (
        "error: crm: entries-2.csv: every row is rejected; max_rejected allows 5 %\n"
        "  rejected rows: 60 unreadable_time\n"
        "  times look like `99/99/9999 99:99 AA` (60)\n"
        '    time_format = ["iso", "%m/%d/%Y %I:%M %p"]   '
        "# in [[inputs]] crm: the first that reads a text counts; the month comes first\n"
        "  next: nothing was published"
    )
    for command in ("check", "run", "run"):  # the second run tests the file again
        answer = company.ask(command)
        assert (1, True) == (answer.code, message in answer.err)
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


def test_an_ambiguous_order_of_month_and_day_is_not_guessed(company: Company) -> None:
    """F91: If no day is above 12, the message has both lines; if one is, only the line that reads it."""
    company.deliver("2", times="%d/%m/%Y", days=9)
    answer = company.ask("run")
    assert 1 == answer.code
    assert "it is not clear whether the month or the day comes first: no day is above 12. Use one of\n" in answer.err
    assert '    time_format = ["iso", "%m/%d/%Y"]   #' in answer.err
    assert '    time_format = ["iso", "%d/%m/%Y"]   #' in answer.err
    company.deliver("2", times="%d/%m/%Y")
    answer = company.ask("run")
    assert 'time_format = ["iso", "%d/%m/%Y"]' == line_of(answer, "time_format")


def test_a_swap_of_day_and_month_gets_no_list_of_both_formats(company: Company) -> None:
    """F91: A list would read 4 May as 5 April, so these files need their own block."""
    company.deliver("2", times="%m/%d/%Y")
    company.paste('name = "crm"', line_of(company.ask("run"), "time_format"))
    assert 0 == company.ask("run").code
    company.deliver("3", times="%d/%m/%Y", first=500)
    answer = company.ask("run")
    assert 1 == answer.code
    assert 'time_format = "%d/%m/%Y"' == line_of(answer, "time_format")
    assert "a list of both formats would mix up day and month" in answer.err


def test_accepted_rejects_are_in_the_manifest_and_are_loaded_with_the_right_format(company: Company) -> None:
    """F91: `--accept-rejects` publishes with a banner; the corrected format reads the file again."""
    company.deliver("2", times=US)
    answer = company.ask("run", "--accept-rejects", with_report=True)
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
    assert 0 == company.ask("run", with_report=True).code
    assert (120, False) == (company.entries, b"rejected" in page(company.output).partition(b"notices")[2][:2000])
    assert [] == company.manifest["accepted_rejects"]


def test_renamed_stages_stop_the_run_and_the_message_has_the_aliases(company: Company) -> None:
    """F92: For a near name the message has the complete alias line of its stage; for the others it has the count."""
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


def test_an_unknown_name_is_reported_with_the_stages_that_have_no_rows(company: Company) -> None:
    """F92: The message does not guess the stage; it has the alias line and the stages that the file never names."""
    company.deliver("2", sal="Working")
    answer = company.ask("run")
    assert 1 == answer.code
    assert (
        '    aliases = ["Working"]   # beside those of the stage that is meant; no row of the file names sal\n'
        in answer.err
    )


@pytest.mark.parametrize(("bad", "more", "code"), [(19, "", 0), (20, "", 1), (20, "max_rejected = 0.5\n", 0)])
def test_twenty_rejected_rows_above_max_rejected_stop_the_run(tmp_path: Path, bad: int, more: str, code: int) -> None:
    """F92: Fewer rows do not stop it at any share; an input may allow more."""
    company = Company(tmp_path)
    company.toml.write_text(company.toml.read_text("utf-8") + more, "utf-8")
    company.deliver("1")
    company.deliver("2", sal="Working", leads=bad, first=100)
    assert code == company.ask("run").code


def test_the_banner_does_not_count_corrected_rows(company: Company) -> None:
    """F92: It counts only the newest delivery, with its denominator, by the current aliases."""
    company.deliver("2", sal="Working", leads=10, first=200)
    assert 0 == company.ask("run", with_report=True).code
    banner = b"crm: 10 of 20 rows of the newest delivery are rejected, 10 of them for a stage that no alias names."
    assert banner in page(company.output)
    assert banner in (company.output / "reports" / "email.txt").read_bytes().replace(b"\n  ", b" ")
    company.paste('key = "sal"', 'aliases = ["Sales Accepted", "Working"]')
    assert 0 == company.ask("run", with_report=True).code
    assert (80, False) == (company.entries, b"of the newest delivery" in page(company.output))
    company.deliver("3", sal="Nowhere", leads=1, first=300)
    assert 0 == company.ask("run", with_report=True).code
    assert b"crm: 1 of 2 rows of the newest delivery is rejected" in page(company.output)
    company.deliver("4", first=400)
    assert 0 == company.ask("run", with_report=True).code
    assert b"of the newest delivery" not in page(company.output)


def test_a_headline_stage_without_rows_stops_the_run(tmp_path: Path) -> None:
    """F93: The message has the nearest unknown names with counts, the alias line, and the setting for a new stage."""
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
    assert 0 == company.ask("run").code  # the log already has the rows
    assert 800 == company.entries


def test_a_stage_declared_unused_needs_no_rows(tmp_path: Path) -> None:
    """F93: With `[checks] unused_stages` the run continues, although some rows name an unknown stage."""
    company = Company(tmp_path)
    company.deliver("1", sal="Elsewhere", leads=400)
    company.paste('name = "crm"', "max_rejected = 0.9")
    answer = company.ask("run")
    assert 1 == answer.code
    company.toml.write_text(
        company.toml.read_text("utf-8") + f"[checks]\n{line_of(answer, 'unused_stages')}\n", "utf-8"
    )
    assert (0, 0) == (company.ask("check").code, company.ask("run").code)


def test_a_stage_without_rows_is_valid_if_every_name_is_known(tmp_path: Path) -> None:
    """F93: If no row names an unknown stage, no lead has reached the stage yet, and the run continues."""
    company = Company(tmp_path)
    company.deliver("1", sal="MQL")
    assert (0, 0) == (company.ask("check").code, company.ask("run").code)


def test_a_stage_of_creation_counts_as_named(tmp_path: Path) -> None:
    """F93: With entry_at_creation a lead's created_stage names a stage, whether it is in this load or in the log."""
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
    """F93: A message about a group names its members."""
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
    """F93: A header alone gives a warning as usual."""
    company = Company(tmp_path)
    company.deliver("1", leads=0)
    answer = company.ask("run")
    assert (0, True) == (answer.code, "crm: the newest delivery has no row" in answer.err)


def test_check_fails_for_an_input_without_kept_rows(company: Company) -> None:
    """This includes an input whose rows are already in the log: the run continues, and `check` fails."""
    company.toml.write_text(
        company.toml.read_text("utf-8") + '[[inputs]]\nname = "people"\ntable = "leads"\npath = "leads.csv"\n', "utf-8"
    )
    (company.folder / "leads.csv").write_text("lead_id,created_at\nL1,soon\n", "utf-8")
    assert 0 == company.ask("run", "--accept-rejects").code
    answer = company.ask("check")
    assert (1, True) == (answer.code, "error: people: no row is kept, and 1 was read\n" in answer.err)
