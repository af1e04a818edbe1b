"""The command starts fast and has help; an error in the command line is exit code 2."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import cli
from pipeline.publish import lock
from tests import runs
from tests.cli.commands import funnel, process

UNUSED = ("pandas", "pyarrow", "numpy")
PAGES = ("jinja2", "xlsxwriter", "css_inline", "resvg_py", "pipeline.report")
HEAVY = (*UNUSED, *PAGES, "duckdb", "pydantic", "holidays", "tldextract")


@pytest.mark.parametrize(
    "what", ["import pipeline.cli", "import pipeline.cli as c; c.cli(['--help'], standalone_mode=False)"]
)
def test_help_imports_no_heavy_package(what: str) -> None:
    """Neither the import of the command line nor its help imports DuckDB, pandas or pydantic."""
    code = f"import sys\n{what}\nprint([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=runs.REPOSITORY, capture_output=True, text=True, check=True)
    assert "[]" == done.stderr.strip()


@pytest.mark.parametrize(
    ("command", "configuration", "absent"),
    [
        ("check", runs.QUARTER, {*UNUSED, *PAGES, "holidays", "tldextract"}),
        ("check", runs.SAMPLE, {*UNUSED, *PAGES, "tldextract"}),
        ("run", runs.QUARTER, {*UNUSED, "holidays", "tldextract"}),
        ("run", runs.SAMPLE, set(UNUSED)),
    ],
)
def test_a_command_imports_only_the_packages_that_it_uses(
    command: str, configuration: Path, absent: set[str], tmp_path: Path
) -> None:
    """Only pages need templates, only a country's calendar needs holidays, only account domains need tldextract."""
    arguments = [command, "--config", str(configuration)]
    if command == "run":
        arguments += ["--output", str(tmp_path)]
    code = (
        "import sys\nfrom pipeline.cli import cli\n"
        f"cli({arguments!r}, standalone_mode=False)\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=runs.REPOSITORY, capture_output=True, text=True, check=True)
    assert set(HEAVY) - absent == set(ast.literal_eval(done.stdout.splitlines()[-1]))


def test_a_second_run_is_refused_before_it_loads_the_pipeline(tmp_path: Path) -> None:
    """The refusal takes less than a second and no processor time from the first run."""
    arguments = ["run", "--config", str(runs.QUARTER), "--output", str(tmp_path)]
    code = (
        f"import sys\nsys.argv[1:] = {arguments!r}\nfrom pipeline import cli\n"
        "try:\n    cli.main()\n"
        "except SystemExit as leaving:\n"
        "    print(leaving.code, [name for name in ('duckdb', 'pydantic', 'pipeline.run.run') if name in sys.modules])"
    )
    with lock.hold(tmp_path, runs.CLOCK):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=runs.REPOSITORY, capture_output=True, text=True, check=True
        )
    assert "5 []" == done.stdout.strip()


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_has_help_with_an_example(name: str) -> None:
    """`funnel COMMAND --help` describes the command and shows an example."""
    answer = funnel(name, "--help")
    example = answer.out.partition("Example:\n")[2].splitlines()[0].strip()
    assert (0, "") == (answer.code, answer.err)
    assert example.startswith(f"funnel {name} ")


def test_the_version_is_that_of_the_package() -> None:
    """`--version` prints the installed version."""
    from importlib.metadata import version

    assert f"funnel, version {version('funnel-pipeline')}\n" == funnel("--version").out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("rnu",), "No such command 'rnu'"),
        (("run", "--confg", "x"), "--confg"),
        (("explain",), "Missing argument 'LEAD'"),
        (("sql", "select 1", "--format", "xml"), "'xml' is not one of 'table', 'csv', 'json'"),
    ],
)
def test_a_command_line_error_is_exit_code_2(arguments: tuple[str, ...], expected: str) -> None:
    """The message on stderr has the wrong command, option or argument; stdout stays empty."""
    answer = funnel(*arguments)
    assert (2, "") == (answer.code, answer.out)
    assert expected in answer.err


def test_without_a_command_the_help_is_shown() -> None:
    """`funnel` alone lists every command."""
    answer = process()
    assert [] == [name for name in cli.commands if f"  {name} " not in answer.out + answer.err]
    assert "Traceback" not in answer.err
