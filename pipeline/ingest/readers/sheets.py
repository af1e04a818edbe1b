"""Read the rows of a sheet of a workbook, or of a table of a web page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.config.configuration import Input
from pipeline.ingest.files.scan import FileScan
from pipeline.ingest.readers import grids, web_tables, workbooks
from pipeline.ingest.readers.csv_recovery import Tally
from pipeline.ingest.readers.grids import Grid


def grid_of(file_scan: FileScan, input_: Input, work: Path) -> Grid:
    """Return the rows of the input's sheet or table. `work` is a folder for a copy. Raises FileRefusedError."""
    if file_scan.kind == "workbook":
        return workbooks.grid_of(file_scan.path, input_, work)
    return web_tables.grid_of(file_scan, input_)


def originals(file_scan: FileScan, input_: Input, work: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each record as (number, JSON object); the first number is 1."""
    grid = grid_of(file_scan, input_, work)
    header = grids.header_of(grid, input_)
    records = grids.records(grid, header, Tally())
    return ((number, grids.original_json(header.names, row).encode()) for number, row in records)
