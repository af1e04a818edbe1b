"""Memory and threads of a run come from the environment, the configuration, or the machine and its control groups."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.errors import UsageError
from pipeline.settings import Settings, group_limit
from tests.unit.configurations import funnel

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    ("environment", "memory", "threads", "expected"),
    [
        ({"FUNNEL_MEMORY": "1GB", "FUNNEL_THREADS": "3"}, "2GB", 5, ("1GB", 3)),
        ({"FUNNEL_MEMORY": "1GB"}, "2GB", 5, ("1GB", 5)),
        ({"FUNNEL_THREADS": "3"}, "2GB", 5, ("2GB", 3)),
        ({"FUNNEL_MEMORY": "", "FUNNEL_THREADS": ""}, "2GB", 5, ("2GB", 5)),
        ({}, "512 MiB", 1, ("512 MiB", 1)),
    ],
)
def test_the_environment_has_priority_over_the_configuration(
    environment: dict[str, str], memory: str, threads: int, expected: tuple[str, int]
) -> None:
    """This is so for each limit alone; an empty variable is ignored."""
    assert Settings(*expected) == Settings.of_this_machine(memory, threads, environment)


def test_the_defaults_come_from_the_machine() -> None:
    """The defaults are 70 % of the memory of this process, and every core."""
    machine_settings = Settings.of_this_machine(environment={})
    megabytes = min(MACHINE, group_limit() or MACHINE) // 1_000_000
    assert (f"{megabytes * 7 // 10}MB", len(os.sched_getaffinity(0))) == (
        machine_settings.memory_limit,
        machine_settings.threads,
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("FUNNEL_MEMORY", "8"),
        ("FUNNEL_MEMORY", "lots"),
        ("FUNNEL_MEMORY", "80%"),
        ("FUNNEL_MEMORY", "-1GB"),
        ("FUNNEL_MEMORY", "1GB'; drop schema marts"),
        ("FUNNEL_THREADS", "0"),
        ("FUNNEL_THREADS", "-2"),
        ("FUNNEL_THREADS", "two"),
        ("FUNNEL_THREADS", "2.0"),
        ("FUNNEL_THREADS", "²"),
    ],
)
def test_an_invalid_variable_is_reported(name: str, text: str) -> None:
    """The message has its value and a valid form."""
    with pytest.raises(UsageError) as caught:
        Settings.of_this_machine(environment={name: text})
    assert (name, text in caught.value.what, "such as" in caught.value.next_step) == (caught.value.where, True, True)


@pytest.mark.parametrize("text", ["512MB", "1.5GB", "2 GiB", "800 kb", "1TB"])
def test_duckdb_accepts_each_valid_amount(text: str) -> None:
    """The bytes are about equal: DuckDB prints GiB with one decimal."""
    with duckdb.connect(config={"memory_limit": text}) as connection:
        duckdb_text = connection.execute("select current_setting('memory_limit')").fetchall()[0][0]
    assert Settings(text, 1).memory == pytest.approx(Settings(duckdb_text, 1).memory, rel=0.16)


class TestControlGroups:
    @pytest.mark.parametrize(
        ("groups", "files", "expected"),
        [
            ("0::/\n", {"memory.max": "2000"}, 2000),
            ("0::/\n", {"memory.max": "max"}, None),
            ("0::/night.slice/funnel.service\n", {"night.slice/funnel.service/memory.max": "1000"}, 1000),
            (
                "0::/night.slice/funnel.service\n",
                {"night.slice/memory.max": "500", "night.slice/funnel.service/memory.max": "1000"},
                500,
            ),
            (
                "0::/night.slice/funnel.service\n",
                {"night.slice/memory.max": "500", "night.slice/funnel.service/memory.max": "max"},
                500,
            ),
            ("5:cpu:/\n4:memory:/docker/ab:c\n0::/\n", {"memory/docker/ab:c/memory.limit_in_bytes": "700"}, 700),
            ("4:memory:/docker/of_the_host\n", {"memory/memory.limit_in_bytes": "600"}, 600),
            ("3:cpu,memory:/\n", {"memory/memory.limit_in_bytes": "650"}, 650),
            ("5:cpu:/\n", {"memory.max": "1", "memory/memory.limit_in_bytes": "1"}, None),
            ("", {}, None),
        ],
    )
    def test_the_smallest_limit_of_all_groups_applies(
        self, tmp_path: Path, groups: str, files: dict[str, str], expected: int | None
    ) -> None:
        """The groups are those of version 2 and 1, from the group of the process to the root."""
        (tmp_path / "groups").write_text(groups)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(f"{text}\n")
        assert expected == group_limit(tmp_path / "groups", tmp_path)

    def test_a_system_without_groups_has_no_limit(self, tmp_path: Path) -> None:
        """Without the file there is no limit."""
        assert group_limit(tmp_path / "groups", tmp_path) is None

    def test_a_limit_lowers_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A limit above the memory of the machine does not raise it."""
        monkeypatch.setattr("pipeline.settings.group_limit", lambda: 1_000_000_000)
        assert "700MB" == Settings.of_this_machine(environment={}).memory_limit
        monkeypatch.setattr("pipeline.settings.group_limit", lambda: 2**62)
        assert f"{MACHINE // 1_000_000 * 7 // 10}MB" == Settings.of_this_machine(environment={}).memory_limit


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('memory = "lots"', 'funnel.toml:24: output.memory: must be an amount of memory, such as "8GB" or "512MB"'),
        ("memory = 8", "funnel.toml:24: output.memory: must be text in quotes"),
        ("threads = 0", "funnel.toml:24: output.threads: must be 1 or more"),
        ('threads = "2"', "funnel.toml:24: output.threads: must be a whole number"),
        ("thread = 2", "funnel.toml:24: output.thread: unknown key; did you mean `threads`?"),
    ],
)
def test_an_invalid_limit_of_the_configuration_is_reported(problems: Any, line: str, expected: str) -> None:
    """The message has file, line, key and a valid form."""
    assert [expected] == problems(funnel() + f"[output]\n{line}\n")
