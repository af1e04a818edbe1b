"""The landing log is the only copy of its rows: a run stops if the log lost a load, and names it."""

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

pytestmark = pytest.mark.usefixtures("history_only")


class Company:
    """A folder of history and the runs over it."""

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

    def run(self, **more: object) -> list[str]:
        """Run once and return the log lines."""
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
    """A company whose first run loaded three files with one lead each."""
    new_company = Company(tmp_path)
    for number, name in enumerate(DAYS):
        new_company.put(name, f"L{number}")
    new_company.run()
    return new_company


@pytest.mark.parametrize("number", [1, 3])
def test_a_load_without_its_manifest_stops_the_run(company: Company, number: int) -> None:
    """The last load counts too, because the published run has it. Moving the folder away loads the file again."""
    (company.load(number) / "manifest.json").unlink()
    for _ in range(2):  # the stopped run does not remove the load
        with pytest.raises(InputError, match="a load has lost its manifest") as stopped:
            company.run()
        assert "move the folder away" in stopped.value.next_step
    with pytest.raises(InputError, match="a load has lost its manifest"):
        check(runs.options(company.toml, company.output))
    shutil.move(company.load(number), company.output / "aside")
    company.run()
    assert ["L0", "L1", "L2"] == company.leads()


def test_a_missing_load_stops_the_run(company: Company) -> None:
    """Its file is no longer an input, so its rows are lost: restore it, or use --allow-incomplete."""
    name = company.inbox / "b.csv"
    shutil.move(name, company.output / "b.csv")
    shutil.rmtree(company.load(2))
    published = (company.output / "funnel.duckdb").resolve()
    for options in ({}, {"from_log": True}, {"full": True}):
        with pytest.raises(
            InputError, match=r"crm: b\.csv, load 2 of the published run, is no longer in the"
        ) as stopped:
            company.run(**options)
        assert "--allow-incomplete" in stopped.value.next_step
    with pytest.raises(InputError, match="is no longer in the landing log"):
        check(runs.options(company.toml, company.output))
    assert published == (company.output / "funnel.duckdb").resolve()

    company.run(allow_incomplete=True)
    assert ["L0", "L2"] == company.leads()
    manifest_content = manifest.read((company.output / "funnel.duckdb").resolve())
    lost_load = "crm: b.csv, load 2 of the published run, is no longer in the landing log"
    assert [lost_load] == manifest_content["accepted_drops"]
    assert f"accepted: {lost_load}" in manifest_content["warnings"]
    company.run()  # an accepted loss does not stop the next run
    shutil.move(company.output / "b.csv", name)
    company.run()
    assert ["L0", "L1", "L2"] == company.leads()


def test_a_reused_load_number_rebuilds_from_the_log(company: Company) -> None:
    """If the published run has other rows under a load number, the run rebuilds everything."""
    shutil.move(company.load(3), company.output / "aside")
    company.put("aa.csv", "L9")  # sorts before c.csv, so it gets number 3, and c.csv the next
    lines = company.run()
    assert ["every table is built from the whole log: a load of the published run is no longer in the log"] == [
        line for line in lines if "whole log" in line
    ]
    assert ["L0", "L1", "L2", "L9"] == company.leads()
    assert ["aa.csv", "c.csv"] == [
        load.file_name for load in loading.open_log(company.output / "landing").loads if load.load_no > 2
    ]
