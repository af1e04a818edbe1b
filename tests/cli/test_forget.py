"""`funnel forget` removes a load from the landing log and restores it; each run counts the loads that are there."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.ingest.landing import loading
from pipeline.publish import lock
from tests import runs
from tests.cli.commands import Answer, funnel
from tests.delivery import HEADER, entry

pytestmark = pytest.mark.usefixtures("history_only")

TOML = """
[funnel]
name = "Forgotten"
[[stages]]
key = "mql"
definition = "Ready."
[[stages]]
key = "sal"
definition = "Taken."
[[inputs]]
name = "crm"
table = "stage_entries"
path = "inbox/*.csv"
"""


class Company:
    """A folder of history, and the runs over it."""

    def __init__(self, folder: Path) -> None:
        self.toml, self.inbox, self.output = folder / "funnel.toml", folder / "inbox", folder / "build"

    def set_up(self) -> None:
        self.inbox.mkdir()
        self.toml.write_text(TOML, "utf-8")

    def deliver(self, name: str, *leads: str) -> None:
        rows = [entry(lead) + entry(lead, "SAL", "2026-02-05T14:00:00Z") for lead in leads]
        (self.inbox / name).write_text(HEADER + "".join(rows), "utf-8")

    def ask(self, *command: object) -> Answer:
        return funnel(*command, "--config", self.toml, "--output", self.output)

    def run(self) -> str:
        answer = self.ask("run")
        assert 0 == answer.code, answer.err
        return answer.err

    def leads(self) -> list[str]:
        rows = runs.ask(self.output, "select distinct lead_id from clean.stage_entries order by all")
        return [row["lead_id"] for row in rows]

    def counts(self) -> list[dict[str, object]]:
        return runs.ask(
            self.output,
            "select lead_id, stage, entered_at, exited_at, cycle_no from journey.stage_spans order by all",
        )

    def loads(self) -> list[int]:
        return [load.load_no for load in loading.open_log(self.output / "landing").loads]


@pytest.fixture(scope="module")
def two_loads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a company with a published run of two loads: L1 and L2 of the first file, X1 of the second."""
    folder = tmp_path_factory.mktemp("two_loads")
    company = Company(folder)
    company.set_up()
    with runs.history_only():
        company.deliver("a.csv", "L1", "L2")
        company.run()
        company.deliver("b.csv", "X1")
        company.run()
    return folder


@pytest.fixture
def company(two_loads: Path, tmp_path: Path) -> Company:
    """A copy of the company with two loads, which a test may change."""
    return Company(Path(shutil.copytree(two_loads, tmp_path / "company", symlinks=True)))


def test_a_forgotten_load_counts_in_no_number_until_undo(company: Company) -> None:
    """`forget` prints a summary; the number of the load is not used again, and no load is reported as lost."""
    whole = company.counts()
    answer = company.ask("forget", "2")
    assert 0 == answer.code
    first, aside, advice = answer.err.splitlines()
    assert first.startswith("load 2: crm: b.csv, read 2")
    assert first.endswith(" UTC, 2 rows, 0 rejected on landing, 2 kept")
    assert aside.startswith("moved to ")
    assert advice.startswith(
        "the next run builds every table without load 2; until then the published run still counts"
    )
    assert ["L1", "L2", "X1"] == company.leads()  # until the next run
    (company.inbox / "b.csv").rename(company.inbox / "b.txt")
    company.deliver("c.csv", "L3")
    assert (
        "every table is built from the whole log: a load of the published run is no longer in the log" in company.run()
    )
    assert (["L1", "L2", "L3"], [1, 3]) == (company.leads(), company.loads())
    assert "building on the published run" in company.run()  # and nothing else
    listed = company.ask("forget").out.splitlines()
    assert [(1, False), (2, True), (3, False)] == [
        (int(line.split()[1].rstrip(":")), line.endswith(", forgotten")) for line in listed
    ]
    answer = company.ask("forget", "--undo", "2")
    assert (0, True) == (answer.code, "the next run builds every table again, with load 2" in answer.err)
    assert "every table is built from the whole log: a load was restored to the log" in company.run()
    assert (["L1", "L2", "L3", "X1"], [1, 2, 3]) == (company.leads(), company.loads())
    assert [row for row in company.counts() if row["lead_id"] != "L3"] == whole


