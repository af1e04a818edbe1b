"""What a message says of stage names that nobody knows, and of ids that do not meet: names yes, addresses and ids no."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline.config.configuration import Configuration, Input
from pipeline.database.connection import connect
from pipeline.ingest.rows import stage_names
from pipeline.ingest.rows.stage_names import MAX_UNKNOWN_KEPT, StageNames
from pipeline.run.findings import joins
from pipeline.settings import Settings
from pipeline.waterfall.definition import Stage, Waterfall
from tests.delivery import STAGES

WATERFALL = Waterfall("Test", "UTC", STAGES)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return connect(None, Settings("500MB", 1), reads_files=True)


def test_the_ten_most_frequent_are_listed_and_near_ones_have_the_line_of_their_stage(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """With the aliases that the stage has; the others in a line of their own, with the stages that the file lacks."""
    unknown = (("Sales acepted", 90), *((f"Odd {number}", 80 - number) for number in range(12)))
    said = stage_names.advice(connection, StageNames(frozenset({"mql"}), unknown), WATERFALL)
    first, near, far, *former = said.splitlines()
    assert first.startswith('"Sales acepted" (90), "Odd 0" (80), "Odd 1" (79)')
    assert first.endswith('"Odd 8" (72), and 3 more')
    assert near == '    aliases = ["Accepted lead", "Sales acepted"]   # in the [[stages]] block with key = "sal"'
    assert far.startswith('    aliases = ["Odd 0", "Odd 1"')
    assert far.endswith("# beside those of the stage that is meant; no row of the file names sal")
    assert former[-1] == far.partition("   #")[0]


def test_an_address_or_a_sentence_is_not_repeated(connection: duckdb.DuckDBPyConnection) -> None:
    """A column that slipped may hold anything; a quote in a name is written as TOML has it."""
    unknown = (("jo@example.com", 3), ("x" * 61, 2), ('So "called"', 1))
    said = stage_names.advice(connection, StageNames(frozenset({"mql", "sal"}), unknown), WATERFALL)
    assert said.splitlines() == [
        r'an address (it has an @) (3), a text of 61 characters (2), "So \"called\"" (1)',
        r'    aliases = ["So \"called\""]   # beside those of the stage that is meant',
        "  or, where the source has deleted the stage: this block ends the stay before it, and the cycle goes on",
        "    [[stages]]",
        '    key = "former_stage"',
        '    definition = "A stage that the source no longer has."',
        '    kind = "hold"',
        r'    aliases = ["So \"called\""]',
    ]


def test_a_deleted_stage_gets_a_key_that_is_free(connection: duckdb.DuckDBPyConnection) -> None:
    """The second time the block has another key."""
    taken = Stage("former_stage", "Former", "Former", "Gone.", "hold", None)
    said = stage_names.advice(
        connection,
        StageNames(frozenset({"mql"}), (("Banana", 1),)),
        Waterfall("Test", "UTC", (*WATERFALL.stages, taken)),
    )
    assert '    key = "former_stage_2"' in said.splitlines()


def test_names_of_several_files_add_up_and_stay_bounded() -> None:
    """The most frequent ones are kept."""
    many = StageNames(frozenset({"mql"}), tuple((f"n{number:03}", 2) for number in range(MAX_UNKNOWN_KEPT)))
    both = many.with_more(StageNames(frozenset({"sal"}), (("n199", 5), ("new", 1))))
    assert (frozenset({"mql", "sal"}), ("n199", 7), MAX_UNKNOWN_KEPT) == (
        both.known,
        both.unknown[0],
        len(both.unknown),
    )
    assert "new" not in dict(both.unknown)


def records(connection: duckdb.DuckDBPyConnection, history: list[str], people: list[str]) -> list[str]:
    """What is said of leads in history, of those in a leads input."""
    ids = list(dict.fromkeys([*history, *people]))
    values = ", ".join(
        f"({number}, '{lead}', {lead in people}, {lead in history})" for number, lead in enumerate(ids, 1)
    )
    connection.execute("create schema clean")
    connection.execute(
        f"create table given as select * from (values {values}) as given(lead_no, lead_id, has_attributes, is_in)"
    )
    connection.execute("create view clean.leads as select lead_no, lead_id, has_attributes from given")
    connection.execute("create view clean.entries_narrow as select lead_no from given where is_in")
    connection.execute(
        "create view clean.lead_records as select lead_no, lead_id, case when has_attributes then 1 end as load_no from given"
    )
    inputs = (Input("crm", "stage_entries", Path("a.csv")), Input("people", "leads", Path("b.csv")))
    return joins.without_a_record(connection, Configuration(Path("funnel.toml"), WATERFALL, inputs, Path("build")))


LONG = [f"00Q8d0000000{letter}fIAAZ" for letter in "ABCDEFGHIJ"]


@pytest.mark.parametrize(
    ("history", "people", "expected"),
    [
        ([f"L{n}" for n in range(10)], [f"L{n}" for n in range(2, 3000)], []),
        (
            [f"L{n}" for n in range(10)],
            [f"L{n}" for n in range(3, 3000)],
            ["3 of 10 leads in history are in no leads input (people)"],
        ),
        (
            [each[:15] for each in LONG],
            LONG,
            [
                "10 of 10 leads in history are in no leads input (people); ids look like `99A9a9999999AaA` in crm and like "
                "`99A9a9999999AaAAAA` in people: export the same id in both"
            ],
        ),
        (["7"], [], []),
    ],
)
def test_leads_without_a_record_are_reported_above_a_fifth_with_the_masked_forms(
    connection: duckdb.DuckDBPyConnection, history: list[str], people: list[str], expected: list[str]
) -> None:
    """Ids of another length are of the same form where they count up, and of another where they are codes."""
    assert expected == records(connection, history, people)
