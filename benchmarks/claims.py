"""What is promised of speed, beside what was measured: results become claims, each met, fallen short of, or not measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Results = Mapping[str, Any]
TEN_MILLION = "10000000"
HUNDRED_MILLION = "100000000"
GB = 1_000_000_000


@dataclass(frozen=True)
class Figure:
    """A number; `at_least` when a measurement was ended before it was done, so that the truth is higher."""

    value: float
    at_least: bool = False


@dataclass(frozen=True)
class Claim:
    """One row of the table: what, the most that it may be, what it is, and whether that is good enough."""

    what: str
    target: str
    measured: str
    verdict: str


def claims(results: Results) -> tuple[Claim, ...]:
    """Every claim, in the order of the page."""
    ten, hundred = _jobs(results, TEN_MILLION), _jobs(results, HUNDRED_MILLION)
    core = seconds(ten, "core")
    return (
        judged("core job at 10 M, in bare scans of its rows", ratio(core, seconds(ten, "scan")), 25, "{:.1f}"),
        judged("core job at 10 M, in sorts of its rows as integers", ratio(core, seconds(ten, "sort")), 5, "{:.1f}"),
        judged("core job at 10 M, wall time by Polars", ratio(core, seconds(ten, "polars")), 1.1, "{:.2f}"),
        judged("core job at 10 M, wall time by pandas", ratio(core, seconds(ten, "pandas")), 0.25, "{:.2f}"),
        judged(
            "core job at 100 M, by ten times that at 10 M",
            ratio(seconds(hundred, "core"), _times(core, 10)),
            1.1,
            "{:.2f}",
        ),
        judged("core job at 100 M in little memory, peak in GB", _peak(hundred, "core-4GB"), 4.5, "{:.1f}"),
        judged(
            "core job at 100 M in little memory, processor time by that in 8 GB",
            ratio(seconds(hundred, "core-4GB", "cpu_seconds"), seconds(hundred, "core", "cpu_seconds")),
            1.1,
            "{:.2f}",
        ),
        *(
            judged(
                f"whole contract at {_millions(size)}, by the core job",
                ratio(seconds(_jobs(results, size), "contract"), seconds(_jobs(results, size), "core")),
                4,
                "{:.1f}",
            )
            for size in _with_contract(results)
        ),
        *_nights(results),
        judged("funnel --help, in seconds", seconds(_small(results), "help"), 0.4, "{:.2f}"),
        judged(
            "funnel --help, by a bare Python that imports click",
            ratio(seconds(_small(results), "help"), seconds(_small(results), "bare")),
            5,
            "{:.1f}",
        ),
        judged("50,000 entries to file and report, in seconds", seconds(_small(results), "few"), 3, "{:.1f}"),
        judged("the sample, warm, in seconds", seconds(_small(results), "sample"), 5, "{:.1f}"),
    )


def judged(what: str, figure: Figure | None, limit: float, shape: str) -> Claim:
    """At most `limit`: met or falls short. A lower bound can only fall short."""
    target = f"at most {limit:g}"
    if figure is None:
        return Claim(what, target, "–", "not measured")
    if figure.at_least and figure.value <= limit:
        return Claim(what, target, f"more than {shape.format(figure.value)}", "not measured")
    verdict = "met" if figure.value <= limit else "falls short"
    return Claim(what, target, ("more than " if figure.at_least else "") + shape.format(figure.value), verdict)


def seconds(jobs: Results, kind: str, of: str = "seconds") -> Figure | None:
    """The median of a job's measurements; None when there is none."""
    measured: Sequence[Results] = jobs.get(kind, ())
    if not measured:
        return None
    return Figure(median(each[of] for each in measured), any(each["is_stopped"] for each in measured))


def ratio(one: Figure | None, other: Figure | None) -> Figure | None:
    """One by the other; None without either, or when the other may be higher than it was seen."""
    if one is None or other is None or other.at_least or not other.value:
        return None
    return Figure(one.value / other.value, one.at_least)


def _times(figure: Figure | None, factor: float) -> Figure | None:
    return None if figure is None else Figure(figure.value * factor, figure.at_least)


def _peak(jobs: Results, kind: str) -> Figure | None:
    measured: Sequence[Results] = jobs.get(kind, ())
    if not measured:
        return None
    return Figure(max(each["peak_bytes"] for each in measured) / GB, any(each["is_stopped"] for each in measured))


def _nights(results: Results) -> tuple[Claim, ...]:
    """Of each size that has nights; without any, the promise stands there unmeasured, and why."""
    told = results.get("nights", {})
    sizes = sorted((size for size in told if "skipped" not in told[size]), key=int)
    if not sizes:
        why = next((each["skipped"] for each in told.values()), "–")
        return tuple(
            Claim(what, target, why, "not measured")
            for what, target in (
                ("one night, by the whole history anew", f"at most {1 / 40:g}"),
                ("file after the nights, by its compacted copy", "at most 1.06"),
                ("tables that differ from those built anew", "at most 0"),
            )
        )
    found = []
    for size in sizes:
        each, at = told[size], _millions(size)
        night, anew = seconds(each, "night"), seconds(each, "anew")
        count = len(each["night"])
        found += [
            judged(f"one night at {at}, by the whole history anew", ratio(night, anew), 1 / 40, "{:.4f}"),
            judged(f"file after {count} nights at {at}, by its compacted copy", Figure(each["growth"]), 1.06, "{:.3f}"),
            judged(f"tables that differ from those built anew at {at}", Figure(len(each["different"])), 0, "{:.0f}"),
        ]
    return tuple(found)


def _jobs(results: Results, size: str) -> Results:
    jobs: Results = results.get("sizes", {}).get(size, {}).get("jobs", {})
    return jobs


def _small(results: Results) -> Results:
    small: Results = results.get("small", {})
    return small


def _with_contract(results: Results) -> list[str]:
    """Sizes whose contract was measured; 10 M where none was."""
    sizes = results.get("sizes", {})
    return sorted((size for size in sizes if sizes[size]["jobs"].get("contract")), key=int) or [TEN_MILLION]


def _millions(size: str) -> str:
    return f"{int(size) / 1_000_000:g} M"
