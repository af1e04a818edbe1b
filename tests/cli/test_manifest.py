"""The manifest of a run is complete, and the run stops if one of its sums does not add up."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.readers import csv_recovery, file_reader
from pipeline.run import building
from pipeline.settings import shipped
from tests import runs
from tests.cli.commands import AS_OF, copy_of_quarter, funnel, page

pytestmark = pytest.mark.usefixtures("history_only")

DELIVERIES = (
    "lead_id,stage,entered_at,owner\n"
    "L01,MCL,2026-01-05T14:00:00Z,\n\n"
    'L01,MEL,2026-01-08T14:00:00Z,"two\nlines"\n'
    "L02,nonsense,2026-01-08T14:00:00Z,\n"
    "L02,MCL,no time,\n"
    "L02,MCL\n"
    ",MCL,2026-01-08T14:00:00Z,\n"
    "L03,MCL,2026-06-08T14:00:00Z,\n",
    "\n\nlead_id,stage,entered_at,owner\nL01,MCL,2026-01-05T14:00:00Z,\nL04,MCL,2026-01-05T14:00:00Z,\nL04,MCL,2026-01-05T14:00:00Z,\n",
)


FILE_OF_A_ROW = "select\n    followed.load_no,\n    followed.row_number,\n"
FILE_OF_ANOTHER = (
    "select\n    case when followed.set_aside is null then 1 else followed.load_no end as load_no,\n"
    "    followed.row_number + 100 * followed.load_no as row_number,\n"
)


def manifest(output: Path) -> dict[str, Any]:
    """The manifest of the published run."""
    content: dict[str, Any] = json.loads((output / "current" / "manifest.json").read_text("utf-8"))
    return content


@pytest.fixture(scope="module")
def two_deliveries(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A configuration and a run of two files with every kind of bad line, and one refused file."""
    folder = tmp_path_factory.mktemp("in")
    toml = copy_of_quarter(folder)
    checks = '\n[checks]\nunused_stages = ["mql", "sal", "sql"]\n'
    toml.write_text(toml.read_text("utf-8").replace('"stage_entries.csv"', '"stage_entries*.csv"') + checks, "utf-8")
    (folder / "stage_entries.csv").unlink()
    for number, text in enumerate(DELIVERIES):
        (folder / f"stage_entries_{number}.csv").write_text(text, "utf-8")
    (folder / "stage_entries_9.csv").write_bytes(b"")
    with runs.history_only():
        runs.run(toml, folder / "build", as_of=runs.QUARTER_AS_OF)
    return toml, folder / "build"


