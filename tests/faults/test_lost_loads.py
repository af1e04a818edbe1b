"""The landing log is the only copy of its rows: a run stops and names what the log lost, whatever the cause."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from delivery import HEADER, entry

from pipeline.errors import InputError
from pipeline.ingest.landing import loading
from pipeline.publish import manifest
from pipeline.run.loading import check
from tests import runs
from tests.logged import logged

DAYS = ("a.csv", "b.csv", "c.csv")

pytestmark = pytest.mark.usefixtures("without_report")


class Company:
    """A folder of history, and its runs."""

    def __init__(self, tmp_path: Path) -> None:
        self.toml = tmp_path / "funnel.toml"
        self.inbox = tmp_path / "inbox"
        self.output = tmp_path / "out"
        self.inbox.mkdir()
        self.toml.write_text(
            """
[funnel]
name = "Three days"

[[stages]]
key = "mql"
definition = "Qualified by marketing."

[[stages]]
key = "sal"
definition = "Accepted by sales."

[[inputs]]
name = "crm"
table = "stage_entries"
path = "inbox/*.csv"

[checks]
unused_stages = ["sal"]
""",
            "utf-8",
        )

    def put(self, name: str, lead: str) -> None:
        (self.inbox / name).write_text(HEADER + entry(lead), "utf-8")

    def night(self, **more: object) -> list[str]:
        """What it said."""
        with logged() as lines:
            runs.run(self.toml, self.output, **more)
        return lines

    def leads(self) -> list[str]:
        return [row["lead_id"] for row in runs.ask(self.output, "select lead_id from clean.lead_ids order by all")]

    def load(self, number: int) -> Path:
        (folder,) = (self.output / "landing" / "crm").glob(f"{number:06}-*")
        return folder


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Its first run counted three files, one lead each."""
    made = Company(tmp_path)
    for number, name in enumerate(DAYS):
        made.put(name, f"L{number}")
    made.night()
    return made


@pytest.mark.parametrize("number", [1, 3])
def test_a_manifest_that_is_gone_stops_the_run(company: Company, number: int) -> None:
    """Of the last load, too: the published run counted it. Moving the folder away reads the file again, as is said."""
    (company.load(number) / "manifest.json").unlink()
    for _ in range(2):  # what stops a run does not sweep it
        with pytest.raises(InputError, match="a load has lost its manifest") as stopped:
            company.night()
        assert "move the folder away" in stopped.value.next_step
    with pytest.raises(InputError, match="a load has lost its manifest"):
        check(runs.options(company.toml, company.output))
    shutil.move(company.load(number), company.output / "aside")
    company.night()
    assert ["L0", "L1", "L2"] == company.leads()


def test_a_load_that_is_gone_stops_the_run(company: Company) -> None:
    """Its file is among the inputs no more, so its rows are nowhere: put it back, or accept that by name."""
    name = company.inbox / "b.csv"
    shutil.move(name, company.output / "b.csv")
    shutil.rmtree(company.load(2))
    published = (company.output / "funnel.duckdb").resolve()
    for options in ({}, {"from_log": True}, {"full": True}):
        with pytest.raises(
            InputError, match=r"crm: b\.csv, load 2 of the published run, is no longer in the"
        ) as stopped:
            company.night(**options)
        assert "--allow-incomplete" in stopped.value.next_step
    with pytest.raises(InputError, match="is no longer in the landing log"):
        check(runs.options(company.toml, company.output))
    assert published == (company.output / "funnel.duckdb").resolve()

    company.night(allow_incomplete=True)
    assert ["L0", "L2"] == company.leads()
    held = manifest.read((company.output / "funnel.duckdb").resolve())
    gone = "crm: b.csv, load 2 of the published run, is no longer in the landing log"
    assert [gone] == held["accepted_drops"]
    assert f"accepted: {gone}" in held["warnings"]
    company.night()  # what was accepted is not asked again
    shutil.move(company.output / "b.csv", name)
    company.night()
    assert ["L0", "L1", "L2"] == company.leads()


def test_the_number_of_a_load_that_was_moved_away_may_be_another_file_s(company: Company) -> None:
    """A run does not go on from a published one that counted other rows under the same number."""
    shutil.move(company.load(3), company.output / "aside")
    company.put("aa.csv", "L9")  # before c.csv: it gets number 3 now, and c.csv the next
    said = company.night()
    assert ["every table is built from the whole log: a load of the published run is no longer in the log"] == [
        line for line in said if "whole log" in line
    ]
    assert ["L0", "L1", "L2", "L9"] == company.leads()
    assert ["aa.csv", "c.csv"] == [
        load.file_name for load in loading.open_log(company.output / "landing").loads if load.load_no > 2
    ]
