"""The build order of models, and selections such as `marts.conversion+`."""

from __future__ import annotations

from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from pipeline.errors import ModelError, UsageError
from pipeline.transform.project import LAYERS, Model, TableName


def in_order(models: tuple[Model, ...], existing: frozenset[TableName]) -> tuple[Model, ...]:
    """Return the models in build order: each after the models it reads. `existing` are tables without a model.

    Raises ModelError for an unknown table and for a cycle.
    """
    by_table = {model.table: model for model in models}
    for model in models:
        for table in model.reads:
            if table not in by_table and table not in existing:
                nearest = get_close_matches(str(table), [str(known) for known in (*by_table, *existing)], n=1)
                hint = f"did you mean {nearest[0]}?" if nearest else "add a model for it"
                raise ModelError(
                    f"{model.table} reads {table}, which no model creates", where=str(model.path), next_step=hint
                )
    # Layer by layer, so that the log of a run follows the layers.
    return tuple(model for schema in LAYERS for model in _sorted_layer([m for m in models if m.table.schema == schema]))


def _sorted_layer(models: list[Model]) -> list[Model]:
    by_table = {model.table: model for model in sorted(models, key=lambda model: model.table)}
    sorter = TopologicalSorter(
        {table: sorted(read for read in model.reads if read in by_table) for table, model in by_table.items()}
    )
    try:
        return [by_table[table] for table in sorter.static_order()]
    except CycleError as cycle:
        names = " → ".join(str(table) for table in cycle.args[1])
        raise ModelError(f"models read each other in a cycle: {names}", next_step="break the cycle") from cycle


def select(ordered: tuple[Model, ...], selection: str) -> tuple[Model, ...]:
    """Return the models of a selection in build order. Raises UsageError for an unknown model.

    Words are separated by spaces or commas. `marts.conversion` is one model, `marts.*` a layer, `+x` is x and every model
    that it reads, `x+` is x and every model that reads it.
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