@pytest.fixture
def build(two_deliveries: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of that run, which a test may change."""
    return Path(shutil.copytree(two_deliveries[1], tmp_path / "build", symlinks=True))


def test_the_lines_and_rows_of_every_file_add_up(two_deliveries: tuple[Path, Path]) -> None:
    """Every line of both files is a header, blank, inside quotes or a row; every row has its disposition."""
    first, second, leads = manifest(two_deliveries[1])["inputs"]
    names = ("lines", "header_lines", "blank_lines", "embedded_newlines", "rows_read")
    assert [10, 1, 1, 1, 7] == [first[name] for name in names]
    assert [6, 1, 2, 0, 3] == [second[name] for name in names]
    names = ("rows_read", "rejected", "redelivered", "duplicates", "landed")
    assert [7, 3, 0, 0, 4] == [first[name] for name in names]
    assert {"after_as_of": 1, "kept": 2, "rejected": 1} == first["entries"]
    assert [3, 0, 1, 0, 2] == [second[name] for name in names]
    assert {"duplicate": 1, "kept": 1} == second["entries"]
    assert ("crm_leads", None, 16) == (leads["input"], leads["entries"], leads["landed"])


def test_the_manifest_has_refused_files_settings_times_and_checks(two_deliveries: tuple[Path, Path]) -> None:
    """It lists refused files, settings, the time of every phase and model, and every check without ids."""
    content = manifest(two_deliveries[1])
    (refused,) = content["refused"]
    assert ("crm_history", "stage_entries_9.csv") == (refused["input"], Path(refused["file"]).name)
    assert refused["reason"]
    assert refused["next_step"]
    assert [] == content["missing"]
    assert {"threads": 2, "memory": "2GB"} == content["settings"]
    assert ["load", "models", "checks", "report"] == sorted(
        content["seconds"], key=["load", "models", "checks", "report"].index
    )
    assert all(seconds >= 0 for seconds in content["seconds"].values())
    assert {"name", "claim", "severity", "broken"} == {name for each in content["checks"] for name in each}
    record = json.loads(next((two_deliveries[1] / "attempts").glob("*.json")).read_text("utf-8"))
    assert content["seconds"].items() <= record["seconds"].items()
    assert record["seconds"]["publish"] > 0


def test_every_key_of_the_manifest_is_documented(two_deliveries: tuple[Path, Path]) -> None:
    """docs/watching.md lists exactly the keys of the manifest, of its inputs and of the run record."""
    text = (runs.REPOSITORY / "docs" / "watching.md").read_text("utf-8").partition("\n## The manifest\n")[2]
    whole, _, inputs = text.partition("\n| key of an input |")
    content = manifest(two_deliveries[1])
    assert list(content) == re.findall(r"^\| `(\w+)` \|", whole, re.MULTILINE)
    cells = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", inputs, re.MULTILINE)
    assert sorted(content["inputs"][0]) == sorted(name for cell in cells for name in re.findall(r"\w+", cell))
    record = json.loads(next((two_deliveries[1] / "attempts").glob("*.json")).read_text("utf-8"))
    assert set(record) <= set(re.findall(r"`(\w+)`", text.partition("attempts/RUN.json")[2]))


def tamper(output: Path, **more: int) -> None:
    """Change counts of the first load of the log."""
    path = min((output / "landing" / "crm_history").iterdir()) / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    for name, by in more.items():
        content[name] += by
    # With a seal of the changed counts, so that the sums stop the run, not the seal.
    del content["seal"]
    seal = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**content, "seal": seal}), "utf-8")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"lines": 1}, "11 lines do not add up: 10 are accounted for"),
        ({"header_lines": -1}, "10 lines do not add up: 9 are accounted for"),
        ({"landed": -1}, "7 rows do not add up: 6 are accounted for"),
        ({"rows_read": 1, "lines": 1}, "8 rows do not add up: 7 are accounted for"),
    ],
)
def test_counts_that_do_not_add_up_stop_the_run(build: Path, more: dict[str, int], error: str) -> None:
    """A count that is off by one gives exit code 3 with the file name; the published run stays."""
    before = page(build)
    tamper(build, **more)
    shutil.copytree(runs.QUARTER.parent, build.parent / "in")
    toml = build.parent / "in" / "funnel.toml"
    answer = funnel("run", "--config", toml, "--output", build, *AS_OF, "--from-log")
    assert 3 == answer.code
    assert f"error: crm_history: stage_entries_0.csv (load 1): {error}\n  next: nothing was published" in answer.err
    assert before == page(build)


def test_rows_of_history_that_a_model_loses_stop_the_run(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model assigns one row to the wrong file: the sums of the input add up, those of the files do not."""
    shutil.copytree(shipped("sql"), tmp_path / "sql")
    model = tmp_path / "sql" / "clean" / "entries" / "entry_rows.sql"
    sound = model.read_text("utf-8")
    assert 1 == sound.count(FILE_OF_A_ROW)
    model.write_text(sound.replace(FILE_OF_A_ROW, FILE_OF_ANOTHER), "utf-8")
    monkeypatch.setattr(building, "shipped", lambda name: tmp_path / name if name == "sql" else shipped(name))
    shutil.copytree(runs.QUARTER.parent, tmp_path / "in")
    toml = tmp_path / "in" / "funnel.toml"
    toml.write_text(toml.read_text("utf-8") + '\n[checks]\nunused_stages = ["mql", "sal", "sql"]\n', "utf-8")
    before = page(build)
    answer = funnel("run", "--config", toml, "--output", build, *AS_OF, "--from-log")
    assert (3, before) == (answer.code, page(build))
    assert "(load 1): 4 rows of history do not add up: 5 are accounted for" in answer.err


def without_last_record(read: Callable[..., Any]) -> Callable[..., Any]:
    """A reader that loses the last record of a file in silence."""

    def read_all_but_one(self: Any) -> Any:
        records = list(read(self))
        yield from records[:-1]

    return read_all_but_one


def test_a_reader_that_loses_a_record_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader asserts lines = header + blank + rows; if not, nothing of the file is loaded, and the exit code is 3."""
    monkeypatch.setattr(
        csv_recovery.RecordRecovery, "__iter__", without_last_record(csv_recovery.RecordRecovery.__iter__)
    )
    monkeypatch.setattr(file_reader, "_read_strictly", lambda *_: None)
    toml = copy_of_quarter(tmp_path / "in")
    answer = funnel("run", "--config", toml, "--output", tmp_path / "build", *AS_OF)
    assert 3 == answer.code
    assert "stage_entries.csv: 44 lines do not add up: 43 are accounted for\n  next: " in answer.err
    assert not (tmp_path / "build" / "current").exists()
    assert [] == list((tmp_path / "build" / "landing").glob("*/*/manifest.json"))
