"""Places of the rows of one instant: by the only chain of old and new values, else by the sequence (E4, E5)."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.sql import made_up
from tests.sql.harness import built, records

NOON = datetime(2025, 1, 5, 12)
Move = tuple[str | None, str]


def places(
    folder: Path, *moves: Move, sequences: tuple[int | None, ...] = (), loads: tuple[int, ...] = ()
) -> list[tuple[int, int]]:
    """(place, visit) of each row of one lead and instant that has one, in the order of the rows."""
    rows = [
        {
            "input": "crm",
            "load_no": loads[number] if loads else 1,
            "row_number": number + 1,
            "lead_id": "L1",
            "previous": previous,
            "stage": stage,
            "entered_at": NOON,
            "sequence": sequences[number] if sequences else None,
        }
        for number, (previous, stage) in enumerate(moves)
    ]
    connection = built(
        made_up.waterfall(folder),
        made_up.AS_OF,
        {"stage_entries": rows},
        inputs=("crm",),
        tables=("clean.instant_places",),
    )
    found = records(connection, "select place_no, visit_no from clean.instant_places order by row_number")
    connection.close()
    return [(row["place_no"], row["visit_no"]) for row in found]


def test_a_chain_gives_the_places(tmp_path: Path) -> None:
    """Each row leaves what the one before it entered; a stage left and entered again is a second visit."""
    moves = [("Lost", "MQL"), ("MEL", "MQL"), ("MQL", "Lost")]
    assert [(3, 2), (1, 1), (2, 1)] == places(tmp_path, *moves)


@pytest.mark.parametrize(
    "moves",
    [
        [("MQL", "Lost"), ("Lost", "MQL")],
        [("MEL", "MQL"), ("SAL", "SQL")],
        [("MEL", "MQL"), (None, "SAL")],
        [("MEL", "MQL"), ("MEL", "MQL")],
        [("MEL", "MQL"), ("Banana", "SAL"), ("Pear", "Lost")],
    ],
    ids=["a circle", "two pieces", "no old value", "one move twice", "two unknown stages"],
)
def test_without_exactly_one_order_there_is_no_place(tmp_path: Path, moves: list[Move]) -> None:
    """The rank decides then."""
    assert [] == places(tmp_path, *moves)


def test_the_sequence_decides_where_no_chain_does(tmp_path: Path) -> None:
    """One row without an old value, and all three are in the order of the sequence."""
    moves = [("MEL", "MQL"), (None, "Lost"), ("Lost", "MQL")]
    assert [(7, 2), (6, 1), (5, 1)] == places(tmp_path, *moves, sequences=(7, 6, 5))


def test_the_chain_comes_before_the_sequence(tmp_path: Path) -> None:
    """The old values are believed."""
    assert [(1, 1), (2, 1)] == places(tmp_path, ("MEL", "MQL"), ("MQL", "SAL"), sequences=(2, 1))


def test_a_move_of_several_loads_is_one_move(tmp_path: Path) -> None:
    """The same rows delivered again share their places, so they are duplicates."""
    moves = [("MEL", "MQL"), ("MQL", "SAL")]
    assert [(1, 1), (2, 1)] * 2 == places(tmp_path, *moves, *moves, loads=(1, 1, 2, 2), sequences=(1, 2, 3, 4))


@pytest.mark.parametrize(("length", "is_tried"), [(8, True), (9, False)])
def test_eight_moves_are_tried_and_no_more(tmp_path: Path, length: int, is_tried: bool) -> None:
    """The number of orders grows too fast."""
    stages = ["MEL", "MQL", "SAL", "SQL", "Won", "Waiting", "Nurture", "Lost", "MQL", "Won"]
    moves = list(pairwise(stages[: length + 1]))
    found = places(tmp_path, *reversed(moves))
    assert [place for place, _ in found] == (list(range(length, 0, -1)) if is_tried else [])
