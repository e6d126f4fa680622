"""Turns a kind into the CustomResourceDefinition that Kubernetes reads. Pure: types in, plain dicts out.

The API server takes a dialect of OpenAPI 3.0 ("structural schemas"), pydantic writes JSON Schema 2020-12. What differs
is translated here and nowhere else:

- references are written out, and `T | None` is `T`: Kubernetes drops a null before it looks at the schema;
- exclusive bounds are booleans beside `minimum` and `maximum`;
- a minimum that is no whole number is a CEL rule too: the API server rounds it down before it looks at a whole value;
- `const` is an `enum` of one, and what a map takes as keys is a CEL rule: there is no `propertyNames`;
- closed objects are not marked (`additionalProperties: false` may not stand beside `properties`): unknown fields are
  refused by `kubectl`, which validates strictly, and pruned for clients that do not;
- a status has no defaults: it says what the operator said and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic.json_schema import GenerateJsonSchema

from evermodel_api import API_VERSION, GROUP, VERSION
from evermodel_api.base import Rule, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import core_schema

    from evermodel_api.kinds import Column, Kind

Node: TypeAlias = dict[str, Any]
"""One object of a schema: JSON Schema on the way in, a structural schema on the way out."""

CATEGORY = "evermodel"
"""`kubectl get evermodel` lists the objects of all kinds."""

_RULES = "x-kubernetes-validations"
_KEPT = (
    "description",
    "type",
    "format",
    "pattern",
    "enum",
    "default",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
)
_DROPPED = {"title", "$defs"}
_TRANSLATED = {
    "properties",
    "items",
    "additionalProperties",
    "propertyNames",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "const",
}
_ROOT_FIELDS: dict[str, Node] = {
    "apiVersion": {"type": "string", "description": f"Group and version of the kind: {API_VERSION}."},
    "kind": {"type": "string", "description": "The kind of the object."},
    "metadata": {"type": "object"},
}


class _WithRules(GenerateJsonSchema):
    """pydantic's generator, which also writes down the CEL rules of each class."""

    def model_schema(self, schema: core_schema.ModelSchema) -> Node:
        node = super().model_schema(schema)
        rules = schema["cls"].cel if issubclass(schema["cls"], Schema) else ()
        if rules:
            node[_RULES] = [rule.as_json() for rule in rules]
        return node


def structural_schema(model: type[Schema], *, defaults: bool = True) -> Node:
    """The structural schema of a class; `defaults` says whether the API server fills in what is absent.

    Raises:
        ValueError: a field has no docstring, or uses something of JSON Schema that structural schemas lack.

    """
    document = model.model_json_schema(by_alias=True, schema_generator=_WithRules)
    return _structural(document, document.get("$defs", {}), model.__name__, defaults=defaults)


def custom_resource_definition(kind: Kind) -> Node:
    """The CustomResourceDefinition of a kind, as `kubectl apply` takes it.

    Raises:
        ValueError: see `structural_schema`.

    """
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _root(kind)},
        "subresources": {"status": {}} | ({"scale": dict(kind.scale)} if kind.scale else {}),
        "additionalPrinterColumns": [_printer_column(column) for column in kind.columns],
    }
    names = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
        "shortNames": [kind.short],
        "categories": [CATEGORY],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _name_rules(kind: Kind) -> list[Rule]:
    limit = kind.name_limit
    return [
        Rule(
            "self.metadata.name.matches('^[a-z][-a-z0-9]*$')",
            "metadata.name must begin with a letter and hold only a-z, 0-9 and -: Services and labels are made from it",
        ),
        Rule(
            f"self.metadata.name.size() <= {limit}",
            f"metadata.name must have at most {limit} characters: names of other objects are made from it",
        ),
    ]


def _root(kind: Kind) -> Node:
    return {
        "type": "object",
        "description": kind.summary,
        "required": ["spec"],
        "properties": {
            **_ROOT_FIELDS,
            "spec": structural_schema(kind.spec),
            "status": structural_schema(kind.status, defaults=False),
        },
        _RULES: [rule.as_json() for rule in _name_rules(kind)],
    }


