"""The command line: parses, calls one function and prints. Data goes to stdout, everything else to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline import log
from pipeline.cli_options import AS_OF, CONFIG, LOG_FORMAT, OUTPUT, PUBLISHED, current_spelling
from pipeline.console import log_accounting, run_process

# No slow imports here, so that `funnel --help` is fast. Each command imports what it needs.
if TYPE_CHECKING:
    from pipeline.config.configuration import Configuration
    from pipeline.run.options import RunOptions


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="funnel-pipeline", prog_name="funnel")
def cli() -> None:
    """Compute conversion, time in stage and volumes from lead stage history, and write a report with its definitions.

    \b
    Example:
      funnel run --config data/sample/funnel.toml --output build
      funnel sql "from marts.conversion limit 5" --output build
    """


@cli.command()
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="[FILE]... FOLDER")
@click.option("--preset", help="Preset to start from; default: the one that fits the files, else mcl-mel-mql-sal-sql.")
@click.option("--from", "from_files", is_flag=True, help="Read the FILEs and write a configuration for them.")
def init(paths: tuple[Path, ...], preset: str | None, *, from_files: bool) -> None:
    """Write a commented configuration into FOLDER.

    \b
    Example:
      funnel init --preset hubspot-lifecycle my-funnel
      funnel init --from data/sample/stage_entries.csv data/sample/leads.csv my-funnel
    """
    from pipeline import init

    for line in init.write(paths, preset, from_files=from_files):
        log.info(line)


@cli.command()
@click.argument("name", required=False)
def presets(name: str | None) -> None:
    """List the presets, or explain one of them.

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
@click.option("--full", is_flag=True, help="Rebuild all tables, not only the leads that changed since the last run.")
@click.option("--from-log", is_flag=True, help="Rebuild all tables from the landing log, without reading the inputs.")
@click.option("--select", metavar="MODELS", help="Build only these models, such as `marts.conversion+` or `+marts.*`.")
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
@click.option("--send", is_flag=True, help="Mail the published report to the recipients in [mail].")
@LOG_FORMAT
def run(config_path: Path, output: Path | None, as_of: str | None, send: bool, **flags: Any) -> None:
    """Read the inputs, build and check every table, write the report, and publish all of it at once.

    \b
    Example:
      funnel run --config data/sample/funnel.toml --output build
    """
    with recording_start_errors(output):
        options = run_options(configuration(config_path, as_of, output), **flags)
    notice: AbstractContextManager[None] = nullcontext()
    if send:
        from pipeline.mail import mail

        with recording_start_errors(options.output):
            mail.require_mail(options.configuration)
        notice = mail.notice_if_stopped(options.configuration)

    from pipeline.run import run as steps  # a late import: a second run fails before this slow import

    with notice:
        finished = steps.run(options)
    log_accounting(finished.accounting)
    for warning in finished.warnings:
        log.warning(warning)
    log.info(f"report    {finished.report}")
    log.info(f"database  {finished.database}   (funnel sql --output {options.output})")
    log.event("done", f"done in {finished.seconds:.1f} s", run=finished.run_id, seconds=round(finished.seconds, 3))
    if send:
        mail_published(options.configuration)


@cli.command()
@CONFIG
@OUTPUT
@LOG_FORMAT
def report(config_path: Path, output: Path | None) -> None:
    """Write the report again from the published tables.

    If the configuration file does not exist, the command uses that of the published run.

    \b
    Example:
      funnel report --config data/sample/funnel.toml --output build
    """
    from pipeline.run.run import report_again

    finished = report_again(run_options(published_configuration(config_path, output, "report")))
    log.info(f"report    {finished.report}")


