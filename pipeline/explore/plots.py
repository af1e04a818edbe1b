"""Pictures of results for notebooks, drawn with matplotlib (`pip install funnel-pipeline[plot]`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def new_axes() -> Axes:
    """Return empty axes. Raises UsageError without matplotlib."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise UsageError(
            "plot() needs matplotlib", next_step="`pip install matplotlib`, or fetch the numbers with .df()"
        ) from error
    return pyplot.subplots(figsize=(8, 4), layout="constrained")[1]


def conversion(frame: pd.DataFrame, axes: Axes) -> None:
    """Draw the rate of each cohort, a line per value: final cohorts with their 95% interval, the others dotted."""
    for value, rows in frame.groupby("dimension_value", sort=False):
        final = rows[rows["is_mature"]]
        (line,) = axes.plot(final["cohort_start"], final["rate"], marker="o", label=str(value))
        axes.fill_between(
            final["cohort_start"], final["rate_low"], final["rate_high"], alpha=0.15, color=line.get_color()
        )
        open_rows = rows[~rows["is_mature"]]
        axes.plot(
            open_rows["cohort_start"], open_rows["rate"], ":", marker="o", fillstyle="none", color=line.get_color()
        )
    first = frame.iloc[0] if len(frame) else None
    window = (
        ""
        if first is None or first["window_days"] != first["window_days"]
        else f" within {first['window_days']:.0f} days"
    )
    axes.set_title("" if first is None else f"{first['from_stage']} → {first['to_stage']}{window}; dotted: not final")
    axes.yaxis.set_major_formatter("{x:.0%}")
    if frame["dimension_value"].nunique() > 1:
        axes.legend()


def funnel_steps(frame: pd.DataFrame, axes: Axes) -> None:
    """Draw the units that reached each step, a bar per step and value."""
    wide = frame.pivot_table(index="step_no", columns="dimension_value", values="reached", aggfunc="sum")
    names = frame.drop_duplicates("step_no").set_index("step_no")["stage"]
    wide.plot.bar(ax=axes, legend=wide.shape[1] > 1, rot=0)
    axes.set_xticklabels([names[step] for step in wide.index])
    axes.set_xlabel("")
    axes.set_ylabel(f"{frame['unit'].iloc[0]}s" if len(frame) else "")


def time_in_stage(frame: pd.DataFrame, axes: Axes) -> None:
    """Draw the median of completed spans of each stage, with a line to the 90th percentile."""
    names: Any = frame["stage"]
    if frame["dimension_value"].nunique() > 1:
        names = frame["stage"] + " · " + frame["dimension_value"].astype(str)
    axes.hlines(names, frame["median_days"], frame["p90_days"], alpha=0.4, linewidth=4)
    axes.plot(frame["median_days"], names, "o")
    axes.invert_yaxis()
    axes.set_xlabel("days; the line ends at the 90th percentile")
