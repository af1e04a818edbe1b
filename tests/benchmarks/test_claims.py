"""Each claim of the results page is met, falls short or is not measured."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.claims import Claim, Figure, claims, judge, ratio, seconds
from benchmarks.page import page


def measured(*seconds: float, peak: float = 1.0, cpu: float = 1.0, stopped: bool = False) -> list[dict[str, Any]]:
    """Measurements of one job."""
    rest = {"cpu_seconds": cpu, "peak_bytes": peak * 1e9, "spill_bytes": 0, "rows": 5, "models": {"marts.x": 0.5}}
    return [{"seconds": each, "is_stopped": stopped, **rest} for each in seconds]


def results() -> dict[str, Any]:
    """The results of one full measurement, with small numbers."""
    ten = {
        "core": measured(9.0, 10.0, 30.0),
        "scan": measured(1.0, 0.5, 0.5),
        "sort": measured(2.0),
        "answers": measured(10.0),
        "polars": measured(8.0),
        "pandas": measured(50.0),
        "contract": measured(50.0),
    }
    hundred = {"core": measured(105.0, cpu=200.0), "core-4GB": measured(130.0, cpu=230.0, peak=4.5)}
    sizes = {
        "10000000": {
            "rows": 10_000_123,
            "cells": 60,
            "jobs": ten,
            "agreement": {"polars": {}, "pandas": {"spans": 2}},
            "measured": "on Monday, commit abc",
            "contract_measured": "on Tuesday, commit abd",
        },
        "100000000": {"rows": 100_000_000, "cells": 0, "jobs": hundred, "agreement": {}, "measured": "on Wednesday"},
    }
    daily_runs = {
        "measured": "on Thursday",
        "night": measured(1.0, 2.0, 3.0),
        "full_build": measured(100.0),
        "growth": 1.055,
        "different": ["marts.sla"],
        "compared": 90,
        "file_bytes": 1_055_000_000,
        "compacted_bytes": 1_000_000_000,
    }
    small = {"help": measured(0.3), "bare": measured(0.05), "few": measured(2.9), "sample": measured(5.5)}
    versions = {"duckdb": "1", "polars": "2", "pandas": "3", "pyspark": "4", "python": "5"}
    machine = {"cores": 2, "memory": 16.0, **versions}
    return {
        "machine": machine,
        "sizes": sizes,
        "nights": {"1000000": daily_runs},
        "small": small,
        "small_measured": "on Friday",
    }


def test_a_full_measurement_gives_every_claim_a_verdict() -> None:
    """A claim compares medians; a value equal to the limit meets it."""
    assert [(each.measured, each.verdict) for each in claims(results())] == [
        ("1.25", "falls short"),  # 10 s by 8 s
        ("20.0", "met"),  # 10 s by scans of 0.5 s
        ("1.25", "met"),
        ("0.20", "met"),
        ("1.05", "met"),
        ("4.5", "met"),
        ("1.15", "falls short"),
        ("5.0", "falls short"),
        ("0.020", "met"),  # 2 s by 100 s
        ("1.055", "met"),
        ("1", "falls short"),  # a table that differs
        ("0.30", "met"),
        ("6.0", "falls short"),
        ("2.9", "met"),
        ("5.5", "falls short"),
    ]


def test_a_million_entries_have_claims_in_absolute_numbers() -> None:
    """The processor time of the whole contract and the size of its file are measured at one million entries."""
    jobs = {"core": measured(10.0), "contract": measured(30.0, cpu=20.5)}
    million = {"jobs": jobs, "contract_file_bytes": 119_600_000}
    at_a_million = [each for each in claims({"sizes": {"1000000": million}}) if "1 M" in each.what]
    assert [(each.measured, each.verdict) for each in at_a_million] == [
        ("3.0", "met"),
        ("20.5", "falls short"),
        ("120", "met"),
    ]


def test_a_claim_without_a_result_is_not_measured() -> None:
    """Without results every claim is listed as not measured, with the reason if there is one."""
    verdicts = claims({"nights": {"1000000": {"skipped": "there is no flag"}}})
    assert {each.verdict for each in verdicts} == {"not measured"}
    assert [each.measured for each in verdicts if "incremental" in each.what] == [
        "there is no flag",
        "there is no flag",
    ]
    assert len(verdicts) == len(claims(results()))


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (Figure(4.0), ("4.0", "met")),
        (Figure(4.01), ("4.0", "falls short")),
        (Figure(9.0, at_least=True), ("more than 9.0", "falls short")),
        (Figure(3.0, at_least=True), ("more than 3.0", "not measured")),
        (None, ("–", "not measured")),
    ],
)
def test_a_job_that_was_stopped_early_never_meets_a_claim(figure: Figure | None, expected: tuple[str, str]) -> None:
    """A job that was stopped early can fall short of a claim, but never meet it."""
    measured, verdict = expected
    assert judge("x", figure, 4, "{:.1f}") == Claim("x", "at most 4", measured, verdict)


def test_the_ratio_of_a_job_that_was_stopped_early_is_a_lower_bound_or_unknown() -> None:
    """A lower bound divided by a number is a lower bound; a ratio with a lower bound below is unknown."""
    bound, number = Figure(8.0, at_least=True), Figure(2.0)
    assert ratio(bound, number) == Figure(4.0, at_least=True)
    assert ratio(number, bound) is None
    assert ratio(None, number) is None
    assert seconds({"core": measured(1.0, 4.0, stopped=True)}, "core") == Figure(2.5, at_least=True)


def test_the_page_has_claims_jobs_and_differences() -> None:
    """The page lists claims first, then the jobs of each size with n, median and spread, and names results that differ."""
    text = page(results())
    assert "| core job at 10 M, in bare scans of its rows | at most 130 | 20.0 | met |" in text
    assert "| ours: the core job | 3 | 10.00 | 9.00 – 30.00 | 1.00 | 1.00 | 0.00 | 20.0 |" in text
    assert "10,000,123 rows of history" in text
    assert "- by hand in Polars: 60 cells equal the core job" in text
    assert "- by hand in pandas: 60 cells DIFFER from the core job in rows of {'spans': 2}" in text
    assert "| tables that differ | marts.sla |" in text
    assert [text.count(f"easured on {day}day") for day in ("Mon", "Tues", "Wednes", "Thurs", "Fri")] == [1, 1, 1, 1, 1]
    assert "| marts.x | 0.50 |" in text
