"""The command line: it parses, calls one function and prints. stdout is data, everything else is stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline import log
from pipeline.cli_options import AS_OF, CONFIG, LOG_FORMAT, OUTPUT, PUBLISHED, current_spelling
from pipeline.console import log_accounting, run_process

# Nothing heavy up here: `funnel --help` must answer at once. Each command imports what it needs.
if TYPE_CHECKING:
    from pipeline.config.configuration import Configuration
    from pipeline.run.options import RunOptions

BUILD = Path("build")
"""Where a night is published when nothing says otherwise."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="funnel-pipeline", prog_name="funnel")
def cli() -> None:
    """Lead stage history to conversion, time in stage and balanced volumes, with a report that says how it counted.

    \b
    Example:
      funnel run --config data/sample/funnel.toml --output build
      funnel sql "from marts.conversion limit 5" --output build
    """


@cli.command()
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="[FILE]... FOLDER")
@click.option(
    "--preset", help="Waterfall to start from; default: the one that fits the files, else mcl-mel-mql-sal-sql."
)
@click.option("--from", "from_files", is_flag=True, help="Look at the FILEs and write a configuration that reads them.")
def init(paths: tuple[Path, ...], preset: str | None, *, from_files: bool) -> None:
    """Write a commented configuration into FOLDER.

    \b
    Example:
      funnel init --preset hubspot-lifecycle my-funnel
      funnel init --from LeadHistory.csv Lead.csv my-funnel
    """
    from pipeline import init

    for line in init.write(paths, preset, from_files=from_files):
        log.info(line)


@cli.command()
@click.argument("name", required=False)
def presets(name: str | None) -> None:
    """List the waterfalls that ship, or explain one of them.

    \b
    Example:
      funnel presets siriusdecisions-2012
    """
    from pipeline.config import presets as shipped_presets

    click.echo(shipped_presets.describe(name) if name else shipped_presets.overview())


@cli.command()
@CONFIG
@AS_OF
@LOG_FORMAT
def check(config_path: Path, as_of: str | None) -> None:
    """Validate the configuration and read every input, without writing anything.

    \b
    Example:
      funnel check --config data/sample/funnel.toml
    """
    from pipeline.run import loading

    landing = loading.check(run_options(configuration(config_path, as_of, None)))
    for each in (*landing.refused, *landing.missing, *landing.warnings):
        log.warning(str(each))
    log.info("the configuration is valid and every input was read; nothing was written")


@cli.command(context_settings={"token_normalize_func": current_spelling})
@CONFIG
@OUTPUT
@AS_OF
@click.option("--full", is_flag=True, help="Build everything anew, not only the leads that changed since last night.")
@click.option("--from-log", is_flag=True, help="As --full, from the landing log alone; the inputs may be gone.")
@click.option("--select", metavar="MODELS", help="Only these models, such as `marts.conversion+` or `+marts.*`.")
@click.option(
    "--allow-incomplete",
    is_flag=True,
    help="Load inputs even if they fail the volume or completeness checks. Recorded in the manifest.",
)
@click.option(
    "--accept-rejects",
    is_flag=True,
    help="Load files even if more rows are rejected than max_rejected allows. Recorded in the manifest.",
)
@click.option("--send", is_flag=True, help="Mail the report once it is published, as [mail] says.")
@LOG_FORMAT
def run(config_path: Path, output: Path | None, as_of: str | None, send: bool, **flags: Any) -> None:
    """Read the inputs, build and check every table, write the report, and publish all of it at once.

    \b
    Example:
      funnel run --config data/sample/funnel.toml --output build
    """
    with refusals(output):
        options = run_options(configuration(config_path, as_of, output), **flags)
    stopped: AbstractContextManager[None] = nullcontext()
    if send:
        from pipeline.mail import mail

        with refusals(options.output):
            mail.ready(options.configuration)
        stopped = mail.stopped_runs_noticed(options.configuration)

    from pipeline.run import run as steps  # only now: a second run is refused before it takes the first one's processor

    with stopped:
        done = steps.run(options)
    log_accounting(done.accounting)
    for warning in done.warnings:
        log.warning(warning)
    log.info(f"report    {done.report}")
    log.info(f"database  {done.database}   (funnel sql --output {options.output})")
    log.event("done", f"done in {done.seconds:.1f} s", run=done.run_id, seconds=round(done.seconds, 3))
    if send:
        mail_published(options.configuration)


