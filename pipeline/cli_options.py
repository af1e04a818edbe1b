"""Options of several commands."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline import log

CONFIG = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("funnel.toml"),
    show_default=True,
    help="Configuration file.",
)
_FOLDER = click.Path(path_type=Path, file_okay=False)
OUTPUT = click.option(
    "--output", type=_FOLDER, help="Output folder; default: [output] of the configuration, else build/ beside it."
)
AS_OF = click.option("--as-of", metavar="DATE", help="Report as of this time; a date means the end of that day.")

PUBLISHED = click.option(
    "--output",
    type=_FOLDER,
    help="Output folder; default: [output] of the configuration; without a configuration, build/ here.",
)
LOG_FORMAT = click.option(
    log.OPTION,
    "log_format",
    type=click.Choice(log.FORMATS),
    default="text",
    envvar=log.VARIABLE,
    show_envvar=True,
    show_default=True,
    expose_value=False,  # read before the command line is parsed
    help="Log format on stderr: text, or one JSON object per line.",
)

_PREVIOUS_SPELLINGS = {"rebuild": "from-log", "accept-drop": "allow-incomplete"}
"""Option names of the previous release. They still work, but no help shows them."""


def current_spelling(name: str) -> str:
    """Return the current name of an option, without dashes."""
    return _PREVIOUS_SPELLINGS.get(name, name)
