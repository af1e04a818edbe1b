"""What was delivered must do for a night: refusals and findings before any model runs."""

from __future__ import annotations

from difflib import get_close_matches
from zoneinfo import ZoneInfo

from pipeline.errors import ConfigurationError, InputError, Problem
from pipeline.inputs import guards, landing
from pipeline.orders import Orders
from pipeline.waterfall import rules
from pipeline.waterfall.definition import Configuration
from pipeline.waterfall.tables import Columns, dimension_source


def require_usable(orders: Orders, outcome: landing.Landing, loads: tuple[landing.Load, ...]) -> None:
    """An input of which nothing was ever read stops the run: numbers without it would look like a collapse."""
    delivered = {load.input for load in loads}
    never = [each.name for each in orders.configuration.inputs if each.name not in delivered]
    reasons = [str(each) for each in (*outcome.refused, *outcome.missing) if each.input in never]
    if reasons:
        raise InputError("\n".join(reasons), next_step="nothing was published; `funnel check` reads the inputs again")
    history = {each.name for each in orders.configuration.inputs if each.table == "stage_entries"}
    if not history & delivered:
        raise InputError(
            "the landing log holds no stage entries",
            where=str(orders.log_folder),
            next_step="run without --rebuild, so that the inputs are read",
        )


def require_whole(outcome: landing.Landing) -> None:
    """A delivery that lacks too much stops the run; nothing of it is in the log, so the next run judges it again."""
    if outcome.dropped:
        raise InputError(
            "\n".join(outcome.dropped),
            next_step="nothing was published and nothing of these files was kept; get the whole export, "
            "or `funnel run --accept-drop` if it is right",
        )


def guarded(orders: Orders, loads: tuple[landing.Load, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the report says of the newest deliveries, and of those that are too old. InputError beyond `error_after`.

    What was published is built anew (--rebuild, --select) however old it is.
    """
    inputs, zone = orders.configuration.inputs, ZoneInfo(orders.configuration.waterfall.timezone)
    stale = guards.stale(inputs, loads, as_of=orders.as_of, clock=orders.clock)
    stopping = [str(each) for each in stale if each.stops]
    if stopping and not (orders.rebuild or orders.select):
        raise InputError(
            "\n".join(stopping),
            next_step="nothing was published; get the export that is late, or correct `error_after` of the input",
        )
    return guards.standing(inputs, loads, zone), tuple(str(each) for each in stale)


def dimension_sources(configuration: Configuration, loads: tuple[landing.Load, ...]) -> dict[str, str]:
    """Each dimension and where its values come from. ConfigurationError naming all that no input has a column for."""
    delivered = _columns(configuration, loads)
    sources, problems = {}, []
    for name in configuration.waterfall.dimensions:
        source = dimension_source(name, delivered)
        if source is None:
            nearest = get_close_matches(name, sorted(delivered.entry | delivered.lead | delivered.account), n=1)
            hint = f"; the nearest column is {nearest[0]}" if nearest else ""
            problems.append(
                Problem(f"{configuration.path.name}: funnel.dimensions", f"no input has a column {name}{hint}")
            )
        else:
            sources[name] = source
    problems += rules.without_column(configuration, delivered.lead, delivered.account)
    if problems:
        raise ConfigurationError(problems)
    return sources


def _columns(configuration: Configuration, loads: tuple[landing.Load, ...]) -> Columns:
    configured = {each.name for each in configuration.inputs}

    def of(table: str) -> frozenset[str]:
        return frozenset(
            column
            for load in loads
            if load.table == table and load.input in configured
            for column in (*load.columns, *load.extras)
        )

    return Columns(entry=of("stage_entries"), lead=of("leads"), account=of("accounts"))
