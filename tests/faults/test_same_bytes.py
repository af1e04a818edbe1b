"""docs/FAULTS.md, 90: whole runs in this and in other processes write the same bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests import runs
from tests.faults import machines
from tests.sample import Sample


def checksums(output: Path) -> dict[str, str]:
    """The SHA-256 of every report file: pages, mail, CSV, workbook."""
    reports = output / "reports"
    files = sorted(path for path in reports.rglob("*") if path.is_file())
    return {str(path.relative_to(reports)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_threads_and_repetition_change_no_byte(quarter: Sample, tmp_path: Path) -> None:
    """F90: HTML, CSV, XLSX and mail are the same bytes with 1, 2 and 4 threads and in a repeated run."""
    first = checksums(quarter.output)  # of two threads
    for place, threads in (("one", "1"), ("four", "4"), ("one", "4")):
        run = machines.funnel(runs.QUARTER, tmp_path / place, FUNNEL_THREADS=threads)
        assert 0 == machines.wait_for_exit(run)[0]
        assert first == checksums(tmp_path / place)
    kinds = {Path(name).suffix for name in first}
    assert {".html", ".csv", ".xlsx", ".txt"} <= kinds
    assert "email.html" in first
