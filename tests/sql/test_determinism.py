"""The same rows give the same numbers, whatever the threads, the order of delivery or what came later."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

import duckdb
import pytest

from tests.sql import made_up
from tests.sql.harness import ALL_BUT_REPORT, built

DIMENSIONS = ("origin", "lead_source", "owner", "campaign", "qualified_by", "entry_stage", "team")
NUMBERS_OF_A_FILE = ("lead_no", "account_no", "cycle_id", "unit_id", "unit_key", "slice_set")
LEADS = 5000  # with the slices more than the 122,880 rows that one thread takes at a time
PUBLISHED = """
    select schema_name || '.' || table_name from duckdb_tables() where schema_name in ('marts', 'stored', 'quality')
    union all
    select schema_name || '.' || view_name from duckdb_views() where schema_name = 'journey'
    order by 1
"""


def fingerprints(connection: duckdb.DuckDBPyConnection, schemas: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """Published table → its number of rows and the sum of their hashes: the rows, whatever their order.

    Without the numbers that only join the tables of one file.
    """
    left_out = ", ".join(f"'{name}'" for name in NUMBERS_OF_A_FILE)
    found = {}
    for (table,) in connection.execute(PUBLISHED).fetchall():
        if table.split(".")[0].replace("stored", "marts") in schemas:
            row = connection.execute(
                "select count(*), coalesce(sum(cast(hash(one) as hugeint)), 0) from"
                f" (select columns(lambda name: name not in ({left_out})) from {table}) as one"
            ).fetchone()
            assert row is not None
            found[table] = row
    connection.close()
    return found


@pytest.fixture(scope="module")
def waterfall(tmp_path_factory: pytest.TempPathFactory) -> made_up.Waterfall:
    return made_up.waterfall(tmp_path_factory.mktemp("short"), dimensions=DIMENSIONS)


@pytest.fixture(scope="module")
def on_one_thread(waterfall: made_up.Waterfall) -> dict[str, tuple[int, int]]:
    """The published rows of 5,000 leads, computed by one thread."""
    connection = built(waterfall, made_up.AS_OF, made_up.history(LEADS, seed=1), tables=ALL_BUT_REPORT)
    return fingerprints(connection, ("journey", "marts", "quality"))


def test_threads_and_the_order_of_delivery_change_nothing(
    waterfall: made_up.Waterfall, on_one_thread: dict[str, tuple[int, int]]
) -> None:
    """Four threads give the rows of one, to the last bit of every double, though the delivered rows lie in another order."""
    rows = made_up.history(LEADS, seed=1)
    for table in rows.values():
        Random(2).shuffle(table)
    connection = built(waterfall, made_up.AS_OF, rows, tables=ALL_BUT_REPORT, threads=4)
    assert on_one_thread == fingerprints(connection, ("journey", "marts", "quality"))


def test_another_history_is_another_fingerprint(waterfall: made_up.Waterfall) -> None:
    """Five rows fewer show in the journey and in the marts: the comparisons above can fail."""
    rows = made_up.history(400, seed=1)
    fewer = rows | {"stage_entries": rows["stage_entries"][5:]}
    tables = ("journey.stage_spans", "marts.conversion")
    whole, changed = (
        fingerprints(built(waterfall, made_up.AS_OF, each, tables=tables), ("journey", "marts"))
        for each in (rows, fewer)
    )
    assert {"journey.stage_spans", "stored.conversion"} <= {
        table for table, rows_of in changed.items() if rows_of != whole[table]
    }


def test_later_rows_change_no_earlier_as_of(tmp_path: Path) -> None:
    """Seen from October, rows of November and December might as well not have come: every mart is the same."""
    rows = made_up.history(400, seed=3)
    as_of = made_up.AS_OF - timedelta(days=92)
    known = [row for row in rows["stage_entries"] if row["entered_at"] <= as_of.replace(tzinfo=None)]
    waterfall = made_up.waterfall(tmp_path, dimensions=DIMENSIONS)
    tables = ("journey.*", "marts.*")
    then = built(waterfall, as_of, rows | {"stage_entries": known}, tables=tables)
    now = built(waterfall, as_of, rows, tables=tables)
    assert len(known) < len(rows["stage_entries"])
    assert fingerprints(then, ("journey", "marts")) == fingerprints(now, ("journey", "marts"))
