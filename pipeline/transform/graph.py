"""The order in which models are built, and selections of it such as `marts.conversion+`."""

from __future__ import annotations

from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from pipeline.errors import ModelError, UsageError
from pipeline.transform.project import LAYERS, Model, TableName


def in_order(models: tuple[Model, ...], given: frozenset[TableName]) -> tuple[Model, ...]:
    """Models after everything that they read. `given` are the tables that no model makes.

    ModelError for a table that nobody makes (with the nearest known one) and for a circle.
    """
    by_table = {model.table: model for model in models}
    for model in models:
        for table in model.reads:
            if table not in by_table and table not in given:
                nearest = get_close_matches(str(table), [str(known) for known in (*by_table, *given)], n=1)
                hint = f"did you mean {nearest[0]}?" if nearest else "add a model for it"
                raise ModelError(
                    f"{model.table} reads {table}, which nothing makes", where=str(model.path), next_step=hint
                )
    # Layer by layer, since data only goes one way: a run reads as the house is built.
    return tuple(model for schema in LAYERS for model in _sorted_layer([m for m in models if m.table.schema == schema]))


def _sorted_layer(models: list[Model]) -> list[Model]:
    by_table = {model.table: model for model in sorted(models, key=lambda model: model.table)}
    sorter = TopologicalSorter(
        {table: sorted(read for read in model.reads if read in by_table) for table, model in by_table.items()}
    )
    try:
        return [by_table[table] for table in sorter.static_order()]
    except CycleError as circle:
        names = " → ".join(str(table) for table in circle.args[1])
        raise ModelError(f"models read each other in a circle: {names}", next_step="break the circle") from circle


def select(ordered: tuple[Model, ...], selection: str) -> tuple[Model, ...]:
    """The models that a selection names, in building order.

    Words are separated by spaces or commas: `marts.conversion` one model, `marts.*` a layer, `+x` with everything that x
    reads, `x+` with everything that reads x. UsageError for a name that no model has.
    """
    by_name = {str(model.table): model for model in ordered}
    chosen: set[TableName] = set()
    for word in selection.replace(",", " ").split():
        name = word.strip("+")
        named = (
            {model.table for model in ordered if model.table.schema == name.removesuffix(".*")}
            if name.endswith(".*")
            else {by_name[name].table}
            if name in by_name
            else set()
        )
        if not named:
            nearest = get_close_matches(name, by_name, n=1)
            raise UsageError(
                f"no model is called {name}",
                where="--select",
                next_step=f"did you mean {nearest[0]}?" if nearest else "`funnel run --help` shows the form",
            )
        chosen |= named
        if word.startswith("+"):
            chosen |= _upstream(ordered, named)
        if word.endswith("+"):
            chosen |= _downstream(ordered, named)
    return tuple(model for model in ordered if model.table in chosen)


def _upstream(ordered: tuple[Model, ...], wanted: set[TableName]) -> set[TableName]:
    reached = set(wanted)
    for model in reversed(ordered):
        if model.table in reached:
            reached |= set(model.reads)
    return reached


def _downstream(ordered: tuple[Model, ...], changed: set[TableName]) -> set[TableName]:
    reached = set(changed)
    for model in ordered:
        if reached & set(model.reads):
            reached.add(model.table)
    return reached
