"""Ad hoc queries on the sample: the shipped questions, files of queries, and the Python API."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipeline import Published, published
from pipeline.errors import UsageError
from pipeline.explore import query
from pipeline.settings import shipped
from pipeline.transform.macros import discover_macros
from tests import runs
from tests.cli.commands import funnel
from tests.sample import Sample

MACROS = {macro.name: macro for macro in discover_macros(shipped("sql")) if not macro.is_value}


@pytest.fixture(scope="module")
def output(sample: Sample) -> Path:
    """The output folder of the sample."""
    return sample.output


class TestQuestions:
    @pytest.mark.parametrize("name", sorted(query.questions()))
    def test_each_question_has_rows(self, output: Path, name: str) -> None:
        """A question file begins with the question as a comment, and its query has rows on the sample."""
        text = query.question(name)
        assert re.match(r"-- [A-Z].*\?$", text.splitlines()[0])
        assert runs.ask(output, text)

    def test_questions_are_listed_and_printed(self, output: Path) -> None:
        """`funnel questions` lists every question; with a name it prints the query."""
        listed = funnel("questions")
        assert 12 <= len(listed.out.splitlines())
        assert sorted(query.questions()) == [line.split()[0] for line in listed.out.splitlines()]
        assert f"{query.question('overdue_by_owner')}\n" == funnel("questions", "overdue_by_owner").out

    def test_an_unknown_question_is_exit_code_2(self) -> None:
        """The message suggests the nearest name."""
        answer = funnel("questions", "overdue_by_owners")
        assert (2, "") == (answer.code, answer.out)
        assert "did you mean `overdue_by_owner`?" in answer.err


class TestFile:
    def test_each_query_of_a_file_is_run(self, output: Path, tmp_path: Path) -> None:
        """Each query of the file is run, also with comments and without a last semicolon."""
        (tmp_path / "question.sql").write_text("-- What?\nselect 1 as one;\nselect count(*) as n from help()")
        answer = funnel("sql", "--file", tmp_path / "question.sql", "--format", "csv", "--output", output)
        assert (0, f"one\n1\nn\n{len(MACROS)}\n") == (answer.code, answer.out)

    def test_a_wrong_call_is_exit_code_2(self, output: Path, tmp_path: Path) -> None:
        """A missing file, a file that is no text, and a query together with a file are refused."""
        (tmp_path / "question.sql").write_bytes(b"select '\xff'")
        wrong = [
            funnel("sql", "--file", tmp_path / "nothing.sql", "--output", output),
            funnel("sql", "--file", tmp_path / "question.sql", "--output", output),
            funnel("sql", "select 1", "--file", tmp_path / "question.sql", "--output", output),
        ]
        assert [(2, "")] * 3 == [(answer.code, answer.out) for answer in wrong]


class TestPython:
    def test_the_example_of_the_document_runs(
        self, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The code of docs/notebooks.md runs, and each of its frames has rows."""
        (tmp_path / "build").symlink_to(output)
        monkeypatch.chdir(tmp_path)
        text = (runs.REPOSITORY / "docs" / "notebooks.md").read_text("utf-8")
        names: dict[str, object] = {}
        for block in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            exec(block, names)
        frames = {name: value for name, value in names.items() if type(value).__name__ == "DataFrame"}
        assert {"by_channel", "steps", "triangle", "overdue"} == set(frames)
        assert [] == [name for name, frame in frames.items() if not len(frame)]  # type: ignore[arg-type]

    def test_a_run_says_what_it_is_about(self, output: Path) -> None:
        """`repr` has as-of, stages and methods, and `tables` what one row is of each table for people."""
        with published(output) as run:
            about, tables = repr(run), run.tables().df()
        assert "as of 2025-12-31 23:59:59 America/New_York" in about
        assert "stages: mcl, mel, mql" in about
        assert "methods: close, cohort_triangle, conversion" in about
        assert {"marts.leads_wide", "report.headline", "waterfall.stages"} <= set(tables["table_name"])
        assert not any(name.startswith(("clean.", "journey.")) for name in tables["table_name"])

    def test_a_plot_shows_the_numbers_of_its_frame(self, output: Path) -> None:
        """Final cohorts are a line, the others a dotted one; a funnel has a bar per step, a stage a dot at its median."""
        with published(output) as run:
            result = run.conversion("mql", "sal", within_days=30)
            frame, axes = result.df(), result.plot()
            steps = run.funnel_steps(["mel", "mql"])
            bars, reached = steps.plot().containers[0], steps.df()["reached"]
            by_source = run.conversion("mql", "sal", by="lead_source", grain="all")
            values, rates = by_source.plot().lines[-1], by_source.df()["rate"]
            times = run.time_in_stage()
            dots, medians = times.plot().lines[-1], times.df()["median_days"]
        final = frame[frame["is_mature"]]
        assert list(final["rate"]) == list(axes.lines[0].get_ydata())
        assert list(frame[~frame["is_mature"]]["rate"]) == list(axes.lines[1].get_ydata())
        assert list(rates) == list(values.get_xdata())
        assert list(reached) == [bar.get_height() for bar in bars]
        assert [each for each in medians if each == each] == [each for each in dots.get_xdata() if each == each]

    def test_the_methods_are_the_macros(self) -> None:
        """Each table macro is a method with the same arguments, order and defaults; there are no other methods."""
        own = {"sql", "close", "help", "tables"}
        methods = {name: value for name, value in vars(Published).items() if name[0] != "_" and name not in own}
        assert set(MACROS) == set(methods)
        for name, method in methods.items():
            method_arguments = {
                each.name: None if each.default is inspect.Parameter.empty else str(each.default)
                for each in list(inspect.signature(method).parameters.values())[1:]
            }
            macro_arguments = {
                each.name: each.default and {"null": "None"}.get(each.default, each.default.strip("'"))
                for each in MACROS[name].arguments
            }
            assert list(macro_arguments.items()) == list(method_arguments.items())

    def test_every_method_returns_rows(self, output: Path) -> None:
        """Each method, called as in the example of its macro, returns rows; Arrow has as many as pandas."""
        with published(output) as api:
            lead = api.sql("select lead_id from clean.leads limit 1").fetchall()[0][0]
            answers = [
                api.help(), api.conversion("mql", "sal", by="lead_source"), api.cohort_triangle("mql", "sal"),
                api.funnel_steps(["mel", "mql"], within_seconds=86400), api.time_in_stage("mql"), api.flow("mql"),
                api.stuck_leads(owner="tom brannigan", min_days=0.5), api.lead_history(lead), api.stage_words(),
                api.sla("mql"),
            ]  # fmt: skip
            assert [] == [answer.columns for answer in answers if not answer.fetchall()]
            answer = api.conversion("mql", "sal")
            assert len(answer.df()) == api.conversion("mql", "sal").arrow().read_all().num_rows

    def test_an_apostrophe_stays_text(self, output: Path) -> None:
        """An argument of a method can't end its SQL literal."""
        with published(output) as api:
            assert [] == api.stuck_leads(owner="O'Neil'); drop table x; --").fetchall()

    def test_nothing_published_and_no_select_are_reported(self, tmp_path: Path, output: Path) -> None:
        """A folder without a run, a statement without rows, and writing are refused."""
        with pytest.raises(UsageError, match="nothing is published yet"):
            published(tmp_path)
        with published(output) as api:
            with pytest.raises(duckdb.Error):
                api.sql("create table marts.mine as select 1")
            with pytest.raises(UsageError, match="this is not a SELECT"):
                api.sql("set variable x = 1")

    def test_importing_the_package_is_light(self) -> None:
        """`import pipeline` loads neither DuckDB nor pandas."""
        done = subprocess.run(
            [sys.executable, "-c", "import sys, pipeline; print(sorted({'duckdb', 'pandas'} & set(sys.modules)))"],
            capture_output=True, text=True, check=True, cwd=runs.REPOSITORY,
        )  # fmt: skip
        assert "[]\n" == done.stdout
