"""The folder sql/ becomes models and checks with the tables that they read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ModelError
from pipeline.transform.project import TableName, tables_read
from tests.unit.models_from_text import names, project

READS = {
    "from clean.leads": ["clean.leads"],
    "select 1": [],
    # A CTE has no schema, even if it has the name of a table.
    "with leads as (from clean.leads) select * from leads": ["clean.leads"],
    "with recursive a as (select * from raw.merges union all select a.* from a join raw.loads using (x)) from a": [
        "raw.loads",
        "raw.merges",
    ],
    # Anywhere in an expression.
    "select (select max(x) from clean.a), exists (from clean.b) from clean.c where x in (select x from clean.d)": [
        "clean.a",
        "clean.b",
        "clean.c",
        "clean.d",
    ],
    "select * from clean.a left join (from clean.b union all by name from clean.c) using (x)": [
        "clean.a",
        "clean.b",
        "clean.c",
    ],
    "select * from clean.a as one cross join clean.a as two": ["clean.a"],
    "select list_transform(xs, lambda x: x + 1) from clean.a qualify row_number() over (order by x) = 1": ["clean.a"],
    # Not in a text or a comment.
    "select 'from clean.a' as text -- from clean.b": [],
    'select * from clean."stage entries"': ["clean.stage entries"],
}


class TestTablesRead:
    @pytest.mark.parametrize("sql", READS)
    def test_tables_are_those_that_the_parser_sees(self, sql: str) -> None:
        """Every schema.table of a SELECT is found once, in order; CTEs, texts and comments are not."""
        ((*tables,),) = tables_read([(Path("a.sql"), sql)])
        assert READS[sql] == [str(table) for table in tables]

    def test_each_file_has_its_own_tables(self) -> None:
        """Several files are parsed at once, in their order."""
        tables_by_file = tables_read([(Path(f"{number}.sql"), sql) for number, sql in enumerate(READS)])
        assert list(READS.values()) == [[str(table) for table in tables] for tables in tables_by_file]
        assert () == tables_read([])

    @pytest.mark.parametrize(
        ("sql", "what"),
        [
            ("selec 1", "this is not one plain SELECT"),
            ("create table a as select 1", "this is not one plain SELECT"),
            ("drop table clean.leads", "this is not one plain SELECT"),
            ("select 1; select 2", "a file must have exactly one SELECT, this one has 2"),
            ("-- One row per nothing.", "a file must have exactly one SELECT, this one has 0"),
        ],
    )
    def test_anything_but_one_select_is_refused(self, sql: str, what: str) -> None:
        """A statement that writes, two statements and an empty file are errors with the file name."""
        with pytest.raises(ModelError) as caught:
            tables_read([(Path("sql/clean/b.sql"), "select 1"), (Path("sql/clean/a.sql"), sql)])
        assert (True, "sql/clean/a.sql") == (caught.value.what.startswith(what), caught.value.where)


class TestDiscover:
    def test_files_become_models_and_checks(self, tmp_path: Path) -> None:
        """A .sql file is a model named by folder and file, a .check.sql file a check; others are ignored."""
        discovered = project(
            tmp_path,
            {
                "marts/b.sql": "-- One row.\nfrom clean.a",
                "clean/a.sql": "-- One row.\nfrom raw.leads",
                "marts/b.check.sql": "-- Nothing is negative.\nfrom marts.b where x < 0",
                "marts/README.md": "no SQL",
                "columns.toml": "",
            },
        )
        assert ["clean.a", "marts.b"] == names(discovered.models)
        assert [("marts.b", (TableName("marts", "b"),))] == [(check.name, check.reads) for check in discovered.checks]

    def test_folders_below_the_schema_sort_files_only(self, tmp_path: Path) -> None:
        """Models are in order of names, independent of subfolders; a repeated name is an error."""
        files = {"clean/z/a.sql": "-- One row.\nfrom raw.leads", "clean/b.sql": "-- One row.\nfrom raw.leads"}
        files |= {"clean/a/c.sql": "-- One row.\nfrom raw.leads", "clean/z/a.check.sql": "-- Empty.\nfrom clean.a"}
        discovered = project(tmp_path, files)
        assert (["clean.a", "clean.b", "clean.c"], ["clean.a"]) == (
            names(discovered.models),
            [discovered.checks[0].name],
        )
        with pytest.raises(ModelError) as caught:
            project(tmp_path, {"clean/a/b.sql": "-- One row.\nfrom raw.leads"})
        assert "clean.b has two files" == caught.value.what

    @pytest.mark.parametrize(
        ("file", "sql", "what"),
        [
            ("clean/a.sql", "from marts.b", "clean.a reads marts.b, a later layer"),
            ("journey/a.sql", "from marts.b", "journey.a reads marts.b, a later layer"),
            ("marts/a.sql", "from quality.b", "marts.a reads quality.b, a later layer"),
            ("waterfall/a.sql", "from clean.b", "waterfall.a reads clean.b, a later layer"),
            ("clean/a.sql", "from main.b", "clean.a reads main.b, whose schema is not a layer"),
        ],
    )
    def test_data_goes_one_way(self, tmp_path: Path, file: str, sql: str, what: str) -> None:
        """A model that reads a later layer, or an unknown one, is refused with its file."""
        with pytest.raises(ModelError) as caught:
            project(tmp_path, {file: f"-- One row.\n{sql}"})
        assert (what, str(tmp_path / file)) == (caught.value.what, caught.value.where)

    def test_every_layer_may_read_itself_and_the_waterfall(self, tmp_path: Path) -> None:
        """Marts may read marts, and every model the schema waterfall."""
        files = {
            f"{layer}/a.sql": f"-- One row.\nselect * from {layer}.b, waterfall.run"
            for layer in ("clean", "journey", "marts", "quality", "report")
        }
        assert 5 == len(project(tmp_path, files).models)
