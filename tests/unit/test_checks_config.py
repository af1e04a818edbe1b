"""`[checks]` and the thresholds of an input: their meaning and their errors."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from pipeline.config.configuration import Guard
from pipeline.errors import ConfigurationError
from tests.unit.configurations import INPUT, funnel

LEADS = '[[inputs]]\nname = "leads"\ntable = "leads"\npath = "leads.csv"\n'
MERGES = '[[inputs]]\nname = "merges"\ntable = "merges"\npath = "merges.csv"\n'


def read_guards(load: Any, text: str) -> dict[str, Guard]:
    return {each.name: each.guard for each in load(text).inputs}


def test_thresholds_have_defaults(load: Any) -> None:
    """Defaults: a warning after 36 hours, half of the usual rows, 1 % lost keys; rare tables have none."""
    guards_by_input = read_guards(load, funnel(inputs=INPUT + LEADS + MERGES))
    assert Guard(timedelta(hours=36), None, 0.5, 0.01) == guards_by_input["history"] == guards_by_input["leads"]
    assert Guard(None, None, 0.0, 0.01) == guards_by_input["merges"]


def test_the_block_applies_to_every_input_but_those_of_rare_tables(load: Any) -> None:
    """Each threshold of `[checks]` applies."""
    block = '[checks]\nwarn_after = "1 day"\nerror_after = "2 weeks"\nleast_rows = 0\nlost_keys = 1\n'
    guards_by_input = read_guards(load, funnel(inputs=INPUT + LEADS + MERGES) + block)
    assert (
        Guard(timedelta(days=1), timedelta(weeks=2), 0.0, 1.0) == guards_by_input["history"] == guards_by_input["leads"]
    )
    assert Guard(None, None, 0.0, 1.0) == guards_by_input["merges"]


def test_an_input_overrides_the_block(load: Any) -> None:
    """An input may replace a single threshold; "never" removes it."""
    own = 'mode = "snapshot"\nwarn_after = "never"\nlost_keys = 0.2\n'
    rare = 'error_after = "90 minutes"\nleast_rows = 0.25\n'
    text = funnel(inputs=INPUT + LEADS + own + MERGES + rare) + '[checks]\nerror_after = "3 days"\nleast_rows = 0.9\n'
    guards_by_input = read_guards(load, text)
    assert Guard(timedelta(hours=36), timedelta(days=3), 0.9, 0.01) == guards_by_input["history"]
    assert Guard(None, timedelta(days=3), 0.9, 0.2) == guards_by_input["leads"]
    assert Guard(None, timedelta(minutes=90), 0.25, 0.01) == guards_by_input["merges"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("max_rejected = 5", "max_rejected: must be a share from 0 to 1.0; 5 % is written 0.05"),
        ('warn_after = "soon"', 'warn_after: must be a number and a unit, such as "36 hours" or "3 days", or "never"'),
        ('warn_after = "0 days"', 'warn_after: must be more than 0 and at most 3650 days, or "never"'),
        ('error_after = "600 weeks"', 'error_after: must be more than 0 and at most 3650 days, or "never"'),
        ("error_after = 3", "error_after: must be text in quotes"),
        ('error_after = "35 hours"', "error_after: must not be less than warn_after"),
        ("least_rows = 50", "least_rows: must be a share from 0 to 1.0; 50 % is written 0.5"),
        ("least_rows = true", "least_rows: must be a share from 0 to 1.0; 80 % is written 0.8"),
        ("lost_keys = -0.1", "lost_keys: must be a share from 0 to 1.0; 80 % is written 0.8"),
        ('lost_keys = "1 %"', "lost_keys: must be a share from 0 to 1.0; 1 % is written 0.01"),
        ("lost_key = 0.1", "lost_key: unknown key; did you mean `lost_keys`?"),
    ],
)
def test_an_error_has_its_line(problems: Any, line: str, expected: str) -> None:
    """This is so in the block and in an input."""
    assert [f"funnel.toml:24: checks.{expected}"] == problems(funnel() + f"[checks]\n{line}\n")
    own = funnel(inputs=INPUT + 'mode = "snapshot"\n' + line + "\n")
    assert [f"funnel.toml:24: inputs.history.{expected}"] == problems(own)


def test_an_age_of_an_input_is_compared_with_that_of_the_block(problems: Any) -> None:
    """A warning that could only come after the stop is an error at the later setting."""
    text = funnel(inputs=INPUT + 'warn_after = "4 days"\n') + '[checks]\nerror_after = "3 days"\n'
    assert ["funnel.toml:23: inputs.history.warn_after: must not be more than error_after"] == problems(text)


def test_lost_keys_need_snapshots(problems: Any) -> None:
    """Only a file with the whole state can lose keys."""
    message = 'only concerns mode = "snapshot", where each file is the whole'
    assert [f"funnel.toml:23: inputs.history.lost_keys: {message}"] == problems(
        funnel(inputs=INPUT + "lost_keys = 0.1\n")
    )


def test_max_rejected_is_a_twentieth_unless_the_block_or_an_input_sets_it(load: Any) -> None:
    """It applies to rare tables too, because a merge file of rejected rows is wrong."""
    guards_by_input = read_guards(load, funnel(inputs=INPUT + LEADS + MERGES))
    assert {"history": 0.05, "leads": 0.05, "merges": 0.05} == {
        name: each.max_rejected for name, each in guards_by_input.items()
    }
    guards_by_input = read_guards(
        load, funnel(inputs=INPUT + LEADS + "max_rejected = 1.0\n" + MERGES) + "[checks]\nmax_rejected = 0.2\n"
    )
    assert {"history": 0.2, "leads": 1.0, "merges": 0.2} == {
        name: each.max_rejected for name, each in guards_by_input.items()
    }


def test_unused_stages_name_stages_or_groups(load: Any) -> None:
    """An unknown name is refused with the nearest one."""
    assert frozenset({"sal"}) == load(funnel() + '[checks]\nunused_stages = ["sal"]\n').unused_stages
    message = "checks.unused_stages.#1: there is no stage or group `sall`; did you mean `sal`"
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        load(funnel() + '[checks]\nunused_stages = ["sall"]\n')


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('time_format = ["iso", "%d.%m.%Y"]', ("iso", "%d.%m.%Y")),
        ('time_format = "iso"', "iso"),
        ("time_format = 3", "time_format: must be text in quotes, or a list of such texts"),
        ("time_format = []", "time_format: must name at least one"),
        ('time_format = ["dd.mm.yyyy"]', 'time_format = "%d.%m.%Y"'),
    ],
)
def test_a_time_format_may_be_a_list(load: Any, line: str, expected: str | tuple[str, ...]) -> None:
    """Each format of the list must be valid alone."""
    text = funnel(inputs=f"{INPUT}{line}\n")
    if isinstance(expected, tuple) or expected == "iso":
        assert expected == load(text).inputs[0].time_format
    else:
        with pytest.raises(ConfigurationError, match=re.escape(expected)):
            load(text)
