"""Records become rows: filters, the source of each column, lists, and that no record is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivery import Inbox, one_file

from pipeline.config.configuration import Candidate, Reshaping, Where
from pipeline.ingest.readers import holding
from pipeline.waterfall.definition import Condition
from tests.unit.reshaping_files import CHANGES, ENTRIES, FIELDS, counts, refusal, where


class TestWhere:
    @pytest.mark.parametrize(
        ("condition", "leads"),
        [
            (where("Field", "one_of", "Status"), ["L1", "L3"]),
            (where("field", "one_of", "Status", "Owner"), ["L1", "L1", "L3"]),
            (where("Field", "one_of", "Status", is_negated=True), ["L1", "L2"]),
            (where("Field", "matches", "^Sta"), ["L1", "L3"]),
            (where("Field", "matches", "^Sta", is_negated=True), ["L1", "L2"]),
            (where("Field", "is_null"), ["L2"]),
            (where("Field", "is_null", is_negated=True), ["L1", "L1", "L3"]),
            (where("No such column", "one_of", "x", is_optional=True), ["L1", "L1", "L2", "L3"]),
        ],
    )
    def test_rows_outside_are_filtered(self, tmp_path: Path, condition: Where, leads: list[str]) -> None:
        """A missing value is not in the values, as in the rules on leads; each filtered row is counted."""
        inbox = one_file(tmp_path, CHANGES, reshaping=Reshaping(where=(condition,)))
        assert (4, 4, 4 - len(leads), 0, len(leads)) == counts(inbox.land())
        assert leads == inbox.leads()

    def test_all_conditions_must_hold(self, tmp_path: Path) -> None:
        """The input has two conditions."""
        both = (where("Field", "one_of", "Status"), where("stage", "is_null", is_negated=True))
        inbox = one_file(tmp_path, CHANGES + "L4,Status,,2026-01-09\n", reshaping=Reshaping(where=both))
        inbox.land()
        assert ["L1", "L3"] == inbox.leads()

    def test_a_column_that_is_not_there_refuses_the_file(self, tmp_path: Path) -> None:
        """The message has the columns of the file."""
        inbox = one_file(tmp_path, CHANGES, reshaping=Reshaping(where=(where("Feld", "one_of", "x"),)))
        assert (
            "`where` asks for a column `Feld`, which is not in the file; found `lead_id`, `Field`, `stage`, `entered_at`",
            "correct `column` in `where` of this input",
        ) == refusal(inbox.land())

    def test_extra_columns_are_kept_unless_the_format_drops_them(self, tmp_path: Path) -> None:
        """A format keeps only mapped columns."""
        inbox = one_file(tmp_path, CHANGES, reshaping=Reshaping())
        (load,) = inbox.land().loads
        assert {"field": "Field"} == load.extras
        other = one_file(tmp_path / "b", "x,y,lead_id,stage,entered_at\n1,2,L1,MQL,2026-01-05\n")
        other = Inbox(other.folder).reads("entries.csv", columns={"why": "y"}, reshaping=Reshaping(keeps_extras=False))
        (load,) = other.land().loads
        assert {"why": "y"} == load.extras

    def test_a_rejected_row_keeps_its_record(self, tmp_path: Path) -> None:
        """The row has its own number, the number of its record in the file, and the line as original."""
        text = CHANGES + "L4,Status,MQL,someday\nL5,Status,Banana,2026-01-09\n"
        inbox = one_file(tmp_path, text, reshaping=Reshaping(where=(where("Field", "one_of", "Status"),)))
        assert (6, 6, 2, 1, 3) == counts(inbox.land())
        rejected = inbox.rows("select row_number, record_number, reason, original from raw.rejected_rows")
        assert [(3, 5, "unreadable_time", "L4,Status,MQL,someday")] == rejected
        assert [("L5,Status,Banana,2026-01-09", 4, 6)] == inbox.rows(
            "select original, row_number, record_number from raw.stage_entries where original is not null"
        )

    def test_a_malformed_line_comes_after_the_rows(self, tmp_path: Path) -> None:
        """Its number differs from those of the rows."""
        text = CHANGES.replace("L1,Owner,Dana,2026-01-06\n", "L1,Owner\n")
        inbox = one_file(tmp_path, text, reshaping=Reshaping(where=(where("Field", "one_of", "Status"),)))
        assert (4, 4, 1, 1, 2) == counts(inbox.land())
        assert [(3, 2, "too_few_fields", "L1,Owner")] == inbox.rows(
            "select row_number, record_number, reason, original from raw.rejected_rows"
        )

    def test_a_file_larger_than_the_memory_gives_the_same_rows(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its cells and rows are stored on the disk."""
        monkeypatch.setattr(holding, "MAX_IN_MEMORY_BYTES", 10)
        inbox = one_file(tmp_path, CHANGES, reshaping=Reshaping(where=(where("Field", "one_of", "Status"),)))
        assert (4, 4, 2, 0, 2) == counts(inbox.land())
        assert ["L1", "L3"] == inbox.leads()

    def test_a_quoted_delimiter_is_part_of_the_value(self, tmp_path: Path) -> None:
        """A line with a quoted delimiter is not malformed."""
        inbox = one_file(tmp_path, CHANGES.replace("Owner", '"Owner, old"'), reshaping=Reshaping())
        assert (4, 4, 0, 0, 4) == counts(inbox.land())


