"""A run makes again only the leads that changed, and its tables are row for row those of a full rebuild."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from unittest import mock

import duckdb
import pytest

from pipeline.errors import FunnelError
from pipeline.explore import query
from pipeline.transform import incremental
from pipeline.transform.incremental import INCREMENTAL_TABLES
from tests import runs
from tests.cli.deliveries import OPENING, Company
from tests.logged import logged

NIGHTS = 4


def as_of(number: int) -> str:
    """The end of the day that a delivery is about."""
    return (OPENING + timedelta(days=number)).isoformat()


def run(company: Company, output: Path, number: int, **more: object) -> list[str]:
    """One run; what it said."""
    with logged() as lines:
        runs.run(company.toml, output, as_of=as_of(number), **more)
    return lines


def rebuilt(company: Company, output: Path, number: int) -> Path:
    """All of it again from the same log, elsewhere."""
    beside = output.with_name(f"{output.name}-rebuilt-{number}")
    beside.mkdir()
    shutil.copytree(output / "landing", beside / "landing")
    run(company, beside, number, from_log=True)
    return beside


def tables(output: Path) -> dict[str, str]:
    """Every table and view of a published file, with its columns."""
    with query.open_published(output) as connection:
        return dict(
            connection.execute(
                "select table_schema || '.' || table_name, string_agg(column_name || ' ' || data_type, ', ' order by "
                "column_name) from information_schema.columns where table_catalog = current_database() group by all"
            ).fetchall()
        )


def differing(one: Path, other: Path) -> dict[str, int]:
    """How many rows of each table one of the two files has and the other has not; duplicates count."""
    found = {}
    with duckdb.connect() as connection:
        for name, folder in (("one", one), ("other", other)):
            connection.execute(f"attach '{folder / 'funnel.duckdb'}' as {name} (read_only)")
        for table in tables(one):
            rows = connection.execute(
                f"select count(*) from ((from one.{table} except all from other.{table}) "
                f"union all (from other.{table} except all from one.{table}))"
            ).fetchone()
            if rows and rows[0]:
                found[table] = rows[0]
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_runs_give_the_rows_of_a_full_rebuild(tmp_path: Path, seed: int) -> None:
    """Run after run of late, corrected, merged, deleted and future rows: the file is that of a rebuild, whole."""
    company, output = Company(tmp_path / "in", seed), tmp_path / "out"
    company.open()
    with runs.without_report():  # each run builds the report tables whole: the last one shows them
        assert not [line for line in run(company, output, 0) if "building on" in line]
    for number in range(1, NIGHTS + 1):
        company.deliver(number)
        with runs.without_report() if number < NIGHTS else nullcontext():
            said = run(company, output, number)
            assert [line for line in said if line.startswith("building on the published run")], said
            if number % 2 == 0:
                beside = rebuilt(company, output, number)
                assert tables(beside) == tables(output)
                assert {} == differing(beside, output)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, Path]:
    """A company after its first run."""
    folder = tmp_path_factory.mktemp("opened")
    company, output = Company(folder / "in", 3), folder / "out"
    company.open()
    with runs.without_report():
        run(company, output, 0)
    return company, output


def copy(opened: tuple[Company, Path], folder: Path) -> tuple[Company, Path]:
    """The same, to change."""
    company, output = opened
    shutil.copytree(company.folder, folder / "in")
    shutil.copytree(output, folder / "out", symlinks=True)
    twin = Company(folder / "in", 4)
    return twin, folder / "out"


def full_build_reasons(said: list[str]) -> list[str]:
    """Why a run builds every table from the whole log, as it logs it."""
    return [
        line.removeprefix("every table is built from the whole log: ")
        for line in said
        if line.startswith("every table")
    ]


@pytest.mark.usefixtures("without_report")
def test_a_changed_waterfall_is_rebuilt(opened: tuple[Company, Path], tmp_path: Path) -> None:
    """Another order of stages shapes history: nothing is kept, and the run says why."""
    company, output = copy(opened, tmp_path)
    text = company.toml.read_text("utf-8")
    company.toml.write_text(text.replace('kind = "detour"', 'kind = "hold"'), "utf-8")
    assert [
        "the configuration changed since the published run in a way that changes the history"
    ] == full_build_reasons(run(company, output, 1))
    assert {} == differing(rebuilt(company, output, 1), output)


@pytest.mark.usefixtures("without_report")
def test_another_window_continues(opened: tuple[Company, Path], tmp_path: Path) -> None:
    """Windows, limits and the like shape no history: the leads are kept, and the marts follow the configuration."""
    company, output = copy(opened, tmp_path)
    text = company.toml.read_text("utf-8")
    company.toml.write_text(
        text.replace("windows = [7, 30]", "windows = [14]").replace('"2 days"', '"3 days"'), "utf-8"
    )
    assert [] == full_build_reasons(run(company, output, 1))
    assert {} == differing(rebuilt(company, output, 1), output)


@pytest.mark.usefixtures("without_report")
def test_a_snapshot_that_comes_late_continues(tmp_path: Path) -> None:
    """It alters the time of the next snapshot for the leads that it has, and for no other lead."""
    company, output = Company(tmp_path / "in", 6), tmp_path / "out"
    company.open()
    with company.toml.open("a", encoding="utf-8") as file:
        file.write('\n[[inputs]]\nname = "copies"\nformat = "stage_snapshots"\npath = "copies-*.csv"\n')
    history = company.folder / "entries-000.csv"
    history.write_text(
        history.read_text("utf-8") + "L0001,sal,2026-02-10 12:00:00,Ann\nL0002,sal,2026-02-10 12:00:00,Ann\n"
    )
    snapshot(company, 9, L0001="mql", L0002="mql", L0003="mql")
    snapshot(company, 12, L0001="sal", L0002="sal", L0003="sal")
    run(company, output, 0)
    of_copies = (
        "select rows.disposition from clean.entry_rows as rows join clean.loads as loads using (load_no) "
        "where loads.input = 'copies' and rows.entered_at > '2026-02-12' order by rows.lead_no"
    )
    with query.open_published(output) as connection:
        assert [("duplicate",), ("duplicate",), ("kept",)] == connection.execute(of_copies).fetchall()
    snapshot(company, 11, L0001="mql", L0003="sal")
    assert [] == full_build_reasons(run(company, output, 0))
    assert {} == differing(rebuilt(company, output, 0), output)
    with query.open_published(output) as connection:
        assert [("kept",), ("duplicate",), ("repeat",)] == connection.execute(of_copies).fetchall()


def snapshot(company: Company, day: int, **stages: str) -> None:
    """A copy of some leads on a day of February."""
    rows = "".join(f"{lead},{stage}\n" for lead, stage in stages.items())
    (company.folder / f"copies-2026-02-{day:02}.csv").write_text(f"lead_id,status\n{rows}", "utf-8")


@pytest.mark.usefixtures("without_report")
def test_full_rebuilds_everything(opened: tuple[Company, Path], tmp_path: Path) -> None:
    """`--full` keeps nothing, and says nothing of a run before."""
    company, output = copy(opened, tmp_path)
    said = run(company, output, 1, full=True)
    assert [] == [line for line in said if "building on" in line or "whole log" in line]
    assert {} == differing(rebuilt(company, output, 1), output)


@pytest.mark.usefixtures("without_report")
def test_an_earlier_as_of_is_rebuilt(opened: tuple[Company, Path], tmp_path: Path) -> None:
    """What had happened by the published run may not have happened yet."""
    company, output = copy(opened, tmp_path)
    assert ["as-of is before that of the published run"] == full_build_reasons(run(company, output, -3))
    assert {} == differing(rebuilt(company, output, -3), output)


@pytest.mark.usefixtures("without_report")
def test_a_damaged_file_is_rebuilt(opened: tuple[Company, Path], tmp_path: Path) -> None:
    """A published file that can't be read is no ground to build on, and no reason to fail."""
    company, output = copy(opened, tmp_path)
    file = (output / "funnel.duckdb").resolve()
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:5000])
    assert ["the published database is corrupt"] == full_build_reasons(run(company, output, 1))
    assert {} == differing(rebuilt(company, output, 1), output)


