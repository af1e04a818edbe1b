"""`[[inputs]]` of a database: their settings and the messages on errors."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.config.configuration import Database, Input
from pipeline.config.load import load_configuration
from pipeline.errors import ConfigurationError
from tests.unit.configurations import funnel

SOURCE = 'source = "postgres"\n'
VARIABLE = 'dsn_variable = "FUNNEL_PG_DSN"\n'
QUERY = 'query = "select * from history"\n'
WHOLE = SOURCE + VARIABLE + QUERY


def block(lines: str) -> str:
    return funnel(inputs=f'[[inputs]]\nname = "warehouse"\ntable = "stage_entries"\n{lines}')


def loaded(tmp_path: Path, lines: str) -> Input:
    path = tmp_path / "funnel.toml"
    path.write_text(block(lines))
    (only_input,) = load_configuration(path).inputs
    return only_input


def problems(tmp_path: Path, lines: str) -> list[str]:
    path = tmp_path / "funnel.toml"
    path.write_text(block(lines))
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    return [f"{problem.where.partition(': ')[2]}: {problem.what}" for problem in caught.value.problems]


def test_a_query_is_read(tmp_path: Path) -> None:
    """Its semicolon is removed, because the query becomes a subquery."""
    lines = SOURCE + VARIABLE + 'query = """\nselect * from history ;\n"""\n'
    expected = Database("postgres", "FUNNEL_PG_DSN", "select * from history")
    assert expected == loaded(tmp_path, lines).database
    assert timedelta(minutes=30) == expected.timeout


def test_every_key_is_read(tmp_path: Path) -> None:
    more = 'from_table = "sales.Lead ""History"\n'.replace('""', '\\"')
    more += 'cursor = "updated_at"\nlook_back = "2 days"\nquery_timeout = "5 minutes"\n'
    assert Database(
        "postgres",
        "FUNNEL_PG_DSN",
        'select * from "sales"."Lead ""History"',
        "updated_at",
        timedelta(days=2),
        timedelta(minutes=5),
    ) == (loaded(tmp_path, SOURCE + VARIABLE + more).database)


def test_an_input_of_files_has_no_database(tmp_path: Path) -> None:
    assert loaded(tmp_path, 'path = "history.csv"\n').database is None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", ["path: is missing; a file or a pattern, relative to this file, or source = \"postgres\""]),
        (WHOLE + 'path = "h.csv"\n', ["path: an input reads files or a database; leave out path or source"]),
        (
            'path = "h.csv"\n' + VARIABLE + QUERY,
            [
                'dsn_variable: only concerns a database; write source = "postgres", too',
                'query: only concerns a database; write source = "postgres", too',
            ],
        ),
        (SOURCE.replace("postgres", "mysql") + VARIABLE + QUERY, ["source: must be one of postgres"]),
        (SOURCE + QUERY, ["dsn_variable: is missing; the environment variable that holds the connection string"]),
        (SOURCE + VARIABLE, ["query: is missing; write query or from_table"]),
        (WHOLE + 'from_table = "history"\n', ["query: leave out query or from_table"]),
        (
            SOURCE + VARIABLE + 'query = " ; "\n',
            ['query: must be a SELECT, such as "select lead_id, stage, entered_at from stage_history"'],
        ),
        (
            SOURCE + VARIABLE + 'from_table = "a.b.c"\n',
            ['from_table: must be a table, such as "stage_history", or a schema and a table: "sales.stage_history"'],
        ),
        (
            SOURCE + VARIABLE + 'from_table = "sales."\n',
            ['from_table: must be a table, such as "stage_history", or a schema and a table: "sales.stage_history"'],
        ),
        (
            WHOLE + 'encoding = "cp1252"\nskip_lines = 1\n',
            [f"{key}: only concerns files; this input reads a database" for key in ("encoding", "skip_lines")],
        ),
        (WHOLE + 'look_back = "2 days"\n', ["look_back: only concerns an input with a cursor"]),
        (
            WHOLE + 'cursor = "c"\nlook_back = "2d"\n',
            ['look_back: must be a number and a unit, such as "36 hours" or "3 days"'],
        ),
        (
            WHOLE + 'query_timeout = "never"\n',
            ['query_timeout: must be a number and a unit, such as "36 hours" or "3 days"'],
        ),
        (
            WHOLE + 'cursor = "c"\nmode = "snapshot"\n',
            ['cursor: reads only new rows, but mode = "snapshot" needs all rows; leave out one of the two'],
        ),
    ],
)  # fmt: skip
def test_an_invalid_setting_is_reported(tmp_path: Path, lines: str, expected: list[str]) -> None:
    assert [f"inputs.warehouse.{each}" for each in expected] == problems(tmp_path, lines)


@pytest.mark.parametrize(
    "key", ["dsn_variable", "dsn", "url", "connection", "password", "dsn_password"]
)  # fmt: skip
def test_a_connection_string_in_the_file_is_refused_and_not_repeated(tmp_path: Path, key: str) -> None:
    lines = SOURCE + QUERY + f'{key} = "postgresql://funnel:s3cret@db/sales"\n'
    messages = problems(tmp_path, lines)
    assert [] == [each for each in messages if "s3cret" in each]
    if key == "dsn_variable":
        assert [
            'inputs.warehouse.dsn_variable: must be the name of an environment variable, such as "FUNNEL_PG_DSN"; this '
            "file must not contain the connection string: remove it here, and change its password if others could read it"
        ] == messages


def test_two_inputs_may_read_one_database(tmp_path: Path) -> None:
    path = tmp_path / "funnel.toml"
    path.write_text(
        block(WHOLE + '[[inputs]]\nname = "other"\ntable = "stage_entries"\n' + WHOLE.replace("history", "h2"))
    )
    assert ["warehouse", "other"] == [reads.name for reads in load_configuration(path).inputs]
