"""Speed claims from measurements. Each claim is met, falls short or is not measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Results = Mapping[str, Any]
ONE_MILLION = "1000000"
TEN_MILLION = "10000000"
HUNDRED_MILLION = "100000000"
MB, GB = 1_000_000, 1_000_000_000
INCREMENTAL_LIMIT = 1 / 2
"""Largest share of a full build that one incremental run may need, below ten million entries."""


@dataclass(frozen=True)
class Figure:
    """A number. `at_least` if the measurement was cut off, so that the true value is higher."""

    value: float
    at_least: bool = False


@dataclass(frozen=True)
class Claim:
    """One row of the table: the claim, its target, the measured value and the verdict."""

    what: str
    target: str
    measured: str
    verdict: str


def claims(results: Results) -> tuple[Claim, ...]:
    """Return every claim in the order of the page."""
    ten, hundred = _jobs(results, TEN_MILLION), _jobs(results, HUNDRED_MILLION)
    core, answers = seconds(ten, "core"), seconds(ten, "answers")
    return (
        judge(
            "same answers as Polars at 10 M, wall time by Polars", ratio(answers, seconds(ten, "polars")), 1.2, "{:.2f}"
        ),
        judge("core job at 10 M, in bare scans of its rows", ratio(core, seconds(ten, "scan")), 130, "{:.1f}"),
        judge("core job at 10 M, wall time by Polars", ratio(core, seconds(ten, "polars")), 4, "{:.2f}"),
        judge("core job at 10 M, wall time by pandas", ratio(core, seconds(ten, "pandas")), 1.5, "{:.2f}"),
        judge(
            "core job at 100 M, by ten times that at 10 M",
            ratio(seconds(hundred, "core"), _times(core, 10)),
            1.15,
            "{:.2f}",
        ),
        judge("core job at 100 M in little memory, peak in GB", _peak(hundred, "core-4GB"), 4.5, "{:.1f}"),
        judge(
            "core job at 100 M in little memory, processor time by that in 8 GB",
            ratio(seconds(hundred, "core-4GB", "cpu_seconds"), seconds(hundred, "core", "cpu_seconds")),
            1.1,
            "{:.2f}",
        ),
        *(claim for size in _with_contract(results) for claim in _contract(results, size)),
        *_incremental_runs(results),
        judge("funnel --help, in seconds", seconds(_small(results), "help"), 0.4, "{:.2f}"),
        judge(
            "funnel --help, by a bare Python that imports click",
            ratio(seconds(_small(results), "help"), seconds(_small(results), "bare")),
            5,
            "{:.1f}",
        ),
        judge("50,000 entries to file and report, in seconds", seconds(_small(results), "few"), 3.5, "{:.1f}"),
        judge("the sample, warm, in seconds", seconds(_small(results), "sample"), 3, "{:.1f}"),
    )


def judge(what: str, figure: Figure | None, limit: float, shape: str) -> Claim:
    """Return the verdict for a target of at most `limit`. A lower bound is never met."""
    target = f"at most {limit:g}"
    if figure is None:
        return Claim(what, target, "–", "not measured")
    if figure.at_least and figure.value <= limit:
        return Claim(what, target, f"more than {shape.format(figure.value)}", "not measured")
    verdict = "met" if figure.value <= limit else "falls short"
    return Claim(what, target, ("more than " if figure.at_least else "") + shape.format(figure.value), verdict)


def seconds(jobs: Results, kind: str, of: str = "seconds") -> Figure | None:
    """Return the median of a job's measurements, or None without measurements."""
    measured: Sequence[Results] = jobs.get(kind, ())
    if not measured:
        return None
    return Figure(median(each[of] for each in measured), any(each["is_stopped"] for each in measured))


def ratio(one: Figure | None, other: Figure | None) -> Figure | None:
    """Return `one` divided by `other`; None if one is missing or `other` is a lower bound."""
    if one is None or other is None or other.at_least or not other.value:
        return None
    return Figure(one.value / other.value, one.at_least)


def _contract(results: Results, size: str) -> tuple[Claim, ...]:
    """Return the claims of the whole contract; those in absolute numbers hold for one million entries only."""
    jobs, at = _jobs(results, size), _millions(size)
    by_core = judge(
        f"whole contract at {at}, by the core job", ratio(seconds(jobs, "contract"), seconds(jobs, "core")), 4, "{:.1f}"
    )
    if size != ONE_MILLION:
        return (by_core,)
    published = results["sizes"][size].get("contract_file_bytes")
    return (
        by_core,
        judge(f"whole contract at {at}, processor seconds", seconds(jobs, "contract", "cpu_seconds"), 20, "{:.1f}"),
        judge(f"published file at {at}, in MB", None if published is None else Figure(published / MB), 120, "{:.0f}"),
    )


def _incremental_limit(size: str) -> float:
    return 1 / 4 if int(size) >= int(TEN_MILLION) else INCREMENTAL_LIMIT


def _times(figure: Figure | None, factor: float) -> Figure | None:
    return None if figure is None else Figure(figure.value * factor, figure.at_least)


def _peak(jobs: Results, kind: str) -> Figure | None:
    measured: Sequence[Results] = jobs.get(kind, ())
    if not measured:
        return None
    return Figure(max(each["peak_bytes"] for each in measured) / GB, any(each["is_stopped"] for each in measured))


def _incremental_runs(results: Results) -> tuple[Claim, ...]:
    """Return the claims of each size with incremental runs; without any, the unmeasured claims and the reason."""
    by_size = results.get("nights", {})
    sizes = sorted((size for size in by_size if "skipped" not in by_size[size]), key=int)
    if not sizes:
        reason = next((each["skipped"] for each in by_size.values()), "–")
        return tuple(
            Claim(what, target, reason, "not measured")
            for what, target in (
                ("one incremental run, by a full build", f"at most {INCREMENTAL_LIMIT:g}"),
                ("file after the incremental runs, by its compacted copy", "at most 1.06"),
                ("tables that differ from a full build", "at most 0"),
            )
        )
    run_claims = []
    for size in sizes:
        each, at = by_size[size], _millions(size)
        one_run, full = seconds(each, "night"), seconds(each, "full_build")
        count = len(each["night"])
        run_claims += [
            judge(
                f"one incremental run at {at}, by a full build",
                ratio(one_run, full),
                _incremental_limit(size),
                "{:.3f}",
            ),
            judge(
                f"file after {count} incremental runs at {at}, by its compacted copy",
                Figure(each["growth"]),
                1.06,
                "{:.3f}",
            ),
            judge(f"tables that differ from a full build at {at}", Figure(len(each["different"])), 0, "{:.0f}"),
        ]
    return tuple(run_claims)


def _jobs(results: Results, size: str) -> Results:
    jobs: Results = results.get("sizes", {}).get(size, {}).get("jobs", {})
    return jobs


def _small(results: Results) -> Results:
    small: Results = results.get("small", {})
    return small


def _with_contract(results: Results) -> list[str]:
    """Return the sizes whose contract was measured, or 10 M if there are none."""
    sizes = results.get("sizes", {})
    return sorted((size for size in sizes if sizes[size]["jobs"].get("contract")), key=int) or [TEN_MILLION]


def _millions(size: str) -> str:
    return f"{int(size) / 1_000_000:g} M"