def test_undo_needs_the_new_load_forgotten_first_if_the_file_was_loaded_again(company: Company) -> None:
    """With both loads the same rows would count twice."""
    company.ask("forget", "2")
    assert "crm: b.csv: 2 rows, 2 new, 0 redelivered" in company.run()
    assert [1, 3] == company.loads()
    answer = company.ask("forget", "--undo", "2")
    assert 2 == answer.code
    assert "the file of load 2 was read again, as load 3\n  next: `funnel forget 3` first" in answer.err
    assert (0, 0) == (company.ask("forget", "3").code, company.ask("forget", "--undo", "2").code)
    company.run()
    assert (["L1", "L2", "X1"], [1, 2]) == (company.leads(), company.loads())


def test_a_load_with_dependent_later_loads_is_forgotten_with_them(company: Company) -> None:
    """A later overlapping load omits the rows of the first: without the first load they would be missing."""
    company.deliver("c.csv", "L1", "L2", "L4")
    company.run()
    answer = company.ask("forget", "1")
    assert 2 == answer.code
    assert "load 3 came later and skipped rows that were already in the log; they would be missing" in answer.err
    assert "next: `funnel forget 1 3`" in answer.err
    assert [1, 2, 3] == company.loads()
    (company.inbox / "a.csv").unlink()
    assert 0 == company.ask("forget", "1", "3").code
    company.run()
    assert (["L1", "L2", "L4", "X1"], [2, 4]) == (company.leads(), company.loads())


def test_a_load_that_another_replaced_counts_again(company: Company) -> None:
    """Forgetting a file that was read again with other settings restores the earlier load, and the message names it."""
    company.toml.write_text(TOML + 'timezone = "America/New_York"\n', "utf-8")
    company.run()
    assert [1, 2, 3, 4] == company.loads()
    answer = company.ask("forget", "4")
    assert (0, True) == (answer.code, "load 2, which it had replaced, counts again" in answer.err)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("forget", "9"), "load 9 is not in the log"),
        (("forget", "--undo", "1"), "load 1 is not forgotten"),
        (("forget", "1", "7", "8"), "load 7 is not in the log; load 8 is not in the log"),
    ],
)
def test_an_unknown_load_is_refused_with_the_command_that_lists_loads(
    company: Company, command: tuple[str, ...], message: str
) -> None:
    """The exit code is 2, and no load moves."""
    answer = company.ask(*command)
    assert 2 == answer.code
    assert message in answer.err
    assert "`funnel forget` without a number lists the loads" in answer.err
    assert [1, 2] == company.loads()


def test_forget_is_refused_during_a_run(company: Company) -> None:
    """The exit code is 5, as for a second run."""
    with lock.hold(company.output, datetime.now(UTC)):
        assert 5 == company.ask("forget", "2").code
    assert [1, 2] == company.loads()


def test_a_damaged_load_is_not_restored(company: Company) -> None:
    """`forget --undo` first compares the files with their SHA-256."""
    company.ask("forget", "2")
    (rows,) = (company.output / "landing" / ".forgotten" / "crm").glob("000002-*/rows.parquet")
    content = bytearray(rows.read_bytes())
    content[len(content) // 2] ^= 1
    rows.chmod(0o600)
    rows.write_bytes(bytes(content))
    answer = company.ask("forget", "--undo", "2")
    assert (3, True) == (answer.code, "the landing log is damaged: its content changed" in answer.err)
    assert [1] == company.loads()


def test_without_a_log_there_is_nothing_to_forget(tmp_path: Path) -> None:
    """The command creates no folder."""
    company = Company(tmp_path)
    company.set_up()
    answer = company.ask("forget", "1")
    assert (2, False) == (answer.code, company.output.exists())
