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
    """Draw the rate of each cohort, a line per value: final cohorts with their 95% interval, the others dotted.

    With the grain `all` each value has one rate: a dot on its interval.
    """
    if frame["cohort_start"].isna().all():
        names = frame["dimension_value"].astype(str)
        axes.hlines(names, frame["rate_low"], frame["rate_high"], alpha=0.4, linewidth=4)
        axes.plot(frame["rate"], names, "o")
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter("{x:.0%}")
    else:
        _lines(frame, axes)
    if len(frame):
        is_ever = frame["window_days"].isna().iloc[0]
        within = "" if is_ever else f" within {frame['window_days'].iloc[0]:.0f} days"
        axes.set_title(f"{frame['from_stage'].iloc[0]} → {frame['to_stage'].iloc[0]}{within}")


def _lines(frame: pd.DataFrame, axes: Axes) -> None:
    for value, rows in frame.groupby("dimension_value", sort=False):
        final, others = rows[rows["is_mature"]], rows[~rows["is_mature"]]
        (line,) = axes.plot(final["cohort_start"], final["rate"], marker="o", label=str(value))
        color = line.get_color()
        axes.fill_between(final["cohort_start"], final["rate_low"], final["rate_high"], alpha=0.15, color=color)
        axes.plot(others["cohort_start"], others["rate"], ":", marker="o", fillstyle="none", color=color)
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.set_xlabel("dotted: not final")
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
