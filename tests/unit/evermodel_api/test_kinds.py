"""What holds for every kind."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from evermodel_api.kinds import KINDS, Kind
from evermodel_api.schema import custom_resource_definition
from evermodel_api.training import Aggregate, Algorithm
from tests.cases import CASES, OBJECTS, Case

BY_NAME = {kind.name: kind for kind in KINDS}


def schema_of(kind: Kind) -> dict[str, Any]:
    return custom_resource_definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def nodes(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if key in node:
            yield from nodes(node[key], f"{path}{mark}")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.short)
def test_every_field_is_explained_in_a_sentence(kind: Kind):
    for path, node in nodes(schema_of(kind), kind.name):
        for name, field in node.get("properties", {}).items():
            if (path, name) != (kind.name, "metadata"):
                assert re.fullmatch(r".{3,}[.:)]", field.get("description", "")), (
                    f"{path}.{name}: {field.get('description')}"
                )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.short)
def test_everything_has_a_type(kind: Kind):
    for path, node in nodes(schema_of(kind), kind.name):
        of_any_type = node.keys() & {"x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"}
        assert "type" in node or of_any_type, path
        assert not ("type" in node and node.get("x-kubernetes-int-or-string")), path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.short)
def test_what_users_write_is_bounded(kind: Kind):
    # given lists, maps and texts of a spec; the API server refuses rules over what may be endless
    for path, node in nodes(schema_of(kind)["properties"]["spec"], f"{kind.name}.spec"):
        if node.get("type") == "array":
            assert "maxItems" in node, path
        if "additionalProperties" in node:
            assert "maxProperties" in node, path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.short)
def test_columns_and_scale_point_at_fields_that_exist(kind: Kind):
    schema = schema_of(kind)
    paths = [column.path for column in kind.columns if not column.path.startswith(".metadata")]
    for path in [*paths, *kind.scale.values()]:
        node = schema
        for step in re.findall(r"\.(\w+)|(\[.*\])", re.sub(r"\[[^]]*\]", "[]", path)):
            node = node["properties"][step[0]] if step[0] else node["items"]
        assert node, path


def test_names_are_told_apart_and_at_most_six_columns_are_shown_at_first():
    assert len({kind.short for kind in KINDS} | {kind.plural for kind in KINDS}) == 2 * len(KINDS)
    for kind in KINDS:
        assert sum(not column.wide for column in kind.columns) <= 6, kind.name


def test_every_rule_has_a_case_that_it_accepts_and_one_that_it_refuses():
    # given all rules of all kinds
    rules = {
        (kind.name, rule["message"])
        for kind in KINDS
        for _, node in nodes(schema_of(kind), kind.name)
        for rule in node.get("x-kubernetes-validations", [])
    }
    # then the table has both for each sentence, and no sentence that no rule says
    accepted = {case.message for case in CASES if case.accepted}
    refused = {(case.after["kind"], case.message) for case in CASES if not case.accepted}
    assert {message for _, message in rules} <= {message for _, message in refused}
    assert {case.message for case in CASES if case.by == "rule"} <= accepted
    assert {(case.after["kind"], case.message) for case in CASES if case.by == "rule"} <= rules


def accepted_by_schema(document: dict[str, Any]) -> bool:
    # Draft 4 knows exclusive bounds as Kubernetes does: as marks beside the bound.
    return bool(jsonschema.Draft4Validator(schema_of(BY_NAME[document["kind"]])).is_valid(document))


def accepted_by_pydantic(document: dict[str, Any]) -> bool:
    try:
        BY_NAME[document["kind"]].spec.model_validate(document["spec"])
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", OBJECTS)
def test_pydantic_and_the_schema_accept_what_is_right(name: str):
    assert accepted_by_pydantic(OBJECTS[name])
    assert accepted_by_schema(OBJECTS[name])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pydantic_and_the_schema_agree(case: Case):
    if case.accepted:
        assert accepted_by_pydantic(case.after)
        assert accepted_by_schema(case.after)
    elif case.by == "schema":
        assert not accepted_by_pydantic(case.after)
        assert not accepted_by_schema(case.after)
    else:
        # what only a rule refuses is right for the schema alone: a rule is never there twice
        assert accepted_by_schema(case.after)


@pytest.mark.parametrize("name", OBJECTS)
def test_what_pydantic_writes_is_right_for_the_schema(name: str):
    # given an object that went through pydantic, with all its defaults
    kind = BY_NAME[OBJECTS[name]["kind"]]
    written = OBJECTS[name] | {"spec": kind.spec.model_validate(OBJECTS[name]["spec"]).dump()}
    # then the schema accepts it, and it reads back the same
    assert accepted_by_schema(written)
    assert kind.spec.model_validate(written["spec"]).dump() == written["spec"]


def test_the_order_of_names_decides_nothing():
    # given a spec as a file has it, and as the API server gives it back: with sorted keys
    search = {"b": {"choices": [1]}, "a": {"choices": [2]}}
    aggregate = {"in": "x", "by": ["k"], "out": "y", "agg": {"z": ["c", "mean"], "a": ["c", "max"]}}
    as_written = Algorithm(name="n", estimator="Ridge", search=search)
    as_kept = Algorithm(name="n", estimator="Ridge", search=dict(sorted(search.items())))
    assert list(as_written.search) == list(as_kept.search) == ["a", "b"]
    assert list(Aggregate.model_validate(aggregate).agg) == ["a", "z"]
