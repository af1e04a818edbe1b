"""A run recomputes only changed leads, and its tables equal those of a full rebuild row by row."""

from __future__ import annotations

import shutil
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

DAYS = 4


def as_of(number: int) -> str:
    """The end of the day of a delivery."""
    return (OPENING + timedelta(days=number)).isoformat()


def run(company: Company, output: Path, number: int, **more: object) -> list[str]:
    """Run once and return the lines of its log."""
    with logged() as lines:
        runs.run(company.toml, output, as_of=as_of(number), **more)
    return lines


def rebuild_from_log(company: Company, output: Path, number: int) -> Path:
    """Rebuild everything from the same landing log into another folder, and return that folder."""
    beside = output.with_name(f"{output.name}-rebuilt-{number}")
    beside.mkdir()
    shutil.copytree(output / "landing", beside / "landing")
    run(company, beside, number, from_log=True)
    return beside


def tables(output: Path) -> dict[str, str]:
    """The columns of every table and view of a published file."""
    with query.open_published(output) as connection:
        return dict(
            connection.execute(
                "select table_schema || '.' || table_name, string_agg(column_name || ' ' || data_type, ', ' order by "
                "column_name) from information_schema.columns where table_catalog = current_database() group by all"
            ).fetchall()
        )


def views(output: Path) -> dict[str, str]:
    """The SQL of every view of a published file."""
    with query.open_published(output) as connection:
        return dict(
            connection.execute(
                "select schema_name || '.' || view_name, sql from duckdb_views() where not internal"
            ).fetchall()
        )


def differing_rows(one: Path, other: Path) -> dict[str, int]:
    """The number of rows of each table that only one of the two files has, with duplicates.

    Views are compared by their SQL: over equal tables they have equal rows, and some need seconds to compute them.
    """
    assert views(one) == views(other)
    differences = {}
    with duckdb.connect() as connection:
        for name, folder in (("one", one), ("other", other)):
            connection.execute(f"attach '{folder / 'funnel.duckdb'}' as {name} (read_only)")
        for table in tables(one).keys() - views(one).keys():
            rows = connection.execute(
                f"select 2 * count(*) + (select count(*) from other.{table}) - (select count(*) from one.{table}) "
                f"from (from one.{table} except all from other.{table})"
            ).fetchone()
            if rows and rows[0]:
                differences[table] = rows[0]
    return differences


@pytest.mark.parametrize("seed", [1, 2])
def test_runs_give_the_rows_of_a_full_rebuild(tmp_path: Path, seed: int) -> None:
    """After runs with late, corrected, merged, deleted and future rows, the file equals that of a rebuild."""
    company, output = Company(tmp_path / "in", seed), tmp_path / "out"
    company.open()
    with runs.without_report():  # each run builds the report tables in full: one comparison is enough
        assert not [line for line in run(company, output, 0) if "building on" in line]
    for number in range(1, DAYS + 1):
        company.deliver(number)
        with runs.without_report() if number < DAYS else runs.without_pages():
            lines = run(company, output, number)
            assert [line for line in lines if line.startswith("building on the published run")], lines
            if number % 2 == 0:
                beside = rebuild_from_log(company, output, number)
                assert tables(beside) == tables(output)
                assert {} == differing_rows(beside, output)


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, Path]:
    """A company and the output folder of its first run."""
    folder = tmp_path_factory.mktemp("opened")
    company, output = Company(folder / "in", 3), folder / "out"
    company.open()
    with runs.history_only():
        run(company, output, 0)
    return company, output


def copy_run(first_run: tuple[Company, Path], folder: Path) -> tuple[Company, Path]:
    """A copy of the company and its output folder, which a test may change."""
    company, output = first_run
    shutil.copytree(company.folder, folder / "in")
    shutil.copytree(output, folder / "out", symlinks=True)
    twin = Company(folder / "in", 4)
    return twin, folder / "out"


def full_build_reasons(lines: list[str]) -> list[str]:
    """The logged reasons of a run for building every table from the whole log."""
    return [
        line.removeprefix("every table is built from the whole log: ")
        for line in lines
        if line.startswith("every table")
    ]


@pytest.mark.usefixtures("history_only")
def test_a_changed_waterfall_is_rebuilt(first_run: tuple[Company, Path], tmp_path: Path) -> None:
    """A new order of stages changes the history: the run rebuilds everything and logs the reason."""
    company, output = copy_run(first_run, tmp_path)
    text = company.toml.read_text("utf-8")
    company.toml.write_text(text.replace('kind = "detour"', 'kind = "hold"'), "utf-8")
    assert [
        "the configuration changed since the published run in a way that changes the history"
    ] == full_build_reasons(run(company, output, 1))
    assert {} == differing_rows(rebuild_from_log(company, output, 1), output)


@pytest.mark.usefixtures("without_report")
def test_a_changed_window_keeps_the_incremental_build(tmp_path: Path) -> None:
    """Windows and SLAs do not change the history: the run stays incremental, and the marts follow the configuration."""
    company, output = Company(tmp_path / "in", 3), tmp_path / "out"
    company.open()
    run(company, output, 0)
    text = company.toml.read_text("utf-8")
    company.toml.write_text(
        text.replace("windows = [7, 30]", "windows = [14]").replace('"2 days"', '"3 days"'), "utf-8"
    )
    assert [] == full_build_reasons(run(company, output, 1))
    assert {} == differing_rows(rebuild_from_log(company, output, 1), output)