@pytest.mark.usefixtures("without_report")
def test_many_changes_are_rebuilt(opened: tuple[Company, Path], tmp_path: Path) -> None:
    """When every lead moved, the whole is the shorter way."""
    company, output = copy(opened, tmp_path)
    company.open_again(1)
    assert ["too many leads may have changed"] == full_build_reasons(run(company, output, 1))
    assert {} == differing(rebuilt(company, output, 1), output)


def test_a_reader_sees_the_run_before_until_the_swap(opened: tuple[Company, Path], tmp_path: Path) -> None:
    """The published file is copied, never written: a run that fails half-way leaves it byte for byte."""
    company, output = copy(opened, tmp_path)
    before = (output / "funnel.duckdb").read_bytes()
    company.deliver(1)

    stopped = FunnelError("stopped")
    with (
        mock.patch.object(incremental, "_replace_changed_rows", side_effect=stopped),
        pytest.raises(FunnelError, match="stopped"),
    ):
        runs.run(company.toml, output, as_of=as_of(1))
    assert before == (output / "funnel.duckdb").read_bytes()
    assert 1 == len(list((output / "runs").iterdir()))


def test_the_file_does_not_grow(opened: tuple[Company, Path], tmp_path: Path) -> None:
    """What a run replaces gives its blocks back: runs without news leave the file as large as one does."""
    company, output = copy(opened, tmp_path)
    run(company, output, 0)
    size = (output / "funnel.duckdb").stat().st_size
    for _ in range(3):
        run(company, output, 0)
    assert (output / "funnel.duckdb").stat().st_size <= size * 1.06


