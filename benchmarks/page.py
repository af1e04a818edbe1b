"""RESULTS.md out of results: the claims first, then everything they rest on. No figure there is written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.claims import GB, Figure, Results, claims, ratio, seconds

_JOBS = {
    "core": "ours: the core job",
    "core-4GB": "ours: the core job in 4 GB",
    "contract": "ours: the whole contract",
    "scan": "bare scan of the rows (DuckDB)",
    "sort": "one sort of the rows as integers (DuckDB)",
    "polars": "by hand in Polars",
    "pandas": "by hand in pandas",
    "spark": "Spark SQL on local cores",
}

_HEAD = """# Results

<!-- Written by `make bench`; never by hand. -->

On {cores} cores and {memory:.0f} GB, with Python {python}, DuckDB {duckdb}, Polars {polars}, pandas {pandas} and PySpark {pyspark}.
What is measured and how to repeat it: [README.md](README.md). M = million rows of history. Several measurements are told by
their median.
"""

_MORE = """## What the core job of ours does beside

The jobs by hand make spans and cycles in memory, count conversion of cycles by month and lead source for all pairs, and
time in stage by month. Ours answers the same, and in the same time it also

- says of every row of the log what became of it (clean.entry_rows), and keeps its owner, source and load;
- finds account, scope and origin of every lead (clean.leads and what that reads);
- counts conversion for three units (cycle, lead, account) and four grains (month to year, all), with totals, 95 % intervals,
  and median, p90 and mean of the days to convert;
- tells time in stage for four grains, with totals, by lead source and by next stage;
- balances volumes: opening, ways in, ways out and closing of every stage, grain and period (marts.stage_flow);
- counts leads per account and its depths, reached and current (marts.lead_to_account);
- writes all of it into a database file, with a comment on every table and column.

The jobs by hand know in advance what ours reads from tables: stages and ranks are arguments, and no time has a zone.
Neither includes reading the exports: both begin at the landing log.
"""


def page(results: Results) -> str:
    """The whole page."""
    parts = [_head(results), _table_of_claims(results), *_sizes(results), _MORE, *_models(results), *_nights(results)]
    return "\n".join([*parts, *_small(results)])


def _head(results: Results) -> str:
    machine = results["machine"]
    return _HEAD.format(**machine)


def _table_of_claims(results: Results) -> str:
    rows = [(each.what, each.target, each.measured, each.verdict) for each in claims(results)]
    return table(("claim", "target", "measured", ""), rows)


def _sizes(results: Results) -> list[str]:
    parts = []
    for size, told in sorted(results.get("sizes", {}).items(), key=lambda item: int(item[0])):
        scan = seconds(told["jobs"], "scan")
        rows = [_job(kind, told["jobs"][kind], scan) for kind in _JOBS if told["jobs"].get(kind)]
        head = ("job", "n", "seconds", "from – to", "processor s", "peak GB", "spill GB", "scans")
        parts.append(f"## {int(size):,} entries\n")
        if told["rows"]:
            parts.append(f"{told['rows']:,} rows of history in the log. Measured {told['measured']}.\n")
        if told["jobs"].get("contract"):
            parts.append(f"The whole contract: measured {told['contract_measured']}.\n")
        parts.append(table(head, rows))
        parts.append(_agreement(told))
    return parts


def _job(kind: str, measured: Sequence[dict[str, Any]], scan: Figure | None) -> tuple[str, ...]:
    times = [each["seconds"] for each in measured]
    by_scan = ratio(Figure(median(times)), scan)
    more = "more than " if any(each["is_stopped"] for each in measured) else ""
    return (
        _JOBS[kind],
        str(len(measured)),
        f"{more}{median(times):.2f}",
        f"{min(times):.2f} – {max(times):.2f}",
        f"{median(each['cpu_seconds'] for each in measured):.2f}",
        f"{max(each['peak_bytes'] for each in measured) / GB:.2f}",
        f"{max(each['spill_bytes'] for each in measured) / GB:.2f}",
        f"{by_scan.value:.1f}" if by_scan else "–",
    )


def _agreement(told: dict[str, Any]) -> str:
    """Whether the answers of the others are ours."""
    lines = []
    for kind, different in told["agreement"].items():
        said = "equal ours" if not different else f"DIFFER from ours in rows of {different}"
        lines.append(f"- {_JOBS[kind]}: {told['cells']:,} cells {said} (counts exactly, days to 1e-9).")
    return "\n".join(lines) + "\n"


def _models(results: Results) -> list[str]:
    sizes = [size for size, told in results.get("sizes", {}).items() if told["jobs"].get("core")]
    if not sizes:
        return []
    size = max(sizes, key=int)
    measured = results["sizes"][size]["jobs"]["core"]
    names = measured[0]["models"]
    rows = [(name, f"{median(each['models'].get(name, 0) for each in measured):.2f}") for name in names]
    rows.append(("all of them", f"{median(sum(each['models'].values()) for each in measured):.2f}"))
    return [f"## Seconds of our models at {int(size):,} entries\n", table(("model", "seconds"), rows)]


def _nights(results: Results) -> list[str]:
    parts = []
    for size, told in sorted(results.get("nights", {}).items(), key=lambda item: int(item[0])):
        parts.append(f"## Nights after {int(size):,} entries\n")
        if "skipped" in told:
            parts.append(f"Not measured: {told['skipped']}.\n")
            continue
        parts.append(f"Measured {told['measured']}.\n")
        times = [each["seconds"] for each in told["night"]]
        rows = [
            ("nights", str(len(times))),
            ("one night, seconds (median)", f"{median(times):.2f}"),
            ("one night, from – to", f"{min(times):.2f} – {max(times):.2f}"),
            ("the whole history anew, seconds", f"{told['anew'][0]['seconds']:.2f}"),
            ("file, GB", f"{told['file_bytes'] / GB:.3f}"),
            ("its compacted copy, GB", f"{told['compacted_bytes'] / GB:.3f}"),
            ("tables compared with those built anew", str(told["compared"])),
            ("tables that differ", ", ".join(told["different"]) or "none"),
        ]
        parts.append(table(("", ""), rows))
    return parts


def _small(results: Results) -> list[str]:
    names = {
        "bare": "a bare Python that imports click",
        "help": "funnel --help",
        "few": "50,000 entries to file and report",
        "sample": "the sample, warm",
    }
    rows = []
    for kind, measured in results.get("small", {}).items():
        times = [each["seconds"] for each in measured]
        rows.append((names[kind], str(len(times)), f"{median(times):.2f}", f"{min(times):.2f} – {max(times):.2f}"))
    measured_when = f"Measured {results['small_measured']}.\n" if rows else ""
    return ["## Small things\n", measured_when, table(("what", "n", "seconds", "from – to"), rows)] if rows else []


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join('---' for _ in head)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"
