"""`funnel forget`: a load leaves the landing log and comes back, and every run in between counts what is there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.ingest.landing import loading
from pipeline.publish import lock
from tests import runs
from tests.cli.commands import Answer, funnel
from tests.delivery import HEADER, entry

pytestmark = pytest.mark.usefixtures("without_report")

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
    """An inbox of history, and the runs over it."""

    def __init__(self, folder: Path) -> None:
        self.toml, self.inbox, self.output = folder / "funnel.toml", folder / "inbox", folder / "build"
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


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Two loads, published: L1 and L2 of the first file, X1 of a false start."""
    found = Company(tmp_path)
    found.deliver("a.csv", "L1", "L2")
    found.run()
    found.deliver("b.csv", "X1")
    found.run()
    return found


def test_a_forgotten_load_is_out_of_every_number_and_back_by_undo(company: Company) -> None:
    """With a summary first; the number of a forgotten load is never given again, and nothing is called lost."""
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
    assert "building on the published run" in company.run()  # and no more of it
    listed = company.ask("forget").out.splitlines()
    assert [(1, False), (2, True), (3, False)] == [
        (int(line.split()[1].rstrip(":")), line.endswith(", forgotten")) for line in listed
    ]
    answer = company.ask("forget", "--undo", "2")
    assert (0, True) == (answer.code, "the next run builds every table again, with load 2" in answer.err)
    assert "every table is built from the whole log: a load was restored to the log" in company.run()
    assert (["L1", "L2", "L3", "X1"], [1, 2, 3]) == (company.leads(), company.loads())
    assert [row for row in company.counts() if row["lead_id"] != "L3"] == whole


def test_a_forgotten_file_is_loaded_again_and_undo_then_asks_for_the_new_load_first(company: Company) -> None:
    """The same rows in two loads would come in twice."""
    company.ask("forget", "2")
    assert "crm: b.csv: 2 rows, 2 new, 0 redelivered" in company.run()
    assert [1, 3] == company.loads()
    answer = company.ask("forget", "--undo", "2")
    assert 2 == answer.code
    assert "the file of load 2 was read again, as load 3\n  next: `funnel forget 3` first" in answer.err
    assert (0, 0) == (company.ask("forget", "3").code, company.ask("forget", "--undo", "2").code)
    company.run()
    assert (["L1", "L2", "X1"], [1, 2]) == (company.leads(), company.loads())


def test_a_load_on_which_later_ones_rest_is_forgotten_with_them(company: Company) -> None:
    """An overlapping export left out the rows that the log had: alone they would be missing."""
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
    """Who forgets a file that was read again by other settings has it as it was read before, and is told."""
    company.toml.write_text(TOML + 'timezone = "America/New_York"\n', "utf-8")
    company.run()
    assert [1, 2, 3, 4] == company.loads()
    answer = company.ask("forget", "4")
    assert (0, True) == (answer.code, "load 2, which it had replaced, counts again" in answer.err)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("forget", "9"), "load 9 is not in the log"),
        (("forget", "--undo", "1"), "load 1 is not forgotten"),
        (("forget", "1", "7", "8"), "load 7 is not in the log; load 8 is not in the log"),
    ],
)
def test_a_load_that_is_not_there_is_refused_with_the_command_that_lists_them(
    company: Company, command: tuple[str, ...], said: str
) -> None:
    """Exit code 2, and nothing moved."""
    answer = company.ask(*command)
    assert 2 == answer.code
    assert said in answer.err
    assert "`funnel forget` without a number lists the loads" in answer.err
    assert [1, 2] == company.loads()


def test_a_run_at_work_keeps_its_log(company: Company) -> None:
    """Exit code 5, as for a second run."""
    with lock.hold(company.output, datetime.now(UTC)):
        assert 5 == company.ask("forget", "2").code
    assert [1, 2] == company.loads()


def test_a_damaged_load_is_not_put_back(company: Company) -> None:
    """Its files are held against their SHA-256 first."""
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
    """And no folder is made."""
    company = Company(tmp_path)
    answer = company.ask("forget", "1")
    assert (2, False) == (answer.code, company.output.exists())
