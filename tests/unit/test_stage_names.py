"""Messages on unknown stage names and on unmatched ids have stage names, but no addresses and ids."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline.config.configuration import Configuration, Input
from pipeline.database.connection import connect
from pipeline.ingest.rows import stage_names
from pipeline.ingest.rows.stage_names import MAX_UNKNOWN_KEPT, StageNames
from pipeline.run import findings
from pipeline.settings import Settings
from pipeline.waterfall.definition import Stage, Waterfall
from tests.delivery import STAGES

WATERFALL = Waterfall("Test", "UTC", STAGES)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return connect(None, Settings("500MB", 1), reads_files=True)


def test_the_ten_most_frequent_names_are_listed_and_near_ones_have_their_alias_line(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """The line has the existing aliases too; other names have their own line, with the stages that the file lacks."""
    unknown = (("Sales acepted", 90), *((f"Odd {number}", 80 - number) for number in range(12)))
    advice_text = stage_names.advice(connection, StageNames(frozenset({"mql"}), unknown), WATERFALL)
    first, near, far, *former = advice_text.splitlines()
    assert first.startswith('"Sales acepted" (90), "Odd 0" (80), "Odd 1" (79)')
    assert first.endswith('"Odd 8" (72), and 3 more')
    assert near == '    aliases = ["Accepted lead", "Sales acepted"]   # in the [[stages]] block with key = "sal"'
    assert far.startswith('    aliases = ["Odd 0", "Odd 1"')
    assert far.endswith("# beside those of the stage that is meant; no row of the file names sal")
    assert former[-1] == far.partition("   #")[0]


def test_an_address_or_a_sentence_is_not_repeated(connection: duckdb.DuckDBPyConnection) -> None:
    """A wrong column may have any text; a quote in a name is escaped for TOML."""
    unknown = (("jo@example.com", 3), ("x" * 61, 2), ('So "called"', 1))
    advice_text = stage_names.advice(connection, StageNames(frozenset({"mql", "sal"}), unknown), WATERFALL)
    assert advice_text.splitlines() == [
        r'an address (it has an @) (3), a text of 61 characters (2), "So \"called\"" (1)',
        r'    aliases = ["So \"called\""]   # beside those of the stage that is meant',
        "  or, where the source has deleted the stage: this block ends the stay before it, and the cycle goes on",
        "    [[stages]]",
        '    key = "former_stage"',
        '    definition = "A stage that the source no longer has."',
        '    kind = "hold"',
        r'    aliases = ["So \"called\""]',
    ]


def test_the_block_of_a_deleted_stage_gets_an_unused_key(connection: duckdb.DuckDBPyConnection) -> None:
    """The second block has another key."""
    existing_stage = Stage("former_stage", "Former", "Former", "Gone.", "hold", None)
    advice_text = stage_names.advice(
        connection,
        StageNames(frozenset({"mql"}), (("Banana", 1),)),
        Waterfall("Test", "UTC", (*WATERFALL.stages, existing_stage)),
    )
    assert '    key = "former_stage_2"' in advice_text.splitlines()


def test_names_of_several_files_add_up_to_a_limit() -> None:
    """The most frequent names are kept."""
    many = StageNames(frozenset({"mql"}), tuple((f"n{number:03}", 2) for number in range(MAX_UNKNOWN_KEPT)))
    both = many.with_more(StageNames(frozenset({"sal"}), (("n199", 5), ("new", 1))))
    assert (frozenset({"mql", "sal"}), ("n199", 7), MAX_UNKNOWN_KEPT) == (
        both.known,
        both.unknown[0],
        len(both.unknown),
    )
    assert "new" not in dict(both.unknown)


def records(connection: duckdb.DuckDBPyConnection, history: list[str], people: list[str]) -> list[str]:
    """The messages for a history with these leads and a leads input with those."""
    ids = list(dict.fromkeys([*history, *people]))
    values = ", ".join(
        f"({number}, '{lead}', {lead in people}, {lead in history})" for number, lead in enumerate(ids, 1)
    )
    connection.execute("create schema clean")
    connection.execute(
        f"create table given as select * from (values {values}) as given(lead_no, lead_id, has_attributes, is_in)"
    )
    connection.execute("create view clean.leads as select lead_no, lead_id, has_attributes from given")
    connection.execute("create view clean.entries_facts as select lead_no from given where is_in")
    connection.execute(
        "create view clean.lead_records as select lead_no, lead_id, case when has_attributes then 1 end as load_no from given"
    )
    inputs = (Input("crm", "stage_entries", Path("a.csv")), Input("people", "leads", Path("b.csv")))
    return findings.leads_without_a_record(
        connection, Configuration(Path("funnel.toml"), WATERFALL, inputs, Path("build"))
    )


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
def test_leads_without_a_record_are_reported_above_a_fifth_with_masked_ids(
    connection: duckdb.DuckDBPyConnection, history: list[str], people: list[str], expected: list[str]
) -> None:
    """Ids of different lengths have the same form if they are numbers, and different forms if they are codes."""
    assert expected == records(connection, history, people)
