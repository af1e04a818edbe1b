"""Every command of the README works on a fresh clone, in its order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests import runs


def scripts() -> list[str]:
    """The README's shell blocks."""
    text = (runs.REPOSITORY / "README.md").read_text("utf-8")
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_every_command_of_the_readme_runs(tmp_path: Path) -> None:
    """From `make run` to `funnel explain` each succeeds, each query has rows, and the user's first run rejects no row."""
    (tmp_path / "data").mkdir()
    shutil.copytree(runs.SAMPLE.parent, tmp_path / "data" / "sample")
    programs = tmp_path / "programs"
    programs.mkdir()
    funnel = programs / "funnel"
    funnel.write_text(f'#!/bin/sh\nexec {sys.executable} -m pipeline.cli "$@"\n')
    funnel.chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(runs.REPOSITORY)}
    make = (runs.REPOSITORY / "Makefile").read_text("utf-8")
    make_commands = re.findall(r"^\t@\$\(BIN\)/(funnel run .*)$", make, re.MULTILINE)
    answers, errors = {}, {}
    for script in [*make_commands, *scripts()]:
        if script.startswith("make "):
            continue
        done = subprocess.run(
            ["/bin/sh", "-eu", "-c", script],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert 0 == done.returncode, f"{script}\n{done.stderr}"
        answers[script], errors[script] = done.stdout, done.stderr
    queries = {script: out for script, out in answers.items() if "funnel sql" in script}
    assert 1 == len(make_commands)
    assert 4 == len(queries)
    assert [] == [script for script, out in queries.items() if out.count("\n│") < 3]
    own = tmp_path / "my-funnel" / "build"
    assert (own / "reports" / "index.html").exists()
    (first_run,) = (err for script, err in errors.items() if "funnel run --config my-funnel" in script)
    assert "warning" not in first_run
    assert [
        {"input": "crm_history", "rows_read": 1703, "rejected": 0},
        {"input": "crm_leads", "rows_read": 396, "rejected": 0},
    ] == runs.ask(own, "select input, rows_read, rejected from quality.row_accounting order by input")


def test_make_run_and_make_test_exist() -> None:
    """The two commands of the README are targets of the Makefile."""
    make = (runs.REPOSITORY / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", make, re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", "\n".join(scripts()), re.MULTILINE))
    assert {"run", "test"} <= {word for pair in named for word in pair if word} <= targets
