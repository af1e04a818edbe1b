"""A column of stages or old values that is empty in nearly all rows gives a warning, whatever becomes of the rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from delivery import Inbox, one_file

from pipeline.config.configuration import Candidate, Reshaping, Where
from pipeline.ingest.landing.loading import LoadResult
from pipeline.waterfall.definition import Condition

HEADER = "lead_id,Field,OldValue,NewValue,entered_at\n"
CHANGES = Reshaping(
    names={
        "field": (Candidate("Field"),),
        "previous": (Candidate("OldValue"),),
        "stage": (Candidate("NewValue"),),
    },
    where=(
        Where(Condition("field", "one_of", ("Status",))),
        Where(Condition("stage", "is_null", is_negated=True)),
    ),
)
WHY = (
    "the export may hide or cut its values (field-level security, an encrypted field, a connector that keeps no values)"
)
NEXT = "; export it with a user who may see the field"


def change(lead: str, new: str, old: str = "", field: str = "Status", day: int = 5) -> str:
    return f"{lead},{field},{old},{new},2026-01-{day:02}\n"


def changes(filled: int, empty: int) -> str:
    """Rows with a new value and rows without one, each of another lead."""
    return "".join(change(f"L{number}", "MQL" if number < filled else "") for number in range(filled + empty))


def entries(filled: int, empty: int) -> str:
    """The same rows as plain entries."""
    rows = (f"L{number},{'MQL' if number < filled else ''},2026-01-05\n" for number in range(filled + empty))
    return "lead_id,stage,entered_at\n" + "".join(rows)


def empty_column_warnings(result: LoadResult) -> list[str]:
    """The warnings about empty columns, without the file name."""
    return [each.partition("entries.csv: ")[2] for each in result.warnings if "is empty in" in each]


def stages(empty: str, rows: str, column: str = "NewValue") -> list[str]:
    return [f"column `{column}` is empty in {empty} of {rows} rows: {WHY}{NEXT}"]


class TestStages:
    @pytest.mark.parametrize(
        ("filled", "empty", "warned"), [(10, 90, True), (11, 89, False), (0, 20, True), (0, 19, False), (20, 0, False)]
    )
    def test_a_warning_needs_nine_of_ten_rows_and_twenty_rows(
        self, tmp_path: Path, filled: int, empty: int, warned: bool
    ) -> None:
        """This is so for plain entries, where such a row is rejected, and for changes, where it is filtered."""
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        plain = one_file(tmp_path / "a", entries(filled, empty)).land()
        reshaped = one_file(tmp_path / "b", HEADER + changes(filled, empty), reshaping=CHANGES).land()
        rows = str(filled + empty)
        assert (stages(str(empty), rows, "stage") if warned else []) == empty_column_warnings(plain)
        assert (stages(str(empty), rows) if warned else []) == empty_column_warnings(reshaped)

    def test_rows_of_other_fields_do_not_count(self, tmp_path: Path) -> None:
        """In a history of many fields, only rows of the stage count: first 18 of 20 are empty, then none."""
        others = "".join(change(f"L{number}", "", field="Owner") for number in range(300))
        hidden = one_file(tmp_path, HEADER + others + changes(2, 18), reshaping=CHANGES)
        assert stages("18", "20") == empty_column_warnings(hidden.land())
        hidden.put("entries.csv", HEADER + others + changes(20, 0))
        assert [] == empty_column_warnings(hidden.land())

    def test_a_fully_empty_column_does_not_report_the_field(self, tmp_path: Path) -> None:
        """The rows are of the configured field."""
        result = one_file(tmp_path, HEADER + changes(0, 30), reshaping=CHANGES).land()
        assert stages("30", "30") == empty_column_warnings(result)
        assert "no row is of the field" not in " ".join(result.warnings)

    def test_the_message_of_a_rejected_delivery_has_the_empty_column(self, tmp_path: Path) -> None:
        """Rows without a stage stop the run, and the message names the empty column."""
        result = one_file(tmp_path, entries(100, 900)).land(accept_rejects=False)
        (refusal,) = result.rejected
        assert stages("900", "1,000", "stage")[0] in refusal

    def test_values_within_json_are_counted_by_element(self, tmp_path: Path) -> None:
        """Each value of a list is a row. A record that can't be parsed is rejected and does not count as empty."""

        def record(number: int, *values: str) -> str:
            listed = [{"value": value, "at": "2026-01-05"} for value in values]
            return f'L{number},"{json.dumps(listed).replace(chr(34), chr(34) * 2)}"\n'

        reshaping = Reshaping(
            names={
                "lead_id": (Candidate("lead_id"),),
                "stage": (Candidate("values[].value"),),
                "entered_at": (Candidate("values[].at"),),
            },
            where=(Where(Condition("stage", "is_null", is_negated=True)),),
        )
        rows = "".join(record(number, "", "", "") for number in range(9)) + record(9, "MQL", "", "SAL")
        inbox = one_file(tmp_path, "lead_id,values\n" + rows, reshaping=reshaping)
        assert stages("28", "30", "values[].value") == empty_column_warnings(inbox.land())
        inbox.put("entries.csv", "lead_id,values\n" + "LX,not JSON\n" + rows)
        assert stages("28", "31", "values[].value") == empty_column_warnings(inbox.land())

    def test_an_input_of_leads_gives_no_warning(self, tmp_path: Path) -> None:
        """A row of leads needs no stage."""
        rows = "".join(f"L{number},\n" for number in range(30))
        inbox = Inbox(tmp_path)
        inbox.put("entries.csv", "lead_id,owner\n" + rows)
        assert [] == empty_column_warnings(inbox.reads("entries.csv", "leads").land())


class TestOldValues:
    def moves(self, leads: int, old: Any) -> str:
        """Two changes of each lead, the first without an old value; `old` gives that of the second."""
        return HEADER + "".join(
            change(f"L{number}", "MQL") + change(f"L{number}", "SAL", old(number), day=6) for number in range(leads)
        )

    def test_a_nearly_empty_column_of_old_values_gives_a_warning(self, tmp_path: Path) -> None:
        """18 of 20 later rows of a lead have no old value."""
        result = one_file(
            tmp_path, self.moves(20, lambda number: "MQL" if number < 2 else ""), reshaping=CHANGES
        ).land()
        assert [
            "column `OldValue` is empty in 18 of 20 rows that follow another row of their lead: the export may hide or cut its "
            "values (field-level security, an encrypted field, a connector that keeps no values), so the stage before a lead's "
            f"first change stays unknown{NEXT}"
        ] == empty_column_warnings(result)

    @pytest.mark.parametrize(
        "rows",
        [
            HEADER + changes(100, 0),
            HEADER
            + "".join(change(f"L{number}", "MQL") for number in range(300))
            + change("L1", "SAL", "MQL", day=6) * 20,
            "lead_id,Field,NewValue,entered_at\n"
            + "".join(f"L{number % 5},Status,MQL,2026-01-{number + 1:02}\n" for number in range(30)),
        ],
        ids=["one row a lead", "first rows only", "no such column"],
    )
    def test_no_warning_without_expected_old_values(self, tmp_path: Path, rows: str) -> None:
        """The first row of a lead may be its creation, and a file may have no column of old values."""
        assert [] == empty_column_warnings(one_file(tmp_path, rows, reshaping=CHANGES).land())

    def test_a_filled_column_of_old_values_gives_no_warning(self, tmp_path: Path) -> None:
        """Three of twenty values are enough."""
        assert [] == empty_column_warnings(
            one_file(tmp_path, self.moves(20, lambda number: "MQL" if number < 3 else ""), reshaping=CHANGES).land()
        )
