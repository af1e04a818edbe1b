"""A stage column, or one of old values, that is empty in nearly all rows: the message names it, wherever the rows end up."""

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


def changes(given: int, empty: int) -> str:
    """Rows with a new value and rows without one, each of a lead of its own."""
    return "".join(change(f"L{number}", "MQL" if number < given else "") for number in range(given + empty))


def entries(given: int, empty: int) -> str:
    """The same as plain entries."""
    rows = (f"L{number},{'MQL' if number < given else ''},2026-01-05\n" for number in range(given + empty))
    return "lead_id,stage,entered_at\n" + "".join(rows)


def said(found: LoadResult) -> list[str]:
    """The warnings about empty columns, without the file's name."""
    return [each.partition("entries.csv: ")[2] for each in found.warnings if "is empty in" in each]


def stages(empty: str, rows: str, column: str = "NewValue") -> list[str]:
    return [f"column `{column}` is empty in {empty} of {rows} rows: {WHY}{NEXT}"]


class TestStages:
    @pytest.mark.parametrize(
        ("given", "empty", "warned"), [(10, 90, True), (11, 89, False), (0, 20, True), (0, 19, False), (20, 0, False)]
    )
    def test_nine_of_ten_rows_and_twenty_rows_at_least(
        self, tmp_path: Path, given: int, empty: int, warned: bool
    ) -> None:
        """In plain entries, where a row without a stage is rejected, and in changes, where it is filtered."""
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        plain = one_file(tmp_path / "a", entries(given, empty)).land()
        reshaped = one_file(tmp_path / "b", HEADER + changes(given, empty), reshaping=CHANGES).land()
        rows = str(given + empty)
        assert (stages(str(empty), rows, "stage") if warned else []) == said(plain)
        assert (stages(str(empty), rows) if warned else []) == said(reshaped)

    def test_rows_of_other_fields_do_not_count(self, tmp_path: Path) -> None:
        """A history of many fields: of the stage, 18 of 20 rows are empty; then none is."""
        others = "".join(change(f"L{number}", "", field="Owner") for number in range(300))
        hidden = one_file(tmp_path, HEADER + others + changes(2, 18), reshaping=CHANGES)
        assert stages("18", "20") == said(hidden.land())
        hidden.put("entries.csv", HEADER + others + changes(20, 0))
        assert [] == said(hidden.land())

    def test_where_all_are_empty_the_field_is_not_blamed(self, tmp_path: Path) -> None:
        """The rows are of the field that was asked for."""
        found = one_file(tmp_path, HEADER + changes(0, 30), reshaping=CHANGES).land()
        assert stages("30", "30") == said(found)
        assert "no row is of the field" not in " ".join(found.warnings)

    def test_the_refusal_of_a_rejected_delivery_has_it(self, tmp_path: Path) -> None:
        """Rows without a stage stop the run: the message says why they have none."""
        found = one_file(tmp_path, entries(100, 900)).land(accept_rejects=False)
        (refusal,) = found.rejected
        assert stages("900", "1,000", "stage")[0] in refusal

    def test_values_within_json_are_counted_by_element(self, tmp_path: Path) -> None:
        """Each value of a list is a row. A record that can't be taken apart is rejected, and is not an empty one."""

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
        assert stages("28", "30", "values[].value") == said(inbox.land())
        inbox.put("entries.csv", "lead_id,values\n" + "LX,not JSON\n" + rows)
        assert stages("28", "31", "values[].value") == said(inbox.land())

    def test_leads_are_not_looked_at(self, tmp_path: Path) -> None:
        """An input of leads has no stage that a row must have."""
        rows = "".join(f"L{number},\n" for number in range(30))
        inbox = Inbox(tmp_path)
        inbox.put("entries.csv", "lead_id,owner\n" + rows)
        assert [] == said(inbox.reads("entries.csv", "leads").land())


class TestOldValues:
    def moves(self, leads: int, old: Any) -> str:
        """Two changes of each lead, the first without an old value; `old` gives that of the second."""
        return HEADER + "".join(
            change(f"L{number}", "MQL") + change(f"L{number}", "SAL", old(number), day=6) for number in range(leads)
        )

    def test_masked_old_values(self, tmp_path: Path) -> None:
        """18 of 20 rows that follow another one have none."""
        found = one_file(tmp_path, self.moves(20, lambda number: "MQL" if number < 2 else ""), reshaping=CHANGES).land()
        assert [
            "column `OldValue` is empty in 18 of 20 rows that follow another row of their lead: the export may hide or cut its "
            "values (field-level security, an encrypted field, a connector that keeps no values), so the stage before a lead's "
            f"first change stays unknown{NEXT}"
        ] == said(found)

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
    def test_old_values_that_nobody_expects(self, tmp_path: Path, rows: str) -> None:
        """The first row of a lead may be that of its creation; a file without the column gives no old values at all."""
        assert [] == said(one_file(tmp_path, rows, reshaping=CHANGES).land())

    def test_old_values_that_are_there(self, tmp_path: Path) -> None:
        """Three of twenty are enough to see the column."""
        assert [] == said(
            one_file(tmp_path, self.moves(20, lambda number: "MQL" if number < 3 else ""), reshaping=CHANGES).land()
        )