def test_deleted_rows_do_not_pile_up(tmp_path: Path) -> None:
    """DuckDB keeps a deleted row in the file: when there are many, the table is written again, its comments with it."""
    company, output = Company(tmp_path / "in", 5), tmp_path / "out"
    company.open()
    run(company, output, 0)
    for number in range(1, NIGHTS + 1):
        company.deliver(number)
        run(company, output, number)
        with query.open_published(output) as connection:
            for table in INCREMENTAL_TABLES[1:]:
                rows, stored = connection.execute(
                    f"select (select count(*) from {table}), sum(count) from pragma_storage_info('{table}') "
                    "where column_name = 'lead_no' and segment_type <> 'VALIDITY'"
                ).fetchall()[0]
                assert rows <= stored <= rows * 1.03, table
    rebuild = rebuilt(company, output, NIGHTS)
    assert comments(output) == comments(rebuild)
    sizes = [(each / "funnel.duckdb").stat().st_size for each in (output, rebuild)]
    assert sizes[0] <= sizes[1] * 1.06, "a table that was written again left a hole in the file"


def comments(output: Path) -> list[tuple[str, ...]]:
    """What the published file says of its tables and their columns."""
    with query.open_published(output) as connection:
        return connection.execute(
            "select schema_name, table_name, '', comment from duckdb_tables() where database_name = current_database() "
            "union all select schema_name, table_name, column_name, comment from duckdb_columns() "
            "where database_name = current_database() order by all"
        ).fetchall()


def test_kept_tables_hold_rows_of_one_lead(opened: tuple[Company, Path]) -> None:
    """Rows are replaced by lead_no, so each kept table but the codes must have it."""
    columns = tables(opened[1])
    assert [] == [str(table) for table in INCREMENTAL_TABLES[1:] if "lead_no INTEGER" not in columns[str(table)]]
