"""The rules in Python are those of the schemas; tests/unit/evermodel/test_specfile.py holds what each of them says."""

from collections.abc import Iterator

import pytest

from evermodel.training.rules import _HOLDS, broken_rules
from evermodel_api.base import Schema
from evermodel_api.training import TrainingSpec
from tests.cases import OBJECTS, changed


def parts(schema: type[Schema], seen: set[type]) -> Iterator[type[Schema]]:
    """A class and all classes of its fields."""
    if schema in seen:
        return
    seen.add(schema)
    yield schema
    for field in schema.model_fields.values():
        stack = [field.annotation]
        while stack:
            one = stack.pop()
            stack.extend(getattr(one, "__args__", ()))
            if isinstance(one, type) and issubclass(one, Schema):
                yield from parts(one, seen)


def test_every_rule_of_every_part_is_mirrored():
    with_rules = {part: len(part.cel) for part in parts(TrainingSpec, set()) if part.cel}
    assert {part: len(rules) for part, rules in _HOLDS.items()} == with_rules


@pytest.mark.parametrize("name", ["training", "regression", "full"])
def test_a_right_spec_breaks_no_rule(name):
    assert list(broken_rules(TrainingSpec.model_validate(OBJECTS[name]["spec"]))) == []


def test_broken_rules_come_from_the_outside_in():
    wrong = changed(OBJECTS["full"], {"spec.target": "patient_id", "spec.gates.0.max": 1})
    messages = [rule.message for rule in broken_rules(TrainingSpec.model_validate(wrong["spec"]))]
    assert messages == ["the target cannot be in data.exclude", "give a gate exactly one of min, max or versus"]
