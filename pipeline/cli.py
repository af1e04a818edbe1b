"""The command line: it parses, calls one function and prints. stdout is data, everything else is stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

# Nothing heavy up here: `funnel --help` must answer at once. Each command imports what it needs.
if TYPE_CHECKING:
    from pipeline.models.build import Built
    from pipeline.waterfall.definition import Configuration

CONFIG = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("funnel.toml"),
    show_default=True,
    help="The configuration.",
)
OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Output folder; default: [output] of the configuration, else build/ beside it.",
)
AS_OF = click.option(
    "--as-of", metavar="DATE", help="Count as if it were this moment; a date means the end of that day."
)


PUBLISHED = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Output folder; default: [output] of the configuration; without a configuration, build/ here.",
)
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
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--preset", default="mcl-mel-mql-sal-sql", show_default=True, help="Waterfall to start from.")
def init(folder: Path, preset: str) -> None:
    """Write a commented configuration into FOLDER.

    \b
    Example:
      funnel init --preset hubspot-lifecycle my-funnel
    """
    from pipeline.errors import UsageError
    from pipeline.waterfall import starter

    text = starter.configuration(preset)
    target = folder / "funnel.toml"
    if target.exists():
        raise UsageError("there is a configuration already", where=str(target), next_step="give another folder")
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    say(f"wrote {target}; put your exports where its [[inputs]] say, then `funnel check --config {target}`")


@cli.command()
@click.argument("name", required=False)
def presets(name: str | None) -> None:
    """List the waterfalls that ship, or explain one of them.

    \b
    Example:
      funnel presets siriusdecisions-2012
    """
    from pipeline.waterfall import presets as shipped_presets

    click.echo(shipped_presets.describe(name) if name else shipped_presets.overview())


@cli.command()
@CONFIG
@AS_OF
def check(config_path: Path, as_of: str | None) -> None:
    """Validate the configuration and read every input, without writing anything.

    \b
    Example:
      funnel check --config data/sample/funnel.toml
    """
    from pipeline import night

    outcome = night.check(orders(config_path, as_of, None), say)
    for each in (*outcome.refused, *outcome.missing, *outcome.warnings):
        say(f"warning: {each}")
    say("the configuration is valid and every input was read; nothing was written")


@cli.command()
@CONFIG
@OUTPUT
@AS_OF
@click.option("--full", is_flag=True, help="Build everything anew, not only the leads that changed since last night.")
@click.option("--rebuild", is_flag=True, help="As --full, from the landing log alone; the inputs may be gone.")
@click.option("--select", metavar="MODELS", help="Only these models, such as `marts.conversion+` or `+marts.*`.")
@click.option(
    "--accept-drop", is_flag=True, help="Take deliveries that lack too much by [checks]; the manifest says so."
)
@click.option("--send", is_flag=True, help="Mail the report once it is published, as [mail] says.")
def run(
    config_path: Path,
    output: Path | None,
    as_of: str | None,
    full: bool,
    rebuild: bool,
    select: str | None,
    accept_drop: bool,
    send: bool,
) -> None:
    """Read the inputs, build and check every table, write the report, and publish all of it at once.

    \b
    Example:
      funnel run --config data/sample/funnel.toml --output build
    """
    from dataclasses import replace

    from pipeline import night

    asked = orders(config_path, as_of, output)
    asked = replace(asked, full=full, rebuild=rebuild, select=select, accept_drop=accept_drop)
    if send:
        from pipeline import mailing

        mailing.ready(asked.configuration)
    done = night.run(asked, say, progress())
    print_accounting(done.accounting)
    for warning in done.warnings:
        say(f"warning: {warning}")
    say(f"report    {done.report}")
    say(f"database  {done.database}   (funnel sql --output {asked.configuration.output})")
    say(f"done in {done.seconds:.1f} s")
    if send:
        mail_published(asked)


@cli.command()
@CONFIG
@OUTPUT
def report(config_path: Path, output: Path | None) -> None:
    """Write the report again from the published tables.

    \b
    Example:
      funnel report --config data/sample/funnel.toml --output build
    """
    from pipeline import night

    done = night.report_again(orders(config_path, None, output), say)
    say(f"report    {done.report}")


@cli.command()
@CONFIG
@OUTPUT
@click.option("--report", metavar="NAME", help="Only this report; default: every report that has recipients.")
@click.option("--to", multiple=True, metavar="ADDRESS", help="Instead of the configured recipients; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Send nothing; write each message to mail/NAME.eml in the output folder.")
def send(config_path: Path, output: Path | None, report: str | None, to: tuple[str, ...], dry_run: bool) -> None:
    """Mail the published report, as [mail] of the configuration says. Builds nothing.

    \b
    Example:
      funnel send --dry-run --config data/sample/funnel.toml --output build
    """
    mail_published(orders(config_path, None, output), report=report, to=to, dry_run=dry_run)


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
    from pipeline import explain as explaining
    from pipeline import query

    connection = query.open_published(where(config_path, output))
    click.echo(explaining.told(explaining.explain(connection, lead)), nl=False)


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
    from pipeline import query as querying
    from pipeline.errors import UsageError

    if query and file:
        raise UsageError("a QUERY and a --file were given", where="sql", next_step="give one of them")
    connection = querying.open_published(where(config_path, output))
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
    from pipeline import query as querying

    click.echo(querying.question(name) if name else querying.question_list())


def main() -> None:
    """The console command: errors in one line or more on stderr, each kind with its exit code."""
    from pipeline.errors import FunnelError

    try:
        cli(standalone_mode=False)
    except FunnelError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)


def say(text: str) -> None:
    """A line for the person, on stderr."""
    click.echo(text, err=True)


def orders(config_path: Path, as_of: str | None, output: Path | None) -> Any:
    """What was asked, with the clock read once."""
    from datetime import UTC, datetime

    from pipeline.night import Orders
    from pipeline.settings import Settings

    read = configuration(config_path, as_of, output)
    return Orders(
        configuration=read, clock=datetime.now(UTC), settings=Settings.of_this_machine(read.memory, read.threads)
    )


def mail_published(asked: Any, **how: Any) -> None:
    """Mail what is published and say to whom it went, or where a dry run left it."""
    from datetime import UTC, datetime

    from pipeline import mailing

    for each in mailing.send(asked.configuration, datetime.now(UTC), say, **how):
        if each.file:
            say(f"written   {each.file}   (report {each.report}, to {', '.join(each.to)})")
        else:
            say(f"mailed    report {each.report} to {', '.join(each.to)}")


def configuration(config_path: Path, as_of: str | None, output: Path | None) -> Configuration:
    """The configuration, read and validated."""
    from pipeline.waterfall import config

    return config.load(config_path, as_of=as_of, output=output)


def where(config_path: Path, output: Path | None) -> Path:
    """The output folder to read: as given, else as the configuration says, else build/ here if a night is published there.

    UsageError where there is none of them. A configuration that was named must be there.
    """
    if output is not None:
        return output
    if config_path.exists() or was_named("config_path"):
        return configuration(config_path, None, None).output
    if (BUILD / "funnel.duckdb").exists():
        return BUILD
    from pipeline.errors import UsageError

    raise UsageError(
        f"there is neither {config_path} nor {BUILD / 'funnel.duckdb'} here",
        where=str(Path.cwd()),
        next_step="name the folder of a night with --output, or a configuration with --config",
    )


def was_named(option: str) -> bool:
    """Whether the command that runs got this option from the person, not from its default."""
    context = click.get_current_context(silent=True)
    return context is not None and context.get_parameter_source(option) is not click.core.ParameterSource.DEFAULT


def progress() -> Callable[[Built], None]:
    """One line a model with its rows and seconds; on a terminal one line that moves."""
    if not sys.stderr.isatty():
        return lambda built: say(
            f"{built.position:>3}/{built.of} {built.table:<28} {_rows(built)} {built.seconds:>7.2f} s"
        )

    def move(built: Built) -> None:
        width = 24
        filled = width * built.position // built.of
        bar = "█" * filled + "·" * (width - filled)
        end = "\n" if built.position == built.of else ""
        click.echo(
            f"\r\x1b[2K{bar} {built.position}/{built.of} {built.table} {_rows(built).strip()}{end}", err=True, nl=False
        )

    return move


def _rows(built: Built) -> str:
    return f"{'view':>12}" if built.rows is None else f"{built.rows:>7,} rows"


def print_accounting(accounts: tuple[dict[str, Any], ...]) -> None:
    """What became of every row, a line an input."""
    if not accounts:
        return
    names = [name for name in accounts[0] if name != "input"]
    width = max(len(account["input"]) for account in accounts)
    say(f"{'rows':<{width}}  " + "  ".join(f"{name:>12}" for name in names))
    for account in accounts:
        say(f"{account['input']:<{width}}  " + "  ".join(f"{account[name]:>12,}" for name in names))


if __name__ == "__main__":
    main()
