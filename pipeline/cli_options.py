"""Options that several commands share."""

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
LOG_FORMAT = click.option(
    log.OPTION,
    "log_format",
    type=click.Choice(log.FORMATS),
    default="text",
    envvar=log.VARIABLE,
    show_envvar=True,
    show_default=True,
    expose_value=False,  # read before the command line is parsed
    help="Log on stderr: lines for people, or one JSON object per line.",
)

_EARLIER = {"rebuild": "from-log", "accept-drop": "allow-incomplete"}
"""Spellings of the release before this one. They are accepted, and no help shows them."""


def current_spelling(name: str) -> str:
    """The name of an option of today, without its dashes, for one of today or of the release before."""
    return _EARLIER.get(name, name)