class TestColumns:
    def test_a_constant_fills_a_column(self, tmp_path: Path) -> None:
        """It may fill an extra column too."""
        shape = Reshaping(constants={"source_system": "hubspot", "region": "EMEA"})
        inbox = one_file(tmp_path, CHANGES, reshaping=shape)
        (load,) = inbox.land().loads
        assert "constant source_system" == load.columns["source_system"]
        assert [("hubspot", "EMEA")] == inbox.rows("select distinct source_system, region from raw.stage_entries")

    def test_the_first_candidate_in_the_file_is_used(self, tmp_path: Path) -> None:
        """A candidate that needs another header is skipped without that header."""
        names = {
            "lead_id": (Candidate("Field", beside="_start"), Candidate("Nr"), Candidate("lead id")),
            "stage": (Candidate("STAGE"),),
        }
        inbox = one_file(tmp_path, CHANGES, reshaping=Reshaping(names=names))
        inbox.land()
        assert ["L1", "L1", "L2", "L3"] == inbox.leads()

    def test_a_mapped_column_has_priority(self, tmp_path: Path) -> None:
        """It has priority over the candidates of the format."""
        names = {"lead_id": (Candidate("lead_id"),)}
        inbox = one_file(tmp_path, CHANGES, columns={"lead_id": "Field"}, reshaping=Reshaping(names=names))
        inbox.land()
        assert ["Status", "Owner", "Status"] == inbox.leads()

    def test_the_message_on_a_missing_column_has_the_candidates(self, tmp_path: Path) -> None:
        """It has the columns of the file too."""
        names = {"stage": (Candidate("NewValue"), Candidate("New Value"))}
        inbox = one_file(tmp_path, "lead_id,entered_at\nL1,2026-01-01\n", format="f", reshaping=Reshaping(names=names))
        reason, _ = refusal(inbox.land())
        assert (
            "missing columns `stage`; the format f looks for `NewValue`, `New Value`; found `lead_id`, `entered_at`"
            == reason
        )

    def test_a_missing_column_of_a_condition_is_reported(self, tmp_path: Path) -> None:
        """With a wrong delimiter all columns are missing together; a column of no table is reported alone."""
        names = {"lead_id": (Candidate("LeadId"),), "field": (Candidate("Field"),)}
        conditions = (where("field", "one_of", "Status"), Where(Condition("stage", "is_null", is_negated=True)))
        shape = Reshaping(names=names | {"stage": (Candidate("NewValue"),)}, where=conditions)
        text = "LeadId;Field;NewValue;entered_at\nL1;Status;MQL;2026-01-05\n"
        assert (
            'declare delimiter = ";" for this input'
            == refusal(one_file(tmp_path / "a", text, reshaping=shape).land())[1]
        )
        text = "LeadId,Property,NewValue,entered_at\nL1,Status,MQL,2026-01-05\n"
        reason = refusal(one_file(tmp_path / "b", text, reshaping=shape).land())[0]
        assert reason.startswith("missing columns `field`; the format entries looks for `Field`; found ")

    def test_an_optional_part_of_a_format_may_be_absent(self, tmp_path: Path) -> None:
        """Neither its columns nor its file is reported as missing; a damaged file is reported once."""
        inbox = one_file(tmp_path, CHANGES)
        inbox.reads("entries.csv", "merges", name="merges", is_optional=True)
        inbox.reads("nowhere.csv", "merges", name="others", is_optional=True)
        result = inbox.land()
        assert ((), (), 1) == (result.refused, result.missing, len(result.loads))
        inbox = one_file(tmp_path / "b", b"\0\0\0\0")
        inbox.reads("entries.csv", "merges", name="merges", is_optional=True)
        assert ["crm"] == [refused.input for refused in inbox.land().refused]

    def test_the_creation_time_comes_from_the_creation_row(self, tmp_path: Path) -> None:
        """It applies to its own record only."""
        text = (
            "lead_id,Field,stage,entered_at\n"
            + "L1,created,,2026-01-01\nL1,Status,MQL,2026-01-05\nL2,Status,MQL,2026-01-06\n"
        )
        shape = Reshaping(
            names={"field": (Candidate("Field"),)}, where=(where("field", "one_of", "Status"),), created=("created",)
        )
        inbox = one_file(tmp_path, text, reshaping=shape)
        inbox.land()
        assert [("L1", "2026-01-01"), ("L2", None)] == inbox.rows(
            "select lead_id, record_created_at::date::varchar from raw.stage_entries order by row_number"
        )

    def test_without_a_column_of_fields_there_is_no_creation_time(self, tmp_path: Path) -> None:
        """The creation row can't be recognised."""
        text = "lead_id,stage,entered_at\nL1,MQL,2026-01-05\n"
        inbox = one_file(tmp_path, text, reshaping=Reshaping(created=("created",)))
        assert (1, 1, 0, 0, 1) == counts(inbox.land())
        assert [(None,)] == inbox.rows("select record_created_at from raw.stage_entries")
        mapped = Inbox(inbox.folder / "b")
        mapped.put("entries.csv", "lead_id,stage,entered_at,made\nL1,MQL,2026-01-05,2026-01-01\n")
        mapped.reads("entries.csv", columns={"record_created_at": "made"}, reshaping=Reshaping(created=("created",)))
        mapped.land()
        assert [("2026-01-01",)] == mapped.rows("select record_created_at::date::varchar from raw.stage_entries")

    def test_the_fields_of_the_file_are_named_if_none_is_the_stage(self, tmp_path: Path) -> None:
        """The warning has the setting to write."""
        shape = Reshaping(names={"field": (Candidate("Field"),)}, where=(where("field", "one_of", "Stage"),))
        result = one_file(tmp_path, CHANGES, reshaping=shape).land()
        assert (
            'crm: entries.csv: no row is of the field that holds the stage; the fields there are "Status" (2), "Owner" (1)\n'
            '    field_value = "Status"   # in this [[inputs]] block',
        ) == result.warnings
        empty = one_file(tmp_path / "b", FIELDS + "L1,,MQL,2026-01-01\n", reshaping=shape).land()
        assert (
            "crm: entries.csv: no row is of the field that holds the stage; the fields there are not named",
        ) == empty.warnings