@cli.command()
@CONFIG
@OUTPUT
@click.option("--report", metavar="NAME", help="Mail only this report; default: every report with recipients.")
@click.option("--to", multiple=True, metavar="ADDRESS", help="Mail to this address only; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Write each message to mail/NAME.eml in the output folder; send nothing.")
@LOG_FORMAT
def send(config_path: Path, output: Path | None, report: str | None, to: tuple[str, ...], dry_run: bool) -> None:
    """Mail the published report to the recipients in [mail]. Builds nothing.

    If the configuration file does not exist, the command uses that of the published run.

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
    "--max-age", type=click.FloatRange(min=0), metavar="HOURS", help="Fail if the published run is older than this."
)
def status(config_path: Path, output: Path | None, how: str, max_age: float | None) -> None:
    """Show the last successful run, failures since then, the run in progress and the next step.

    Exit code 0 if the last run was published, 1 if it failed or if there is none. Changes nothing.

    \b
    Example:
      funnel status --output build --max-age 26
    """
    from pipeline.publish.status import as_json, as_text
    from pipeline.publish.status import status as read_status

    current = read_status(output_folder(config_path, output), datetime.now(UTC), max_age)
    click.echo(as_json(current) if how == "json" else as_text(current), nl=False)
    if not current.is_good:
        sys.exit(1)


@cli.command()
@click.argument("loads", metavar="[LOAD]...", nargs=-1, type=click.IntRange(min=1))
@click.option("--undo", is_flag=True, help="Restore forgotten loads.")
@CONFIG
@PUBLISHED
def forget(loads: tuple[int, ...], undo: bool, config_path: Path, output: Path | None) -> None:
    """Remove loads from the landing log, such as a wrong first import; without LOAD, list all loads.

    A forgotten load is moved aside, not deleted. The next run builds all tables without it.

    \b
    Example:
      funnel forget 1 --output build
    """
    from pipeline.run import forget

    folder = output_folder(config_path, output)
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
    """Print the history of one lead and the figures that count it, from the published file.

    \b
    Example:
      funnel explain 00Q8d0000000AfI --output build
    """
    from pipeline.database import interrupt
    from pipeline.explore import explain as explaining
    from pipeline.explore import query

    output = output_folder(config_path, output)
    with interrupt.interruptible(next_step="") as watch, query.opened(output) as connection:
        watch.add(connection)
        history = explaining.explain(connection, lead)
    click.echo(explaining.as_text(history), nl=False)


@cli.command()
@click.argument("query", required=False)
@CONFIG
@PUBLISHED
@click.option("--format", "how", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option(
    "--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read the query from this file."
)
def sql(query: str | None, config_path: Path, output: Path | None, how: Any, file: Path | None) -> None:
    """Query the published file, read-only; without QUERY, open a prompt. `from help()` lists its macros.

    \b
    Example:
      funnel sql "from conversion('mql', 'sal', by := 'lead_source')" --output build
      funnel sql --file sql/adhoc/overdue_by_owner.sql --format csv --output build
    """
    from pipeline.database import interrupt
    from pipeline.errors import UsageError
    from pipeline.explore import query as querying

    if query and file:
        raise UsageError("a QUERY and a --file were given", where="sql", next_step="use one of them")
    connection = querying.open_published(output_folder(config_path, output))
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
    """List the shipped questions, or print the query of one of them.

    \b
    Example:
      funnel questions overdue_by_owner | funnel sql --output build
    """
    from pipeline.explore import query as querying

    click.echo(querying.question(name) if name else querying.question_list())


def main() -> None:
    """Run the console command. Errors go to stderr, each kind with its exit code."""
    sys.exit(run_process(cli, sys.argv[1:]))


@contextmanager
def recording_start_errors(output: Path | None) -> Iterator[None]:
    """Record an error before the start of a run, such as a held lock, in the output folder if it is known."""
    if output is None:
        yield
        return
    from pipeline.publish import attempts, lock

    with attempts.recording(output, datetime.now(UTC), "run"):
        lock.require_free(output)
        yield


def run_options(read: Configuration, **more: Any) -> RunOptions:
    """Return the options of a run. Reads the clock, once."""
    from pipeline.run.options import RunOptions
    from pipeline.settings import Settings

    machine = Settings.of_this_machine(read.memory, read.threads)
    return RunOptions.of(read, datetime.now(UTC), machine, **more)


def published_configuration(config_path: Path, output: Path | None, command: str) -> Configuration:
    """Return the configuration, or that of the published run if the user named none and the default does not exist."""
    if not config_path.exists() and not was_named("config_path"):
        from pipeline.publish import locations

        output = output_folder(config_path, output)
        config_path = locations.published_configuration(output, config_path, command)
        log.info(f"configuration {config_path}, that of the published run")
    return configuration(config_path, None, output)


def mail_published(read: Configuration, **how: Any) -> None:
    """Mail the published reports, and log the recipients or the files of a dry run."""
    from pipeline.database import interrupt
    from pipeline.mail import mail

    with interrupt.interruptible(next_step="`funnel send` mails it again; some recipients may get it twice"):
        sent = mail.send(read, datetime.now(UTC), **how)
    for each in sent:
        if each.file:
            log.info(f"written   {each.file}   (report {each.report}, to {', '.join(each.to)})")
        else:
            log.info(f"mailed    report {each.report} to {', '.join(each.to)}")


def configuration(config_path: Path, as_of: str | None, output: Path | None) -> Configuration:
    """Read and validate the configuration."""
    from pipeline.config.load import load_configuration

    return load_configuration(config_path, as_of=as_of, output=output)


def output_folder(config_path: Path, output: Path | None) -> Path:
    """Return the output folder to read; works without a configuration."""
    from pipeline.publish import locations

    return locations.output_folder(config_path, output, is_named=was_named("config_path"))


def was_named(option: str) -> bool:
    """Whether the user set this option of the current command."""
    context = click.get_current_context(silent=True)
    return context is not None and context.get_parameter_source(option) is not click.core.ParameterSource.DEFAULT


if __name__ == "__main__":
    main()
