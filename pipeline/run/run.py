"""A run: load the inputs, build the tables, check them, write the report, publish all of it at once."""

from __future__ import annotations

from pipeline.publish.manifest import Published
from pipeline.run.building import build, from_published
from pipeline.run.checking import check_beside_report
from pipeline.run.loading import load
from pipeline.run.options import RunOptions
from pipeline.run.publishing import FinishedRun, NewRun, Summary, publish
from pipeline.run.record import write_record
from pipeline.run.reporting import rewrite_report


def run(options: RunOptions) -> FinishedRun:
    """Load, build, check, report and publish. Raises FunnelError; then the published run stays as it is."""

    def steps(new: NewRun) -> Summary:
        if options.select:
            new = from_published(new)
        loaded = load(new)
        built = build(new, loaded)
        checked = check_beside_report(new, loaded, built)
        return write_record(new, loaded, built, checked)

    return publish("run", options, steps)


def report_again(options: RunOptions) -> FinishedRun:
    """Write the report again from the published tables, and publish both again with the tables unchanged."""
    Published.require(options.output)  # without one, no folder is made
    return publish("report", options, rewrite_report)
