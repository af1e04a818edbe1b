"""The published file from Python: a method for each table macro, an answer that becomes a DataFrame.

from pipeline import published

with published("build") as night:
    frame = night.conversion("mql", "sal", by="lead_source").df()
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import duckdb

from pipeline.database.connection import connect_published, literal
from pipeline.errors import UsageError
from pipeline.publish.run_folder import current, open_errors

Answer = duckdb.DuckDBPyRelation
"""Rows not fetched yet: `.df()` gives a pandas DataFrame, `.arrow()` Arrow, `.fetchall()` tuples, and it prints itself."""


def published(output: str | Path = "build") -> Published:
    """The last published night of an output folder, read-only. UsageError when there is none."""
    folder = Path(output)
    database = current(folder)
    if database is None:
        raise UsageError("nothing is published yet", where=str(folder), next_step="`funnel run` first")
    try:
        return Published(connect_published(database))
    except duckdb.Error as failure:
        raise open_errors(database, failure) from failure


class Published:
    """One open night. The methods have the arguments of the macros of the same name, which docs/tables.md lists.

    A word that names nothing raises duckdb.InvalidInputException with the known words, when the answer is fetched.
    A night that is published later is not seen: open it again.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def __enter__(self) -> Published:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. Answers that were not fetched can't be fetched any more."""
        self._connection.close()

    def sql(self, query: str) -> Answer:
        """The answer of one SELECT."""
        answer = self._connection.sql(query)
        if answer is None:
            raise UsageError("that is no SELECT", where="query", next_step="ask for rows; the file is read-only")
        return answer

    def help(self) -> Answer:
        """Every macro with its arguments, a sentence and an example."""
        return self._macro("help")

    def conversion(
        self,
        from_stage: str,
        to_stage: str,
        *,
        by: str = "all",
        grain: str = "month",
        within_days: int | None = None,
        unit: str = "cycle",
    ) -> Answer:
        """What became of the units of each cohort between two stages (K1 to K5)."""
        return self._macro("conversion", from_stage, to_stage, by=by, grain=grain, within_days=within_days, unit=unit)

    def cohort_triangle(self, from_stage: str, to_stage: str, *, grain: str = "month", unit: str = "cycle") -> Answer:
        """The share of each cohort that had converted by the end of each later period."""
        return self._macro("cohort_triangle", from_stage, to_stage, grain=grain, unit=unit)

    def funnel_steps(
        self,
        steps: list[str],
        *,
        mode: str = "ordered",
        within_days: int | None = None,
        within_seconds: int | None = None,
        by: str = "all",
        grain: str = "all",
        unit: str = "lead",
    ) -> Answer:
        """How many units went through a chain of stages, step by step (K10)."""
        return self._macro(
            "funnel_steps",
            steps,
            mode=mode,
            within_days=within_days,
            within_seconds=within_seconds,
            by=by,
            grain=grain,
            unit=unit,
        )

    def time_in_stage(self, stage: str = "all", *, by: str = "all", grain: str = "all") -> Answer:
        """How long completed stays lasted, and for the grain all how old the open ones are (T1, T2)."""
        return self._macro("time_in_stage", stage=stage, by=by, grain=grain)

    def flow(self, stage: str = "all", *, grain: str = "month", by: str = "all") -> Answer:
        """What came into a stage and what left it, period by period (V1)."""
        return self._macro("flow", stage=stage, grain=grain, by=by)

    def sla(self, stage: str = "all", *, by: str = "all", grain: str = "month") -> Answer:
        """How the stays that began in each period stand against their stage's limit (T5)."""
        return self._macro("sla", stage=stage, by=by, grain=grain)

    def stuck_leads(self, *, owner: str | None = None, stage: str | None = None, min_days: float = 0) -> Answer:
        """The open leads with an owner or in a stage, longest first."""
        return self._macro("stuck_leads", owner=owner, stage=stage, min_days=min_days)

    def lead_history(self, lead_id: str) -> Answer:
        """The stays of one lead in time order."""
        return self._macro("lead_history", lead_id)

    def stage_words(self) -> Answer:
        """Every word that names a stage in an argument."""
        return self._macro("stage_words")

    def _macro(self, name: str, *given: str | list[str], **named: str | float | None) -> Answer:
        written = [_written(value) for value in given]
        written += [f"{argument} := {literal(value)}" for argument, value in named.items()]
        return self.sql(f"from {name}({', '.join(written)})")


def _written(value: str | list[str]) -> str:
    return literal(value) if isinstance(value, str) else f"[{', '.join(literal(each) for each in value)}]"