@cli.command()
@CONFIG
@OUTPUT
@LOG_FORMAT
def report(config_path: Path, output: Path | None) -> None:
    """Write the report again from the published tables. Without a configuration here, that of the published run is used.

    \b
    Example:
      funnel report --config data/sample/funnel.toml --output build
    """
    from pipeline.run.run import report_again

    done = report_again(run_options(published_configuration(config_path, output, "report")))
    log.info(f"report    {done.report}")


@cli.command()
@CONFIG
@OUTPUT
@click.option("--report", metavar="NAME", help="Only this report; default: every report that has recipients.")
@click.option("--to", multiple=True, metavar="ADDRESS", help="Instead of the configured recipients; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Send nothing; write each message to mail/NAME.eml in the output folder.")
@LOG_FORMAT
def send(config_path: Path, output: Path | None, report: str | None, to: tuple[str, ...], dry_run: bool) -> None:
    """Mail the published report, as [mail] of the configuration says. Builds nothing.

    Without a configuration here, that of the published run is used.

    \b
    Example:
      funnel send --dry-run --config data/sample/funnel.toml --output build
    """
    mail_published(published_configuration(config_path, output, "send"), report=report, to=to, dry_run=dry_run)


@cli.command()
@CONFIG
@PUBLISHED
@click.option("--format", "how", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--max-age", type=click.FloatRange(min=0), metavar="HOURS", help="Not good when it was published longer ago."
)
def status(config_path: Path, output: Path | None, how: str, max_age: float | None) -> None:
    """Tell how the nights stand: the last good one, failures since, who runs now, what to do next.

    Exit code 0 when the last run that ended was good, 1 when it was not or there is none. Changes nothing.

    \b
    Example:
      funnel status --output build --max-age 26
    """
    from datetime import UTC, datetime

    from pipeline.publish import status as standing

    found = standing.status(where(config_path, output), datetime.now(UTC), max_age)
    click.echo(standing.as_json(found) if how == "json" else standing.as_text(found), nl=False)
    if not found.is_good:
        sys.exit(1)


@cli.command()
@click.argument("loads", metavar="[LOAD]...", nargs=-1, type=click.IntRange(min=1))
@click.option("--undo", is_flag=True, help="Put forgotten loads back.")
@CONFIG
@PUBLISHED
def forget(loads: tuple[int, ...], undo: bool, config_path: Path, output: Path | None) -> None:
    """Take loads out of the landing log, such as a false start; without LOAD, list all of them.

    A forgotten load is kept aside. The next run builds everything without it.

    \b
    Example:
      funnel forget 12 --output build
    """
    from datetime import UTC, datetime

    from pipeline.run import forget

    folder = where(config_path, output)
    if loads:
        (forget.undo if undo else forget.forget)(folder, tuple(dict.fromkeys(loads)), datetime.now(UTC))
        return
    for each in forget.summaries(folder):
        click.echo(str(each))


@cli.command()
@click.argument("lead")
@CONFIG
@PUBLISHED
def explain(lead: str, config_path: Path, output: Path | None) -> None:
    """Print one lead's life and where it counted, from the published file.

    \b
    Example:
      funnel explain 00Q8d0000000AfI --output build
    """
    from pipeline.database import interrupt
    from pipeline.explore import explain as explaining
    from pipeline.explore import query

    output = where(config_path, output)
    with interrupt.interruptible(next_step="") as watch, query.opened(output) as connection:
        watch.add(connection)
        life = explaining.explain(connection, lead)
    click.echo(explaining.told(life), nl=False)


