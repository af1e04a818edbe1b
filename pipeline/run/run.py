"""A run: loads the inputs, builds and checks the tables, writes the report, and publishes everything at once."""

from __future__ import annotations

from pipeline.publish.manifest import PublishedRun, require_published
from pipeline.run.building import build, from_published
from pipeline.run.checking import check_beside_report
from pipeline.run.loading import load
from pipeline.run.options import RunOptions
from pipeline.run.publishing import FinishedRun, NewRun, Summary, publish
from pipeline.run.record import write_record
from pipeline.run.reporting import rewrite_report


def run(options: RunOptions) -> FinishedRun:
    """Load, build, check, report and publish. If FunnelError is raised, the published run stays unchanged."""

    def steps(new: NewRun) -> Summary:
        if options.select:
            new = from_published(new)
        loaded = load(new)
        built = build(new, loaded)
        checked = check_beside_report(new, loaded, built)
        return write_record(new, loaded, built, checked)

    return publish("run", options, steps)


def report_again(options: RunOptions) -> FinishedRun:
    """Write the report again from the published tables, and publish it with a copy of the tables."""
    require_published(PublishedRun.read(options.output), options.output)  # raises before a folder is created
    return publish("report", options, rewrite_report)
