"""Models become tables with comments, and a failure has the model but no value of a row."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.database.connection import connect, create_table
from pipeline.database.parallel import Cursors
from pipeline.errors import Interrupted, ModelError
from pipeline.settings import Settings
from pipeline.transform.build import build, column_dictionary, write_definition
from pipeline.transform.definition.tables import Table
from tests.logged import events
from tests.unit.models_from_text import comments, model

STAYS = """-- One row per stay.
-- C2: as it was.
-- column days: how long it lasted"""


def positions(logged: list[tuple[str, str, dict[str, Any]]]) -> list[tuple[str, int | None, int, int]]:
    """Table, rows, position and number of models of each logged model."""
    return [(fields["model"], fields["rows"], fields["position"], fields["of"]) for _, _, fields in logged]


def new_connection(memory_limit: str = "1GB") -> duckdb.DuckDBPyConnection:
    connection = connect(None, Settings(memory_limit=memory_limit, threads=1))
    create_table(connection, "raw.leads", [("lead_id", "VARCHAR"), ("days", "VARCHAR")], [("Ada", "3"), ("Bo", "4")])
    return connection


def test_a_model_becomes_a_table_and_another_reads_it() -> None:
    """Models are built in order; rows of tables are counted, those of views are not."""
    connection = new_connection()
    done = build(
        connection,
        (
            model("clean.leads", sql="select * from raw.leads"),
            model("marts.longest", sql="select max(days) as days from clean.leads", header="-- One row.\n-- as: view"),
        ),
        {},
    )
    assert [("clean.leads", 2), ("marts.longest", None)] == [(each.table, each.rows) for each in done]
    assert [("4",)] == connection.execute("from marts.longest").fetchall()


def test_a_parallel_build_waits_for_the_models_that_it_reads() -> None:
    """Progress is logged in build order, independent of the durations."""
    connection = new_connection()
    models = (
        model("clean.slow", sql="select count(*) as n from range(30000000) as r(i) where i % 7 = 0"),
        model("clean.quick"),
        model("marts.seen", "clean.slow", sql="select n from clean.slow", header="-- One row.\n-- as: view"),
        model("marts.most", "marts.seen", "clean.quick", sql="select n + 1 as n from marts.seen"),
    )
    with Cursors(connection, 3) as cursors, events() as logged:
        done = build(connection, models, {}, cursors)
    assert [(str(each.table), rows) for each, rows in zip(models, (1, 1, None, 1), strict=True)] == [
        (each.table, each.rows) for each in done
    ]
    assert [(each.table, each.rows, number, 4) for number, each in enumerate(done, 1)] == positions(logged)
    assert [(4285716,)] == connection.execute("from marts.most").fetchall()


def test_a_second_build_replaces_the_table() -> None:
    """Both builds use the same name."""
    connection = new_connection()
    build(connection, (model("clean.a", sql="select 1 as a"),), {})
    build(connection, (model("clean.a", sql="select 2 as a"),), {})
    assert [(2,)] == connection.execute("from clean.a").fetchall()


def test_a_comment_comes_from_the_header_or_from_columns_toml() -> None:
    """A table has the text of its header; a column has that of the header, else of columns.toml, else none."""
    connection = new_connection()
    stays = model("clean.stays", sql="select 1 as days, 'it''s' as stage, 0 as other", header=STAYS)
    view = model("clean.seen", sql="from clean.stays", header=f"{STAYS}\n-- as: view")
    shared = {"days": "days", "stage": "the stage's key"}
    build(connection, (stays, view), shared)
    expected = {
        "": "One row per stay. C2: as it was.",
        ".days": "how long it lasted",
        ".stage": "the stage's key",
        ".other": None,
    }
    all_comments = comments(connection)
    assert expected == {each: all_comments[f"clean.stays{each}"] for each in expected}
    assert expected == {each: all_comments[f"clean.seen{each}"] for each in expected}


def test_the_definition_is_written_with_its_comments() -> None:
    """Schema waterfall exists before any model, with rows and comments."""
    connection = new_connection()
    table = Table(
        "windows", "One row per window.", (("window_days", "INTEGER", "days; null = ever"),), ((None,), (30,))
    )
    write_definition(connection, (table,))
    assert [(None,), (30,)] == connection.execute("from waterfall.windows").fetchall()
    all_comments = comments(connection)
    assert ("One row per window.", "days; null = ever") == (
        all_comments["waterfall.windows"],
        all_comments["waterfall.windows.window_days"],
    )


def test_columns_toml_is_read_from_the_folder(tmp_path: Path) -> None:
    """The file maps a column to its comment."""
    (tmp_path / "columns.toml").write_text('lead_id = "id of the lead"\n', "utf-8")
    assert {"lead_id": "id of the lead"} == column_dictionary(tmp_path)


class TestFailure:
    def test_an_error_in_sql_has_duckdbs_message(self) -> None:
        """The message has the missing column, the model and its file."""
        with pytest.raises(ModelError) as caught:
            build(new_connection(), (model("clean.a", sql="select lead_idd from raw.leads"),), {})
        assert "clean/a.sql" == caught.value.where
        assert caught.value.what.startswith('clean.a failed: Binder Error: Referenced column "lead_idd" not found')

    @pytest.mark.parametrize(
        "expression", ["cast(lead_id as integer)", "cast(lead_id as date)", "error('no such lead: ' || lead_id)"]
    )
    def test_an_error_in_data_has_no_value(self, expression: str) -> None:
        """DuckDB quotes the value that it can't convert; our message has only the type of the error."""
        with pytest.raises(ModelError) as caught:
            build(new_connection(), (model("clean.a", sql=f"select {expression} as a from raw.leads"),), {})
        assert ("Ada" in str(caught.value), "clean.a failed: " in caught.value.what) == (False, True)

    def test_too_little_memory_names_the_setting(self) -> None:
        """The message has the model that does not fit and FUNNEL_MEMORY."""
        large = model("clean.a", sql="select list(i) as a from range(20000000) as t(i)")
        with pytest.raises(ModelError) as caught:
            build(new_connection("30MB"), (large,), {})
        assert "clean.a does not fit into the memory limit" == caught.value.what
        assert "FUNNEL_MEMORY" in caught.value.next_step

    def test_a_view_of_the_same_name_is_an_error(self) -> None:
        """The message says that a table can't replace a view."""
        connection = new_connection()
        build(connection, (model("clean.a", header="-- One row.\n-- as: view"),), {})
        with pytest.raises(ModelError, match="a view of that name must not exist"):
            build(connection, (model("clean.a"),), {})

    def test_an_interrupt_stops_the_build(self) -> None:
        """A query that another thread interrupts raises Interrupted with the model."""
        connection = new_connection()
        slow = model(
            "clean.a", sql="select count(*) as n from range(100000000) a, range(100000) b where a.range % 7 = b.range"
        )
        timer = threading.Timer(0.3, connection.interrupt)
        timer.start()
        with pytest.raises(Interrupted) as caught:
            build(connection, (slow,), {})
        timer.cancel()
        assert "clean.a" == caught.value.where
