"""`explain` and `sql` print only the result on stdout and can't change the published run."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from pipeline.report import answers
from tests import runs
from tests.cli.commands import Answer, copy_of_quarter, funnel, page, process, reads


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the quarter with one merged lead, one deleted lead, and an owner that is a formula."""
    folder = tmp_path_factory.mktemp("questions")
    toml = copy_of_quarter(
        folder,
        reads("crm_merges", "merges") + reads("crm_deletions", "deletions"),
        merges="from_lead_id,into_lead_id,merged_at\nL02,L07,2026-03-01\n",
        deletions="lead_id,deleted_at\nL08,2026-03-30T12:00:00Z\n",
    )
    with (folder / "stage_entries.csv").open("a", encoding="utf-8") as export:
        export.write("L20,MCL,2026-02-02T10:00:00Z,=1+1\nL21,MCL,2026-02-02T11:00:00Z,@cmd\n")
    runs.run(toml, folder / "build", as_of=runs.QUARTER_AS_OF)
    return folder / "build"


def section(answer: Answer, title: str) -> list[list[str]]:
    """The rows below a title of `explain`, without the line of column names."""
    lines = answer.out.partition(f"\n{title}")[2].partition("\n\n")[0].splitlines()[1:]
    return [line.split() for line in lines[1:]]


class TestExplain:
    def test_explain_shows_a_lead_from_entries_to_figures(self, output: Path) -> None:
        """L05 passed through nurture: four entries, two cycles, one lost, one converted, and one conversion as a lead."""
        answer = funnel("explain", "L05", "--output", output)
        counted = section(answer, "Where it counted")
        assert (0, "") == (answer.code, answer.err)
        assert ["mql", "nurture", "mql", "sal"] == [row[1] for row in section(answer, "Entries")]
        assert ["detoured", "open"] == [row[-3] for row in section(answer, "Cycles")]
        assert ["cycle", "mql", "sal", "Jan", "2026", "lost", "–"] in counted
        assert ["cycle", "mql", "sal", "Mar", "2026", "converted", "2.00"] in counted
        assert ["lead", "mql", "sal", "Jan", "2026", "converted", "54.00"] in counted

    def test_explain_shows_rows_that_do_not_count(self, output: Path) -> None:
        """It labels L12's duplicate and repeat, beside the entries that count."""
        answer = funnel("explain", "L12", "--output", output)
        assert ["duplicate", "repeat"] == [row[0] for row in section(answer, "Rows set aside")]
        assert ["mql", "sal"] == [row[1] for row in section(answer, "Entries")]

    def test_a_merged_lead_is_reported_as_its_survivor(self, output: Path) -> None:
        """For a merged id, `explain` shows the survivor with the entries of both leads."""
        answer = funnel("explain", "L02", "--output", output)
        assert answer.out.startswith("Lead L07\n")
        assert "L02 was merged into it" in answer.out
        assert "merged into it: L02" in funnel("explain", "L07", "--output", output).out
        assert {"L02", "L07"} == {row[-4] for row in section(answer, "Entries")}

    def test_a_deleted_lead_keeps_its_history(self, output: Path) -> None:
        """`explain` shows when a lead was deleted, and its last span ends then."""
        answer = funnel("explain", "L08", "--output", output)
        assert "deleted in its source at 2026-03-30 12:00:00 UTC" in answer.out
        assert "deleted" in section(answer, "Stays")[-1]
        assert "deleted" in section(answer, "Cycles")[-1]

    def test_a_lead_of_rejected_rows_alone_is_reported_as_such(self, tmp_path: Path) -> None:
        """`explain` shows the rows with their reason, and that the lead does not count."""
        toml = copy_of_quarter(tmp_path)
        with (tmp_path / "stage_entries.csv").open("a", encoding="utf-8") as export:
            export.write("L99,Marketing Qualifed,2026-03-01T10:00:00Z,\n")
        runs.run(toml, tmp_path / "build", as_of=runs.QUARTER_AS_OF)
        answer = funnel("explain", "L99", "--output", tmp_path / "build")
        assert (0, "") == (answer.code, answer.err)
        assert "only rejected rows have this id, so it is not a lead and counts nowhere" in answer.out
        assert [["rejected", "unknown_stage"]] == [row[:2] for row in section(answer, "Rows set aside")]
        assert [] == runs.ask(tmp_path / "build", "select lead_id from clean.leads where lead_id = 'L99'")

    def test_an_unknown_lead_is_exit_code_2(self, output: Path) -> None:
        """An id of no input is refused, and the message does not repeat it."""
        answer = funnel("explain", "jane.doe@corp.example", "--output", output)
        assert (2, "") == (answer.code, answer.out)
        assert "the published file has no lead with this id" in answer.err
        assert "jane.doe" not in answer.err