@cli.command()
@click.argument("query", required=False)
@CONFIG
@PUBLISHED
@click.option("--format", "how", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Ask what this file asks.")
def sql(query: str | None, config_path: Path, output: Path | None, how: Any, file: Path | None) -> None:
    """Ask the published file, read-only; without QUERY, a prompt. `from help()` lists its macros.

    \b
    Example:
      funnel sql "from conversion('mql', 'sal', by := 'lead_source')" --output build
      funnel sql --file question.sql --format csv --output build
    """
    from pipeline.database import interrupt
    from pipeline.errors import UsageError
    from pipeline.explore import query as querying

    if query and file:
        raise UsageError("a QUERY and a --file were given", where="sql", next_step="give one of them")
    connection = querying.open_published(where(config_path, output))
    with interrupt.interruptible(connection, next_step=""):
        if file:
            querying.answer_file(connection, file, how)
        elif query:
            querying.answer(connection, query, how, sys.stdout)
        else:
            querying.prompt(connection, sys.stdin, sys.stdin.isatty(), how)


@cli.command()
@click.argument("name", required=False)
def questions(name: str | None) -> None:
    """List the questions that ship, or print the query of one of them.

    \b
    Example:
      funnel questions overdue_by_owner | funnel sql --output build
    """
    from pipeline.explore import query as querying

    click.echo(querying.question(name) if name else querying.question_list())


def main() -> None:
    """The console command: errors in one line or more on stderr, each kind with its exit code."""
    sys.exit(run_process(cli, sys.argv[1:]))


@contextmanager
def refusals(output: Path | None) -> Iterator[None]:
    """What keeps a run from beginning, another run to begin with, is recorded in the output folder too, when that is known."""
    if output is None:
        yield
        return
    from datetime import UTC, datetime

    from pipeline.publish import attempts, lock

    with attempts.recorded(output, datetime.now(UTC), "run"):
        lock.require_free(output)
        yield


def run_options(read: Configuration, **more: Any) -> RunOptions:
    """The options of a run, with the clock read once."""
    from datetime import UTC, datetime

    from pipeline.run.options import RunOptions
    from pipeline.settings import Settings

    machine = Settings.of_this_machine(read.memory, read.threads)
    return RunOptions.of(read, datetime.now(UTC), machine, **more)


def published_configuration(config_path: Path, output: Path | None, command: str) -> Configuration:
    """The configuration; where none was named and none is here, that of the published run."""
    if not config_path.exists() and not was_named("config_path"):
        from pipeline.publish import locations

        output = where(config_path, output)
        config_path = locations.published_configuration(output, config_path, command)
        log.info(f"configuration {config_path}, that of the published run")
    return configuration(config_path, None, output)


def mail_published(read: Configuration, **how: Any) -> None:
    """Mail the published reports, and log who got them or where a dry run wrote them."""
    from datetime import UTC, datetime

    from pipeline.database import interrupt
    from pipeline.mail import mail

    with interrupt.interruptible(next_step="`funnel send` mails it again; who got it before gets it twice"):
        sent = mail.send(read, datetime.now(UTC), **how)
    for each in sent:
        if each.file:
            log.info(f"written   {each.file}   (report {each.report}, to {', '.join(each.to)})")
        else:
            log.info(f"mailed    report {each.report} to {', '.join(each.to)}")


def configuration(config_path: Path, as_of: str | None, output: Path | None) -> Configuration:
    """The configuration, read and validated."""
    from pipeline.config.load import load_configuration

    return load_configuration(config_path, as_of=as_of, output=output)


def where(config_path: Path, output: Path | None) -> Path:
    """The output folder to read, also without a configuration."""
    from pipeline.publish import locations

    return locations.output_folder(config_path, output, is_named=was_named("config_path"))


def was_named(option: str) -> bool:
    """Whether the command that runs got this option from the person, not from its default."""
    context = click.get_current_context(silent=True)
    return context is not None and context.get_parameter_source(option) is not click.core.ParameterSource.DEFAULT


if __name__ == "__main__":
    main()
