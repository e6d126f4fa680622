"""Each difference between pydantic's JSON Schema and Kubernetes' structural schemas, on the smallest class that has it."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field

from evermodel_api.base import Conditions, Quantity, Reference, Rule, Schema
from evermodel_api.schema import structural_schema
from evermodel_api.training import Parameters


def field(model: type[Schema], name: str, **options: bool) -> dict[str, Any]:
    return structural_schema(model, **options)["properties"][name]


class Color(StrEnum):
    RED = "Red"
    BLUE = "Blue"


class Part(Schema):
    """A part."""

    size: Annotated[float, Field(gt=0, le=1)] = 0.5
    """How large."""
    note: str | None = None
    """What to know."""
    cel: ClassVar = (Rule("self.size > 0.1", "size must be more than 0.1"),)


class Whole(Schema):
    """A whole."""

    color: Color = Color.RED
    """Its color."""
    fixed: Literal["only"] = "only"
    """The only choice."""
    part: Part = Part()
    """With a default."""
    other: Part | None = None
    """Without one."""
    parts: dict[Color, Part] = Field(default={})
    """By color."""
    free: Parameters = Field(default={})
    """Anything."""
    amount: Quantity
    """How much."""
    share: Annotated[float, Field(ge=0.05, lt=1)] = 0.5
    """A share."""
    conditions: Conditions = Field(default=[])
    """Conditions."""
    folded: str
    """A description
    over two lines."""


def test_an_enum_is_written_out():
    assert field(Whole, "color") == {
        "type": "string",
        "enum": ["Red", "Blue"],
        "default": "Red",
        "description": "Its color.",
    }


def test_a_constant_is_an_enum_of_one():
    assert field(Whole, "fixed")["enum"] == ["only"]
    assert "const" not in field(Whole, "fixed")


def test_the_description_of_the_field_wins_over_that_of_its_class():
    assert field(Whole, "part")["description"] == "With a default."


def test_what_may_be_absent_has_its_type_alone_and_no_default():
    other = field(Whole, "other")
    assert other["type"] == "object"
    assert "default" not in other
    assert "anyOf" not in other


def test_a_default_says_nothing_of_what_is_absent_in_it():
    assert field(Whole, "part")["default"] == {"size": 0.5}


def test_an_exclusive_bound_is_a_bound_and_a_mark():
    assert field(Part, "size") == {
        "type": "number",
        "minimum": 0,
        "exclusiveMinimum": True,
        "maximum": 1,
        "default": 0.5,
        "description": "How large.",
    }
    assert (field(Whole, "share")["maximum"], field(Whole, "share")["exclusiveMaximum"]) == (1, True)


def test_a_minimum_between_whole_numbers_is_a_rule_too():
    # the API server rounds it down to 0 when the value is a whole number
    assert field(Whole, "share")["minimum"] == 0.05
    assert field(Whole, "share")["x-kubernetes-validations"] == [
        {"rule": "self >= 0.05", "message": "must be at least 0.05"}
    ]


def test_the_rules_of_a_class_stand_wherever_it_is_used():
    rule = {"rule": "self.size > 0.1", "message": "size must be more than 0.1"}
    assert structural_schema(Part)["x-kubernetes-validations"] == [rule]
    assert field(Whole, "other")["x-kubernetes-validations"] == [rule]
    assert field(Whole, "parts")["additionalProperties"]["x-kubernetes-validations"] == [rule]


def test_the_names_that_a_map_takes_are_a_rule_that_lists_them():
    parts = field(Whole, "parts")
    assert parts["x-kubernetes-validations"] == [
        {"rule": "self.all(key, key in ['Red', 'Blue'])", "message": "unknown name; use one of Red, Blue"}
    ]
    assert "propertyNames" not in parts


def test_free_parameters_are_kept_as_they_are():
    assert field(Whole, "free")["x-kubernetes-preserve-unknown-fields"] is True


def test_a_quantity_is_a_number_or_a_text():
    amount = field(Whole, "amount")
    assert amount["x-kubernetes-int-or-string"] is True
    assert "type" not in amount


def test_conditions_are_one_of_each_type():
    conditions = field(Whole, "conditions")
    assert (conditions["x-kubernetes-list-type"], conditions["x-kubernetes-list-map-keys"]) == ("map", ["type"])


def test_a_description_is_one_line():
    assert field(Whole, "folded")["description"] == "A description over two lines."


def test_a_status_has_no_defaults():
    def defaults(node: dict[str, Any]) -> list[str]:
        below = [child for child in node.values() if isinstance(child, dict)]
        return ["default"] * ("default" in node) + [found for child in below for found in defaults(child)]

    assert defaults(structural_schema(Whole)) != []
    assert defaults(structural_schema(Whole, defaults=False)) == []


def test_a_closed_object_is_not_marked():
    assert "additionalProperties" not in structural_schema(Whole)
    assert "title" not in structural_schema(Whole)


def test_a_field_without_a_docstring_is_refused():
    class Silent(Schema):
        """Says nothing about its field."""

        value: int

    with pytest.raises(ValueError, match=r"Silent\.value has no description: write a docstring below the field"):
        structural_schema(Silent)


def test_a_choice_of_types_is_refused():
    class Torn(Schema):
        """Cannot decide."""

        inner: list[int | str]
        """A number or a text."""

    with pytest.raises(ValueError, match=r"Torn\.inner\[\] may have several types"):
        structural_schema(Torn)


def test_a_constraint_that_kubernetes_lacks_is_refused_instead_of_dropped():
    class Odd(Schema):
        """Of twos."""

        value: Annotated[int, Field(multiple_of=2)]
        """An even number."""

    with pytest.raises(ValueError, match=r"Odd\.value uses multipleOf, which structural schemas lack"):
        structural_schema(Odd)


def test_a_reference_is_written_out():
    class Pointing(Schema):
        """Points."""

        at: Reference | None = None
        """At this."""

    assert field(Pointing, "at")["properties"]["name"]["maxLength"] == 63
