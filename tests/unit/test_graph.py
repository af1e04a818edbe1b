"""Models are built after the models that they read, and selected by name with their neighbours."""

from __future__ import annotations

import pytest

from pipeline.errors import ModelError, UsageError
from pipeline.transform.graph import in_order, select
from pipeline.transform.project import Model, TableName
from tests.unit.models_from_text import model, names

GIVEN = frozenset({TableName("raw", "leads"), TableName("waterfall", "run")})
MODELS = (
    model("marts.conversion", "journey.cycles", "waterfall.days"),
    model("marts.flow", "journey.spans"),
    model("journey.cycles", "journey.spans"),
    model("journey.spans", "clean.entries"),
    model("clean.entries", "clean.leads", "waterfall.run"),
    model("clean.leads", "raw.leads"),
    model("waterfall.days", "waterfall.run"),
)
ORDERED = [
    "waterfall.days",
    "clean.leads",
    "clean.entries",
    "journey.spans",
    "journey.cycles",
    "marts.conversion",
    "marts.flow",
]


class TestOrder:
    def test_a_model_comes_after_the_models_that_it_reads(self) -> None:
        """The order is by layer, and within a layer by dependency."""
        assert ORDERED == names(in_order(MODELS, GIVEN))

    def test_the_order_does_not_depend_on_the_order_of_files(self) -> None:
        """The same models in any order give the same build order."""
        assert ORDERED == names(in_order(MODELS[::-1], GIVEN))

    def test_an_unknown_table_is_reported_with_the_nearest(self) -> None:
        """The error of a misspelt table suggests the right one."""
        with pytest.raises(ModelError) as caught:
            in_order((*MODELS, model("marts.sla", "journey.span")), GIVEN)
        assert ("marts.sla reads journey.span, which no model creates", "did you mean journey.spans?") == (
            caught.value.what,
            caught.value.next_step,
        )

    def test_a_table_without_a_model_is_suggested_too(self) -> None:
        """The nearest name may be a table that no model builds."""
        with pytest.raises(ModelError) as caught:
            in_order((model("clean.leads", "raw.lead"),), GIVEN)
        assert "did you mean raw.leads?" == caught.value.next_step

    @pytest.mark.parametrize(
        "circle",
        [
            (model("marts.a", "marts.b"), model("marts.b", "marts.c"), model("marts.c", "marts.a")),
            (model("marts.a", "marts.a"),),
        ],
    )
    def test_a_cycle_is_an_error_that_names_its_members(self, circle: tuple[Model, ...]) -> None:
        """Models that read each other can't be built; the error has all of them."""
        with pytest.raises(ModelError) as caught:
            in_order(circle, frozenset())
        missing = [str(each.table) for each in circle if str(each.table) not in caught.value.what]
        assert ([], True) == (missing, "cycle" in caught.value.what)


class TestSelect:
    @pytest.mark.parametrize(
        ("selection", "expected"),
        [
            ("marts.flow", ["marts.flow"]),
            ("marts.flow clean.leads", ["clean.leads", "marts.flow"]),
            ("marts.flow,clean.leads", ["clean.leads", "marts.flow"]),
            ("marts.*", ["marts.conversion", "marts.flow"]),
            ("+marts.flow", ["clean.leads", "clean.entries", "journey.spans", "marts.flow"]),
            ("journey.cycles+", ["journey.cycles", "marts.conversion"]),
            ("+journey.spans+", [each for each in ORDERED if each != "waterfall.days"]),
            ("+clean.*", ["clean.leads", "clean.entries"]),
            ("waterfall.*+", ["waterfall.days", "marts.conversion"]),
        ],
    )
    def test_a_selection_names_models_and_their_neighbours(self, selection: str, expected: list[str]) -> None:
        """`+` before a model adds its inputs, `+` after it its readers; the result is in build order."""
        assert expected == names(select(in_order(MODELS, GIVEN), selection))

    @pytest.mark.parametrize(
        ("selection", "next_step"),
        [
            ("marts.conversions", "did you mean marts.conversion?"),
            ("+journey.span+", "did you mean journey.spans?"),
            ("nobody.*", "`funnel run --help` shows the form"),
        ],
    )
    def test_an_unknown_name_is_an_error(self, selection: str, next_step: str) -> None:
        """The error suggests the nearest known name."""
        with pytest.raises(UsageError) as caught:
            select(in_order(MODELS, GIVEN), selection)
        assert next_step == caught.value.next_step