@pytest.mark.usefixtures("history_only")
def test_a_late_snapshot_keeps_the_incremental_build(tmp_path: Path) -> None:
    """A late snapshot changes the entries of the next snapshot for its own leads only."""
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
    assert {} == differing_rows(rebuild_from_log(company, output, 0), output)
    with query.open_published(output) as connection:
        assert [("kept",), ("duplicate",), ("repeat",)] == connection.execute(of_copies).fetchall()


def snapshot(company: Company, day: int, **stages: str) -> None:
    """Write a snapshot of some leads on a day of February."""
    rows = "".join(f"{lead},{stage}\n" for lead, stage in stages.items())
    (company.folder / f"copies-2026-02-{day:02}.csv").write_text(f"lead_id,status\n{rows}", "utf-8")


@pytest.mark.usefixtures("history_only")
def test_full_rebuilds_everything(first_run: tuple[Company, Path], tmp_path: Path) -> None:
    """`--full` rebuilds everything, and the log does not mention the previous run."""
    company, output = copy_run(first_run, tmp_path)
    lines = run(company, output, 1, full=True)
    assert [] == [line for line in lines if "building on" in line or "whole log" in line]
    assert {} == differing_rows(rebuild_from_log(company, output, 1), output)


@pytest.mark.usefixtures("history_only")
def test_an_earlier_as_of_is_rebuilt(first_run: tuple[Company, Path], tmp_path: Path) -> None:
    """An earlier as-of excludes entries of the published run, so everything is rebuilt."""
    company, output = copy_run(first_run, tmp_path)
    assert ["as-of is before that of the published run"] == full_build_reasons(run(company, output, -3))
    assert {} == differing_rows(rebuild_from_log(company, output, -3), output)


@pytest.mark.usefixtures("history_only")
def test_a_damaged_file_is_rebuilt(first_run: tuple[Company, Path], tmp_path: Path) -> None:
    """If the published file can't be read, the run rebuilds everything and does not fail."""
    company, output = copy_run(first_run, tmp_path)
    file = (output / "funnel.duckdb").resolve()
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:5000])
    assert ["the published database is corrupt"] == full_build_reasons(run(company, output, 1))
    assert {} == differing_rows(rebuild_from_log(company, output, 1), output)


@pytest.mark.usefixtures("history_only")
def test_many_changes_are_rebuilt(first_run: tuple[Company, Path], tmp_path: Path) -> None:
    """If every lead moved, a full build is faster than an incremental one."""
    company, output = copy_run(first_run, tmp_path)
    company.move_every_lead(1)
    assert ["too many leads may have changed"] == full_build_reasons(run(company, output, 1))
    assert {} == differing_rows(rebuild_from_log(company, output, 1), output)


@pytest.mark.usefixtures("history_only")
def test_a_failed_run_leaves_the_published_file_unchanged(first_run: tuple[Company, Path], tmp_path: Path) -> None:
    """A run works on a copy of the published file: a run that fails half-way changes no byte of it."""
    company, output = copy_run(first_run, tmp_path)
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


@pytest.mark.usefixtures("history_only")
def test_the_file_does_not_grow(first_run: tuple[Company, Path], tmp_path: Path) -> None:
    """Replaced rows free their blocks: several runs without new rows leave the file as large as one run."""
    company, output = copy_run(first_run, tmp_path)
    run(company, output, 0)
    size = (output / "funnel.duckdb").stat().st_size
    for _ in range(3):
        run(company, output, 0)
    assert (output / "funnel.duckdb").stat().st_size <= size * 1.06


def test_deleted_rows_do_not_pile_up(tmp_path: Path) -> None:
    """DuckDB keeps deleted rows in the file: if there are many, the run rewrites the table with its comments."""
    company, output = Company(tmp_path / "in", 5), tmp_path / "out"
    company.open()
    with runs.without_report(comments=True):
        run(company, output, 0)
        for number in range(1, DAYS + 1):
            company.deliver(number)
            run(company, output, number)
            with query.open_published(output) as connection:
                for table in INCREMENTAL_TABLES[1:]:
                    rows, stored = connection.execute(
                        f"select (select count(*) from {table}), sum(count) from pragma_storage_info('{table}') "
                        "where column_name = 'lead_no' and segment_type <> 'VALIDITY'"
                    ).fetchall()[0]
                    assert rows <= stored <= rows * 1.03, table
        rebuild_output = rebuild_from_log(company, output, DAYS)
    assert comments(output) == comments(rebuild_output)
    assert [table for _, table, column, comment in comments(output) if column and comment], "no column has a comment"
    sizes = [(each / "funnel.duckdb").stat().st_size for each in (output, rebuild_output)]
    assert sizes[0] <= sizes[1] * 1.06, "a rewritten table left a hole in the file"


def comments(output: Path) -> list[tuple[str, ...]]:
    """The comments of the published tables and columns."""
    with query.open_published(output) as connection:
        return connection.execute(
            "select schema_name, table_name, '', comment from duckdb_tables() where database_name = current_database() "
            "union all select schema_name, table_name, column_name, comment from duckdb_columns() "
            "where database_name = current_database() order by all"
        ).fetchall()


def test_each_incremental_table_has_lead_no(first_run: tuple[Company, Path]) -> None:
    """Rows are replaced by lead_no, so each incremental table but the codes needs that column."""
    columns = tables(first_run[1])
    assert [] == [str(table) for table in INCREMENTAL_TABLES[1:] if "lead_no INTEGER" not in columns[str(table)]]
