"""The commands of docs/nightly.md are run as they are written, with paths in a folder of the test."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from configparser import ConfigParser
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests import runs
from tests.cli.commands import copy_of_quarter
from tests.cli.test_wheel import built_wheel

NIGHTLY = runs.REPOSITORY / "docs" / "nightly.md"


def blocks(heading: str, language: str) -> list[str]:
    """The fenced blocks of a language under a heading of docs/nightly.md."""
    section = NIGHTLY.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder that replaces the machine of the guide: /opt/funnel, /srv/leads, /var/log."""
    program = tmp_path / "opt" / "funnel" / ".venv" / "bin" / "funnel"
    program.parent.mkdir(parents=True)
    checkout = shlex.quote(str(runs.REPOSITORY))
    program.write_text(f'#!/bin/sh\nPYTHONPATH={checkout} exec {shlex.quote(sys.executable)} -m pipeline.cli "$@"\n')
    program.chmod(0o755)
    copy_of_quarter(tmp_path / "srv" / "leads")
    (tmp_path / "var" / "log").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    return tmp_path


def with_test_paths(text: str, machine: Path) -> str:
    """A line of the guide with its paths in the folder of the test."""
    return re.sub(r"(?<![\w/])/(opt/funnel|srv/leads|var/log|etc/funnel)(?=/)", rf"{machine}/\1", text)


def run_like_cron(line: str, machine: Path) -> subprocess.CompletedProcess[str]:
    """Run a crontab line as cron does: /bin/sh, home folder, minimal environment, up to the first unescaped `%`."""
    fields = line.split(None, 5)
    assert 6 == len(fields)
    assert all(re.fullmatch(r"[\d*/,-]+", field) for field in fields[:5])
    command, *stdin = re.split(r"(?<!\\)%", fields[5])
    return subprocess.run(
        ["/bin/sh", "-c", command.replace("\\%", "%")],
        cwd=machine / "home",
        env={"HOME": str(machine / "home"), "LOGNAME": "funnel", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"},
        input="\n".join(stdin),
        capture_output=True,
        text=True,
        check=False,
    )


def published_as_of(output: Path) -> str:
    return str(runs.ask(output, "select strftime(as_of_local, '%Y-%m-%d') as day from waterfall.run")[0]["day"])


def test_the_line_of_cron_publishes_yesterday(machine: Path) -> None:
    """The run has yesterday's end as as-of; cron has nothing to mail, and the log file has the output."""
    (block,) = blocks("cron", "text")
    (line,) = with_test_paths(block, machine).splitlines()
    done = run_like_cron(line, machine)
    log = (machine / "var" / "log" / "funnel.log").read_text("utf-8")
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr), log
    yesterday = date.today() - timedelta(days=1)
    assert str(yesterday) == published_as_of(machine / "srv" / "leads" / "build")
    assert "done in" in log


def test_the_line_of_cron_with_mail_reads_its_secrets(machine: Path) -> None:
    """The shell exports the variables of the file; without a [mail] block the run stops with a message."""
    (line,) = [with_test_paths(each, machine).strip() for each in blocks("Mail", "text")]
    secrets = machine / "etc" / "funnel" / "mail.env"
    secrets.parent.mkdir(parents=True)
    secrets.write_text("export FUNNEL_SMTP_USER=somebody\n")
    done = run_like_cron(line, machine)
    log = (machine / "var" / "log" / "funnel.log").read_text("utf-8")
    assert 2 == done.returncode
    assert "FUNNEL_SMTP_PASSWORD" in log
    secrets.write_text("export FUNNEL_SMTP_USER=somebody FUNNEL_SMTP_PASSWORD=secret\n")
    assert 2 == run_like_cron(line, machine).returncode
    assert "there is no [mail] block" in (machine / "var" / "log" / "funnel.log").read_text("utf-8")


def test_the_units_of_systemd_are_valid_and_start_a_run(machine: Path) -> None:
    """systemd, if installed, accepts the units, and the command of ExecStart publishes a run."""
    units = machine / "units"
    units.mkdir()
    for name, text in zip(("service", "timer"), blocks("systemd", "ini"), strict=True):
        (units / f"funnel.{name}").write_text(with_test_paths(text, machine), "utf-8")
    service, timer = ConfigParser(interpolation=None), ConfigParser(interpolation=None)
    for parser, name in ((service, "service"), (timer, "timer")):
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read(units / f"funnel.{name}", "utf-8")
    assert "timers.target" == timer["Install"]["WantedBy"]
    if verify := shutil.which("systemd-analyze"):
        done = subprocess.run(
            [verify, "verify", "--man=no", str(units / "funnel.service"), str(units / "funnel.timer")],
            capture_output=True,
            text=True,
            check=False,
        )
        problems = [line for line in done.stderr.splitlines() if "funnel." in line]
        assert (0, []) == (done.returncode, problems)
    name, _, value = service["Service"]["Environment"].partition("=")
    done = subprocess.run(
        shlex.split(service["Service"]["ExecStart"]),
        cwd="/",
        env={"PATH": "/usr/bin:/bin", name: value},
        umask=int(service["Service"]["UMask"], 8),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stdout), done.stderr
    assert (machine / "srv" / "leads" / "build" / "reports" / "index.html").is_file()


def steps(workflow: str) -> list[str]:
    """The scripts of the `run:` steps of a workflow, in their order."""
    scripts = []
    for inline, indent, block in re.findall(
        r"^ +(?:- )?run: (?:([^|\n].*)|\|\n((?: +))(.*\n(?:\2.*\n)*))", workflow, re.MULTILINE
    ):
        scripts.append(inline or "".join(line.removeprefix(indent) for line in f"{indent}{block}".splitlines(True)))
    return scripts


def test_the_workflow_of_github_runs_in_an_empty_folder(tmp_path: Path) -> None:
    """Each `run:` step succeeds with `bash -e` in a checkout that has only the files of the guide."""
    (workflow,) = blocks("GitHub Actions", "yaml")
    scripts = steps(workflow)
    assert workflow.count("run: ") == len(scripts)
    used = re.findall(r"uses: (\S+)", workflow)
    assert all(re.fullmatch(r"actions/[a-z/-]+@[0-9a-f]{40}", each) for each in used)
    python = tmp_path / "python"
    subprocess.run([sys.executable, "-m", "venv", str(python)], check=True)
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    built_wheel(checkout)
    # This environment has the dependencies, so that nothing is downloaded; the wheel has the program.
    (checkout / "requirements.txt").write_text("# nothing more\n")
    fetch = checkout / "fetch-exports"
    quarter = shlex.quote(str(runs.QUARTER.parent))
    fetch.write_text(f"#!/bin/sh\ncp {quarter}/*.csv .\n")
    fetch.chmod(0o755)
    shutil.copyfile(runs.QUARTER, checkout / "funnel.toml")
    summary = tmp_path / "summary.md"
    environment = {
        "PATH": f"{python / 'bin'}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    for script in scripts:
        done = subprocess.run(
            ["bash", "-e", "-c", script], cwd=checkout, env=environment, capture_output=True, text=True, check=False
        )
        assert 0 == done.returncode, f"{script}\n{done.stderr}"
    assert (checkout / "report" / "index.html").is_file()
    assert "last good run" in summary.read_text("utf-8")
    home = subprocess.run(
        [python / "bin" / "python", "-c", "import pipeline; print(pipeline.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert home.stdout.startswith(str(python)), "the wheel is what ran"
