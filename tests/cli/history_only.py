"""`funnel` as a process whose runs build only the history: `python -m tests.cli.history_only run`."""

from __future__ import annotations

from pipeline import cli
from tests import runs

if __name__ == "__main__":
    with runs.history_only():
        cli.main()
