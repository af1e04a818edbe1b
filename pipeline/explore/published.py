"""The published file from Python: one method per table macro, results as DataFrames.

from pipeline import published

with published("build") as funnel:
    frame = funnel.conversion("mql", "sal", by="lead_source").df()
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline.database.connection import literal
from pipeline.errors import UsageError
from pipeline.explore import plots
from pipeline.explore.query import open_published

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

QueryResult = duckdb.DuckDBPyRelation
"""A lazy result: `.df()` returns a pandas DataFrame, `.arrow()` an Arrow table, `.fetchall()` tuples; `print` shows rows."""

PUBLIC_SCHEMAS = ("marts", "quality", "report", "waterfall")
PLOTS = {"conversion": plots.conversion, "funnel_steps": plots.funnel_steps, "time_in_stage": plots.time_in_stage}
"""Macro → how its result is drawn."""


class Plottable:
    """A result that can be drawn: `.plot()`. Everything else is the result of DuckDB, such as `.df()`."""

    def __init__(self, result: QueryResult, draw: Callable[[pd.DataFrame, Axes], None]) -> None:
        self._result, self._draw = result, draw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._result, name)

    def __repr__(self) -> str:
        return repr(self._result)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the result into `axes`, or into new ones, and return them. Raises UsageError without matplotlib."""
        into = plots.new_axes() if axes is None else axes
        self._draw(self._result.df(), into)
        return into


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

    def __repr__(self) -> str:
        """What the run is about: its name, as-of and stages, and the methods."""
        ((name, as_of, timezone),) = self._connection.execute(
            "select name, as_of_local, timezone from report.overview where report = 'all'"
        ).fetchall()
        stages = self._connection.execute("select stage from waterfall.stages order by stage_no").fetchall()
        methods = sorted(each for each in vars(Published) if not each.startswith("_"))
        return (
            f"{name}, as of {as_of} {timezone}\n"
            f"stages: {', '.join(stage for (stage,) in stages)}\n"
            f"methods: {', '.join(methods)}"
        )

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

    def tables(self) -> QueryResult:
        """Return the tables and views for people: schema.name and what one row is."""
        schemas = ", ".join(map(literal, PUBLIC_SCHEMAS))
        return self.sql(
            f"""
            select schema_name || '.' || table_name as table_name, comment as row_is from duckdb_tables()
            where schema_name in ({schemas})
            union all
            select schema_name || '.' || view_name, comment from duckdb_views() where schema_name in ({schemas})
            order by table_name
            """
        )

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
    ) -> Plottable:
        """Return the outcomes of the units of each cohort between two stages, by one dimension or several."""
        return self._plottable(
            "conversion", from_stage, to_stage, by=by, grain=grain, within_days=within_days, unit=unit
        )

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
    ) -> Plottable:
        """Return how many units went through a chain of stages, step by step."""
        return self._plottable(
            "funnel_steps",
            steps,
            mode=mode,
            within_days=within_days,
            within_seconds=within_seconds,
            by=by,
            grain=grain,
            unit=unit,
        )

    def time_in_stage(self, stage: str = "all", *, by: str = "all", grain: str = "all") -> Plottable:
        """Return the duration of completed spans; with grain all also the age of open spans."""
        return self._plottable("time_in_stage", stage=stage, by=by, grain=grain)

    def flow(self, stage: str = "all", *, grain: str = "month", by: str = "all") -> QueryResult:
        """Return the inflow and outflow of each stage and period."""
        return self._macro("flow", stage=stage, grain=grain, by=by)

    def sla(self, stage: str = "all", *, by: str = "all", grain: str = "month") -> QueryResult:
        """Return how the spans that started in each period meet the SLA of their stage."""
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

    def _plottable(self, name: str, *positional: str | list[str], **named: str | list[str] | float | None) -> Plottable:
        return Plottable(self._macro(name, *positional, **named), PLOTS[name])

    def _macro(self, name: str, *positional: str | list[str], **named: str | list[str] | float | None) -> QueryResult:
        arguments = [_argument(value) for value in positional]
        arguments += [f"{argument} := {_argument(value)}" for argument, value in named.items()]
        return self.sql(f"from {name}({', '.join(arguments)})")


def _argument(value: str | list[str] | float | None) -> str:
    return f"[{', '.join(map(literal, value))}]" if isinstance(value, list) else literal(value)