class TestJson:
    def test_a_path_reads_a_value_of_a_json_cell(self, tmp_path: Path) -> None:
        """A name with a space is quoted; a number keeps its digits; null is missing."""
        text = 'id,attributes,at\n7,"{""New Value"": ""MQL"", ""n"": {""x"": 12345678901234567}, ""no"": null}",2026-01-05\n'
        columns = {
            "lead_id": "attributes.n.x",
            "stage": 'attributes."New Value"',
            "entered_at": "at",
            "owner": "attributes.no",
        }
        inbox = one_file(tmp_path, text, columns=columns, reshaping=Reshaping())
        inbox.land()
        assert [("12345678901234567", "MQL", "2026-01-05")] == inbox.rows(ENTRIES)
        assert [(None,)] == inbox.rows("select owner from raw.stage_entries")

    def test_paths_may_start_in_a_default_json_column(self, tmp_path: Path) -> None:
        """A path then begins inside that column."""
        text = 'lead_id,data,entered_at\nL1,"{""new"": {""stage"": ""MQL""}}",2026-01-05\n'
        inbox = one_file(tmp_path, text, columns={"stage": "new.stage"}, reshaping=Reshaping(json="data"))
        inbox.land()
        assert [("L1", "MQL", "2026-01-05")] == inbox.rows(ENTRIES)

    def test_the_first_path_with_a_value_is_used(self, tmp_path: Path) -> None:
        """A format may have several paths for a column."""
        text = 'lead_id,a,entered_at\nL1,"{""New Value"": ""MQL""}",2026-01-05\nL2,"{""New Status"": ""SAL""}",2026-01-06\n'
        names = {"stage": (Candidate('a."New Value"'), Candidate('a."New Status"'))}
        shape = Reshaping(names=names, where=(Where(Condition("stage", "is_null", is_negated=True)),))
        inbox = one_file(tmp_path, text, reshaping=shape)
        assert (2, 2, 0, 0, 2) == counts(inbox.land())
        assert [("L1", "MQL", "2026-01-05"), ("L2", "SAL", "2026-01-06")] == inbox.rows(ENTRIES)

    def test_a_header_with_points_is_a_header(self, tmp_path: Path) -> None:
        """The longest matching header is used."""
        text = 'lead_id,a.b,a,entered_at\nL1,"{""c"": ""MQL""}",x,2026-01-05\n'
        inbox = one_file(tmp_path, text, columns={"stage": "a.b.c"}, reshaping=Reshaping())
        inbox.land()
        assert [("L1", "MQL", "2026-01-05")] == inbox.rows(ENTRIES)

    @pytest.mark.parametrize("path_text", ["a..b", "attributes.", "x[].y[]", "", 'a"b'])
    def test_an_invalid_path_is_a_missing_header(self, tmp_path: Path, path_text: str) -> None:
        """The file is refused as for any missing header."""
        text = "lead_id,attributes,entered_at\nL1,{},2026-01-05\n"
        inbox = one_file(tmp_path, text, columns={"stage": path_text}, reshaping=Reshaping())
        assert "missing columns `stage`" in refusal(inbox.land())[0]

    def test_a_broken_cell_rejects_its_record(self, tmp_path: Path) -> None:
        """This is so even if a condition reads the cell; a record that another condition filters stays filtered."""
        text = 'lead_id,kind,data,entered_at\nL1,a,"{""s"": ""MQL""}",2026-01-05\nL2,a,{oops,2026-01-05\nL3,b,{oops,2026-01-05\n'
        shape = Reshaping(where=(where("kind", "one_of", "a"), where("data.s", "one_of", "MQL")))
        inbox = one_file(tmp_path, text, columns={"stage": "data.s"}, reshaping=shape)
        assert (3, 3, 1, 1, 1) == counts(inbox.land())
        assert [(2, "cell_not_json", "L2,a,{oops,2026-01-05")] == inbox.rejected()

    def test_a_list_becomes_rows(self, tmp_path: Path) -> None:
        """A list in JSON lines gives one row per element; an empty list is one filtered record."""
        text = (
            '{"id": "L1", "h": {"p": [{"v": "MQL", "t": "2026-01-05"}, {"v": "", "t": "2026-01-06"}, '
            '{"v": "SAL", "t": "2026-01-07"}]}}\n'
            '{"id": "L2", "h": {"p": []}}\n'
            '{"id": "L3"}\n'
        )
        columns = {"lead_id": "id", "stage": "h.p[].v", "entered_at": "h.p[].t"}
        shape = Reshaping(where=(where("stage", "is_null", is_negated=True),))
        inbox = Inbox(tmp_path)
        inbox.put("history.jsonl", text)
        inbox.reads("history.jsonl", columns=columns, reshaping=shape)
        assert (3, 5, 3, 0, 2) == counts(inbox.land())
        assert [("L1", "MQL", "2026-01-05"), ("L1", "SAL", "2026-01-07")] == inbox.rows(ENTRIES)
        assert [(1, 1), (2, 1)] == inbox.rows("select row_number, record_number from raw.stage_entries order by 1")

    def test_a_broken_list_rejects_its_record(self, tmp_path: Path) -> None:
        """The rejected record is one row."""
        text = 'lead_id,h\nL1,"[{""v"": ""MQL"", ""t"": ""2026-01-05""}]"\nL2,[oops\n'
        columns = {"stage": "h[].v", "entered_at": "h[].t"}
        inbox = one_file(tmp_path, text, columns=columns, reshaping=Reshaping())
        assert (2, 2, 0, 1, 1) == counts(inbox.land())

    def test_two_lists_refuse_the_file(self, tmp_path: Path) -> None:
        """The values of two lists can't be matched."""
        inbox = one_file(
            tmp_path, "lead_id,h\nL1,{}\n", columns={"stage": "h.a[].v", "entered_at": "h.b[].t"}, reshaping=Reshaping()
        )
        assert "another list" in refusal(inbox.land())[0]
