"""Generated histories are reproducible, have the promised traits, and pass a published run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks import generate
from benchmarks.generate import CORE_TOML, HistorySpec
from pipeline.database.connection import connect
from pipeline.ingest.landing import loading
from tests import runs

SPEC = HistorySpec(entries=20_000, seed=7, ids="sequential", nights=2)
HISTORY = "(from read_parquet('{0}/stage_entries/*.parquet', filename = true, file_row_number = true))"
DELIVERY = "(from read_parquet('{0}/nights/01/stage_entries/*.parquet'))"
LEADS = "(from read_parquet('{0}/leads/*.parquet'))"
BEFORE_AND_AFTER = (
    "(select *, lag(entered_at) over lead_order as before, lag(stage) over lead_order as came_from from {0} "
    "window lead_order as (partition by lead_id order by entered_at, filename, file_row_number))"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("history")
    generate.generate(SPEC, target)
    return target


def ask(folder: Path, sql: str) -> list[Any]:
    """The only row of a query; {history}, {delivery} and {leads} stand for the files."""
    words = {
        name: text.format(folder) for name, text in (("history", HISTORY), ("delivery", DELIVERY), ("leads", LEADS))
    }
    moves = BEFORE_AND_AFTER.format(words["history"])
    row = duckdb.execute(sql.format(**words, moves=moves, folder=folder)).fetchone()
    return list(row or ())


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Two runs with the same arguments write the same files, byte for byte."""
    generate.generate(SPEC, tmp_path)
    assert files(folder) == files(tmp_path)


def test_another_seed_gives_other_rows(folder: Path, tmp_path: Path) -> None:
    """No file of history is the same with another seed."""
    generate.generate(HistorySpec(20_000, seed=8, nights=2), tmp_path)
    one, other = files(folder), files(tmp_path)
    same = {name for name in one if name.suffix == ".parquet" and one[name] == other.get(name)}
    assert same == set()


