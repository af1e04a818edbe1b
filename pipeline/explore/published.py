"""The published file from Python: one method per table macro, results as DataFrames.

from pipeline import published

with published("build") as funnel:
    frame = funnel.conversion("mql", "sal", by="lead_source").df()
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipeline.database.connection import literal
from pipeline.errors import UsageError
from pipeline.explore.query import open_published

QueryResult = duckdb.DuckDBPyRelation
"""A lazy result: `.df()` returns a pandas DataFrame, `.arrow()` an Arrow table, `.fetchall()` tuples; `print` shows rows."""


def published(output: str | Path = "build") -> Published:
    """Open the published run of an output folder, read-only. Raises UsageError if there is none."""
    return Published(open_published(Path(output)))


class Published:
    """One open published run. Each method has the arguments of the macro of the same name (docs/tables.md).

    An unknown stage or dimension raises duckdb.InvalidInputException, with the known ones, when the result is fetched.
    To see a run that is published later, open the folder again.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def __enter__(self) -> Published:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Results that were not fetched are lost."""
        self._connection.close()

    def sql(self, query: str) -> QueryResult:
        """Return the result of one SELECT. Raises UsageError for another statement."""
        for statement in self._connection.extract_statements(query):
            if duckdb.ExpectedResultType.QUERY_RESULT not in statement.expected_result_type:
                raise UsageError(
                    "this is not a SELECT", where="query", next_step="write a SELECT; the file is read-only"
                )
        return self._connection.sql(query)

    def help(self) -> QueryResult:
        """Return every macro with its arguments, a description and an example."""
        return self._macro("help")

    def conversion(
        self,
        from_stage: str,
        to_stage: str,
        *,
        by: str | list[str] = "all",
        grain: str = "month",
        within_days: int | None = None,
        unit: str = "cycle",
    ) -> QueryResult:
        """Return the outcomes of the units of each cohort between two stages, by one dimension or several."""
        return self._macro("conversion", from_stage, to_stage, by=by, grain=grain, within_days=within_days, unit=unit)

    def cohort_triangle(
        self, from_stage: str, to_stage: str, *, grain: str = "month", unit: str = "cycle"
    ) -> QueryResult:
        """Return the share of each cohort that had converted by the end of each later period."""
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
    ) -> QueryResult:
        """Return how many units went through a chain of stages, step by step (K10)."""
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

    def time_in_stage(self, stage: str = "all", *, by: str = "all", grain: str = "all") -> QueryResult:
        """Return the duration of completed spans; with grain all also the age of open spans (T1, T2)."""
        return self._macro("time_in_stage", stage=stage, by=by, grain=grain)

    def flow(self, stage: str = "all", *, grain: str = "month", by: str = "all") -> QueryResult:
        """Return the inflow and outflow of each stage and period (V1)."""
        return self._macro("flow", stage=stage, grain=grain, by=by)

    def sla(self, stage: str = "all", *, by: str = "all", grain: str = "month") -> QueryResult:
        """Return how the spans that started in each period meet the SLA of their stage (T5)."""
        return self._macro("sla", stage=stage, by=by, grain=grain)

    def stuck_leads(self, *, owner: str | None = None, stage: str | None = None, min_days: float = 0) -> QueryResult:
        """Return the open leads of an owner or in a stage, longest first."""
        return self._macro("stuck_leads", owner=owner, stage=stage, min_days=min_days)

    def lead_history(self, lead_id: str) -> QueryResult:
        """Return the spans of one lead in time order."""
        return self._macro("lead_history", lead_id)

    def stage_words(self) -> QueryResult:
        """Return every word that an argument accepts for a stage."""
        return self._macro("stage_words")

    def _macro(self, name: str, *positional: str | list[str], **named: str | list[str] | float | None) -> QueryResult:
        arguments = [_argument(value) for value in positional]
        arguments += [f"{argument} := {_argument(value)}" for argument, value in named.items()]
        return self.sql(f"from {name}({', '.join(arguments)})")


def _argument(value: str | list[str] | float | None) -> str:
    return f"[{', '.join(map(literal, value))}]" if isinstance(value, list) else literal(value)