def _printer_column(column: Column) -> Node:
    shown = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return shown | ({"priority": 1} if column.wide else {})


def _structural(node: Node, definitions: Mapping[str, Node], path: str, *, defaults: bool) -> Node:
    """Translate one node and all below it; `path` is for messages."""
    node = _resolved(node, definitions, path)
    result = {key: node[key] for key in _KEPT if key in node and (defaults or key != "default")}
    if "default" in result:
        result["default"] = _without_nulls(result["default"])
    if result.get("default", ...) is None:
        del result["default"]
    if "description" in result:
        result["description"] = " ".join(result["description"].split())
    if "const" in node:
        result["enum"] = [node["const"]]
    result |= _exclusive_bounds(node)
    result |= {key: value for key, value in node.items() if key.startswith("x-kubernetes-")}
    rules = [*result.get(_RULES, []), *(rule.as_json() for rule in _derived_rules(node, definitions, path))]
    if rules:
        result[_RULES] = rules
    return result | _children(node, definitions, path, defaults=defaults)


def _resolved(node: Node, definitions: Mapping[str, Node], path: str) -> Node:
    """The node with its reference written out and its `| None` removed; what stands beside a reference wins."""
    beside = {key: value for key, value in node.items() if key not in {"$ref", "anyOf", *_DROPPED}}
    if "$ref" in node:
        return _resolved(definitions[node["$ref"].removeprefix("#/$defs/")], definitions, path) | beside
    if "anyOf" in node:
        options = [option for option in node["anyOf"] if option != {"type": "null"}]
        if len(options) != 1:
            raise ValueError(
                f"{path} may have several types, which Kubernetes cannot tell apart: give it one type or None"
            )
        return _resolved(options[0], definitions, path) | beside
    unknown = [key for key in beside if key not in {*_KEPT, *_TRANSLATED} and not key.startswith("x-kubernetes-")]
    if unknown:
        raise ValueError(f"{path} uses {', '.join(unknown)}, which structural schemas lack: use another constraint")
    return beside


def _exclusive_bounds(node: Node) -> Node:
    bounds: Node = {}
    for side in ("Minimum", "Maximum"):
        if f"exclusive{side}" in node:
            bounds |= {side.lower(): node[f"exclusive{side}"], f"exclusive{side}": True}
    return bounds


def _derived_rules(node: Node, definitions: Mapping[str, Node], path: str) -> list[Rule]:
    """Rules for what plain constraints cannot say to the API server."""
    rules = []
    if "propertyNames" in node:
        rules.append(_key_rule(_resolved(node["propertyNames"], definitions, path)))
    least = node.get("minimum", 0)
    if least != int(least):
        rules.append(Rule(f"self >= {least}", f"must be at least {least}"))
    return rules


def _key_rule(names: Node) -> Rule:
    if "enum" in names:
        listed = ", ".join(f"'{name}'" for name in names["enum"])
        return Rule(f"self.all(key, key in [{listed}])", f"unknown name; use one of {', '.join(names['enum'])}")
    shortest, longest = names.get("minLength", 0), names["maxLength"]
    return Rule(
        f"self.all(key, {shortest} <= key.size() && key.size() <= {longest})",
        f"a name must have {shortest} to {longest} characters",
    )


def _children(node: Node, definitions: Mapping[str, Node], path: str, *, defaults: bool) -> Node:
    children: Node = {}
    if "properties" in node:
        children["properties"] = {
            name: _field(field, definitions, f"{path}.{name}", defaults=defaults)
            for name, field in node["properties"].items()
        }
    elif isinstance(node.get("additionalProperties"), dict):
        children["additionalProperties"] = _structural(
            node["additionalProperties"], definitions, f"{path}.*", defaults=defaults
        )
    if "items" in node:
        children["items"] = _structural(node["items"], definitions, f"{path}[]", defaults=defaults)
    return children


def _field(node: Node, definitions: Mapping[str, Node], path: str, *, defaults: bool) -> Node:
    field = _structural(node, definitions, path, defaults=defaults)
    if not field.get("description"):
        raise ValueError(f"{path} has no description: write a docstring below the field")
    return field


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value