def files(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_files_of_the_same_arguments_are_reused(folder: Path) -> None:
    """Files of the same arguments and generator are reused, other files are not."""
    assert generate.is_generated(SPEC, folder)
    assert not generate.is_generated(HistorySpec(20_000, seed=8, nights=2), folder)
    assert not generate.is_generated(SPEC, folder / "nights")


def test_the_history_has_the_requested_size(folder: Path) -> None:
    """The history has about the requested rows, 4.3 per lead, and ten stages over three years."""
    rows, leads, stages, years = ask(
        folder,
        "select count(*), count(distinct lead_id), count(distinct stage), count(distinct year(entered_at)) "
        "from {history} where entered_at < timestamp '2026-01-01' and stage <> 'Partner Review'",
    )
    assert rows == pytest.approx(20_000, rel=0.03)
    assert rows / leads == pytest.approx(4.3, rel=0.03)
    assert (stages, years) == (10, 3)


@pytest.mark.parametrize(
    ("trait", "sql", "at_least"),
    [
        (
            "exact duplicates",
            "select count(*) - count(distinct (lead_id, stage, entered_at, owner)) from {history} where filename like '%history%'",
            45,
        ),
        ("re-assertions", "select count(*) from {moves} where stage = came_from and entered_at > before", 100),
        ("same-second moves", "select count(*) from {moves} where stage <> came_from and entered_at = before", 300),
        (
            "recycles",
            "select count(*) from {moves} where came_from = 'Recycled' and stage = 'Marketing Qualified'",
            100,
        ),
        (
            "skips",
            "select count(*) from {moves} where came_from = 'Marketing Created' and stage = 'Marketing Qualified'",
            100,
        ),
        (
            "moves back",
            "select count(*) from {moves} where came_from = 'Sales Accepted' and stage = 'Marketing Qualified'",
            50,
        ),
        ("late arrivals", "select count(*) from {history} where filename like '%later%'", 80),
        (
            "rows delivered twice",
            "select count(*) from (select lead_id, stage, entered_at, owner from {history} where filename like '%later%' "
            "intersect select lead_id, stage, entered_at, owner from {history} where filename like '%/history%')",
            3,
        ),
        ("unknown stages", "select count(*) from {history} where stage = 'Partner Review'", 1),
        ("rows without a lead", "select count(*) from {history} where lead_id is null", 1),
        ("rows after as-of", "select count(*) from {history} where entered_at >= timestamp '2026-01-01'", 1),
        ("leads delivered again", "select count(*) - count(distinct lead_id) from {leads}", 20),
        ("merges", "select count(*) from '{folder}/merges/*.parquet'", 5),
        (
            "deletions before the last move",
            "select count(*) from '{folder}/deletions/*.parquet' d where exists "
            "(from {history} h where h.lead_id = d.lead_id and h.entered_at > d.deleted_at)",
            1,
        ),
        (
            "an account of many leads",
            "select max(leads) from (select count(distinct lead_id) as leads from {leads} group by account_id)",
            60,
        ),
        (
            "accounts of one lead",
            "select count(*) from (select account_id from {leads} group by 1 having count(distinct lead_id) = 1)",
            100,
        ),
        ("new moves of a delivery", "select count(*) from {delivery} where entered_at::date = date '2026-01-01'", 15),
        ("leads of a delivery", "select count(distinct lead_id) from {delivery}", 10),
    ],
)
def test_the_history_has_each_trait(folder: Path, trait: str, sql: str, at_least: int) -> None:
    """The history has every trait of a real one often enough."""
    assert ask(folder, sql)[0] >= at_least, trait


def test_ids_are_unique_and_sequential_or_hashed(folder: Path, tmp_path: Path) -> None:
    """Ids have 18 characters; sequential ones sort as their leads were created, hashed ones do not; both are unique."""
    generate.generate(HistorySpec(20_000, ids="hashed"), tmp_path)
    order = "select count(*), count(distinct lead_id), min(length(lead_id)), max(length(lead_id)), "
    order += "count(*) filter (created_at < before) from (select *, lag(created_at) over (order by lead_id) as before "
    order += "from '{folder}/leads/history*.parquet')"
    assert ask(folder, order) == [4651, 4651, 18, 18, 0]
    *others, out_of_order = ask(tmp_path, order)
    assert others == [4651, 4651, 18, 18]
    assert out_of_order == pytest.approx(4651 / 2, rel=0.1)


def test_a_run_over_the_history_is_published(folder: Path, tmp_path: Path) -> None:
    """A run over the history has no failed check, and every row of every input is accounted for."""
    done = runs.run(folder / CORE_TOML, tmp_path)
    rows = {account["input"]: account for account in done.accounting}
    delivered = json.loads((folder / "generated.json").read_text("utf-8"))["rows"]
    for table, name in (("stage_entries", "crm_history"), ("leads", "crm_leads"), ("accounts", "crm_accounts")):
        assert rows[name]["rows_read"] == sum(
            count for file, count in delivered.items() if file.startswith(f"{table}/")
        )
    manifest = json.loads((tmp_path / "runs" / done.run_id / "manifest.json").read_text("utf-8"))
    assert [check for check in manifest["checks"] if check["broken"]] == []
    assert len(manifest["checks"]) > 50
    why = ("rejected", "redelivered", "after_as_of", "out_of_scope", "duplicates", "repeats", "kept")
    assert [row["rows_read"] for row in done.accounting] == [sum(row[each] for each in why) for row in done.accounting]
    history = rows["crm_history"]
    assert all(history[why] > 0 for why in ("rejected", "redelivered", "after_as_of", "duplicates", "repeats", "kept"))


def test_a_daily_delivery_adds_one_file_per_input(tmp_path: Path) -> None:
    """A delivery copied into the folder adds one file to each input, and no row is rejected."""
    folder = tmp_path / "history"
    generate.generate(HistorySpec(20_000, nights=1), folder)
    shutil.copytree(folder / "nights" / "01", folder, dirs_exist_ok=True)
    run_options = runs.options(folder / CORE_TOML, tmp_path / "out", as_of=generate.as_of(1))
    connection = connect(None, run_options.settings, reads_files=True)
    outcome = loading.load_inputs(
        connection, run_options.configuration, run_options.log_folder, clock=run_options.clock, as_of=run_options.as_of
    )
    delivered = {load.input: load.landed for load in outcome.loads if load.file_name == "night-01.parquet"}
    assert outcome.refused == ()
    assert delivered["crm_history"] >= 15
    assert delivered["crm_leads"] >= 1
