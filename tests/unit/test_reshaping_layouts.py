"""Rows of wide columns, lists in a cell, reports and tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivery import Inbox, one_file

from pipeline.config.configuration import Reshaping, Split, StageDates
from tests.unit.reshaping_files import CHANGES, ENTRIES, FIELDS, KNOWN, counts, refusal, where


class TestSplit:
    def test_each_value_becomes_a_row(self, tmp_path: Path) -> None:
        """Spaces and empty values are ignored; a cell without a value is a filtered record."""
        inbox = Inbox(tmp_path)
        inbox.put("c.csv", "Id,Merged\nA,B; C;\nD,\n")
        columns = {"from_lead_id": "Merged", "into_lead_id": "Id"}
        inbox.reads("c.csv", "merges", columns=columns, reshaping=Reshaping(split=Split(("merged",), ";")))
        assert (2, 3, 1, 0, 2) == counts(inbox.land())
        assert [("B", "A"), ("C", "A")] == inbox.rows("select from_lead_id, into_lead_id from raw.merges order by 1")

    def test_several_list_cells_are_split_together(self, tmp_path: Path) -> None:
        """Lists of equal length become rows; a record with different lengths is rejected."""
        text = (
            'lead_id,f,v,entered_at\nL1,"Status\nOwner","MQL\nDana",2026-01-05\nL2,"Status\nOwner","MQL",2026-01-05\n'
        )
        shape = Reshaping(split=Split(("f", "v"), "\n"), where=(where("f", "one_of", "Status"),))
        inbox = one_file(tmp_path, text, columns={"stage": "v"}, reshaping=shape)
        assert (2, 3, 1, 1, 1) == counts(inbox.land())
        assert ["uneven_lists"] == [reason for _, reason, _ in inbox.rejected()]

    def test_a_column_that_is_not_there_refuses_the_file(self, tmp_path: Path) -> None:
        """It is reported like any missing column."""
        inbox = one_file(tmp_path, CHANGES, reshaping=Reshaping(split=Split(("ids",), ";")))
        assert "missing columns `ids`" in refusal(inbox.land())[0]


class TestStageDates:
    def test_each_date_becomes_an_entry(self, tmp_path: Path) -> None:
        """A column matches by name or pattern; a record without a date is a filtered record."""
        text = 'lead_id,On MQL,Date entered "SAL (Sales Pipeline)"\nL1,2026-01-05,2026-01-06\nL2,,\n'
        dates = StageDates(columns=(("mql", "on mql"),), patterns=("date entered *",), known=KNOWN)
        inbox = one_file(tmp_path, text, reshaping=Reshaping(stage_dates=dates, keeps_extras=False))
        assert (2, 3, 1, 0, 2) == counts(inbox.land())
        assert [("L1", "mql", "2026-01-05"), ("L1", "SAL", "2026-01-06")] == inbox.rows(ENTRIES)

    def test_columns_that_are_not_read_are_reported(self, tmp_path: Path) -> None:
        """These are columns of unknown stages, second columns of a stage, and configured names that are not in the file."""
        text = "lead_id,Became a MQL Date,hs_mql_date,Became a Fan Date\nL1,2026-01-05,2026-01-06,2026-01-07\n"
        dates = StageDates((("sal", "SAL on"),), ("Became a * Date", "hs_*_date"), KNOWN)
        inbox = one_file(tmp_path, text, reshaping=Reshaping(stage_dates=dates, keeps_extras=False))
        assert (
            "crm: entries.csv: columns not in the file, though `stages` names them: `SAL on`",
            "crm: entries.csv: columns look like dates of stages that the waterfall does not know, and are not read: "
            "`Became a Fan Date`",
            "crm: entries.csv: columns have dates of a stage that another column has, and are not read: `hs_mql_date`",
        ) == inbox.land().warnings
        assert [("L1", "MQL", "2026-01-05")] == inbox.rows(ENTRIES)

    def test_a_file_without_any_date_is_refused(self, tmp_path: Path) -> None:
        """The message has the columns that look like dates, if there are any."""
        dates = StageDates(patterns=("Became a * Date",), known=KNOWN)
        plain = one_file(tmp_path, "lead_id,x\nL1,1\n", reshaping=Reshaping(stage_dates=dates))
        assert (
            "no header looks like the date of a stage (`Became a * Date`); found `lead_id`, `x`",
            'write `stages` in this [[inputs]] block, as a pattern "* on" or with names: { mql = "Became MQL" }',
        ) == refusal(plain.land())
        unknown = one_file(tmp_path / "b", "lead_id,Became a Fan Date\nL1,1\n", reshaping=Reshaping(stage_dates=dates))
        assert "look like dates of stages that the waterfall does not know" in refusal(unknown.land())[0]
        other = one_file(tmp_path / "c", "lead_id;Became a MQL Date\nL1;\n", reshaping=Reshaping(stage_dates=dates))
        assert 'declare delimiter = ";" for this input' == refusal(other.land())[1]


class TestReports:
    def test_the_footer_is_filtered(self, tmp_path: Path) -> None:
        """These are the lines after the last complete record, if one of them looks like a footer."""
        footer = "\nReport\nCopyright (c) 2000-2026\n"
        inbox = one_file(tmp_path, CHANGES + footer, reshaping=Reshaping(footer="^Copyright"))
        assert (6, 6, 2, 0, 4) == counts(inbox.land())

    def test_a_truncated_line_is_no_footer(self, tmp_path: Path) -> None:
        """It is rejected, like a short line before a complete one."""
        inbox = one_file(tmp_path, CHANGES + "L4,Sta", reshaping=Reshaping(footer="^Copyright"))
        assert (5, 5, 0, 1, 4) == counts(inbox.land())
        above = one_file(
            tmp_path / "b",
            FIELDS + "L0,x\nL1,Status,MQL,2026-01-05\nCopyright\n",
            reshaping=Reshaping(footer="^Copyright"),
        )
        assert (3, 3, 1, 1, 1) == counts(above.land())

    @pytest.mark.parametrize(
        ("name", "day"), [("leads_2026-01-05.csv", "2026-01-05"), ("20260105_leads.csv", "2026-01-05")]
    )
    def test_a_snapshot_is_dated_by_its_name(self, tmp_path: Path, name: str, day: str) -> None:
        """The file name is used if there is no column with the time."""
        inbox = Inbox(tmp_path)
        inbox.put(name, "lead_id,stage\nL1,MQL\n")
        inbox.reads(name, reshaping=Reshaping(dated_by_name=True))
        inbox.land()
        assert [("L1", "MQL", day)] == inbox.rows(ENTRIES)

    def test_a_snapshot_without_a_date_is_refused(self, tmp_path: Path) -> None:
        """It is refused like a file without the column; a column of the file, or a mapped one, has priority over the name."""
        none = one_file(tmp_path, "lead_id,stage\nL1,MQL\n", reshaping=Reshaping(dated_by_name=True))
        assert "missing columns `entered_at`" in refusal(none.land())[0]
        inbox = Inbox(tmp_path / "b")
        inbox.put("x_2026-01-05.csv", "lead_id,stage,when\nL1,MQL,2026-01-04\n")
        inbox.reads("x_*.csv", columns={"entered_at": "when"}, reshaping=Reshaping(dated_by_name=True))
        inbox.land()
        assert [("L1", "MQL", "2026-01-04")] == inbox.rows(ENTRIES)


class TestParquet:
    def test_lists_and_structs_are_json(self, tmp_path: Path) -> None:
        """A path may read them; times in them are ISO 8601, independent of the format of the input."""
        inbox = Inbox(tmp_path)
        connection = inbox.raw_views()
        connection.execute(
            "copy (select 'L1' as id, [{'v': 'MQL', 't': timestamp '2026-01-05 10:00:00'}] as h) "
            f"to '{tmp_path / 'h.parquet'}' (format parquet)"
        )
        columns = {"lead_id": "id", "stage": "h[].v", "entered_at": "h[].t"}
        inbox.reads("h.parquet", columns=columns, reshaping=Reshaping())
        assert (1, 1, 0, 0, 1) == counts(inbox.land())
        assert [("L1", "MQL", "2026-01-05")] == inbox.rows(ENTRIES)


class TestGrids:
    def test_a_web_page_is_reshaped(self, tmp_path: Path) -> None:
        """It is reshaped like every other kind of file."""
        cells = "".join(
            f"<tr>{''.join(f'<td>{cell}</td>' for cell in line.split(','))}</tr>" for line in CHANGES.splitlines()
        )
        inbox = Inbox(tmp_path)
        inbox.put("report.xls", f"<html><table>{cells}</table></html>")
        inbox.reads("report.xls", reshaping=Reshaping(where=(where("Field", "one_of", "Status"),)))
        assert (4, 4, 2, 0, 2) == counts(inbox.land())


class TestKnownFormats:
    @pytest.mark.parametrize(
        ("header", "advice"),
        [
            (
                "LeadId,OldValue,NewValue,CreatedDate",
                "it looks like the format salesforce_lead_history: "
                'write format = "salesforce_lead_history" in the place of `table` and `columns`',
            ),
            (
                "lead_id,Became a MQL Date,Became a SAL Date",
                '2 columns look like stage dates: use format = "stage_dates"',
            ),
        ],
    )
    def test_a_refusal_names_the_format(self, tmp_path: Path, header: str, advice: str) -> None:
        """The file looks like a known format."""
        assert advice == refusal(one_file(tmp_path, f"{header}\n1,2,3,4\n").land())[1]

    @pytest.mark.parametrize("header", ["LeadId,OldValue,NewValue,CreatedDate", "a,b,c,d"])
    def test_a_file_of_another_table_gets_no_format(self, tmp_path: Path, header: str) -> None:
        """The format has no table of deletions."""
        inbox = Inbox(tmp_path)
        inbox.put("x.csv", f"{header}\n1,2,3,4\n")
        inbox.reads("x.csv", "deletions")
        assert "format" not in refusal(inbox.land())[1]

    def test_a_column_of_field_names_is_reported(self, tmp_path: Path) -> None:
        """The file is a history of all fields, but every row is read as a stage."""
        text = "LeadId,OldValue,NewValue,CreatedDate,Field\nL1,,MQL,2026-01-01,Status\nL1,,Dana,2026-01-02,Owner\n"
        columns = {"lead_id": "LeadId", "stage": "NewValue", "entered_at": "CreatedDate"}
        (warning,) = [
            each for each in one_file(tmp_path, text, columns=columns).land().warnings if "did you mean" in each
        ]
        assert warning.endswith(
            'column `Field` has 2 values: did you mean format = "salesforce_lead_history", or a `where` on that column?'
        )
        one = one_file(tmp_path / "b", text.replace("Owner", "Status"), columns=columns)
        assert [] == [each for each in one.land().warnings if "did you mean" in each]
