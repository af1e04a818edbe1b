"""A stage name is normalised in the same way in Python and in SQL."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.waterfall.names import NORMALISE_STAGE_SQL, normalise_stage

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
SPACED = st.lists(st.sampled_from([" ", "\t", "\u00a0", "\u200b", "\ufeff", "\u2003", "\x85", "A", "é", "İ", "Σ"]))


class TestNormalising:
    @settings(max_examples=25, deadline=None)
    @given(st.lists(NAMES | SPACED.map("".join), min_size=1, max_size=40))
    def test_python_and_sql_agree(self, names: list[str]) -> None:
        """Python and DuckDB give the same normalised name."""
        with duckdb.connect() as connection:
            rows = connection.execute(
                f"select {NORMALISE_STAGE_SQL.format(column='name')} from (select unnest(?::varchar[]) as name)",
                [names],
            ).fetchall()
        assert [normalise_stage(name) for name in names] == [row[0] for row in rows]

    def test_every_letter_agrees(self) -> None:
        """Both normalise every single character in the same way."""
        letters = [f"x{chr(code)}x" for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF]
        with duckdb.connect() as connection:
            rows = connection.execute(
                f"select {NORMALISE_STAGE_SQL.format(column='name')} from (select unnest(?::varchar[]) as name)",
                [letters],
            ).fetchall()
        assert [] == [letter for letter, row in zip(letters, rows, strict=True) if normalise_stage(letter) != row[0]]

    @pytest.mark.parametrize(
        "written", ["sales accepted", " Sales  Accepted ", "SALES\u00a0ACCEPTED", "Sales\u200b accepted"]
    )
    def test_spellings_of_a_stage_are_equal(self, written: str) -> None:
        """Case, spaces and invisible characters are ignored."""
        assert "sales accepted" == normalise_stage(written)
