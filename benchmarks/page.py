"""Write RESULTS.md from the results: claims first, then all measurements."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.claims import GB, Figure, Results, claims, ratio, seconds

_JOBS = {
    "core": "ours: the core job",
    "answers": "ours: the same answers as by hand",
    "core-4GB": "ours: the core job in 4 GB",
    "contract": "ours: the whole contract",
    "scan": "bare scan of the rows (DuckDB)",
    "sort": "one sort of the rows as integers (DuckDB)",
    "polars": "by hand in Polars",
    "pandas": "by hand in pandas",
    "spark": "Spark SQL on local cores",
}

_INTRODUCTION = """# Results

<!-- Written by `make bench`; never by hand. -->

On {cores} cores and {memory:.0f} GB, with Python {python}, DuckDB {duckdb}, Polars {polars}, pandas {pandas} and PySpark {pyspark}.
[README.md](README.md) says what is measured and how to repeat it. M = million rows of history. Repeated measurements are
shown as their median.
"""

_CORE_JOB_EXTRAS = """## What our core job does in addition

The jobs by hand compute spans and cycles in memory, conversion of cycles by month and lead source for all pairs, and time
in stage by month. Our core job returns the same answers. In the same time it also

- classifies every row of the log (clean.entry_rows), with its owner, source and load;
- finds account, scope and origin of every lead (clean.leads and the tables it reads);
- counts conversion for three units (cycle, lead, account) and four grains (month to year, all), with totals, 95 % intervals,
  and median, p90 and mean of the days to convert;
- computes time in stage for four grains, with totals, by lead source and by next stage;
- balances volumes: opening, moves in, moves out and closing of every stage, grain and period (marts.stage_flow);
- counts leads per account and account depth, reached and current (marts.lead_to_account);
- writes everything into a database file, with a comment on every table and column.

The jobs by hand get stages and ranks as arguments, and their times have no zone. Our core job reads both from tables.
No job reads the exports: all of them start at the landing log.
"""


def page(results: Results) -> str:
    """Return the whole page."""
    parts = [
        _head(results),
        _table_of_claims(results),
        *_sizes(results),
        _CORE_JOB_EXTRAS,
        *_models(results),
        *_incremental_runs(results),
    ]
    return "\n".join([*parts, *_small(results)])


def _head(results: Results) -> str:
    machine = results["machine"]
    return _INTRODUCTION.format(**machine)


def _table_of_claims(results: Results) -> str:
    rows = [(each.what, each.target, each.measured, each.verdict) for each in claims(results)]
    return table(("claim", "target", "measured", ""), rows)


def _sizes(results: Results) -> list[str]:
    parts = []
    for size, size_results in sorted(results.get("sizes", {}).items(), key=lambda item: int(item[0])):
        scan = seconds(size_results["jobs"], "scan")
        rows = [_job(kind, size_results["jobs"][kind], scan) for kind in _JOBS if size_results["jobs"].get(kind)]
        head = ("job", "n", "seconds", "from – to", "processor s", "peak GB", "spill GB", "scans")
        parts.append(f"## {int(size):,} entries\n")
        if size_results["rows"]:
            parts.append(f"{size_results['rows']:,} rows of history in the log. Measured {size_results['measured']}.\n")
        if size_results["jobs"].get("contract"):
            parts.append(f"The whole contract: measured {size_results['contract_measured']}.\n")
        parts.append(table(head, rows))
        parts.append(_agreement(size_results))
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


def _agreement(size_results: dict[str, Any]) -> str:
    """Return whether the answers of the other implementations are equal."""
    lines = []
    for kind, different in size_results["agreement"].items():
        verdict = "equal the core job" if not different else f"DIFFER from the core job in rows of {different}"
        lines.append(f"- {_JOBS[kind]}: {size_results['cells']:,} cells {verdict} (counts exactly, days to 1e-9).")
    return "\n".join(lines) + "\n"


def _models(results: Results) -> list[str]:
    sizes = [size for size, size_results in results.get("sizes", {}).items() if size_results["jobs"].get("core")]
    if not sizes:
        return []
    size = max(sizes, key=int)
    measured = results["sizes"][size]["jobs"]["core"]
    names = measured[0]["models"]
    rows = [(name, f"{median(each['models'].get(name, 0) for each in measured):.2f}") for name in names]
    rows.append(("all of them", f"{median(sum(each['models'].values()) for each in measured):.2f}"))
    return [f"## Seconds of our models at {int(size):,} entries\n", table(("model", "seconds"), rows)]


def _incremental_runs(results: Results) -> list[str]:
    parts = []
    for size, size_results in sorted(results.get("nights", {}).items(), key=lambda item: int(item[0])):
        parts.append(f"## Incremental runs after {int(size):,} entries\n")
        if "skipped" in size_results:
            parts.append(f"Not measured: {size_results['skipped']}.\n")
            continue
        parts.append(f"Measured {size_results['measured']}.\n")
        times = [each["seconds"] for each in size_results["night"]]
        rows = [
            ("incremental runs", str(len(times))),
            ("one run, seconds (median)", f"{median(times):.2f}"),
            ("one run, from – to", f"{min(times):.2f} – {max(times):.2f}"),
            ("full build, seconds", f"{size_results['full_build'][0]['seconds']:.2f}"),
            ("file, GB", f"{size_results['file_bytes'] / GB:.3f}"),
            ("its compacted copy, GB", f"{size_results['compacted_bytes'] / GB:.3f}"),
            ("tables compared with a full build", str(size_results["compared"])),
            ("tables that differ", ", ".join(size_results["different"]) or "none"),
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
    return ["## Commands\n", measured_when, table(("what", "n", "seconds", "from – to"), rows)] if rows else []


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join('---' for _ in head)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"