class TestSql:
    def test_a_map_is_one_field_of_json(self, output: Path) -> None:
        """The arrivals of a lead are one field of CSV, and an object in JSON."""
        query = "select arrived_at from marts.leads_wide where lead_id = 'L05'"
        line = funnel("sql", query, "--output", output, "--format", "csv").out
        (row,) = json.loads(funnel("sql", query, "--output", output, "--format", "json").out)
        (_, (field,)) = list(csv.reader(io.StringIO(line)))
        assert row["arrived_at"] == json.loads(field)
        assert ["mql", "sal", "nurture"] == list(row["arrived_at"])

    def test_csv_is_only_csv(self, output: Path) -> None:
        """`--format csv` prints a header and rows, and stderr stays empty."""
        answer = process("sql", "select 1 as one, null as none, 'a,b' as text", "--output", output, "--format", "csv")
        assert Answer(0, 'one,none,text\n1,,"a,b"\n', "") == answer

    def test_json_is_only_json(self, output: Path) -> None:
        """`--format json` prints a list of records."""
        query = "select lead_id, age_days > 0 as waits from marts.open_leads order by lead_id limit 2"
        answer = funnel("sql", query, "--output", output, "--format", "json")
        assert (0, "") == (answer.code, answer.err)
        assert [{"lead_id": "L04", "waits": True}, {"lead_id": "L05", "waits": True}] == json.loads(answer.out)

    def test_a_cell_that_a_spreadsheet_would_run_is_escaped(self, output: Path) -> None:
        """A text that begins like a formula gets an apostrophe, a negative number does not."""
        query = "select owner, -1 as below from clean.stage_entries where lead_id in ('L20', 'L21') order by lead_id"
        answer = funnel("sql", query, "--output", output, "--format", "csv")
        assert [["owner", "below"], ["'=1+1", "-1"], ["'@cmd", "-1"]] == list(csv.reader(io.StringIO(answer.out)))

    def test_queries_from_a_pipe_run_in_order(self, output: Path) -> None:
        """Queries from a pipe may have several lines and no last semicolon."""
        answer = process(
            "sql", "--output", output, "--format", "csv", stdin="select 1\n  as a;\n\nselect 2 as b;\nselect 3 as c"
        )
        assert Answer(0, "a\n1\nb\n2\nc\n3\n", "") == answer

    def test_a_pipe_stops_at_the_first_error(self, output: Path) -> None:
        """After a failed query no other query runs, and the exit code is not 0."""
        answer = funnel(
            "sql", "--output", output, "--format", "csv", stdin="select 1 as a;\nselect nothing;\nselect 3 as c;\n"
        )
        assert (2, "a\n1\n") == (answer.code, answer.out)
        assert "nothing" in answer.err

    @pytest.mark.parametrize(
        "query",
        [
            "delete from marts.open_leads",
            "create table mine as select 1 as one",
            "update clean.leads set origin = 'sales'",
            "attach 'other.duckdb'",
            "copy marts.open_leads to 'leads.csv'",
            "from read_csv('/etc/passwd')",
            "set enable_external_access = true",
        ],
    )
    def test_a_query_that_writes_or_reads_files_is_refused(
        self, output: Path, query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A query that would write, attach, export or read other files is refused, and the file stays unchanged."""
        monkeypatch.chdir(tmp_path)
        database = (output / "funnel.duckdb").read_bytes()
        answer = funnel("sql", query, "--output", output)
        assert (2, "") == (answer.code, answer.out)
        assert "error: query: " in answer.err
        assert database == (output / "funnel.duckdb").read_bytes()
        assert [] == list(tmp_path.iterdir())

    def test_a_table_that_does_not_exist_is_explained(self, output: Path) -> None:
        """For a misspelt table the message has DuckDB's suggestion and the command that lists the tables."""
        answer = funnel("sql", "from marts.conversions", "--output", output)
        assert 2 == answer.code
        assert "conversion" in answer.err
        assert 'funnel sql "show all tables"' in answer.err


def test_report_writes_the_same_page_again(output: Path) -> None:
    """`funnel report` writes the same bytes from the same tables, and publishes them as a new run."""
    before, run = page(output), (output / "current").readlink()
    answer = funnel("report", "--config", output.parent / "funnel.toml", "--output", output)
    assert (0, "") == (answer.code, answer.out)
    assert before == page(output)
    assert run != (output / "current").readlink()


def test_a_report_of_older_tables_says_to_build_them_again(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that an earlier version did not have is no fault of the program, and the published run stays."""
    monkeypatch.setattr(answers, "events", lambda report: report.rows("waterfall.later", "event_date"))
    run = (output / "current").readlink()
    answer = funnel("report", "--config", output.parent / "funnel.toml", "--output", output)
    assert 1 == answer.code
    assert "an earlier version built the published tables" in answer.err
    assert "`funnel run --from-log`" in answer.err
    assert run == (output / "current").readlink()
